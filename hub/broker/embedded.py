"""amqtt as a process of its own, with mosquitto's files: for a laptop that has no mosquitto.

It must never be a store's broker: it keeps nothing over its own end (MEASURED), and whoever takes
another's client id ends that one's connection before he is asked for a password.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from hub.broker.files import Right, granted
from hub.fleet import rules

log = logging.getLogger("hub.broker")

# Whoever guesses passwords waits so long for each answer.
PENALTY_S: Final = 1.0


class Credentials(BaseAuthPlugin):  # type: ignore[misc]
    """Knows the password file as it stood at the last reload, as mosquitto does."""

    async def authenticate(self, *, session: Session) -> bool | None:
        if _embedded.lets_in(session):
            return True
        # The words of mosquitto, which the hub's watch reads.
        address = session.remote_address
        log.warning("Client <unknown> [%s] disconnected, not authorised.", address)
        await asyncio.sleep(PENALTY_S)
        return False


class Access(BaseTopicPlugin):  # type: ignore[misc]
    """The access list, as mosquitto has it."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        return _embedded.allows(session, topic, publishing=action == Action.PUBLISH)


class Guarded(Broker):  # type: ignore[misc]
    """amqtt, which asks nobody about wills, nor about what it retained. It is pinned for this."""

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, *rest: Any, **named: Any
    ) -> None:
        if session is None or _embedded.allows(session, topic, publishing=True):
            await super()._broadcast_message(session, topic, *rest, **named)

    async def retain_message(
        self, source_session: Session | None, topic_name: str | None, *rest: Any, **named: Any
    ) -> None:
        if source_session is None or _embedded.allows(source_session, topic_name, publishing=True):
            await super().retain_message(source_session, topic_name, *rest, **named)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        # It is called for everybody's filters when anybody connects (MEASURED).
        if _embedded.allows(session, subscription[0], publishing=False):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def cut_off(self) -> None:
        """End each connection whose account is gone or has another password."""
        for session, handler in list(self.sessions.values()):
            connected = session.transitions.state == "connected"
            if connected and not _embedded.lets_in(session) and handler.writer is not None:
                with suppress(OSError):
                    await handler.writer.close()


@dataclass
class _Embedded:
    """What the plugins, which amqtt makes itself, have to know."""

    place: Path = Path()
    passwords: dict[str, str] = field(default_factory=dict)
    rights: dict[str, list[Right]] = field(default_factory=dict)

    def read(self) -> None:
        lines = (self.place / "passwd").read_text().splitlines()
        self.passwords = dict(line.split(":", 1) for line in lines if ":" in line)
        self.rights = granted((self.place / "acl").read_text())

    def lets_in(self, session: Session) -> bool:
        stored = self.passwords.get(session.username or "")
        return stored is not None and rules.matches(session.password or "", stored)

    def allows(self, session: Session | None, topic: str | None, *, publishing: bool) -> bool:
        username = "" if session is None else session.username or ""
        access = "write" if publishing else "read"
        return any(
            right.access == access and covers(right.filter, topic or "")
            for right in self.rights.get(username, ())
        )


_embedded = _Embedded()


def covers(right: str, asked: str) -> bool:
    """Does the filter `right` hold for each topic that `asked`, a topic or filter, can mean?"""
    wide, narrow = right.split("/"), asked.split("/")
    for index, level in enumerate(wide):
        if level == "#":
            return True
        if index >= len(narrow):
            return False
        if narrow[index] != level and (level != "+" or narrow[index] == "#"):
            return False
    return len(wide) == len(narrow)


async def _serve(doors: Sequence[str], pair: Sequence[str]) -> None:
    listeners: dict[str, Any] = {}
    for number, door in enumerate(doors):
        kind, _, bind = door.partition(":")
        name = f"door{number}" if number else "default"
        listeners[name] = {"type": "tcp", "bind": bind, "max_connections": 500}
        if kind == "tls":
            listeners[name] |= {"ssl": True, "certfile": pair[0], "keyfile": pair[1]}
    plugins: dict[str, dict[str, Any]] = {
        "hub.broker.embedded.Credentials": {},
        "hub.broker.embedded.Access": {},
    }
    broker = Guarded({"listeners": listeners, "plugins": plugins})
    await broker.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    def reload() -> None:
        _embedded.read()
        task = loop.create_task(broker.cut_off())
        running.add(task)
        task.add_done_callback(running.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    (_embedded.place / "pid").write_text(str(os.getpid()))
    await stop.wait()
    await broker.shutdown()


def main(arguments: Sequence[str]) -> None:
    """Run amqtt: DIRECTORY LOG DOORS [CERTIFICATE KEY], as `prepare` says."""
    place, log_file, doors, *pair = arguments
    logging.basicConfig(level=logging.WARNING, filename=log_file, format="%(created)d: %(message)s")
    # The plugins live in the module that amqtt imports by name, not in __main__.
    from hub.broker import embedded

    embedded._embedded = _Embedded(Path(place))
    embedded._embedded.read()
    asyncio.run(embedded._serve(doors.split(","), pair))


if __name__ == "__main__":
    main(sys.argv[1:])
