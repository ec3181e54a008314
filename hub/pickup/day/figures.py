"""The day in figures: how many orders, how long they took, what was not found; pure.

It must never read a clock or a database.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Stamps of one order; None: not yet."""

    accepted_at: str | None
    ready_at: str | None = None
    picked_up_at: str | None = None
    buyer_arrived_at: str | None = None
    promise_at: str | None = None


def summed(times: Iterable[Times], begin: str) -> dict[str, Any]:
    """Sum up what happened since the stamp `begin`, in whole seconds.

    `to_ready`: from accepted to ready; `to_handover`: from ready to handed over; `wait`: from the
    customer's arrival to the handover; each `{"count","median_s","longest_s"}`. `late`: orders
    that became ready after they were promised.
    """
    listed = list(times)
    ready = [one for one in listed if (one.ready_at or "") >= begin]
    handed = [one for one in listed if (one.picked_up_at or "") >= begin]
    return {
        "accepted": sum((one.accepted_at or "") >= begin for one in listed),
        "ready": len(ready),
        "handed_over": len(handed),
        "late": sum(
            one.promise_at is not None and one.ready_at > one.promise_at
            for one in ready
            if one.ready_at
        ),
        "to_ready": _spans((one.accepted_at, one.ready_at) for one in ready),
        "to_handover": _spans((one.ready_at, one.picked_up_at) for one in handed),
        "wait": _spans((one.buyer_arrived_at, one.picked_up_at) for one in handed),
    }


def whole(
    times: Sequence[Times],
    begin: str,
    states: Mapping[str, int],
    shorts: Mapping[str, int],
    fresh: Mapping[str, int],
) -> dict[str, Any]:
    """Put a day together: `states` are all orders by state, `fresh` those accepted since."""
    return {
        "since": begin,
        **summed(times, begin),
        "states": dict(states),
        "accepted_by_state": dict(fresh),
        "shorts": dict(shorts),
        "short_units": sum(shorts.values()),
    }


def _spans(pairs: Iterable[tuple[str | None, str | None]]) -> dict[str, int | None]:
    found = [
        max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
        for start, end in pairs
        if start is not None and end is not None
    ]
    return {
        "count": len(found),
        "median_s": round(median(found)) if found else None,
        "longest_s": round(max(found)) if found else None,
    }
