"""What a customer said of a pickup; it must never hold their words: free text is personal data."""

from typing import Final

import msgspec


class FeedbackGiven(msgspec.Struct, frozen=True, kw_only=True):
    """`score`: 1 to 5. `felt`: what was good, of `rules.FELT`."""

    order_id: str
    score: int
    felt: tuple[str, ...] = ()

    def topics(self) -> tuple[str, ...]:
        return (f"pickup:{self.order_id}", "experience")


FACTS: Final[dict[tuple[str, int], type]] = {("FeedbackGiven", 1): FeedbackGiven}
