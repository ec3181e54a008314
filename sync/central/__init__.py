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
    reclaim_rights,
    return_rights,
    revoke_key,
    revoke_store,
    rights,
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
    "reclaim_rights",
    "return_rights",
    "revoke_key",
    "revoke_store",
    "rights",
    "rotate_key",
    "serve",
]
