"""In which DDS domain nodes are, and who hears them: by the environment that they have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from visrftwin_ros.errors import TwinError

DOMAIN, RANGE = "ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"
LAST_DOMAIN = 101
"""Of those above, the ports lie among those that Linux gives to everybody (docs.ros.org, "The
ROS_DOMAIN_ID")."""
LAST_POSSIBLE = 232
"""Above it there are no ports, and Fast DDS ends the process."""


def check_domain() -> None:
    """TwinError where no node can start in the domain that the environment names."""
    domain = os.environ.get(DOMAIN) or "0"
    if not domain.isdecimal() or int(domain) > LAST_POSSIBLE:
        raise TwinError(f"{DOMAIN} is {domain!r}: expected a number of 0 to {LAST_DOMAIN}")


@contextmanager
def apart() -> Iterator[None]:
    """A graph that is made meanwhile neither hears nor disturbs others: it is on this machine alone, and in
    another domain than the environment names."""
    before = {name: os.environ.get(name) for name in (DOMAIN, RANGE)}
    own = os.getpid() % 100 + 1
    if str(own) == before[DOMAIN]:
        own = own % 100 + 1
    os.environ.update({DOMAIN: str(own), RANGE: "LOCALHOST"})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
