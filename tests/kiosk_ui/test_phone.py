"""What the associate's phone keeps: nothing of whoever has left."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.kiosk_ui.conftest import csrf_of

SignIn = Callable[[str], FlaskClient]


def test_the_page_that_a_phone_keeps_for_a_dead_zone_knows_nobody(sign_in: SignIn) -> None:
    page = sign_in("ada").get("/associate/offline").text
    assert "Ada" not in page
    assert "/signout" not in page
    assert csrf_of(page) == ""


def test_a_phone_keeps_its_pages_anew_in_another_language(anyone: FlaskClient) -> None:
    english, german = (
        anyone.get("/associate/sw.js", headers={"Accept-Language": tongue}).text
        for tongue in ("en", "de")
    )
    assert english != german
