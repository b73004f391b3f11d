"""In which DDS domain nodes are, and who hears them: by the environment that they have."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from visrftwin_ros.errors import TwinError

DOMAIN, RANGE = "ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"
LAST_DOMAIN = 101
"""Of those above, the ports lie among those that Linux gives to everybody (docs.ros.org, "The
ROS_DOMAIN_ID")."""
LAST_POSSIBLE = 232
"""Above it there are no ports, and Fast DDS ends the process."""
OWN_DOMAINS = range(1, LAST_DOMAIN)
"""Of which graphs that keep apart take one."""
_next = count(os.getpid())


def check_domain() -> None:
    """TwinError where no node can start in the domain that the environment names."""
    domain = os.environ.get(DOMAIN) or "0"
    if not domain.isdecimal() or int(domain) > LAST_POSSIBLE:
        raise TwinError(f"{DOMAIN} is {domain!r}: expected a number of 0 to {LAST_DOMAIN}")


@contextmanager
def claimed_domain() -> Iterator[int]:
    """A domain that this process has for itself meanwhile: nobody on this machine has claimed it by this,
    and nobody is in it. The next claim is of another one: who was killed is remembered in the last for 20 s.

    Raises TwinError where all are taken.
    """
    for _ in OWN_DOMAINS:
        domain = OWN_DOMAINS[next(_next) % len(OWN_DOMAINS)]
        if str(domain) == os.environ.get(DOMAIN) or _somebody_is_in(domain):
            continue
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0visrftwin domain {domain}")  # ends with the process; no file
            except OSError:
                continue
            yield domain
            return
    raise TwinError(f"domains {OWN_DOMAINS[0]} to {OWN_DOMAINS[-1]} all have nodes: end some")


def _somebody_is_in(domain: int) -> bool:
    """Whether the port of a domain's first participant is taken (DDSI-RTPS 2.2, 9.6.1.1)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        try:
            port.bind(("", 7400 + 250 * domain + 10))
        except OSError:
            return True
    return False


@contextmanager
def apart() -> Iterator[None]:
    """A graph that is made meanwhile neither hears nor disturbs others: it is on this machine alone, and in
    a domain that nobody else is in."""
    before = {name: os.environ.get(name) for name in (DOMAIN, RANGE)}
    with claimed_domain() as own:
        os.environ.update({DOMAIN: str(own), RANGE: "LOCALHOST"})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
