/* Preloaded into the nodes of a soak: the system's clock as it would be after somebody set it, and a
 * line for every look-up of a name and every connection to another machine.
 *
 * VISRFTWIN_CLOCK names a file of one 64-bit number, ns that are added to CLOCK_REALTIME; whoever holds
 * the soak changes it meanwhile. VISRFTWIN_CALLS names the file of the lines. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static volatile long long *added;

static int (*real_getaddrinfo)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
static int (*real_connect)(int, const struct sockaddr *, socklen_t);

/* Now and not at the first call: that may be of a thread which another one waits for while it loads a
 * library, as that of LTTng is, and dlsym waits for whoever loads one. */
__attribute__((constructor)) static void find_real_calls(void) {
    *(void **)&real_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
    *(void **)&real_connect = dlsym(RTLD_NEXT, "connect");
}

__attribute__((constructor)) static void open_clock(void) {
    const char *name = getenv("VISRFTWIN_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) added = found;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    if (failed || id != CLOCK_REALTIME || !added) return failed;
    long long ns = now->tv_sec * SECOND + now->tv_nsec + *added;
    now->tv_sec = ns / SECOND;
    now->tv_nsec = ns % SECOND;
    return 0;
}

static struct timespec kernel_time(const struct timespec *set) {
    struct timespec real = *set;
    long long ns = set->tv_sec * SECOND + set->tv_nsec - (added ? *added : 0);
    if (ns < 0) ns = 0;
    real.tv_sec = ns / SECOND;
    real.tv_nsec = ns % SECOND;
    return real;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec fine;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &fine)) return -1;
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* Waits until a time of the clock that was set; those until one of the steady clock, which no condition
 * variable tells apart, lie before 2001. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    if (until->tv_sec < 1000000000)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    struct timespec real = kernel_time(until);
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &real);
}

/* Fast DDS locks what it shares between processes with a time limit: behind the kernel's clock every lock that is
 * not free at once would be past it, and the port is given up for good. */
int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec real = kernel_time(until);
    return pthread_mutex_clocklock(mutex, CLOCK_REALTIME, &real);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec real = kernel_time(until);
    return sem_clockwait(semaphore, CLOCK_REALTIME, &real);
}

static void tell(const char *what, const char *whom) {
    int before = errno;
    char line[512];
    const char *name = getenv("VISRFTWIN_CALLS");
    int file = name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        int length = snprintf(line, sizeof line, "%d %s %s\n", (int)getpid(), what, whom);
        if (write(file, line, length < 511 ? length : 511) < 0) { /* nobody to tell */ }
        close(file);
    }
    errno = before;
}

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    struct in6_addr number;
    if (node && strcmp(node, "localhost") && !inet_pton(AF_INET, node, &number)
        && !inet_pton(AF_INET6, node, &number))
        tell("looks up", node);
    return real_getaddrinfo(node, service, hints, found);
}

int connect(int socket, const struct sockaddr *to, socklen_t length) {
    char text[INET6_ADDRSTRLEN];
    if (to && to->sa_family == AF_INET) {
        const struct in_addr *address = &((const struct sockaddr_in *)to)->sin_addr;
        unsigned first = ntohl(address->s_addr) >> 24;
        if (first != 127 && first != 0)
            tell("connects to", inet_ntop(AF_INET, address, text, sizeof text));
    } else if (to && to->sa_family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)to)->sin6_addr;
        if (!IN6_IS_ADDR_LOOPBACK(address) && !IN6_IS_ADDR_UNSPECIFIED(address))
            tell("connects to", inet_ntop(AF_INET6, address, text, sizeof text));
    }
    return real_connect(socket, to, length);
}
