"""The reference central inventory: one retailer, many stores."""

from .server import Running, serve
from .setup import add_store, backup, create_enrolment, create_token, init, join

__all__ = [
    "Running",
    "add_store",
    "backup",
    "create_enrolment",
    "create_token",
    "init",
    "join",
    "serve",
]
