"""What stores handed over of an order, by their own facts; it must never say to whom."""

from typing import Any, Final, NamedTuple

import msgspec

from .projection import read_order
from .return_rules import Line
from .store_port import Connection

# After these a store hands nothing more over.
ENDED: Final = frozenset({"PICKED_UP", "REJECTED", "EXPIRED", "CANCELED"})


class Told(NamedTuple):
    """A line as it is shown; `store`: who handed it over, or is to."""

    line_id: str
    sku: str
    name: str
    handed: int
    unit_price_minor: int | None
    store: str


class Bought(NamedTuple):
    """`keeper`: the store that has the order, None where nobody knows it; `ended`: it handed over
    all that it ever will, by its own facts."""

    order_id: str
    keeper: str | None
    ended: bool
    currency: str | None
    told: tuple[Told, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(Line(one.line_id, one.sku, one.handed) for one in self.told)

    def line(self, line_id: str | None) -> Told | None:
        return next((one for one in self.told if one.line_id == line_id), None)


def bought(conn: Connection, order_id: str) -> Bought:
    """Return what all stores handed over of an order."""
    placed = conn.execute(
        "SELECT store_id, body FROM placed WHERE order_id = ?", (order_id,)
    ).fetchone()
    rows = conn.execute(
        "SELECT store_id, state, folded FROM pickup WHERE order_id = ?"
        " ORDER BY state = 'REJECTED', store_id",
        (order_id,),
    ).fetchall()
    keeper = placed["store_id"] if placed else rows[0]["store_id"] if rows else None
    body: dict[str, Any] = msgspec.json.decode(placed["body"]) if placed else {}
    told: dict[str, Told] = {}
    currency, ended = body.get("currency"), False
    for row in rows:
        order = read_order(row["folded"])
        currency = currency or order.currency
        if row["store_id"] == keeper:
            ended = row["state"] in ENDED
        for line in order.lines:
            _add(told, Told(line.line_id, line.sku, line.name, line.handed_over,
                            line.unit_price_minor, row["store_id"]))  # fmt: skip
    for line in body.get("lines", ()):
        _add(told, Told(line["line_id"], line["sku"], line["name"], 0,
                        line["unit_price_minor"], str(keeper)))  # fmt: skip
    return Bought(order_id, keeper, ended, currency, tuple(told.values()))


def _add(told: dict[str, Told], line: Told) -> None:
    known = told.get(line.line_id)
    if known is None or (line.handed and not known.handed):
        told[line.line_id] = line
    elif line.handed:
        # Two stores worked apart: what either gave away may come back.
        told[line.line_id] = known._replace(handed=known.handed + line.handed)


def named(conn: Connection, store_id: str | None) -> str:
    """Return what people call a store."""
    row = conn.execute("SELECT name FROM store WHERE store_id = ?", (store_id,)).fetchone()
    return str(row["name"]) if row else store_id or ""
