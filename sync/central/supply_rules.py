"""How the distribution centre lends its units to hubs, and who gives way when some vanish; pure.

It must never lend a unit twice, nor one that is promised.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from hub.stock.rights import Change, Quota, Rights, Wishes, balance

# A hub is lent what its customers order in an outage of so many hours, and no more than half of
# what nobody has: the others have outages as well.
QUOTA: Final = Quota()


class Account(NamedTuple):
    """One SKU at the distribution centre: units there, units promised, what each hub was lent."""

    on_hand: int = 0
    promised: int = 0
    hubs: Mapping[str, tuple[Rights, Wishes]] = {}

    @property
    def lent(self) -> int:
        return sum(max(0, rights.held) for rights, _ in self.hubs.values())

    @property
    def free(self) -> int:
        """Units that central itself may promise."""
        return self.on_hand - self.promised - self.lent

    def free_for(self, store: str) -> int:
        """The same with what this hub holds already: what it may hold at most."""
        rights, _ = self.hubs.get(store, (Rights(), Wishes()))
        return self.free + max(0, rights.held)


def decide_lend(account: Account, store: str, week: int, quota: Quota = QUOTA) -> Change | None:
    """Fill a hub's rights up at low water; what is lacking is asked back by `decide_recall`."""
    rights, wishes = account.hubs.get(store, (Rights(), Wishes()))
    free = account.free_for(store)
    if free < rights.held:
        return None
    return balance(free, rights, week, wishes, quota)


def decide_recall(account: Account, wanted: int = 0) -> dict[str, Change]:
    """Ask rights back that no units stand behind, of those who hold most first.

    `wanted`: units of an order that waits for them. What is on its way back already is not asked
    for again, and who has not answered yet is not asked twice.
    """
    lacking = wanted - account.free
    for rights, wishes in account.hubs.values():
        lacking -= min(max(0, rights.held), max(0, wishes.asked - wishes.answered))
    changes = {}
    holders = sorted(account.hubs.items(), key=lambda one: (-one[1][0].held, one[0]))
    for store, (rights, wishes) in holders:
        if lacking <= 0:
            break
        if wishes.asked > wishes.answered or rights.held <= 0:
            continue
        part = min(lacking, rights.held)
        changes[store] = Change(rights.owner.given, wishes.asked + part)
        lacking -= part
    return changes


Verdict = Literal["confirm", "wait", "decline"]


def verdict(wanted: Mapping[str, int], accounts: Mapping[str, Account]) -> Verdict:
    """Can central supply an order that was placed on condition?

    It waits while units that are promised to nobody are lent, and may come back.
    """
    if all(accounts[sku].free >= qty for sku, qty in wanted.items()):
        return "confirm"
    if any(accounts[sku].on_hand - accounts[sku].promised < qty for sku, qty in wanted.items()):
        return "decline"
    return "wait"


def word(account: Account) -> str:
    """What every store is told of a SKU: whether there is any that is promised to nobody."""
    return "here" if account.on_hand > account.promised else "gone"


def broken(account: Account, youngest: Iterable[tuple[str, int]]) -> list[str]:
    """Return the orders that can't be kept when units vanished, `youngest` (order, units) first."""
    lacking = account.promised - account.on_hand
    gone = []
    for order, qty in youngest:
        if lacking <= 0:
            break
        gone.append(order)
        lacking -= qty
    return gone
