"""Writes logs as JSON lines, with the ids that follow one order from scan to central.

It must never be given anything personal: names, contacts and badges stay out of every message.
"""

import logging
import sys
from typing import Final, TextIO

import msgspec

from hub.clock import SystemClock, stamp

# What `extra={...}` may carry; each names a thing that can be looked up elsewhere.
IDS: Final = ("order", "device", "observation", "cause", "seq", "sku", "store", "reason")


class JsonLines(logging.Formatter):
    """One object a line: at, level, source, message, the ids, and the error if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": stamp(SystemClock().now()),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": record.getMessage(),
        }
        line |= {name: record.__dict__[name] for name in IDS if name in record.__dict__}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start(level: str, stream: TextIO | None = None) -> None:
    """Send every log of the process to `stream` (stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
