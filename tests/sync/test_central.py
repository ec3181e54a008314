"""Central as a whole: secrets, its document, its numbers, its chain."""

import stat

import msgspec
import openapi_spec_validator

from hub import chain
from hub.chain import ORIGIN
from tests.sync.pair import STORE, Central, entry, push, received


def test_secrets_are_readable_by_nobody_else(central: Central) -> None:
    folder = central.directory / "central"
    own = ("worker-0/catalog.db",) if central.database else ("central.db",)
    for name in ("pickup.key", "page.key", "nonce", *own):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    everything = b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())
    assert central.token.encode() not in everything
    assert central.credential.encode() not in everything


def test_the_openapi_document_is_valid_and_names_every_route(central: Central) -> None:
    import requests

    document = requests.get(f"{central.url}/api/v1/openapi.json", timeout=40).json()
    openapi_spec_validator.validate(document)
    app = central.running.app
    routes = {
        str(rule).replace("<path:", "<").replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/")
    }
    assert routes == set(document["paths"])


def test_health_and_numbers_are_told(central: Central) -> None:
    import requests

    push(central, ORIGIN, [received("a", "4711", 5)])
    assert requests.get(f"{central.url}/healthz", timeout=40).json() == {"ok": True}
    assert requests.get(f"{central.url}/readyz", timeout=40).json()["ready"]
    told = requests.get(f"{central.url}/metrics", timeout=40).text
    assert f'central_facts_pushed_total{{store="{STORE}"}} 1.0' in told


def test_the_chain_at_central_is_the_chain_of_the_hub(central: Central) -> None:
    contents = [received(f"c{n}", "4711", 1) for n in range(20)]
    push(central, ORIGIN, contents[:7])
    push(central, central.head(), contents[7:])
    assert central.head() == list(chain.follow(ORIGIN, contents))[-1]
    digest = msgspec.json.decode(central.door("/digest").content)
    assert digest["hash"] == central.head().hash


def test_an_order_that_central_lost_is_known_from_the_stores_facts(central: Central) -> None:
    lines = [{"line_id": "L1", "sku": "4711", "qty": 2, "name": "Rye bread"}]
    proposed = {"order_id": "R-1", "lines": lines, "short_code": "H2FN", "channel": "web"}
    contents = [
        entry("a", proposed, kind="OrderProposed", i=0, n=2),
        entry("a", {"order_id": "R-1"}, kind="OrderReserved", i=1, n=2),
    ]
    assert push(central, ORIGIN, contents).status_code == 200
    shown = central.get("/orders/R-1").json()
    assert (shown["state"], shown["short_code"]) == ("RESERVED", "H2FN")
    assert shown["lines"][0]["ordered"] == 2
    assert [event["state"] for event in shown["timeline"]] == ["PROPOSED", "RESERVED"]
    assert central.get("/quarantine").json()["items"] == []
