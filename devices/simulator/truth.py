"""What really lies on the simulated shelves; no sensor tells it as it is.

It must never be asked by anybody in the store: devices see it through noise, people by looking.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from devices.simulator.goods import Article

PIECE_G: Final = (80, 1_200)
FULL: Final = 24


@dataclass
class Shelf:
    """One article's place. `wrong` are pieces of others that somebody put down here."""

    article: Article
    piece_g: int
    pieces: int = FULL
    wrong_g: float = 0.0
    # Staff stand before it: nobody takes anything.
    closed: bool = False

    @property
    def grams(self) -> float:
        return self.pieces * self.piece_g + self.wrong_g


@dataclass
class Truth:
    """The shelves by the id of the device that weighs them, and who walks with what."""

    shelves: dict[str, Shelf]
    # Codes that just went through a door, with or without a receipt.
    leaving: list[Article] = field(default_factory=list)
    # Orders whose goods lie in somebody's trolley: not staged, forgotten.
    forgotten: set[str] = field(default_factory=set)

    def take(self, name: str) -> Article | None:
        """Take a piece off a shelf; None when it is empty."""
        shelf = self.shelves[name]
        if not shelf.pieces or shelf.closed:
            return None
        shelf.pieces -= 1
        return shelf.article

    def put_down(self, name: str, article: Article) -> None:
        """Put a piece down, where it belongs or where it does not."""
        shelf = self.shelves[name]
        if shelf.closed:
            return
        if shelf.article == article:
            shelf.pieces += 1
        else:
            shelf.wrong_g += 300

    def fill(self, name: str) -> int:
        """Fill a shelf up and tidy it; return how many pieces it took."""
        shelf = self.shelves[name]
        if shelf.closed:
            return 0
        took, shelf.pieces, shelf.wrong_g = FULL - shelf.pieces, FULL, 0.0
        return took

    def of(self, sku: str) -> Shelf | None:
        return next((one for one in self.shelves.values() if one.article.sku == sku), None)


def furnished(names: Iterable[str], articles: Iterable[Article], random: Random) -> Truth:
    """Give each shelf that is watched an article of its own; the others lie where nobody weighs."""
    watched, chosen = list(names), list(articles)
    random.shuffle(chosen)
    watched += [f"unwatched-{one.sku}" for one in chosen[len(watched) :]]
    pairs = zip(watched, chosen, strict=False)
    return Truth({name: Shelf(one, random.randrange(*PIECE_G)) for name, one in pairs})
