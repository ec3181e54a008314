"""The hub's JSON API: importing this package fills the table of operations."""

from kiosk_ui.api import (
    aisle,
    arrivals,
    catalog,
    devices,
    experience,
    fleet,
    house,
    known,
    orders,
    printing,
    returns,
    shelves,
    stock,
    system,
    tasks,
    waves,
)
from kiosk_ui.api.contract import api as blueprint

__all__ = [
    "aisle",
    "arrivals",
    "blueprint",
    "catalog",
    "devices",
    "experience",
    "fleet",
    "house",
    "known",
    "orders",
    "printing",
    "returns",
    "shelves",
    "stock",
    "system",
    "tasks",
    "waves",
]
