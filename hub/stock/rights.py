"""Who may promise which units when nobody can ask: a bounded counter with two holders (escrow).

It must never let one holder spend what the other holds, whatever was lost, repeated or late.

The *owner* has the units (the store's hub its stock, central the distribution centre's); it gives
rights to the *other*. Each holder writes its own side alone, and both of a side's numbers only
grow, so two copies merge by taking the larger: a message lost, repeated or late changes nothing.
After Balegas et al., "Extending Eventually Consistent Cloud Databases for Enforcing Numeric
Invariants" (SRDS 2015).
"""

from math import ceil, sqrt
from typing import Final, NamedTuple, Self

from hub.errors import Refusal
from hub.stock.facts import RightsGranted, RightsRecalled, RightsReclaimed, RightsTold
from hub.stock.ledger import Stock

HOURS_A_WEEK: Final = 168


class Side(NamedTuple):
    """One holder's own numbers, over all time: units given to the other holder, units spent.

    What the owner spends of the rights that it gave away is what a person took back without the
    other's word: nobody waits for a holder that is dead.
    """

    given: int = 0
    spent: int = 0

    def merged(self, seen: Self) -> "Side":
        return Side(max(self.given, seen.given), max(self.spent, seen.spent))


class Rights(NamedTuple):
    """Both sides of one SKU's rights, as one holder knows them."""

    owner: Side = Side()
    other: Side = Side()

    @property
    def held(self) -> int:
        """Units that the other holder may still spend or give back.

        Below zero: it had spent already what a person took back meanwhile.
        """
        return self.owner.given - self.owner.spent - self.other.given - self.other.spent

    def merged(self, seen: Self) -> "Rights":
        return Rights(self.owner.merged(seen.owner), self.other.merged(seen.other))


def give(rights: Rights, qty: int) -> Rights:
    """The owner gives the other holder `qty` more. Whether it has them is the owner's to check."""
    return rights._replace(owner=rights.owner._replace(given=rights.owner.given + qty))


def give_back(rights: Rights, qty: int) -> Rights:
    """The other holder returns rights it has not spent."""
    _refuse_beyond(rights, qty)
    return rights._replace(other=rights.other._replace(given=rights.other.given + qty))


def spend(rights: Rights, qty: int) -> Rights:
    """The other holder promises `qty` units to somebody; they are not its to promise again."""
    _refuse_beyond(rights, qty)
    return rights._replace(other=rights.other._replace(spent=rights.other.spent + qty))


def reclaim(rights: Rights, qty: int) -> Rights:
    """A person takes `qty` back for the owner although the other has said nothing."""
    _refuse_beyond(rights, qty)
    return rights._replace(owner=rights.owner._replace(spent=rights.owner.spent + qty))


def _refuse_beyond(rights: Rights, qty: int) -> None:
    if not 0 <= qty <= rights.held:
        raise Refusal(f"Only {max(0, rights.held)} units are held to be promised.", slug="no-right")


class Wishes(NamedTuple):
    """Units that the owner ever asked back, and how far the other holder has answered."""

    asked: int = 0
    answered: int = 0


class Quota(NamedTuple):
    """How many units the web is lent: its demand over an outage, within a share of what is free.

    `outage_h` 0: none. `share_pct` leaves the shop floor its own; below `low_pct` of the target
    the quota is filled up, so that not every order makes a fact.
    """

    outage_h: int = 8
    share_pct: int = 50
    low_pct: int = 50


def target(week: int, free: int, quota: Quota) -> int:
    """Return the quota for a SKU of which the web asked `week` units in seven days.

    Demand comes at random: two deviations above what is expected (Poisson).
    """
    expected = week * quota.outage_h / HOURS_A_WEEK
    if expected <= 0:
        return 0
    return min(ceil(expected + 2 * sqrt(expected)), max(0, free) * quota.share_pct // 100)


class Change(NamedTuple):
    """What the owner does: `given` and `asked` in all, ever; one of them rose."""

    given: int
    asked: int


def balance(free: int, rights: Rights, week: int, wishes: Wishes, quota: Quota) -> Change | None:
    """Fill the quota up at low water, or ask for rights back that no units stand behind.

    `free`: units that the owner may lend, those lent already among them. A wish on its way is not
    made again; the other may have spent meanwhile, and what it could not return is asked for anew
    once it has answered.
    """
    if free < rights.held:
        if wishes.asked > wishes.answered:
            return None
        return Change(rights.owner.given, wishes.asked + rights.held - max(0, free))
    wanted = target(week, free, quota)
    if rights.held * 100 < wanted * quota.low_pct or (rights.held <= 0 and wanted):
        return Change(rights.owner.given + wanted - rights.held, wishes.asked)
    return None


def decide_balance(
    stock: Stock, rights: Rights, week: int, wishes: Wishes, quota: Quota
) -> list[RightsGranted | RightsRecalled]:
    """Balance what this store lends central: units in doubt are not lent."""
    policy = stock.policy
    kept = max(policy.safety_stock, policy.safety_stock_low)
    change = balance(stock.units("available") - kept, rights, week, wishes, quota)
    if change is None:
        return []
    if change.asked > wishes.asked:
        return [RightsRecalled(sku=stock.sku, asked=change.asked)]
    return [RightsGranted(sku=stock.sku, granted=change.given)]


def decide_recall(stock: Stock, rights: Rights, wishes: Wishes) -> list[RightsRecalled]:
    """Ask back what the units left no longer cover; nothing is lent for want of demand."""
    found = decide_balance(stock, rights, 0, wishes, Quota(outage_h=0))
    return [fact for fact in found if isinstance(fact, RightsRecalled)]


def decide_ask_back(
    rights: Rights, wishes: Wishes, sku: str, qty: int | None = None
) -> list[RightsRecalled]:
    """A person asks rights back (all that are held, unless told) that central has not spent."""
    open_wishes = max(0, wishes.asked - wishes.answered)
    wanted = max(0, rights.held - open_wishes) if qty is None else qty
    if wanted > max(0, rights.held - open_wishes):
        raise Refusal(
            f"Central holds {max(0, rights.held)} of SKU {sku},"
            f" and {open_wishes} are asked back already.",
            slug="no-right",
        )
    return [RightsRecalled(sku=sku, asked=wishes.asked + wanted)] if wanted > 0 else []


def decide_reclaim(rights: Rights, sku: str, qty: int | None = None) -> list[RightsReclaimed]:
    """A person takes back rights (all that are held, unless told) from a central that is gone."""
    wanted = max(0, rights.held) if qty is None else qty
    if wanted <= 0:
        return []
    return [RightsReclaimed(sku=sku, reclaimed=reclaim(rights, wanted).owner.spent)]


def decide_told(rights: Rights, wishes: Wishes, told: RightsTold) -> list[RightsTold]:
    """Take central's own side over as it states it; what is known already is no fact."""
    seen = rights.other.merged(Side(told.returned, told.spent))
    answered = max(wishes.answered, told.answered)
    if (seen, answered) == (rights.other, wishes.answered):
        return []
    return [RightsTold(sku=told.sku, returned=seen.given, spent=seen.spent, answered=answered)]


def decide_return(rights: Rights, wishes: Wishes) -> int:
    """Return how many units the other gives back for wishes that it has not answered yet."""
    return max(0, min(rights.held, wishes.asked - wishes.answered))
