"""The sample store: an assortment, people, shelves and stock that are the same at every start.

It must never carry a secret: PINs, badges and tokens are drawn where the store is made. Its
barcodes begin with 952, which GS1 keeps for demonstrations.
"""

import random
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import count, groupby
from typing import Any, Final, NamedTuple

from hub import gs1

SEED: Final = 952
CURRENCY: Final = "EUR"
LANGUAGES: Final = ("en", "de", "es", "ar")
# SKUs are 1001, 1002, … in the first category, 1101 … in the second.
FIRST_CATEGORY: Final = 10
# Articles of one section of an aisle.
SECTION: Final = 12

Row = dict[str, Any]


class Person(NamedTuple):
    """Who works in the sample store. Role: associate, lead or it."""

    staff_id: str
    name: str
    role: str


class Product(NamedTuple):
    """One article of one size."""

    sku: str
    gtin: str
    names: dict[str, str]
    descriptions: dict[str, str]
    brand: str
    category: str
    price_minor: int
    tax_rate_bp: int
    popularity: int
    qty: int


def catalog_rows() -> list[Row]:
    """Return the assortment as rows of the replica feed: products, barcodes, prices."""
    rows: list[Row] = []
    for product in products():
        rows += (
            {
                "kind": "product",
                "sku": product.sku,
                "names": product.names,
                "descriptions": product.descriptions,
                "brand": product.brand,
                "category": product.category,
                "image": f"category/{product.category}.svg",
                "popularity": product.popularity,
                "storage": STORAGE.get(product.category, "ambient"),
            },
            {"kind": "barcode", "gtin": product.gtin, "sku": product.sku},
            {
                "kind": "price",
                "sku": product.sku,
                "amount_minor": product.price_minor,
                "currency": CURRENCY,
                "tax_rate_bp": product.tax_rate_bp,
            },
        )
    return rows


def stock_rows() -> list[Row]:
    """Return what stands in the store: `{"sku", "qty"}`. A few shelves are empty."""
    return [{"sku": product.sku, "qty": product.qty} for product in products()]


def staff() -> list[Person]:
    """Return the ten who work here."""
    return [
        Person("ada", "Ada Lindqvist", "lead"),
        Person("tomasz", "Tomasz Zielinski", "lead"),
        Person("maya", "Maya Okafor", "associate"),
        Person("luis", "Luis Herrera", "associate"),
        Person("yasmin", "Yasmin Haddad", "associate"),
        Person("felix", "Felix Brandt", "associate"),
        Person("noor", "Noor de Vries", "associate"),
        Person("kofi", "Kofi Mensah", "associate"),
        Person("greta", "Greta Sommer", "associate"),
        Person("iris", "Iris Tanaka", "it"),
    ]


def shelves() -> list[str]:
    """Return the numbered shelves on which orders wait for their customers."""
    return [f"{row}{number}" for row in "ABC" for number in range(1, 9)]


def staging_kinds() -> dict[str, str]:
    """Return what each of these shelves keeps: rows A and B anything, C what is cold or large."""
    ambient, row_c = ["ambient"] * 16, ["chilled"] * 4 + ["frozen"] * 2 + ["large"] * 2
    return dict(zip(shelves(), ambient + row_c, strict=True))


def floor_plan() -> list[list[Row]]:
    """Return the floor, a list of lines for each place, as `import planogram` reads them.

    An aisle a category, in sections of twelve articles: section 3-1 is the first of aisle 3.
    """
    places = [
        [_spot("door", "door", "Entrance", 1)],
        [_spot("counter", "counter", "Pickup counter", 2)],
        [_spot("dock", "dock", "Loading dock", 890)],
    ]
    reserve = []
    aisles = groupby(products(), key=lambda product: product.category)
    for aisle, (category, found) in enumerate(aisles, 1):
        listed = list(found)
        for section, start in enumerate(range(0, len(listed), SECTION), 1):
            name = f"{category.replace('-', ' ').capitalize()} {section}"
            head = _spot(f"{aisle}-{section}", "shelf", name, 10 * aisle + section, f"{aisle}")
            here = listed[start : start + SECTION]
            places.append([head | _facing(product.sku, 24, 5) for product in here])
            reserve.append(here[0].sku)
    back = _spot("back", "backroom", "Backroom", 900)
    places.append([back | _facing(sku, 0, 0) for sku in reserve])
    places += [
        [_spot(shelf, "staging", f"Hold shelf {shelf}", 1000 + number)]
        for number, shelf in enumerate(shelves())
    ]
    return places


def _spot(place: str, kind: str, name: str, position: int, aisle: str = "") -> Row:
    return {"place": place, "kind": kind, "name": name, "aisle": aisle, "position": position,
            "sku": "", "facings": 1, "capacity": 0, "low": 0, "tagged": None}  # fmt: skip


def _facing(sku: str, capacity: int, low: int) -> Row:
    return {"sku": sku, "facings": 2 if capacity else 1, "capacity": capacity, "low": low}


# Whatever is kept in the cold; all else stands on any shelf.
STORAGE: Final = {"dairy": "chilled", "fish": "chilled", "frozen": "frozen", "garden": "large"}


@cache
def products() -> tuple[Product, ...]:
    """Return the assortment, the same on every machine."""
    pick = random.Random(SEED)
    return tuple(_read(pick))


def _read(pick: random.Random) -> Iterator[Product]:
    number = FIRST_CATEGORY - 1
    category, tax, brands, descriptions, articles = "", 0, [""], dict[str, str](), count(1)
    for line in resources.files(__name__).joinpath("products.txt").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("[]> ").split("|")]
        if line.startswith("["):
            category, tax, brands = cells[0], int(cells[1]), _list(cells[2])
            number, articles = number + 1, count(1)
        elif line.startswith(">"):
            descriptions = dict(zip(LANGUAGES, cells, strict=True))
        elif line and not line.startswith("#"):
            brand, wanted = pick.choice(brands), pick.randint(5, 400)
            for variant in _list(cells[4]):
                size, _, price = variant.partition("=")
                sku = f"{number}{next(articles):02}"
                yield Product(
                    sku=sku,
                    gtin=_gtin(sku),
                    names=_names(cells[:4], size),
                    descriptions=descriptions,
                    brand=brand,
                    category=category,
                    price_minor=int(price),
                    tax_rate_bp=tax,
                    popularity=max(1, wanted - pick.randint(0, 120)),
                    qty=0 if pick.random() < 0.04 else pick.randint(3, 24),
                )


def _names(texts: list[str], size: str) -> dict[str, str]:
    named = zip(LANGUAGES, texts, strict=True)
    return {language: f"{text}, {size}" for language, text in named}


def _gtin(sku: str) -> str:
    digits = f"95210000{sku}"
    return digits + gs1.check_digit(digits)


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
