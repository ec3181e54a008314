"""Every barcode that this store sells, compact, for cameras that check what they read.

It must never be handed to somebody unknown, nor over a line where a device's secret could be read.
"""

from array import array
from sys import byteorder

from flask import Response, request

from hub.catalog import queries as catalog
from hub.errors import Refusal
from hub.fleet import queries as fleet
from hub.fleet import rules
from kiosk_ui.api.contract import OPERATIONS, Operation, api
from kiosk_ui.api.devices import is_local
from kiosk_ui.session import hub, need

KIND = "application/octet-stream"
OPERATIONS.append(
    Operation(
        "GET",
        "/catalog/gtins",
        "All barcodes that are sold here: numbers of 8 bytes, big-endian, lowest first; with an"
        " ETag. A device may ask with its own name and secret (Basic, over TLS).",
        "catalog",
        str,
        content=KIND,
    )
)


@api.get("/catalog/gtins")
def gtins() -> Response:
    if not _is_device():
        need("catalog")
    with hub().reader() as connection:
        mark = catalog.gtins_mark(connection)
        answer = Response(content_type=KIND)
        answer.set_etag(mark)
        if request.if_none_match.contains(mark):
            answer.status_code = 304
            return answer
        numbers = array("Q", catalog.all_gtins(connection))
    if byteorder == "little":
        numbers.byteswap()
    answer.set_data(numbers.tobytes())
    return answer


def _is_device() -> bool:
    """Does an enrolled device ask, with the secret that it has at the broker?"""
    asks = request.authorization
    if asks is None or asks.type != "basic":
        return False
    if not request.is_secure and not is_local(request.remote_addr):
        raise Refusal(
            "A device asks over HTTPS: others could read its secret.", slug="tls-required"
        )
    with hub().reader() as connection:
        accounts = {one.name: one for one in fleet.accounts(connection)}
    found = accounts.get(asks.username or "")
    return found is not None and rules.matches(asks.password or "", found.secret)
