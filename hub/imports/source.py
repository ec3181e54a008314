"""Reads a file of CSV or JSON lines record by record; it must never hold the file in memory, and
never let one bad line take the next one with it.
"""

import csv
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from hub.errors import Invalid

MAX_LINE: Final = 64 * 1024
MAX_COLUMNS: Final = 200
_DELIMITERS: Final = ",;\t"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK: Final = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """The values of one record by column, as text; `line` is where it begins, from 1.

    With a header every record has all columns, and one that is absent is so everywhere.
    """

    line: int
    values: Mapping[str, str]
    has_header: bool


class Unreadable(NamedTuple):
    """A line that can't be read; the next one can."""

    line: int
    column: str
    value: str
    reason: str


def digest(path: Path, *plan: str) -> str:
    """Return 16 hex digits that name the file's bytes together with the plan they are read by.

    The same bytes read by another mapping are another import: they must not be taken for known.
    """
    hashed = blake2b("\0".join(plan).encode(), digest_size=8)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def records(path: Path) -> Iterator[Record | Unreadable]:
    """Yield what the file holds. Raises Invalid when it can't be read at all."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith(_UTF16):
            raise Invalid(f"{path.name} is UTF-16: save it as UTF-8.", field="file")
        file.seek(len(_UTF8_MARK) if start.startswith(_UTF8_MARK) else 0)
        is_json = start.removeprefix(_UTF8_MARK).lstrip()[:1] == b"{"
        yield from _json_lines(file) if is_json else _csv(file, path.name)


def _json_lines(file: BinaryIO) -> Iterator[Record | Unreadable]:
    lines = _Lines(file)
    for text in lines:
        yield from lines.refused()
        if text.strip():
            yield _json_record(lines.line, text)
    yield from lines.refused()


def _json_record(line: int, text: str) -> Record | Unreadable:
    try:
        given = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return Unreadable(line, "", text[:80].rstrip(), f"This is not JSON: {error}.")
    if not isinstance(given, dict):
        return Unreadable(line, "", text[:80].rstrip(), "A line is one JSON object.")
    values = {}
    for column, value in given.items():
        if isinstance(value, dict | list):
            return Unreadable(line, column[:80], "", "A value is text, a number, true or false.")
        values[column.strip()] = _as_text(value).strip()
    return Record(line, values, has_header=False)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _csv(file: BinaryIO, name: str) -> Iterator[Record | Unreadable]:
    lines = _Lines(file)
    first = next(iter(lines), "")
    delimiter = max(_DELIMITERS, key=first.count)
    header = [column.strip() for column in next(csv.reader([first], delimiter=delimiter), [])]
    if not any(header):
        raise Invalid(f"{name} has no line with column names.", field="file")
    twice = [column for at, column in enumerate(header) if column and column in header[:at]]
    if twice or len(header) > MAX_COLUMNS:
        what = f"the column {twice[0][:40]} twice" if twice else f"{len(header)} columns"
        raise Invalid(f"{name} has {what}.", field="file")
    yield from lines.refused()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begins = 0
        try:
            cells = next(reader)
        except StopIteration:
            yield from lines.refused()
            return
        except csv.Error as error:
            yield from lines.refused()
            yield Unreadable(lines.begins, "", "", f"The quotes are not right: {error}.")
            continue
        yield from lines.refused()
        if any(cell.strip() for cell in cells):
            yield _csv_record(lines.begins, header, cells)


def _csv_record(line: int, header: list[str], cells: list[str]) -> Record | Unreadable:
    if len(cells) != len(header):
        reason = f"{len(header)} columns are named, here are {len(cells)}."
        return Unreadable(line, "", " ".join(cells)[:80], reason)
    values = zip(header, (cell.strip() for cell in cells), strict=True)
    return Record(line, {column: cell for column, cell in values if column}, has_header=True)


class _Lines:
    """The decoded lines of a file. Those that can't be decoded wait in `refused`."""

    def __init__(self, file: BinaryIO) -> None:
        self.line = 0
        self.begins = 0
        self._file = file
        self._refused: list[Unreadable] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while raw := self._file.readline(MAX_LINE + 1):
            self.line += 1
            if len(raw) > MAX_LINE:
                self._skip_to_the_end()
                self._refuse("", f"A line has at most {MAX_LINE} bytes.")
                continue
            try:
                text = raw.decode()
            except UnicodeDecodeError as error:
                shown = raw[max(0, error.start - 20) : error.start + 20]
                self._refuse(shown.decode(errors="replace"), "These bytes are not UTF-8.")
                continue
            self.begins = self.begins or self.line
            return text
        raise StopIteration

    def refused(self) -> list[Unreadable]:
        """Return and forget the lines that were left out since the last call."""
        waiting, self._refused = self._refused, []
        return waiting

    def _refuse(self, value: str, reason: str) -> None:
        self._refused.append(Unreadable(self.line, "", value, reason))

    def _skip_to_the_end(self) -> None:
        while (rest := self._file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
