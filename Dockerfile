# The README's two commands in a container: docs/container.md says how it is built and run.
FROM debian:12

# What `make` itself needs; `make setup` installs the rest as it does on any Debian.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates make python3 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/visrftwin_ros
COPY . .
RUN make setup

# `docker run IMAGE make test` runs the other one.
CMD ["make", "demo"]
