"""Larger text and more contrast are chosen without a script, kept by the browser, and undone."""

import re

from flask.testing import FlaskClient

from kiosk_ui.assets import FOREVER
from tests.kiosk_ui.conftest import csrf_of

SYSTEM = ' media="(prefers-contrast: more)"'


def sheet(page: str, name: str) -> str:
    found = re.search(rf'<link rel="stylesheet" href="[^"]*/{name}[^>]*>', page)
    assert found is not None
    return found[0]


def choose(client: FlaskClient, **choice: str) -> str:
    token = csrf_of(client.get("/signin").text)
    form = {"csrf_token": token, "next": "/signin?next=/counter", **choice}
    answer = client.post("/sight", data=form)
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/language")
    return client.get(answer.location).text


def test_who_chose_nothing_follows_the_system(anyone: FlaskClient) -> None:
    page = anyone.get("/signin").text
    assert "data-text" not in page
    assert SYSTEM in sheet(page, "contrast.css")
    assert 'media="(forced-colors: active)"' in sheet(page, "forced.css")


def test_a_choice_is_kept_shown_and_undone(anyone: FlaskClient) -> None:
    assert 'value="large" aria-current="true"' in choose(anyone, text="large")
    page = choose(anyone, contrast="more")
    assert 'value="large" aria-current="true"' in page, "one choice leaves the other alone"
    assert 'value="more" aria-current="true"' in page
    assert '<a class="btn quiet" href="/signin?next=/counter">' in page
    for path in ("/signin", "/lobby", "/"):
        page = anyone.get(path).text
        assert 'data-text="large"' in page
        assert SYSTEM not in sheet(page, "contrast.css")
    choose(anyone, text="normal", contrast="system")
    page = anyone.get("/signin").text
    assert "data-text" not in page
    assert SYSTEM in sheet(page, "contrast.css")


def test_a_choice_that_is_none_changes_nothing_and_leads_to_this_site(anyone: FlaskClient) -> None:
    page = choose(anyone, text="99", contrast="<b>", next="https://evil.example/")
    assert "evil.example" not in page
    assert "data-text" not in page
    anyone.set_cookie("storehub_text", '"><script>')
    assert "data-text" not in anyone.get("/signin").text


def test_larger_text_is_laid_out_as_on_a_narrower_screen(anyone: FlaskClient) -> None:
    plain = re.findall(r"max-width: ([\d.]+)em", anyone.get("/static/app.css").text)
    address = re.findall(r'href="([^"]*/app\.css[^"]*)"', choose(anyone, text="largest"))[0]
    answer = anyone.get(address.replace("&amp;", "&"))
    larger = re.findall(r"max-width: ([\d.]+)em", answer.text)
    assert plain
    assert [float(width) for width in larger] == [2 * float(width) for width in plain]
    assert answer.headers["Cache-Control"] == FOREVER
    unknown = anyone.get("/static/app.css?text=9")
    assert re.findall(r"max-width: ([\d.]+)em", unknown.text) == plain


def test_what_is_kept_without_the_hub_follows_the_choice(anyone: FlaskClient) -> None:
    before = anyone.get("/associate/sw.js").text, anyone.get("/counter/worker.js").text
    choose(anyone, contrast="more")
    after = anyone.get("/associate/sw.js").text, anyone.get("/counter/worker.js").text
    assert before[0].splitlines()[3] != after[0].splitlines()[3]
    assert before[1].splitlines()[0] != after[1].splitlines()[0]
