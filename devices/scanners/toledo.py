"""The Toledo 8217 scale's two sentences: `W` asks, STX and a number answer.

It must never take a weight that the scale itself calls unsettled: then it answers `?`, no number.
"""

import re
from decimal import Decimal
from typing import Final

ASK: Final = b"W"
_WEIGHT: Final = re.compile(rb"\x02 ?([0-9]{1,3}\.[0-9]{1,4})N?\r")
GRAMS: Final = {"kg": Decimal(1000), "lb": Decimal("453.59237")}


def grams(answer: bytes, unit: str = "kg") -> float | None:
    """Return the weight of the last whole answer in grams, None when none has settled."""
    found = _WEIGHT.findall(answer)
    if not found:
        return None
    return float((Decimal(found[-1].decode()) * GRAMS[unit]).quantize(Decimal("0.1")))
