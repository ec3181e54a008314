"""A retailer's brand reaches every screen as a file of the hub's, never as a style in a page."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub import brand
from kiosk_ui.app import create_app
from kiosk_ui.assets import FOREVER
from tests.kiosk_ui.sample import SampleStore

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z"/></svg>'
FILE = 'name = "Corner Market"\nlogo = "logo.svg"\n[light]\naccent = "#b3261e"\n'


@pytest.fixture(scope="module")
def branded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    tmp_path = tmp_path_factory.mktemp("branded")
    (tmp_path / "logo.svg").write_text(LOGO)
    (tmp_path / "brand.toml").write_text(FILE)
    store = SampleStore(tmp_path / "data", brand=brand.read(tmp_path))
    app = create_app(store.hub, testing=True)
    yield app
    app.extensions["storehub_stream"].stop()
    store.close()


def linked(page: str) -> str:
    return page.split('<link rel="stylesheet" href="/static/brand/')[1].split('"')[0]


@pytest.mark.parametrize("path", ["/", "/signin", "/lobby", "/associate/offline", "/nothing-here"])
def test_every_screen_takes_the_brand(branded: Flask, path: str) -> None:
    client = branded.test_client()
    page = client.get(path).text
    assert "Corner Market" in page
    assert page.index("/static/brand/brand.css") > page.index("/static/app.css")
    assert '<img class="logo" src="/static/brand/logo?v=' in page
    assert "style=" not in page
    sheet = client.get("/static/brand/" + linked(page))
    assert "--accent: #b3261e;" in sheet.text
    assert sheet.content_type == "text/css; charset=utf-8"


def test_the_brand_is_kept_by_its_version_and_asked_for_by_its_tag(branded: Flask) -> None:
    client = branded.test_client()
    address = "/static/brand/" + linked(client.get("/signin").text)
    sheet = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert sheet.headers["Cache-Control"] == FOREVER
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert "style-src 'self'" in sheet.headers["Content-Security-Policy"]
    again = client.get("/static/brand/brand.css", headers={"If-None-Match": sheet.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "no-cache")
    logo = client.get("/static/brand/logo")
    assert (logo.text, logo.mimetype) == (LOGO, "image/svg+xml")


def test_the_phone_s_app_bears_the_brand_and_keeps_it_without_the_hub(branded: Flask) -> None:
    client = branded.test_client()
    manifest = client.get("/associate/manifest.webmanifest").get_json(force=True)
    assert manifest is not None
    assert (manifest["theme_color"], manifest["name"]) == ("#b3261e", "Corner Market: picking")
    worker = client.get("/associate/sw.js").text
    assert "/static/brand/brand.css?v=" in worker
    assert "/static/brand/logo?v=" in worker


def test_without_a_brand_nothing_is_asked_for(anyone: FlaskClient) -> None:
    assert "/static/brand/" not in anyone.get("/signin").text
    assert "Store Hub" in anyone.get("/signin").text
    assert anyone.get("/static/brand/brand.css").status_code == 404
    assert anyone.get("/static/brand/logo").status_code == 404
