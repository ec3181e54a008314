"""Cuts text into the words that search compares, and finds words that are one slip away.

It must never change how it folds without a new replica: stored words and queried words have to
be cut alike.
"""

import re
import unicodedata
from typing import Final

LONGEST: Final = 40
MOST: Final = 60

_WORD: Final = re.compile(r"[^\W_]+")
# Letters that people write one for the other and that Unicode does not decompose.
_ALIKE: Final = str.maketrans(
    {
        "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe",
        "ة": "ه", "ى": "ي", "ک": "ك", "ی": "ي", "ـ": "",
    }
)  # fmt: skip
# The letters tried for a slip, by the script of the word.
_ALPHABETS: Final = (
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "абвгдежзиклмнопрстуфхцчшщъыьэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويء",
)


def fold(text: str) -> str:
    """Return `text` without case, accents and ligatures: "Käse" → "kase", "Straße" → "strasse"."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return bare.translate(_ALIKE)


def words(text: str) -> list[str]:
    """Return the folded words of `text` in order, each at most 40 letters."""
    return [word[:LONGEST] for word in _WORD.findall(fold(text))]


def slips(word: str) -> list[str]:
    """Return all that is one slip away: a letter more, less, other, or two swapped (Norvig)."""
    alphabet = next((a for a in _ALPHABETS if word[0] in a), _ALPHABETS[0])
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    less = {head + tail[1:] for head, tail in halves if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    other = {head + letter + tail[1:] for head, tail in halves if tail for letter in alphabet}
    more = {head + letter + tail for head, tail in halves for letter in alphabet}
    return sorted((less | swapped | other | more) - {word, ""})


def distance(one: str, other: str, most: int) -> int:
    """Return how many slips lie between two words, or `most` + 1 when there are more.

    Optimal string alignment: insert, delete, replace, swap two neighbours.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
