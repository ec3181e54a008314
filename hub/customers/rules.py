"""What personal data may look like; it must never end up in a message that is logged."""

import json
import re
from collections.abc import Mapping
from typing import Final

from hub.errors import Invalid, Refusal

# What an order brings; anything else that is sent is not kept.
FIELDS: Final = ("name", "email", "phone", "plate", "note", "delegate", "feedback", "address")
# What the customer's page adds later.
ADDED: Final = ("plate", "delegate", "feedback")
_LONGEST: Final = {
    "name": 120,
    "email": 254,
    "phone": 40,
    "plate": 20,
    "note": 1000,
    "delegate": 120,
    "feedback": 1000,
    "address": 500,
}
_MOST_NUMBERS: Final = 20_000
_LEAST_NUMBERS: Final = 12
_ACROSS: Final = 1000
_REF: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def ref(text: str) -> str:
    """Return a usable random reference."""
    if not _REF.fullmatch(text):
        raise Invalid("A customer reference is 1 to 64 letters, digits, _ or -.", field="ref")
    return text


def strokes(text: str) -> str:
    """Return a drawn signature, written anew: `[[x, y, x, y, …], …]`, 0 to 1,000 each.

    One dot is no signature, and more than 20,000 numbers no person draws.
    """
    try:
        drawn = json.loads(text or "[]")
    except (json.JSONDecodeError, RecursionError):
        drawn = None
    if not isinstance(drawn, list) or not all(map(_is_stroke, drawn)):
        raise Invalid("This is no signature.", field="strokes")
    points = sum(map(len, drawn))
    if points > _MOST_NUMBERS:
        raise Invalid("This is no signature.", field="strokes")
    if points < _LEAST_NUMBERS:
        raise Refusal("The customer has not signed yet.", slug="not-signed")
    return json.dumps(drawn, separators=(",", ":"))


def _is_stroke(stroke: object) -> bool:
    return (
        isinstance(stroke, list)
        and len(stroke) % 2 == 0
        and all(type(number) is int and 0 <= number <= _ACROSS for number in stroke)
    )


def personal(values: Mapping[str, object]) -> dict[str, str | None]:
    """Return the known fields, trimmed. The sentences of Invalid never quote what was given."""
    cleaned = _cleaned(values, FIELDS)
    if cleaned["name"] is None:
        raise Invalid("A customer's name is missing.", field="name")
    return cleaned


def added(values: Mapping[str, object]) -> dict[str, str]:
    """Return what a customer says later: plate, delegate, feedback; what is empty is left out."""
    return {field: text for field, text in _cleaned(values, ADDED).items() if text is not None}


def _cleaned(values: Mapping[str, object], fields: tuple[str, ...]) -> dict[str, str | None]:
    cleaned: dict[str, str | None] = {}
    for field in fields:
        given = values.get(field) or ""
        if not isinstance(given, str):
            raise Invalid(f"{field} is text.", field=field)
        value = given.strip()
        if len(value) > _LONGEST[field]:
            raise Invalid(f"{field} has at most {_LONGEST[field]} characters.", field=field)
        if _CONTROL.search(value):
            raise Invalid(f"{field} holds a control character.", field=field)
        cleaned[field] = value or None
    return cleaned
