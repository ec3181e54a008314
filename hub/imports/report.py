"""Checks a file whole and says line by line what is refused and why; it changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from hub.errors import Invalid, NotFound, Refusal
from hub.imports import kinds, source
from hub.imports.kinds import Find, Item
from hub.imports.source import Record

# More are counted, not kept: a file that has so many is another kind of file.
MOST_PROBLEMS: Final = 10_000
STEP: Final = 1000
_SHOWN: Final = 80


class Problem(msgspec.Struct, frozen=True):
    """Why one line is refused."""

    line: int
    column: str
    value: str
    reason: str

    def sentence(self) -> str:
        what = f", {self.column} {self.value!r}" if self.column else ""
        return f"line {self.line}{what}: {self.reason}"


class Report(msgspec.Struct, kw_only=True):
    """What a check found. `rows` can be applied; `refused_count` lines can't."""

    path: str
    kind: str
    mapping: dict[str, str]
    digest: str
    rows: int = 0
    refused_count: int = 0
    refused: list[Problem] = []
    notes: list[str] = []
    find: Find | None = None

    @property
    def ok(self) -> bool:
        return self.refused_count == 0

    @property
    def cause(self) -> str:
        """The part of every chunk's cause that names this import."""
        return f"import:{self.digest}"

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.path,
            "kind": self.kind,
            "digest": self.digest,
            "ok": self.ok,
            "rows": self.rows,
            "refused_count": self.refused_count,
            "refused": [msgspec.to_builtins(problem) for problem in self.refused],
            "notes": self.notes,
        }

    def items(self, *, partial: bool = False) -> Iterator[Item]:
        """Read the file again and yield what can be applied.

        Raises Refusal when lines were refused and not `partial`, or the file has changed since.
        """
        if not self.ok and not partial:
            raise Refusal(
                f"{self.refused_count} lines of {Path(self.path).name} are refused; nothing was "
                "imported. Mend them, or import the others with --partial.",
                slug="import-refused",
            )
        if _digest(Path(self.path), self.kind, self.mapping) != self.digest:
            raise Refusal(f"{Path(self.path).name} has changed since it was checked.")
        walk = _Walk(Path(self.path), self.kind, self.mapping, self.find)
        return (found for found in walk if not isinstance(found, Problem))


def parse_mapping(options: Iterable[str]) -> dict[str, str]:
    """Read `--map` options such as `gtin=gtin,name=name`: left the file's column, right ours."""
    mapping = {}
    for option in options:
        for pair in filter(None, option.split(",")):
            theirs, equals, ours = (part.strip() for part in pair.partition("="))
            if not (theirs and equals and ours):
                raise Invalid(f"--map is column=column, not {pair!r}.", field="map")
            mapping[theirs] = ours
    return mapping


def check(
    path: Path,
    kind: str,
    mapping: Mapping[str, str] | None = None,
    *,
    find: Find | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Read the whole file and report. `find` looks a 14-digit GTIN up and returns its SKU.

    `progress` is told, every thousand lines, how many have been read.
    Raises NotFound and Invalid when the file as a whole can't be read: no such file, UTF-16, an
    unknown kind, a needed column absent.
    """
    if kind not in kinds.COLUMNS:
        raise Invalid(
            f"A file holds catalog, stock, sales or planogram, not {kind[:20]!r}.", field="kind"
        )
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    turned = _turned(kind, mapping or {})
    report = Report(
        path=str(path),
        kind=kind,
        mapping=turned,
        digest=_digest(path, kind, turned),
        refused=[],
        find=find,
    )
    walk = _Walk(path, kind, turned, find)
    for read, found in enumerate(walk, 1):
        if progress is not None and read % STEP == 0:
            progress(read)
        if not isinstance(found, Problem):
            report.rows += 1
            continue
        report.refused_count += 1
        if len(report.refused) < MOST_PROBLEMS:
            report.refused.append(found)
    report.notes = walk.notes()
    return report


def _turned(kind: str, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return {file's column: ours}; a pair that was given the other way round is turned."""
    turned = {}
    for left, right in mapping.items():
        if kinds.is_known(kind, right):
            turned[left] = right
        elif kinds.is_known(kind, left):
            turned[right] = left
        else:
            known = ", ".join(kinds.COLUMNS[kind])
            raise Invalid(f"{right} is no column of {kind}: {known}.", field="map")
    return turned


def _digest(path: Path, kind: str, mapping: Mapping[str, str]) -> str:
    return source.digest(path, kind, *(f"{key}={mapping[key]}" for key in sorted(mapping)))


class _Walk:
    """One pass over the file: an item, or a problem, for each record."""

    def __init__(
        self, path: Path, kind: str, mapping: Mapping[str, str], find: Find | None
    ) -> None:
        self._path = path
        self._kind = kind
        self._mapping = mapping
        self._find = find
        self._reader: kinds.Kind | None = None
        self._unused: dict[str, None] = {}

    def __iter__(self) -> Iterator[Item | Problem]:
        for record in source.records(self._path):
            if not isinstance(record, Record):
                yield Problem(*record)
                continue
            given = self._named(record.values)
            try:
                yield self._open(record, given).item(record.line, given)
            except Invalid as error:
                yield self._problem(record, given, error)
        if self._reader is None:
            raise Invalid(f"{self._path.name} holds no record.", field="file")

    def notes(self) -> list[str]:
        """Say what was let pass and may surprise."""
        said = [f"Columns not used: {', '.join(self._unused)}."] if self._unused else []
        for text, (count, first) in (self._reader.notes if self._reader else {}).items():
            said.append(f"{count} lines (the first is line {first}): {text}.")
        return said

    def _named(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values under our names; a column that is mapped away is not also ours."""
        taken = set(self._mapping.values())
        named = {}
        for column, value in values.items():
            ours = self._mapping.get(column, column)
            if column in self._mapping or (kinds.is_known(self._kind, ours) and ours not in taken):
                named[ours] = value
            else:
                self._unused[column[:_SHOWN]] = None
        return named

    def _open(self, record: Record, given: Mapping[str, str]) -> kinds.Kind:
        if self._reader is None:
            if record.has_header:
                self._check_header(record.values, given)
            self._reader = kinds.of(self._kind, self._find)
        return self._reader

    def _check_header(self, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
        absent = next((column for column in self._mapping if column not in theirs), None)
        if absent is None:
            absent = kinds.absent(self._kind, ours)
        if absent is not None:
            raise MissingColumn(f"{self._path.name} has no column {absent}.", field="file")

    def _problem(self, record: Record, given: Mapping[str, str], error: Invalid) -> Problem:
        if isinstance(error, MissingColumn):
            raise error
        column = kinds.column_of(error.field)
        theirs = next((key for key, ours in self._mapping.items() if ours == column), column)
        return Problem(record.line, theirs, given.get(column, "")[:_SHOWN], error.sentence)


class MissingColumn(Invalid):
    """The whole file is not of its kind, so no line is to blame."""
