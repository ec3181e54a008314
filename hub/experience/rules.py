"""Decides whether what a customer says of a pickup counts.

It must never count one pickup twice: the first word stands, so that nobody is pressed to change it.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from hub.errors import Invalid, Refusal
from hub.experience.facts import FeedbackGiven

LOWEST: Final = 1
HIGHEST: Final = 5
FELT: Final = ("fast", "friendly", "found", "clear")


def read(order_id: str, score: object, felt: Iterable[object]) -> FeedbackGiven:
    """Return what was said as a fact. Raises Invalid."""
    if not isinstance(score, int) or isinstance(score, bool) or not LOWEST <= score <= HIGHEST:
        raise Invalid(f"score is a number from {LOWEST} to {HIGHEST}.", field="score")
    named = set(felt)
    if not named <= set(FELT):
        raise Invalid(f"felt holds any of {', '.join(FELT)}.", field="felt")
    return FeedbackGiven(
        order_id=order_id, score=score, felt=tuple(one for one in FELT if one in named)
    )


def summed(said: Iterable[tuple[int, Iterable[str], int]]) -> dict[str, Any]:
    """Sum up (score, what was good, how many said just this).

    `{"count","mean_hundredths","scores":{"1":n,…},"felt":{"fast":n,…}}`; the mean is None while
    nobody spoke.
    """
    scores = {str(score): 0 for score in range(LOWEST, HIGHEST + 1)}
    felt = dict.fromkeys(FELT, 0)
    for score, named, times in said:
        scores[str(score)] = scores.get(str(score), 0) + times
        for one in named:
            felt[one] = felt.get(one, 0) + times
    count = sum(scores.values())
    total = sum(int(score) * times for score, times in scores.items())
    mean = (200 * total + count) // (2 * count) if count else None
    return {"count": count, "mean_hundredths": mean, "scores": scores, "felt": felt}


def weeks(today: date, number: int) -> list[tuple[date, date]]:
    """Return so many weeks back as (first day, last day), the one that ends today first."""
    ends = [today - timedelta(days=7 * back) for back in range(number)]
    return [(end - timedelta(days=6), end) for end in ends]


def decide(given: FeedbackGiven, *, handed_over: bool, known: bool) -> list[FeedbackGiven]:
    """Take what was said of an order. Raises Refusal before its handover."""
    if known:
        return []
    if not handed_over:
        raise Refusal(
            f"Order {given.order_id} was not handed over yet, so there is nothing to judge.",
            slug="not-handed-over",
        )
    return [given]
