"""What a notice says, in the customer's language; it must never promise for the store."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .words import Words, later, nearest


class Text(NamedTuple):
    """`short` fits an SMS."""

    subject: str
    body: str
    short: str


# By kind: the subject, and the sentence that a text message holds too.
_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "received": (
        later("We have your order %(number)s"),
        later("We have sent your order %(number)s to %(store)s. The store confirms it."),
    ),
    "shipped": (
        later("Your order %(number)s is on its way"),
        later("Your order %(number)s is on its way to %(store)s. We tell you when it is ready."),
    ),
    "ready": (
        later("Your order %(number)s is ready"),
        later("Your order %(number)s is ready at %(store)s. Your code: %(code)s"),
    ),
    "reminder": (
        later("Your order %(number)s waits for you"),
        later("Your order %(number)s still waits at %(store)s. Your code: %(code)s"),
    ),
    "delayed": (
        later("Your order %(number)s takes longer"),
        later("We are sorry: your order %(number)s at %(store)s takes longer than promised."),
    ),
    "canceled": (
        later("Your order %(number)s was canceled"),
        later("Your order %(number)s at %(store)s was canceled."),
    ),
    "expired": (
        later("Your order %(number)s has expired"),
        later("Your order %(number)s was not collected in time at %(store)s."),
    ),
    "rejected": (
        later("Your order %(number)s is not available"),
        later("We are sorry: %(store)s can't fulfill your order %(number)s. Nothing is charged."),
    ),
    "moved": (
        later("Your order %(number)s is collected elsewhere"),
        later("%(store)s has your order %(number)s now. Please collect it there."),
    ),
}


def write(kind: str, order: Mapping[str, Any], store_name: str, name: str, link: str) -> Text:
    """Return what a notice of `kind` says of an order as it stands."""
    say = Words(nearest(order.get("language")) or "en")
    parts = {
        "number": order["order_id"],
        "store": store_name,
        "code": order.get("short_code", ""),
    }
    subject, sentence = _SAID[kind]
    told = say(sentence, **parts)
    body = [say("Hello %(name)s,", name=name), told, say("See your order: %(link)s", link=link)]
    return Text(say(subject, **parts), "\n\n".join(body) + "\n", f"{told} {link}")
