"""Looks at the machine that a store runs on and says what to do; it must never change it."""

import shutil
import sqlite3
import sys
from ctypes.util import find_library
from pathlib import Path
from typing import Final

import msgspec

from hub import authority, brand, broker, settings
from hub.clock import SystemClock

# SQLite before this can corrupt a WAL file that two connections write; the hub has one writer.
WAL_RESET_FIXED: Final = (3, 51, 3)
PRIVATE: Final = (
    *("hub.db", "secrets.toml", "control.sock", "demo.json"),
    *("tls/ca.key", "tls/hub.key"),
)
# Below this the hub soon stops taking new orders (MiB).
LOW_MIB: Final = 512


class Finding(msgspec.Struct, frozen=True):
    name: str
    ok: bool
    detail: str


def examine(directory: Path) -> list[Finding]:
    """Return what was found, each with a sentence that says what to do where it is not well."""
    return [
        Finding("python", sys.version_info >= (3, 11), sys.version.split()[0]),
        _sqlite(),
        _disk(directory),
        _clock(),
        _broker(),
        _zbar(),
        Finding("tls", *authority.condition(directory, SystemClock().now())),
        _modes(directory),
        _brand(directory),
    ]


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    fixed = sqlite3.sqlite_version_info >= WAL_RESET_FIXED
    note = "" if fixed else " (has the WAL-reset bug; harmless here, one connection writes)"
    return Finding("sqlite", sqlite3.sqlite_version_info >= (3, 37, 0), version + note)


def _disk(directory: Path) -> Finding:
    at = directory if directory.exists() else directory.absolute().parent
    free = shutil.disk_usage(at).free >> 20
    advice = "" if free >= LOW_MIB else ": free some, or new orders will be refused"
    return Finding("disk", free >= LOW_MIB, f"{free} MiB free{advice}")


def _clock() -> Finding:
    quality = SystemClock().quality()
    advice = {
        "synced": "synchronised",
        "estimated": "not synchronised: check that NTP is on (timedatectl)",
        "unknown": "before this release was made: set it, nothing expires until then",
    }
    return Finding("clock", quality != "unknown", advice[quality])


def _broker() -> Finding:
    path = broker.find_mosquitto()
    if path is None:
        return Finding("broker", True, "no mosquitto; the embedded amqtt serves (demo only)")
    return Finding("broker", True, str(path))


def _zbar() -> Finding:
    found = find_library("zbar")
    return Finding(
        "zbar", True, found or "not installed: stills are read without the second reader"
    )


def _modes(directory: Path) -> Finding:
    loose = [
        path.name
        for name in (
            "hub.db",
            "secrets.toml",
            "control.sock",
            "demo.json",
            "tls/ca.key",
            "tls/hub.key",
        )
        if (path := directory / name).exists() and path.stat().st_mode & 0o077
    ]
    advice = f"{', '.join(loose)}: others can read it, use chmod 600" if loose else "0600"
    return Finding("files", not loose, advice)


def _brand(directory: Path) -> Finding:
    try:
        file = settings.load(directory).brand_file
    except settings.SettingsError as error:
        return Finding("brand", False, str(error))
    found, wrong = brand.chosen(directory, file)
    if wrong:
        return Finding("brand", False, f"{wrong} The hub looks as it does without a brand.")
    return Finding("brand", True, f"{file}: {found.name or 'no name'}" if found.css else "none")
