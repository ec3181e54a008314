"""Reads the floor: places in walking order, what belongs there, gaps, sensors, tags, sweeps.

It must never write, and never fail for a place or SKU that nobody planned.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from sqlite3 import Connection, Row
from typing import Any

import msgspec

from hub import chain
from hub.errors import NotFound
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Sensor

_PLACE = "SELECT place, kind, name, aisle, position FROM shelf_place"
_WALK = " ORDER BY position, aisle, place"

# -- the plan ----------------------------------------------------------------------------------


def place(conn: Connection, place_id: str) -> Place | None:
    """Return the place, or None where the plan has none of that id."""
    row = conn.execute(f"{_PLACE} WHERE place = ?", (place_id,)).fetchone()
    return None if row is None else Place(*row)


def known_place(conn: Connection, place_id: str) -> Place:
    found = place(conn, place_id)
    if found is None:
        raise NotFound(f"There is no place {place_id} in this store.")
    return found


def places(conn: Connection, kind: str | None = None) -> list[Place]:
    """Return every place, or those of a kind, in walking order."""
    rows = conn.execute(f"{_PLACE} WHERE ? IS NULL OR kind = ?{_WALK}", (kind, kind))
    return [Place(*row) for row in rows]


def facings(conn: Connection, place_id: str) -> list[Facing]:
    rows = conn.execute(
        "SELECT place, sku, facings, capacity, low FROM shelf_facing WHERE place = ? ORDER BY sku",
        (place_id,),
    )
    return [Facing(*row) for row in rows]


def facing(conn: Connection, place_id: str, sku: str) -> Facing | None:
    row = conn.execute(
        "SELECT place, sku, facings, capacity, low FROM shelf_facing WHERE place = ? AND sku = ?",
        (place_id, sku),
    ).fetchone()
    return None if row is None else Facing(*row)


def places_of(conn: Connection, sku: str) -> list[Place]:
    """Return where `sku` belongs, in walking order."""
    rows = conn.execute(
        f"{_PLACE} WHERE place IN (SELECT place FROM shelf_facing WHERE sku = ?){_WALK}", (sku,)
    )
    return [Place(*row) for row in rows]


def walk_order(conn: Connection, skus: Iterable[str]) -> dict[str, tuple[int, Place]]:
    """Return (number, place) of the first sales place of each SKU that has one.

    Sorting by the number walks the floor once. A backroom counts only where no other place does.
    """
    found: dict[str, tuple[int, Place]] = {}
    for sku in dict.fromkeys(skus):
        known = sorted(places_of(conn, sku), key=lambda one: one.kind == "backroom")
        if known:
            found[sku] = (known[0].position, known[0])
    return found


def is_tagged(conn: Connection, sku: str) -> bool:
    row = conn.execute("SELECT 1 FROM shelf_tagged WHERE sku = ?", (sku,)).fetchone()
    return row is not None


def tagged(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT sku FROM shelf_tagged ORDER BY sku")]


def export(conn: Connection) -> Iterator[dict[str, Any]]:
    """`storehub export planogram`: one row a product of a place, as `import planogram` reads it."""
    carrying = set(tagged(conn))
    for one in places(conn):
        head = {
            "place": one.place,
            "kind": one.kind,
            "place_name": one.name,
            "aisle": one.aisle,
            "position": one.position,
        }
        rows = facings(conn, one.place)
        for row in rows:
            yield head | {
                "sku": row.sku,
                "facings": row.facings,
                "capacity": row.capacity,
                "low": row.low,
                "tagged": "yes" if row.sku in carrying else "no",
            }
        if not rows:
            yield head | {"sku": None, "facings": None, "capacity": None, "low": None}


# -- what sensors see --------------------------------------------------------------------------


def gaps(conn: Connection, place_id: str | None = None) -> list[dict[str, Any]]:
    """Return open gaps, the oldest first."""
    rows = conn.execute(
        "SELECT place, sku, device, since FROM shelf_gap WHERE ? IS NULL OR place = ?"
        " ORDER BY since, place, sku",
        (place_id, place_id),
    )
    return [dict(row) for row in rows]


def sensor(conn: Connection, device: str) -> Sensor | None:
    row = conn.execute("SELECT state FROM shelf_sensor WHERE device = ?", (device,)).fetchone()
    return None if row is None else _sensor(row)


def sensors(conn: Connection) -> list[Sensor]:
    """Return every sensor that was heard, placed or not."""
    rows = conn.execute("SELECT state FROM shelf_sensor ORDER BY place, device")
    return [_sensor(row) for row in rows]


def sensors_of(conn: Connection, sku: str) -> list[Sensor]:
    rows = conn.execute("SELECT state FROM shelf_sensor WHERE sku = ? ORDER BY device", (sku,))
    return [_sensor(row) for row in rows]


def due_sensors(conn: Connection, now_ms: int, limit: int = 200) -> list[Sensor]:
    """Return those whose silence means something by now."""
    rows = conn.execute(
        "SELECT state FROM shelf_sensor WHERE due_ms <= ? ORDER BY due_ms LIMIT ?", (now_ms, limit)
    )
    return [_sensor(row) for row in rows]


def sensed_skus(conn: Connection) -> list[str]:
    rows = conn.execute("SELECT DISTINCT sku FROM shelf_sensor WHERE sku <> '' ORDER BY sku")
    return [row[0] for row in rows]


# -- tags --------------------------------------------------------------------------------------


def antennas(conn: Connection) -> dict[tuple[str, int], str]:
    rows = conn.execute("SELECT device, antenna, place FROM shelf_antenna")
    return {(row[0], row[1]): row[2] for row in rows}


def mark(conn: Connection) -> str:
    """Return the token of the tags' rows; it changes with them."""
    row = conn.execute("SELECT token FROM shelf_mark").fetchone()
    return str(row[0])


def tag_rows(conn: Connection) -> Iterator[Row]:
    rows: Iterator[Row] = conn.execute(
        "SELECT epc, sku, place, device, rssi, since_ms, last_ms, gone_ms FROM shelf_tag"
    )
    return rows


def tags_at(
    conn: Connection, place_id: str | None = None, limit: int = 500
) -> list[dict[str, Any]]:
    """Return where tags of this store's articles are: `{"epc","sku","place","since"}`."""
    rows = conn.execute(
        "SELECT epc, sku, place, since FROM shelf_tag_at WHERE ? IS NULL OR place = ?"
        " ORDER BY place, sku, epc LIMIT ?",
        (place_id, place_id, limit),
    )
    return [dict(row) for row in rows]


def tags_by_place(conn: Connection) -> dict[str, dict[str, int]]:
    """Return how many tags of each SKU are at each place."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rows = conn.execute("SELECT place, sku, count(*) FROM shelf_tag_at GROUP BY place, sku")
    for place_id, sku, count in rows:
        found[place_id][sku] = count
    return dict(found)


def sold_since(conn: Connection, since: str) -> dict[str, int]:
    """Return units sold of each SKU since that stamp, from the journal's end backwards."""
    found: defaultdict[str, int] = defaultdict(int)
    for (content,) in conn.execute("SELECT entry FROM journal ORDER BY seq DESC"):
        entry = chain.decode(content)
        if entry.recorded_at < since:
            break
        if entry.type == "StockMoved" and entry.body["kind"] == "SALE":
            found[entry.body["sku"]] += entry.body["qty"]
    return dict(found)


# -- sweeps ------------------------------------------------------------------------------------


class Sweep(msgspec.Struct, frozen=True):
    """An RFID inventory. `place` `*` is the whole store, `device` "" every reader there.

    `state`: open → counted, or waiting (a person has to confirm), or dropped. `result`: a line
    for each SKU.
    """

    id: str
    place: str
    device: str
    state: str
    began_ms: int
    ended_ms: int | None
    since: str | None
    actor: str
    tags: int
    result: list[dict[str, Any]]


_SWEEP = (
    "SELECT id, place, device, state, began_ms, ended_ms, since, actor, result,"
    " max(reads, (SELECT count(*) FROM shelf_sweep_tag WHERE sweep = id)) AS tags"
    " FROM shelf_sweep"
)


def sweep(conn: Connection, sweep_id: str) -> Sweep:
    row = conn.execute(f"{_SWEEP} WHERE id = ?", (sweep_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no inventory {sweep_id} in this store.")
    return _sweep(row)


def sweeps(conn: Connection, limit: int = 20) -> list[Sweep]:
    """Return the last inventories, the newest first."""
    rows = conn.execute(f"{_SWEEP} ORDER BY began_ms DESC, id LIMIT ?", (limit,))
    return [_sweep(row) for row in rows]


def open_sweeps(conn: Connection) -> list[tuple[str, str, str, int]]:
    """Return (id, place, device, began_ms) of those that go on."""
    rows = conn.execute("SELECT id, place, device, began_ms FROM shelf_sweep WHERE state = 'open'")
    return [tuple(row) for row in rows]


def swept(conn: Connection, sweep_id: str) -> list[tuple[str, str, str]]:
    """Return (epc, sku, device) of all that a sweep met."""
    rows = conn.execute("SELECT epc, sku, device FROM shelf_sweep_tag WHERE sweep = ?", (sweep_id,))
    return [tuple(row) for row in rows]


def _sensor(row: Row) -> Sensor:
    return msgspec.json.decode(row["state"], type=Sensor)


def _sweep(row: Row) -> Sweep:
    return Sweep(
        id=row["id"],
        place=row["place"],
        device=row["device"],
        state=row["state"],
        began_ms=row["began_ms"],
        ended_ms=row["ended_ms"],
        since=row["since"],
        actor=row["actor"],
        tags=row["tags"],
        result=msgspec.json.decode(row["result"]) if row["result"] else [],
    )
