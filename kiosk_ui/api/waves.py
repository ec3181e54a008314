"""Waves: several orders picked in one round of the floor.

It must never know a rule: who may claim what is said by the room.
"""

from typing import Any

from hub.journal import Transaction
from hub.pickup import waves
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, command, read
from kiosk_ui.session import hub, need


@read(
    "/waves/mine",
    "What the asker picks at present, the lines as the floor is walked.",
    step="pick",
    answer=bodies.Picking,
)
def wave_mine() -> Any:
    with hub().reader() as connection:
        return waves.picking(connection, need("pick").actor)


def _mine(tx: Transaction, cause: str) -> Any:
    return waves.picking(tx.conn, need("pick").actor)


@command(
    "/waves",
    "Claim several orders for one round of picking: all of them or none.",
    step="claim",
    body=bodies.Wave,
    answer=bodies.Picking,
    show=_mine,
)
def wave_claim(call: Call, asked: bodies.Wave) -> Any:
    waves.claim(call.tx, asked.order_ids, actor=call.actor, cause=call.cause)
    return waves.picking(call.tx.conn, call.actor)
