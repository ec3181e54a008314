"""Checks what a customer shows at the counter: a pickup code, an ID, a signature.

It must never let more than the kind of proof into a fact: no number of an ID, no signature.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.errors import Invalid, Refusal
from hub.pickup import code

KINDS: Final = ("code", "id_seen", "signature")
ID_KINDS: Final = ("id_card", "passport", "driving_licence", "residence_permit", "staff_card")
# What else these documents are called.
_SAME: Final = {"driver_license": "driving_licence", "driving_license": "driving_licence"}

Keys = Callable[[], Mapping[str, Ed25519PublicKey]]
# Is another order of this store, by its id, the same customer's?
SameCustomer = Callable[[str], bool]


class Proof(NamedTuple):
    """`id_kind`: which document was seen, `other` for one that is not in the table."""

    kind: str
    id_kind: str | None = None


def check(
    proof: Mapping[str, Any],
    order_id: str,
    keys: Keys,
    same_customer: SameCustomer = lambda other: False,
) -> Proof:
    """Return what was shown. Raises Refusal when it does not prove this order.

    One of a customer's codes proves who they are: it collects all of their orders.
    """
    kind, value = proof.get("kind"), str(proof.get("value") or "").strip()
    if kind not in KINDS:
        raise Invalid(f"proof.kind must be one of {', '.join(KINDS)}.", field="proof.kind")
    if kind == "code":
        # The order is in this store already, so the store that the code names says nothing new.
        named = code.read(value, keys(), None).order_id
        if named != order_id and not same_customer(named):
            raise Refusal("This pickup code belongs to another order.", slug="other-order")
        return Proof("code")
    if kind == "signature":
        if not value:
            raise Refusal("The customer has not signed yet.", slug="not-signed")
        return Proof("signature")
    if any(character.isdigit() for character in value):
        raise Refusal("Note which kind of ID was shown, never its number.", slug="id-number-given")
    document = "_".join(value.lower().replace("-", " ").replace("_", " ").split())
    document = _SAME.get(document, document)
    return Proof("id_seen", document if document in ID_KINDS else "other")
