"""Keys of keyboard-wedge scanners → scans: a pure state machine, one line of text a keyboard node.

It must never take what a person types for a scan, never mix two keyboards, and never let a scan
through that lacks a character: what is not a scan is counted by its reason.

    Stroke ─► modifiers ─► character ─► line ─► suffix ─► Scan
                                          └─► too slow: typed · silence: partial · no character
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from devices.scanners import layouts
from hub.errors import Invalid

DOWN: Final = 1
HELD: Final = 2  # the kernel repeats a key that stays down
SUFFIXES: Final[Mapping[str, str]] = {"cr": "\r", "lf": "\n", "tab": "\t"}
# What was not a scan, and why.
TYPED: Final = "typed"
PARTIAL: Final = "partial"
SHORT: Final = "short"
UNKNOWN_KEY: Final = "unknown_key"
TOO_LONG: Final = "too_long"
LOST_KEYS: Final = "lost_keys"


class Rules(msgspec.Struct, frozen=True):
    """How a scanner is set up. `gap_ms`: keys of a scan come closer than this. `pause_ms`: a line
    that no suffix ended is over after this."""

    layout: str = "us"
    suffixes: tuple[str, ...] = ("cr", "lf", "tab")
    prefix: str = ""
    gap_ms: int = 50
    pause_ms: int = 500
    shortest: int = 3
    longest: int = 4096

    def __post_init__(self) -> None:
        if self.layout not in layouts.LAYOUTS:
            known = ", ".join(layouts.LAYOUTS)
            raise Invalid(f"layout is one of {known}, not {self.layout!r}.", field="layout")
        if not self.suffixes or not set(self.suffixes) <= set(SUFFIXES):
            raise Invalid("suffixes are of cr, lf and tab, at least one.", field="suffixes")
        if not 1 <= self.gap_ms < self.pause_ms:
            raise Invalid("gap_ms is 1 or more, and below pause_ms.", field="gap_ms")
        if not 1 <= self.shortest <= self.longest <= 4096:
            raise Invalid("shortest and longest lie between 1 and 4096.", field="shortest")


class Stroke(NamedTuple):
    """A key of a keyboard node: `value` 1 down, 0 up, 2 repeated. `at_ms` is monotonic."""

    node: str
    code: int
    value: int
    at_ms: int


class Opened(NamedTuple):
    """A node was opened, Caps Lock on or off."""

    node: str
    caps: bool = False


class Gone(NamedTuple):
    """A node was unplugged."""

    node: str


class Lost(NamedTuple):
    """The kernel dropped events of a node: what is being sent lacks characters."""

    node: str


class Silence(NamedTuple):
    """Nothing came until now."""

    at_ms: int


Event = Stroke | Opened | Gone | Lost | Silence


class Scan(NamedTuple):
    node: str
    text: str


class Line(msgspec.Struct, frozen=True):
    """What one node has sent since its last suffix, and which of its keys are down."""

    text: str = ""
    keys: int = 0
    last_ms: int = 0
    typed: bool = False
    spoiled: str | None = None
    accent: str = ""
    number: str = ""  # digits while Alt is down
    held: frozenset[int] = frozenset()
    caps: bool = False


class State(msgspec.Struct, frozen=True):
    """`counted`: what did not become a scan, by reason, over all nodes."""

    lines: Mapping[str, Line] = {}
    counted: Mapping[str, int] = {}


def step(state: State, event: Event, rules: Rules) -> tuple[State, tuple[Scan, ...]]:
    """Return what `event` makes of `state`, and the scans that it completed (none or one)."""
    if isinstance(event, Opened):
        return _with(state, event.node, Line(caps=event.caps)), ()
    if isinstance(event, Gone):
        state = _ended(state, event.node, rules)
        rest = {node: line for node, line in state.lines.items() if node != event.node}
        return State(rest, state.counted), ()
    if isinstance(event, Lost):
        line = state.lines.get(event.node, Line())
        return _with(state, event.node, _set(line, spoiled=LOST_KEYS, held=frozenset())), ()
    if isinstance(event, Silence):
        for node, line in state.lines.items():
            if line.keys and event.at_ms - line.last_ms >= rules.pause_ms:
                state = _ended(state, node, rules)
        return state, ()
    return _stroke(state, event, rules)


def _stroke(state: State, key: Stroke, rules: Rules) -> tuple[State, tuple[Scan, ...]]:
    line = state.lines.get(key.node, Line())
    if key.code in layouts.MODIFIERS:
        return _with(state, key.node, _modifier(line, key)), ()
    if key.code in (layouts.CAPS, layouts.NUM_LOCK):
        turned = key.code == layouts.CAPS and key.value == DOWN
        return _with(state, key.node, _set(line, caps=line.caps != turned)), ()
    if key.value not in (DOWN, HELD):
        return state, ()
    if line.keys and key.at_ms - line.last_ms >= rules.pause_ms:
        state = _ended(state, key.node, rules)
        line = state.lines[key.node]
    # A finger rests on a key or moves on too slowly; from then on the line is no scan.
    slow = line.keys > 0 and key.at_ms - line.last_ms >= rules.gap_ms
    line = _set(
        line,
        keys=line.keys + 1,
        last_ms=key.at_ms,
        typed=line.typed or slow or key.value == HELD,
    )
    if layouts.ALT in line.held and key.code in layouts.DIGITS and not line.held & layouts.CTRLS:
        number = (line.number + layouts.DIGITS[key.code])[:4]
        return _with(state, key.node, _set(line, number=number)), ()
    pressed = layouts.character(layouts.LAYOUTS[rules.layout], key.code, line.held, line.caps)
    if pressed is None:
        return _with(state, key.node, _set(line, spoiled=line.spoiled or UNKNOWN_KEY)), ()
    if pressed.mark in {SUFFIXES[name] for name in rules.suffixes}:
        return _finish(state, key.node, line, rules)
    return _with(state, key.node, _append(line, pressed, rules)), ()


def _modifier(line: Line, key: Stroke) -> Line:
    if key.value == DOWN:
        return _set(line, held=line.held | {key.code})
    if key.value == HELD:
        return line
    line = _set(line, held=line.held - {key.code})
    if key.code != layouts.ALT or not line.number:
        return line
    mark = layouts.by_number(line.number)
    line = _set(line, number="")
    if mark is None:
        return _set(line, spoiled=line.spoiled or UNKNOWN_KEY)
    return _set(line, text=line.text + line.accent + mark, accent="")


def _append(line: Line, pressed: layouts.Pressed, rules: Rules) -> Line:
    if len(line.text) >= rules.longest:
        return _set(line, spoiled=line.spoiled or TOO_LONG)
    if pressed.dead:
        return _set(line, text=line.text + line.accent, accent=pressed.mark)
    mark = layouts.composed(line.accent, pressed.mark) if line.accent else pressed.mark
    return _set(line, text=line.text + mark, accent="")


def _finish(state: State, node: str, line: Line, rules: Rules) -> tuple[State, tuple[Scan, ...]]:
    """A suffix: the line is a scan, or is counted. A suffix alone (LF after CR) is nothing."""
    state = _with(state, node, _emptied(line))
    if line.keys == 1:
        return state, ()
    text = (line.text + line.accent).removeprefix(rules.prefix)
    if line.typed:
        return _count(state, TYPED), ()
    if line.spoiled:
        return _count(state, line.spoiled), ()
    if len(text) < rules.shortest:
        return _count(state, SHORT), ()
    return state, (Scan(node, text),)


def _ended(state: State, node: str, rules: Rules) -> State:
    """No suffix came: what is there is no scan."""
    line = state.lines.get(node, Line())
    if not line.keys:
        return state
    by_hand = line.typed or line.keys < rules.shortest
    return _count(_with(state, node, _emptied(line)), TYPED if by_hand else PARTIAL)


def _emptied(line: Line) -> Line:
    return Line(held=line.held, caps=line.caps)


def _set(line: Line, **changes: object) -> Line:
    return msgspec.structs.replace(line, **changes)


def _with(state: State, node: str, line: Line) -> State:
    return State({**state.lines, node: line}, state.counted)


def _count(state: State, reason: str) -> State:
    return State(state.lines, {**state.counted, reason: state.counted.get(reason, 0) + 1})
