"""The assortment as the floor knows it: what there is, what it costs, which code is on it."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from devices.simulator.api import Api

# Words that a grocer's catalogue answers to.
WORDS: Final = ("milk", "bread", "coffee", "tea", "juice", "apple", "rice", "water", "soap", "oil")


@dataclass(frozen=True)
class Article:
    sku: str
    code: str
    price_minor: int


class Goods:
    """Learned by searching the hub's catalogue, as a kiosk would."""

    def __init__(self) -> None:
        self.all: tuple[Article, ...] = ()

    def learn(self, hub: Api) -> None:
        """Raises Away when the hub does not answer."""
        found: dict[str, Article] = {}
        for word in WORDS:
            for item in hub.get("/catalog/search", q=word, limit="10")["items"]:
                found[item["sku"]] = _article(item)
        self.all = tuple(found.values())

    def some(self, random: Random, most: int) -> list[Article]:
        return random.sample(self.all, min(most, len(self.all)))

    def code(self, sku: str) -> str:
        """Return what stands under the bars; an article without bars has its SKU on a label."""
        return next((one.code for one in self.all if one.sku == sku), sku)


def _article(item: dict[str, Any]) -> Article:
    price = item.get("price") or {}
    return Article(item["sku"], item.get("gtin") or item["sku"], price.get("amount_minor", 199))
