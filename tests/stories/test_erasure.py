"""A customer who was erased is nowhere: the data directory's bytes are searched."""

import secrets
from collections.abc import Callable
from pathlib import Path

from tests.floor import Floor


def holding(directory: Path, words: list[bytes]) -> list[str]:
    """Return the files whose bytes hold one of `words`, as UTF-8 or UTF-16."""
    needles = [*words, *(word.decode().encode("utf-16-le") for word in words)]
    found = []
    for path in directory.rglob("*"):
        if path.is_file():
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # written anew just now under a passing name
                continue
            found += [f"{path.name}: {needle!r}" for needle in needles if needle in content]
    return found


def test_no_byte_of_an_erased_customer_is_left(new_floor: Callable[..., Floor]) -> None:
    floor = new_floor()
    sku = f"E-{secrets.token_hex(4)}"
    person = {
        "name": "Xanthippe Quillfeather",
        "email": "xanthippe@quillfeather.example",
        "phone": "+49 30 7261 555 0199",
    }
    words = [value.encode() for value in person.values()]
    floor.receive({sku: 1})
    placed = floor.place({sku: 1}, customer=person)
    order_id = placed["order_id"]
    floor.arrived(order_id)
    assert holding(floor.directory, words), "before, it is there to be found"
    floor.step(order_id, "claim")
    floor.step(order_id, "pick", line_id="L1", qty=1)
    floor.step(order_id, "stage", shelf="SH1:S:A1")
    floor.step(order_id, "ready")
    floor.step(order_id, "handover", proof={"kind": "code", "value": placed["pickup_code"]})
    ref = floor.central.json(f"/orders/{order_id}")["customer_ref"]
    floor.central.done(f"/customers/{ref}/erase")
    floor.until(
        lambda: "PersonalDataErased" in floor.storehub("export", "journal").stdout,
        "the hub has its own fact of it",
    )
    floor.until(lambda: not holding(floor.directory, words), "no byte of it is left")
    assert floor.verify()["ok"]
    floor.stop()
    assert holding(floor.directory, words) == []
