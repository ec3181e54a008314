"""What the command line may do to a store: each operation runs on its one writer.

It must never be reached from the network: the control socket is for the owner of the files alone.

An operation takes and returns what JSON can say, since it may cross the control socket.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from hub import broker, handlers, imports, joining, quarantine
from hub.broker.watch import Watch
from hub.control import Operation
from hub.customers import actions as customers
from hub.errors import HubError, Unavailable
from hub.fleet import actions as fleet
from hub.fleet import queries as fleet_queries
from hub.imports import policies
from hub.journal import Transaction
from hub.pickup import decreeing
from hub.printing import actions as printing
from hub.shelf import actions as shelf
from hub.shelf import inventory, sensors
from hub.shelf import queries as shelf_queries
from hub.staff import actions as staff
from hub.staff import pins
from hub.stock import actions as stock
from hub.stock import queries as stock_queries
from hub.store import Store

log = logging.getLogger(__name__)
_ACCOUNTS: Final = threading.Lock()


def of(store: Store, sources: Mapping[str, quarantine.Replay]) -> Mapping[str, Operation]:
    """Return the operations of an open store by name; `sources` say how a message is replayed."""
    return {
        "token.create": lambda name, role: _token(store, name, role),
        "token.revoke": lambda name: store.writer.run(lambda tx: staff.revoke_token(tx, name)),
        "staff.add": lambda **person: _staff(store, **person),
        "staff.pin": lambda staff_id, pin: _pin(store, staff_id, pin),
        "staff.badge": lambda staff_id, none: _badge(store, staff_id, none),
        "staff.deactivate": lambda staff_id: store.writer.run(
            lambda tx: staff.deactivate(tx, staff_id)
        ),
        "device.enrol": lambda device, **how: _account(store, fleet.enroll, device, **how),
        "device.rotate": lambda device: _account(store, fleet.rotate, device),
        "device.replace": lambda device, **how: _account(store, fleet.replace, device, **how),
        "device.adopt": lambda device, **how: _adopt(store, device, **how),
        "device.move": lambda device, place: store.writer.run(
            lambda tx: fleet.move(tx, device, place)
        ),
        "device.revoke": lambda device: _revoke(store, device),
        "device.command": lambda device, name, payload: {
            "key": store.writer.run(lambda tx: fleet.command(tx, device, name, payload))
        },
        "device.code": lambda device, how, **more: joining.code(store, device, how, more),
        "device.certificate": lambda device: joining.certificate(
            store, device, lambda: accounts_changed(store)
        ),
        "quarantine.replay": lambda ids: _replay(store, sources, ids),
        "print.send": lambda **paper: store.writer.run(
            lambda tx: printing.print_(tx, key=_cause(), **paper)
        ),
        "print.answer": lambda job, printed: store.writer.run(
            lambda tx: printing.answer(tx, job, printed, actor="hub", cause=_cause())
        ),
        "print.cancel": lambda job: store.writer.run(
            lambda tx: printing.cancel(tx, job, actor="hub", key=_cause())
        ),
        "policies.apply": lambda text, whole=False: store.writer.run(
            lambda tx: decreeing.apply(tx, policies.read(text), whole, actor="hub", cause=_cause())
        ),
        "customer.erase": lambda ref: _erase(store, ref),
        "import.stock": lambda chunk: _import(store, imports.stock_chunk, chunk),
        "import.sales": lambda chunk: _import(store, imports.sales_chunk, chunk),
        "import.planogram": lambda chunk: _import(store, imports.planogram_chunk, chunk),
        **_rights(store),
        **_shelf(store),
    }


def _rights(store: Store) -> Mapping[str, Operation]:
    """Return what a person decides about units that central was lent."""

    def ask_back(tx: Transaction, sku: str, qty: int | None) -> dict[str, Any]:
        asked = stock_queries.wishes(tx.conn, sku).asked
        stock.ask_back(tx, sku, qty, actor="hub", cause=_cause())
        return {"sku": sku, "asked": stock_queries.wishes(tx.conn, sku).asked - asked}

    def reclaim(tx: Transaction, sku: str, qty: int | None) -> dict[str, Any]:
        stock.reclaim_rights(tx, sku, qty, actor="hub", cause=_cause())
        return stock_queries.lent(tx.conn, sku)

    return {
        "rights.return": lambda sku, qty=None: store.writer.run(lambda tx: ask_back(tx, sku, qty)),
        "rights.reclaim": lambda sku, qty=None: store.writer.run(lambda tx: reclaim(tx, sku, qty)),
    }


def _shelf(store: Store) -> Mapping[str, Operation]:
    """Return the operations of the floor: sensors, antennas, inventories by RFID."""
    tuning, most = handlers.shelf_tuning(store.settings), store.settings.sweep_confirm

    def sweep(action: Callable[..., Any], *arguments: Any) -> Any:
        cause = f"cmd:{secrets.token_hex(16)}"
        done = store.writer.run(lambda tx: action(tx, *arguments, actor="hub", cause=cause))
        return msgspec.to_builtins(done)

    def calibrate(device: str, units: int | None, sku: str | None) -> Any:
        at = fleet_queries.place_of
        cause = f"cmd:{secrets.token_hex(16)}"
        store.writer.run(
            lambda tx: sensors.calibrate(
                tx, device, at, tuning, actor="hub", cause=cause, units=units, sku=sku
            )
        )
        return msgspec.to_builtins(store.read(shelf_queries.sensor, device))

    return {
        "shelf.calibrate": calibrate,
        "shelf.antenna": lambda device, antenna, place: store.writer.run(
            lambda tx: shelf.look_at(tx, device, antenna, place)
        ),
        "shelf.inventory.begin": lambda place, device: sweep(inventory.begin, place, device),
        "shelf.inventory.end": lambda sweep_id: sweep(inventory.end, sweep_id, most),
        "shelf.inventory.confirm": lambda sweep_id, sku, accept: sweep(
            inventory.confirm, sweep_id, sku, accept
        ),
        "shelf.inventory.drop": lambda sweep_id: sweep(inventory.drop, sweep_id),
    }


def _token(store: Store, name: str, role: str) -> dict[str, str]:
    text = store.writer.run(lambda tx: staff.create_token(tx, name, role))
    return {"name": name, "role": role, "token": text}


def _staff(
    store: Store, staff_id: str, name: str, role: str, pin: str, badge: bool = False
) -> dict[str, Any]:
    hashed = pins.hashed(pin)
    code = staff.new_badge() if badge else None
    member = store.writer.run(
        lambda tx: staff.add(tx, staff_id, name, role, pin_hash=hashed, badge=code)
    )
    return {"staff_id": member.staff_id, "role": member.role, "badge": code}


def _pin(store: Store, staff_id: str, pin: str) -> None:
    hashed = pins.hashed(pin)
    store.writer.run(lambda tx: staff.set_pin(tx, staff_id, hashed))


def _badge(store: Store, staff_id: str, none: bool) -> dict[str, Any]:
    code = None if none else staff.new_badge()
    store.writer.run(lambda tx: staff.set_badge(tx, staff_id, code))
    return {"staff_id": staff_id, "badge": code}


def _account(store: Store, action: Callable[..., str], device: str, **how: Any) -> dict[str, str]:
    """Change who may connect; the password is "" for a device that a gateway speaks for."""
    secret = store.writer.run(lambda tx: action(tx, device, **how))
    accounts_changed(store)
    return {"id": device, "username": device if secret else "", "password": secret}


def _adopt(store: Store, device: str, family: str, address: str, **how: Any) -> dict[str, str]:
    def adopt(tx: Transaction, name: str) -> str:
        return fleet.adopt(tx, family, address, name, **how)

    return _account(store, adopt, device)


def _revoke(store: Store, device: str) -> None:
    store.writer.run(lambda tx: fleet.revoke(tx, device))
    accounts_changed(store)


def accounts_changed(store: Store) -> None:
    """Let the broker know at once who may connect now. Raises Unavailable on a full disk."""
    _tell_broker(store)


def _tell_broker(store: Store) -> Sequence[fleet_queries.Account]:
    # One at a time: an older list must not be written over a newer one.
    with _ACCOUNTS:
        known: list[fleet_queries.Account] = store.read(fleet_queries.accounts)
        try:
            broker.accounts_changed(store.directory, store.settings, known)
        except OSError as error:
            sentence = f"The broker's files cannot be written ({error.strerror})."
            raise Unavailable(sentence, retry_after_s=5) from error
        return known


def keep_accounts(store: Store, connected: Callable[[], bool]) -> Callable[[datetime], None]:
    """Return a job: the broker hears of a change that nobody told it of.

    A kill came between the commit and the broker's files, or a repair of the journal brought a
    device's end that this copy had not known. A broker that is only starting reads the files
    itself, and may not know the signal yet.
    """
    told: Sequence[fleet_queries.Account] | None = None

    def look(_: datetime) -> None:
        nonlocal told
        if connected() and store.read(fleet_queries.accounts) != told:
            told = _tell_broker(store)

    return look


def count_turned_away(store: Store, watch: Watch) -> None:
    """Count who the broker turned away since the last time."""
    found = watch.step()
    if not found:
        return

    def note(tx: Transaction) -> None:
        for address, times in found.items():
            fleet.rogue(tx, "password", name="", source=address, times=times)

    log.warning("The broker turned away: %s", ", ".join(f"{a} {n}×" for a, n in found.items()))
    store.writer.run(note)


def _replay(
    store: Store, sources: Mapping[str, quarantine.Replay], ids: list[int]
) -> list[dict[str, Any]]:
    return [{"id": row_id, "outcome": _replayed(store, sources, row_id)} for row_id in ids]


def _replayed(store: Store, sources: Mapping[str, quarantine.Replay], row_id: int) -> str:
    try:
        return store.writer.run(lambda tx: quarantine.replay(tx, row_id, sources))
    except HubError as error:
        return f"refused: {error.sentence}"


def _erase(store: Store, ref: str) -> None:
    cause = _cause()
    store.writer.run(lambda tx: customers.erase(tx, ref, actor="hub", cause=cause))


def _cause() -> str:
    return f"cmd:{secrets.token_hex(16)}"


def _import(
    store: Store, apply: Callable[[Transaction, Any], Any], chunk: Mapping[str, Any]
) -> Any:
    return msgspec.to_builtins(store.writer.submit(lambda tx: apply(tx, chunk), bulk=True).result())
