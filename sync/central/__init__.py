"""The reference central inventory: one retailer, many stores."""

from .server import Running, serve
from .setup import (
    add_store,
    backup,
    create_enrolment,
    create_token,
    init,
    join,
    list_keys,
    revoke_key,
    revoke_store,
    rotate_key,
)

__all__ = [
    "Running",
    "add_store",
    "backup",
    "create_enrolment",
    "create_token",
    "init",
    "join",
    "list_keys",
    "revoke_key",
    "revoke_store",
    "rotate_key",
    "serve",
]
