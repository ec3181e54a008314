"""What each kind of file may hold: its columns, and how a record becomes what is delivered.

It must never read a file or write anywhere. docs/import.md describes the same columns.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from hub import gs1
from hub.catalog import rows
from hub.catalog import rules as catalog
from hub.errors import Invalid
from hub.imports import values
from hub.shelf import rules as shelf

Item = dict[str, Any]
Find = Callable[[str], str | None]
Values = Mapping[str, str]

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "catalog": (
        "sku", "gtin", "name", "description", "brand", "category", "unit", "image", "popularity",
        "price", "currency", "tax_rate", "tax_included", "per_qty", "valid_from", "valid_until",
        "storage", "age_min",
    ),
    "stock": ("sku", "gtin", "qty"),
    "sales": ("sale_id", "sku", "gtin", "qty", "at"),
    "planogram": (
        "place", "kind", "place_name", "aisle", "position", "sku", "gtin", "facings", "capacity",
        "low", "tagged",
    ),
}  # fmt: skip
_NEEDED: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "catalog": (("sku", "gtin"),),
    "stock": (("sku", "gtin"), ("qty",)),
    "sales": (("sale_id",), ("sku", "gtin"), ("qty",)),
    "planogram": (("place",),),
}
_WRITTEN_AS: Final = {
    "names": "name",
    "descriptions": "description",
    "external_ids": "external",
    "amount_minor": "price",
    "tax_rate_bp": "tax_rate",
}
# name_de, description_pt-BR, external_erp
_SUFFIXED: Final = re.compile(r"(name|description|external)_(.+)")

INTERNAL: Final = "numbers that are used inside one company only: another shop may use them too"


class Kind(Protocol):
    """Turns records into items; it remembers what a file may hold only once."""

    notes: dict[str, tuple[int, int]]

    def item(self, line: int, given: Values) -> Item:
        """Return the item of a record. Raises Invalid with the column at fault."""
        ...


def is_known(kind: str, column: str) -> bool:
    """Say whether files of `kind` may have this column."""
    return column in COLUMNS[kind] or (
        kind == "catalog" and _SUFFIXED.fullmatch(column) is not None
    )


def absent(kind: str, columns: Collection[str]) -> str | None:
    """Return what a header lacks, or None."""
    for choice in _NEEDED[kind]:
        if not any(one in columns for one in choice):
            return " or ".join(choice)
    return None


def column_of(field: str) -> str:
    """Return the column in which a field of a catalogue row is written: `names.de` → `name_de`."""
    texts, _, language = field.partition(".")
    column = _WRITTEN_AS.get(texts, texts)
    return f"{column}_{language}" if language and language != "en" else column


def of(kind: str, find: Find | None) -> Kind:
    """Return a fresh reader for `kind`."""
    if kind == "catalog":
        return Catalog()
    if kind == "planogram":
        return Planogram(find)
    return Stock(find) if kind == "stock" else Sales(find)


class _Once:
    """Refuses the second line that says something about the same thing."""

    def __init__(self) -> None:
        self.notes: dict[str, tuple[int, int]] = {}
        self._seen: dict[tuple[str, ...], int] = {}

    def once(self, line: int, column: str, *key: str) -> None:
        first = self._seen.setdefault((column, *key), line)
        if first != line:
            raise Invalid(f"The same {column} stands in line {first}.", field=column)

    def note(self, line: int, text: str) -> None:
        count, first = self.notes.get(text, (0, line))
        self.notes[text] = (count + 1, first)


class Catalog(_Once):
    """Products, their barcodes and prices, as rows of the replica feed."""

    def __init__(self) -> None:
        super().__init__()
        self._owner: dict[str, tuple[str, int]] = {}

    def item(self, line: int, given: Values) -> Item:
        gtins = _gtins(given)
        sku = catalog.sku(given.get("sku") or _digits(given.get("gtin", "").split("|")[0]))
        # Without a name this is a price list or a list of barcodes: products stay as they are.
        is_product = any(column.partition("_")[0] == "name" for column in given)
        feed: list[Item] = [_product(sku, given)] if is_product else []
        feed += [{"kind": "barcode", "gtin": gtin, "sku": sku} for gtin in gtins]
        if given.get("price"):
            feed.append(_price(sku, given))
        if not feed:
            raise Invalid("Here is neither a barcode nor a price.", field="price")
        for row in feed:
            rows.check_row(row)
        self.once(line, "sku", sku, "" if is_product else given.get("valid_from", ""))
        for gtin in gtins:
            self._stands_on_one_sku(line, gtin, sku)
            if catalog.is_company_internal(gtin):
                self.note(line, INTERNAL)
        return {"line": line, "rows": feed}

    def _stands_on_one_sku(self, line: int, gtin: str, sku: str) -> None:
        owner, first = self._owner.setdefault(gtin, (sku, line))
        if owner != sku:
            raise Invalid(f"This barcode is that of SKU {owner} in line {first}.", field="gtin")


class Stock(_Once):
    """How many units stand in the store: each line is a count."""

    def __init__(self, find: Find | None) -> None:
        super().__init__()
        self._find = find

    def item(self, line: int, given: Values) -> Item:
        sku = _sku(given, self._find)
        qty = values.quantity(given.get("qty", ""))
        self.once(line, "sku", sku)
        return {"line": line, "sku": sku, "qty": qty}


class Sales(_Once):
    """What a till sold while it could not say so: lines of one sale stand together."""

    def __init__(self, find: Find | None) -> None:
        super().__init__()
        self._find = find
        self._sale = ("", 0)

    def item(self, line: int, given: Values) -> Item:
        sale_id = catalog.text(given.get("sale_id", ""), "sale_id", 128)
        if not sale_id:
            raise Invalid("The sale_id is missing.", field="sale_id")
        sku = _sku(given, self._find)
        qty = values.quantity(given.get("qty", ""), least=1)
        at = values.moment(given["at"], "at") if given.get("at") else None
        if sale_id != self._sale[0]:
            self.once(line, "sale_id", sale_id)
            self._sale = (sale_id, line)
        return {"line": line, "sale_id": sale_id, "sku": sku, "qty": qty, "at": at}


class Planogram(_Once):
    """Where products belong: lines of one place stand together, and set that place whole."""

    def __init__(self, find: Find | None) -> None:
        super().__init__()
        self._find = find
        self._place: tuple[Item, int] = ({}, 0)

    def item(self, line: int, given: Values) -> Item:
        head: Item = {
            "place": given.get("place", ""),
            "kind": given.get("kind") or "shelf",
            "name": given.get("place_name") or given.get("place", ""),
            "aisle": given.get("aisle", ""),
            "position": values.whole(given.get("position") or str(line), "position"),
        }
        shelf.check_place(shelf.Place(**head))
        sku = _sku(given, self._find) if given.get("sku") or given.get("gtin") else ""
        product: Item = {
            "sku": sku,
            "facings": values.quantity(given.get("facings") or "1", "facings", least=1),
            "capacity": values.quantity(given.get("capacity") or "0", "capacity"),
            "low": values.quantity(given.get("low") or "0", "low"),
            "tagged": values.yes(given["tagged"], "tagged") if given.get("tagged") else None,
        }
        if sku:
            place, facings = head["place"], product["facings"]
            shelf.check_facing(
                shelf.Facing(place, sku, facings, product["capacity"], product["low"])
            )
        self._one_place(line, given, head)
        self.once(line, "sku", head["place"], sku)
        return {"line": line, **head, **product}

    def _one_place(self, line: int, given: Values, head: Item) -> None:
        """What a place is stands in its first line; the others may leave it out."""
        before, first = self._place
        if head["place"] != before.get("place"):
            self.once(line, "place", head["place"])
            self._place = (head, line)
            return
        written = {"kind": "kind", "name": "place_name", "aisle": "aisle", "position": "position"}
        for field, column in written.items():
            if given.get(column) and head[field] != before[field]:
                raise Invalid(f"Line {first} says another {column} of this place.", field=column)
        head.update(before)


def _digits(text: str) -> str:
    return text.replace(" ", "")


def _gtins(given: Values) -> list[str]:
    """Return the barcodes of a record, several are parted by `|`."""
    written = [part for part in given.get("gtin", "").split("|") if part.strip()]
    return list(dict.fromkeys(catalog.gtin(part) for part in written))


def _product(sku: str, given: Values) -> Item:
    texts: dict[str, dict[str, str]] = {"name": {}, "description": {}, "external": {}}
    for column in ("name", "description"):
        if given.get(column):
            texts[column]["en"] = given[column]
    for column, value in given.items():
        suffixed = _SUFFIXED.fullmatch(column)
        if suffixed and value:
            texts[suffixed[1]][suffixed[2]] = value
    if not texts["name"]:
        raise Invalid("The name is missing.", field="name")
    return {
        "kind": "product",
        "sku": sku,
        "names": texts["name"],
        "descriptions": texts["description"],
        "external_ids": texts["external"],
        "brand": given.get("brand") or None,
        "category": given.get("category") or None,
        "unit": given.get("unit") or "piece",
        "image": given.get("image") or None,
        "popularity": values.whole(given.get("popularity") or "0", "popularity"),
        "storage": given.get("storage") or "ambient",
        "age_min": values.whole(given.get("age_min") or "0", "age_min"),
    }


def _price(sku: str, given: Values) -> Item:
    currency = catalog.currency(given.get("currency", ""))
    begins, ends = given.get("valid_from"), given.get("valid_until")
    return {
        "kind": "price",
        "sku": sku,
        "amount_minor": values.amount(given["price"], currency),
        "currency": currency,
        "tax_rate_bp": values.percent(given.get("tax_rate") or "0"),
        "tax_included": values.yes(given.get("tax_included") or "yes", "tax_included"),
        "per_qty": values.whole(given.get("per_qty") or "1", "per_qty"),
        "valid_from": values.moment(begins, "valid_from") if begins else None,
        "valid_until": values.moment(ends, "valid_until") if ends else None,
    }


def _sku(given: Values, find: Find | None) -> str:
    """Return the SKU of a record; a GTIN is looked up where `find` knows the catalogue."""
    if given.get("sku"):
        return catalog.sku(given["sku"])
    gtin = gs1.normalize(given.get("gtin", ""))
    if find is None:
        raise Invalid("Without the catalogue only a SKU can be named.", field="gtin")
    sku = find(gtin)
    if sku is None:
        raise Invalid(f"No product has the barcode {gtin}.", field="gtin")
    return sku
