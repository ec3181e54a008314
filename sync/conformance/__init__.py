"""Lets anyone test a central against the protocol: plays hubs and head office, says what to mend.

It must never pass a rule that it did not see tried: what could not be tried is "not seen".
"""

from .course import examine
from .examiner import Examiner
from .report import as_json, as_text

__all__ = ["Examiner", "as_json", "as_text", "examine"]
