"""The reference central inventory: one retailer, many stores."""

from .server import Running, serve
from .setup import add_store, create_enrolment, create_token, init

__all__ = ["Running", "add_store", "create_enrolment", "create_token", "init", "serve"]
