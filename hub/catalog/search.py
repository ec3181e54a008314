"""Finds products by what people type: a code, the beginning of words, or words with a slip.

It must never sort a broad match: FTS5 answers in the order of ids, which is popularity, and only
a capped number of answers is looked at more closely.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from hub import gs1
from hub.catalog import words
from hub.catalog.queries import Price, in_language, prices

CAP: Final = 200
MOST: Final = 100
WORDS: Final = 8
# With fewer answers than this, people have probably slipped.
FEW: Final = 3
# A shorter word has too many neighbours to guess from.
SHORTEST_GUESSED: Final = 4
TWO_SLIPS_FROM: Final = 8
# A word that stands on so many products is meant as it is written.
USUAL: Final = 10
ALTERNATIVES: Final = 12
# The longest beginning that `product_search` indexes; a longer one may stand for so many words.
INDEXED: Final = 5
EXPANDED: Final = 48
# Beyond every letter: closes a range of words with one beginning.
_AFTER: Final = "\U0010ffff"

_GTINS_FROM: Final = "SELECT sku FROM barcode WHERE gtin >= ? AND gtin < ? LIMIT ?"
_SKUS_FROM: Final = "SELECT sku FROM product WHERE sku >= ? AND sku < ? LIMIT ?"

Match = Literal["code", "exact", "near"]


class Found(msgspec.Struct, frozen=True):
    """One answer. `match` says how: by a code, by its words, or by words that are near."""

    sku: str
    name: str
    brand: str | None
    category: str | None
    image: str | None
    unit: str
    gtin: str | None
    price: Price | None
    match: Match


def search(
    connection: sqlite3.Connection,
    text: str,
    limit: int = 20,
    lang: str = "en",
    at: datetime | None = None,
) -> list[Found]:
    """Return up to `limit` (at most 100) products for what was typed so far, best first.

    `at` asks for the price that counts then. Nothing typed finds the most popular products.
    """
    limit = max(1, min(limit, MOST))
    wanted = words.words(text[:200])[:WORDS]
    matches: dict[int, Match] = dict.fromkeys(_by_code(connection, text.strip(), limit), "code")
    if not wanted and not matches:
        popular = connection.execute("SELECT id FROM product ORDER BY id LIMIT ?", (limit,))
        matches = dict.fromkeys((row[0] for row in popular), "exact")
    for number in _by_words(connection, wanted, lang):
        matches.setdefault(number, "exact")
    if len(matches) < min(limit, FEW):
        for number in _nearby(connection, wanted, limit):
            matches.setdefault(number, "near")
    return _describe(connection, list(matches.items())[:limit], lang, at)


def _by_code(connection: sqlite3.Connection, text: str, limit: int) -> list[int]:
    """Ids for a SKU, another system's id or a GTIN, whole first, then by their beginning."""
    if not text or len(text) > 200:
        return []
    gtin = gs1.read(text).gtin if any(letter.isdigit() for letter in text) else None
    skus = [
        *_column(connection, "SELECT sku FROM product WHERE sku = ?", text),
        *_column(connection, "SELECT sku FROM barcode WHERE gtin = ?", gtin or ""),
        *_column(connection, "SELECT sku FROM external_id WHERE value = ? LIMIT 20", text),
    ]
    digits = text.replace(" ", "")
    if not skus and len(digits) >= 4 and digits.isascii() and digits.isdigit():
        # The typed digits begin a GTIN-13 or a GTIN-12, kept with zeros in front.
        for begin in ("0" + digits, "00" + digits):
            skus += _begins(connection, _GTINS_FROM, begin, limit)
    # Letters alone are a word being typed, and there may be thousands of SKUs like `MILK-1`.
    if not skus and len(text) >= 2 and " " not in text and not text.isalpha():
        for begin in dict.fromkeys((text, text.upper(), text.lower())):
            skus += _begins(connection, _SKUS_FROM, begin, limit)
    marks = ",".join("?" * len(skus))
    ids = dict(
        connection.execute(f"SELECT sku, id FROM product WHERE sku IN ({marks})", skus).fetchall()
    )
    return [ids[sku] for sku in dict.fromkeys(skus) if sku in ids][:limit]


def _by_words(connection: sqlite3.Connection, wanted: Sequence[str], lang: str) -> list[int]:
    """Ids of products that have all words, the last one perhaps not typed to its end."""
    if not wanted:
        return []
    whole = [_quoted(word) for word in wanted]
    begun = [*whole[:-1], f"({_beginning(connection, wanted[-1])})"]
    names = dict(_matching(connection, " AND ".join(begun)))
    if len(names) == CAP:
        # Popular beginnings may have pushed out the word itself.
        names.update(_matching(connection, " AND ".join(whole)))
    order = sorted(names.items(), key=lambda item: (_likeness(wanted, item[1], lang), item[0]))
    return [number for number, _ in order]


def _matching(connection: sqlite3.Connection, query: str) -> list[tuple[int, str]]:
    found = connection.execute(
        "SELECT id, names FROM product WHERE id IN (SELECT rowid FROM product_search"
        " WHERE product_search MATCH ? ORDER BY rowid LIMIT ?) ORDER BY id",
        (query, CAP),
    )
    return [(row[0], row[1]) for row in found]


def _likeness(wanted: Sequence[str], texts: str, lang: str) -> tuple[int, int]:
    """Lower is better: the name itself, begins with the words, has them whole, has them begun."""
    folded = words.words(in_language(msgspec.json.decode(texts), lang))
    size = len(wanted)
    if folded[:size] == wanted:
        return (0 if len(folded) == size else 1, 0)
    missing = sum(word not in folded for word in wanted)
    begins = " ".join(folded).startswith(" ".join(wanted))
    return (2 + missing, 0 if begins else 1)


def _nearby(connection: sqlite3.Connection, wanted: Sequence[str], limit: int) -> list[int]:
    """Ids of products with words like the wanted ones."""
    groups = {word: _alternatives(connection, word) for word in wanted}
    asked = ["(" + " OR ".join(group) + ")" for group in groups.values() if group]
    # Words unlike any are left out, but a lone letter is not worth an answer.
    if not any(group and len(word) > 2 for word, group in groups.items()):
        return []
    return [number for number, _ in _matching(connection, " AND ".join(asked))][:limit]


def _alternatives(connection: sqlite3.Connection, word: str) -> list[str]:
    """Search terms for words that begin with `word`, are a slip or two away, or contain it."""
    begun = connection.execute(
        "SELECT word, uses FROM word WHERE word >= ? AND word < ? LIMIT 1", (word, word + _AFTER)
    ).fetchone()
    terms = [_beginning(connection, word)] if begun else []
    is_usual = begun is not None and begun[0] == word and begun[1] >= USUAL
    if is_usual or len(word) < SHORTEST_GUESSED or word.isdigit():
        return terms
    near = _one_slip(connection, word)
    if not near and len(word) >= TWO_SLIPS_FROM:
        near = _two_slips(connection, word)
    if not near and not begun:
        near = _begun_with_slip(connection, word)
    return [*terms, *near, *_containing(connection, word)]


def _beginning(connection: sqlite3.Connection, word: str) -> str:
    """The search term for words that begin with `word`.

    Up to 5 letters there is an index of beginnings. For longer ones FTS5 would collect all their
    rows before it gives the first (15 ms in a million products); whole words come one by one.
    """
    if len(word) > INDEXED:
        found = connection.execute(
            "SELECT word FROM word WHERE word >= ? AND word < ? LIMIT ?",
            (word, word + _AFTER, EXPANDED + 1),
        ).fetchall()
        if 0 < len(found) <= EXPANDED:
            return " OR ".join(_quoted(row[0]) for row in found)
    return _quoted(word) + "*"


def _one_slip(connection: sqlite3.Connection, word: str) -> list[str]:
    found = connection.execute(
        "SELECT word FROM word WHERE word IN (SELECT value FROM json_each(?))"
        " ORDER BY uses DESC LIMIT ?",
        (msgspec.json.encode(words.slips(word)).decode(), ALTERNATIVES),
    )
    return [_quoted(row[0]) for row in found]


def _begun_with_slip(connection: sqlite3.Connection, word: str) -> list[str]:
    """Beginnings of words: `choclo` is on its way to `chocolate`."""
    found = connection.execute(
        "SELECT value FROM json_each(?) AS slip WHERE EXISTS"
        " (SELECT 1 FROM word WHERE word >= slip.value AND word < slip.value || ?) LIMIT ?",
        (msgspec.json.encode(words.slips(word)).decode(), _AFTER, ALTERNATIVES),
    )
    return [_quoted(row[0]) + "*" for row in found]


def _two_slips(connection: sqlite3.Connection, word: str) -> list[str]:
    # Two slips rarely touch every piece of a word, so the right one contains one of these.
    size = max(3, len(word) // 4)
    pieces = [word[at : at + size] for at in range(0, len(word) - size + 1, size)]
    pieces.append(word[-size:])
    found = _words_with(connection, " OR ".join(map(_quoted, pieces)), len(word), 2)
    near = [other for other in found if words.distance(word, other, 2) <= 2]
    return [_quoted(other) for other in near[:ALTERNATIVES]]


def _containing(connection: sqlite3.Connection, word: str) -> list[str]:
    """Words with `word` inside: `schokolade` is in `vollmilchschokolade`."""
    found = _words_with(connection, _quoted(word), 0, words.LONGEST)
    return [_quoted(other) for other in found if not other.startswith(word)][:ALTERNATIVES]


def _words_with(connection: sqlite3.Connection, query: str, length: int, spread: int) -> list[str]:
    found = connection.execute(
        "SELECT word FROM word WHERE id IN (SELECT rowid FROM word_part WHERE word_part MATCH ?"
        " LIMIT 3000) AND length(word) BETWEEN ? AND ? ORDER BY uses DESC LIMIT 100",
        (query, length - spread, length + spread),
    )
    return [row[0] for row in found]


def _describe(
    connection: sqlite3.Connection,
    matches: Sequence[tuple[int, Match]],
    lang: str,
    at: datetime | None,
) -> list[Found]:
    marks = ",".join("?" * len(matches))
    stored = {
        row[0]: tuple(row)
        for row in connection.execute(
            "SELECT id, sku, names, brand, category, image, unit,"
            " (SELECT min(gtin) FROM barcode WHERE barcode.sku = product.sku)"
            f" FROM product WHERE id IN ({marks})",
            [number for number, _ in matches],
        )
    }
    skus = [stored[number][1] for number, _ in matches]
    priced = {} if at is None else prices(connection, skus, at)
    answers = []
    for number, match in matches:
        _, sku, names, brand, category, image, unit, gtin = stored[number]
        label = in_language(msgspec.json.decode(names), lang)
        answers.append(
            Found(sku, label, brand, category, image, unit, gtin, priced.get(sku), match)
        )
    return answers


def _column(connection: sqlite3.Connection, statement: str, value: str) -> list[str]:
    return [row[0] for row in connection.execute(statement, (value,))]


def _begins(connection: sqlite3.Connection, statement: str, begin: str, limit: int) -> list[str]:
    found = connection.execute(statement, (begin, begin + _AFTER, limit))
    return [row[0] for row in found]


def _quoted(word: str) -> str:
    # Folded words hold letters and digits only; the quotes keep AND, OR and NOT words.
    return f'"{word}"'
