"""A credential is replaced while the hub sells; a revoked one costs the line and no sale."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from hub import settings
from hub.cli import storehub
from tests.sync.pair import STORE, Central, StoreSide, until


class Sides:
    """A central and a hub that reads its credential from its own files."""

    def __init__(self, directory: Path) -> None:
        self.central = Central(directory / "head-office")
        self.data = directory / "hub"
        self.data.mkdir()
        toml = f'store = "{STORE}"\ncentral_url = "{self.central.url}"\n'
        (self.data / settings.FILE).write_text(toml)
        self.keep(self.central.credential)
        self.hub = StoreSide(self.data, self.central.url, self.credential)
        self.hub.agent.start()

    def keep(self, credential: str) -> None:
        (self.data / settings.SECRETS).write_text(f'central_token = "{credential}"\n')

    def credential(self) -> str:
        return settings.load(self.data).central_token

    def storehub(self, *arguments: str) -> str:
        answer = CliRunner().invoke(
            storehub, [*arguments, "--data", str(self.data)], catch_exceptions=True
        )
        return answer.output if answer.exit_code == 0 else str(answer.exception)

    def in_step(self) -> None:
        until(lambda: self.central.head() == self.hub.head(), "central has all")

    def sell(self, name: str) -> None:
        self.hub.receive("4711", 1, name)

    def close(self) -> None:
        self.hub.close()
        self.central.stop()


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    made = Sides(tmp_path)
    yield made
    made.close()


def test_a_credential_is_rotated_while_the_hub_runs(sides: Sides) -> None:
    old = sides.credential()
    sides.sell("a")
    sides.in_step()
    assert sides.storehub("credential", "rotate") == (
        "The store has a new credential; 1 made worthless.\n"
    )
    assert sides.credential() != old
    assert old not in (sides.data / settings.SECRETS).read_text()
    sides.central.credential = old
    assert sides.central.door("/digest").status_code == 401
    sides.sell("b")
    sides.in_step()
    assert sides.hub.agent.state()["state"] == "online"


def test_a_revoked_hub_says_so_sells_on_and_comes_back_with_a_token(sides: Sides) -> None:
    sides.sell("a")
    sides.in_step()
    answer = sides.central.post(f"/stores/{STORE}/revoke", {})
    assert answer.json() == {"store": STORE, "revoked": 1}
    sides.sell("b")
    state = until(
        lambda: (now := sides.hub.agent.state())["state"] == "held" and now, "it knows", 20
    )
    assert "credential" in state["reason"]
    assert "ask for a token" in sides.storehub("credential", "rotate")
    for n in range(20):
        sides.sell(f"offline:{n}")
    assert sides.hub.agent.state()["backlog"] == 21
    token = sides.central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    told = sides.storehub("credential", "enrol", token)
    assert told == "The store has a credential; a running hub uses it within five minutes.\n"
    sides.in_step()
    assert "enrolment token" in sides.storehub("credential", "enrol", token)


def test_a_central_that_is_away_costs_no_credential(sides: Sides) -> None:
    before = sides.credential()
    toml = f'store = "{STORE}"\ncentral_url = "http://127.0.0.1:9"\n'
    (sides.data / settings.FILE).write_text(toml)
    assert "does not answer" in sides.storehub("credential", "rotate")
    assert sides.credential() == before


def test_only_head_office_revokes(sides: Sides) -> None:
    central = sides.central
    made = central.post("/tokens", {"name": "shop", "role": "orders"}).json()["token"]
    url = f"{central.url}/api/v1/stores/{STORE}/revoke"
    shown = {"Authorization": f"Bearer {made}"}
    assert requests.post(url, json={}, headers=shown, timeout=40).status_code == 403
    assert central.post("/stores/nowhere/revoke", {}).status_code == 404
    assert central.door("/digest").status_code == 200
