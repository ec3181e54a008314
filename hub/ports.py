"""Picks the demo's ports; it must never take one that somebody listens on."""

import socket
from typing import Final, NamedTuple

from hub.errors import Refusal


class Ports(NamedTuple):
    """One port for each door of a store."""

    http: int
    https: int
    central: int
    line: int
    mqtt: int
    mqtts: int


USUAL: Final = Ports(http=8080, https=8443, central=8090, line=8091, mqtt=1883, mqtts=8883)


def from_base(base: int) -> Ports:
    """Return six ports in a row. Raises Refusal when one of them is taken."""
    ports = Ports(*range(base, base + len(USUAL)))
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise Refusal(f"Port {taken[0]} is taken: choose another --port-base.", slug="port-taken")
    return ports


def usual_or_free() -> Ports:
    """Return the usual ports, each replaced by a free one where it is taken."""
    return Ports(*(port if is_free(port) else _any_free() for port in USUAL))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still dying is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
