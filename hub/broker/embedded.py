"""amqtt as a process of its own, with mosquitto's files: for a laptop that has no mosquitto.

It must never be a store's broker: it keeps nothing over its own end (MEASURED), and a revoked
device stays connected until it leaves.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from hub.fleet import rules
from hub.wire import ROOT


class Credentials(BaseAuthPlugin):  # type: ignore[misc]
    """Reads the password file at each sign-in: a revoked device cannot come back."""

    async def authenticate(self, *, session: Session) -> bool | None:
        known = _read_passwords(_embedded.place)
        stored = known.get(session.username or "")
        return stored is not None and rules.matches(session.password or "", stored)


class Access(BaseTopicPlugin):  # type: ignore[misc]
    """The access list, as mosquitto has it."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        username = "" if session is None else session.username or ""
        return allowed(_embedded.store, username, topic or "", action == Action.PUBLISH)


def allowed(store: str, username: str, topic: str, publishing: bool) -> bool:
    """May `username` publish to, or read from, `topic`?"""
    parts = topic.split("/")
    if len(parts) < 5 or parts[:3] != [*ROOT.split("/"), store]:
        return False
    device, channel = parts[3], parts[4]
    if username == _embedded.hub:
        return channel in (("ack", "cmd") if publishing else ("obs", "status"))
    if device != username:
        return False
    return channel in (("obs", "status") if publishing else ("ack", "cmd"))


@dataclass
class _Embedded:
    """What the plugins, which amqtt makes itself, have to know."""

    place: Path = Path()
    store: str = ""
    hub: str = ""


_embedded = _Embedded()


def _read_passwords(place: Path) -> dict[str, str]:
    lines = (place / "passwd").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


async def _serve(listen: str, port: int) -> None:
    plugins: dict[str, dict[str, Any]] = {
        "hub.broker.embedded.Credentials": {},
        "hub.broker.embedded.Access": {},
    }
    listener = {"type": "tcp", "bind": f"{listen}:{port}", "max_connections": 500}
    configuration: dict[str, Any] = {"listeners": {"default": listener}, "plugins": plugins}
    broker = Broker(configuration)
    await broker.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    await stop.wait()
    await broker.shutdown()


def main(arguments: Sequence[str]) -> None:
    """Run amqtt: DIRECTORY LISTEN PORT STORE HUB, as `prepare` says."""
    place, listen, port, store, hub = arguments
    logging.basicConfig(level=logging.WARNING)
    # The plugins live in the module that amqtt imports by name, not in __main__.
    from hub.broker import embedded

    embedded._embedded = _Embedded(Path(place), store, hub)
    (Path(place) / "pid").write_text(str(os.getpid()))
    asyncio.run(_serve(listen, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
