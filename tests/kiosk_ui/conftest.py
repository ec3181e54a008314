"""A sample store, its app with a test client, and programs and people that use it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kiosk_ui.app import create_app
from tests.kiosk_ui.sample import BADGE, PIN, SampleStore


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data")
    store.hire("ada", "Ada Lindqvist", "associate", BADGE)
    store.hire("sam", "Sam Okoro", "lead")
    store.hire("ivy", "Ivy Chen", "it")
    for sku in ("4711", "4712", "4713"):
        store.receive(sku, 10)
    yield store
    store.close()


@pytest.fixture
def app(shop: SampleStore) -> Iterator[Flask]:
    app = create_app(shop.hub, testing=True)
    yield app
    app.extensions["storehub_stream"].stop()


class Program:
    """A program with a bearer token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client, self._token = client, token

    def get(self, path: str):  # type: ignore[no-untyped-def]
        return self._client.get(f"/api/v1{path}", headers=self._headers())

    def post(self, path: str, body: object = None, key: str | None = None, **more):  # type: ignore[no-untyped-def]
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        if body is not None:
            more["json"] = body
        return self._client.post(f"/api/v1{path}", headers=headers, **more)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


@pytest.fixture
def program(app: Flask, shop: SampleStore) -> Program:
    return Program(app.test_client(), shop.token("it"))


@pytest.fixture
def anyone(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], FlaskClient]:
    """Return a browser in which that person is signed in. CSRF is not in these tests' way."""

    def signed(staff_id: str) -> FlaskClient:
        client = app.test_client()
        token = csrf_of(client.get("/signin").text)
        answer = client.post(
            "/signin", data={"staff_id": staff_id, "pin": PIN, "csrf_token": token}
        )
        assert answer.status_code == 303, answer.text
        return client

    return signed


def csrf_of(page: str) -> str:
    return page.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
