"""What the console says of devices: their states, what they may lose, what needs a hand.

It must never say that something is wrong without saying what to do.
"""

from collections.abc import Mapping

from hub.fleet.queries import Command
from hub.fleet.watch.queries import Device
from kiosk_ui import show
from kiosk_ui.words import _

TONES: Mapping[str, str] = {
    "online": "ok", "away": "late", "unknown": "late", "never": "soon", "revoked": "",
    "queued": "soon", "sent": "soon", "in_doubt": "soon", "done": "ok", "failed": "late",
    "gave_up": "late",
}  # fmt: skip


def state(device: Device) -> str:
    """Return a device's state in one or two words."""
    names = {
        "online": _("online"),
        "away": _("away"),
        "never": _("never heard"),
        "revoked": _("shut out"),
        "unknown": _("not enrolled"),
    }
    return names[device.state]


def family(name: str) -> str:
    """Return what people call a family of devices."""
    names = {
        "storehub": _("Store Hub"),
        "impinj": "Impinj",
        "zebra-fx": "Zebra FX",
        "zebra-sled": "Zebra RFD",
        "zigbee2mqtt": "Zigbee2MQTT",
        "shelly": "Shelly",
        "esphome": "ESPHome",
    }
    return names.get(name, name)


def guarantee(letter: str) -> str:
    """Return what a device of this class can lose, in one sentence."""
    return {
        "A": _("Loses nothing it saw: it keeps each event until this hub has stored it."),
        "B": _(
            "Keeps nothing itself: what the broker received is kept, what happened while it was"
            " cut off is lost."
        ),
        "C": _("Sends readings: one may be lost, and the next one replaces it."),
    }[letter]


def need(name: str) -> str:
    """Return in two words what needs a hand."""
    names = {
        "unknown": _("not enrolled"),
        "away": _("away"),
        "flapping": _("comes and goes"),
        "waiting": _("events wait"),
        "battery_low": _("battery low"),
        "gaps": _("numbers missing"),
        "clock": _("clock wrong"),
        "dropped": _("memory full"),
        "never": _("never heard"),
    }
    return names[name]


def advice(device: Device, name: str) -> str:
    """Return one sentence on what is wrong, and one on what to do."""
    if name == "away":
        return _away(device)
    if name == "waiting":
        return _waiting(device)
    if name == "clock":
        return _clock(device)
    sentences = {
        "unknown": _("It speaks here and nobody let it in. Enroll it, or find out who it is."),
        "flapping": _(
            "It comes and goes. Look for a loose plug, a weak signal or a tired battery."
        ),
        "battery_low": _("%(n)s %% are left. Charge or change it.", n=int(device.battery_pct or 0)),
        "gaps": _(
            "%(n)s of its events have not arrived. They come when it has sent what waits in it;"
            " look into quarantine too.",
            n=device.missing,
        ),
        "dropped": _(
            "It was cut off for so long that it let %(n)s readings go. Mend its way to the hub.",
            n=device.dropped,
        ),
        "never": _("It is let in and was never heard. Check host, port and password on it."),
    }
    return sentences[name]


def _away(device: Device) -> str:
    heard = show.age_ms(device.last_ms)
    if device.reason == "gateway":
        return _("Its gateway %(via)s is away. Mend that one first.", via=device.via or "")
    if device.reason == "last_will":
        return _("Its connection broke; last heard %(age)s. Look at power and network.", age=heard)
    return _("It is silent; last heard %(age)s. Look at power and network.", age=heard)


def _waiting(device: Device) -> str:
    if device.offline_hours_left is not None and device.offline_hours_left < 8:
        return _(
            "%(n)s events wait in it, and it has room for %(h)s hours more. Mend its way here.",
            n=device.outbox or 0,
            h=round(device.offline_hours_left, 1),
        )
    return _(
        "%(n)s events wait in it, the oldest for %(min)s minutes. Its way to the hub is slow.",
        n=device.outbox or 0,
        min=(device.oldest_s or 0) // 60,
    )


def _clock(device: Device) -> str:
    if device.time_quality == "unknown":
        return _(
            "It does not know the time; the hub reckons by its uptime. Let it reach a time server."
        )
    seconds = round((device.drift_ms or 0) / 1000)
    if seconds > 0:
        return _("Its clock is %(n)s seconds fast and calls itself right. Set it.", n=seconds)
    return _("Its clock is %(n)s seconds slow and calls itself right. Set it.", n=-seconds)


def command_name(name: str) -> str:
    names = {"identify": _("Identify"), "restart": _("Restart"), "config": _("Configure")}
    return names.get(name, name)


def command_state(command: Command) -> str:
    """Return how far a command has come."""
    if command.state == "failed":
        answer = {
            "unknown_command": _("it does not know this command"),
            "in_doubt": _("it was cut off while it did so"),
        }.get(command.answer or "", command.answer or "")
        return _("not done: %(answer)s", answer=answer)
    names = {
        "queued": _("waits to be sent"),
        "sent": _("sent"),
        "in_doubt": _("no answer yet, sent %(n)s times", n=command.tries),
        "done": _("done"),
        "gave_up": _("given up"),
    }
    return names[command.state]


def rogue(what: str) -> str:
    names = {
        "join": _("wrong join code"),
        "password": _("wrong password"),
        "topic": _("foreign topic"),
        "certificate": _("foreign certificate"),
    }
    return names.get(what, what)
