"""After a sign-in, or a choice of language, nobody is led to another site."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from kiosk_ui.session import of_this_site
from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import PIN

ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example/x", "https://evil.example",
    "https:///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "\t//evil.example", "/\n/evil.example", " //evil.example", "javascript:x()", "evil.example",
    "/\x00/evil", "", None,
]  # fmt: skip


@pytest.mark.parametrize("text", ELSEWHERE)
def test_what_a_browser_takes_for_another_site_is_none_of_ours(text: str | None) -> None:
    assert not of_this_site(text)


@pytest.mark.parametrize("text", ["/", "/counter", "/counter/orders/R-1?code=a//b", "/find?q=ü"])
def test_a_path_of_ours_is_gone_on_to(text: str) -> None:
    assert of_this_site(text)


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("https://hub.local/counter", "/counter"),
        ("https://hub.local/counter/handover/R-1?code=x", "/counter/handover/R-1?code=x"),
        ("https://hub.local//evil.example", "/counter"),
        ("https://[", "/counter"),
        ("", "/counter"),
    ],
)
def test_who_was_signed_out_while_a_page_drew_a_part_anew_comes_back_to_the_page(
    anyone: FlaskClient, page: str, back: str
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    answer = anyone.get("/counter/columns", headers=headers)
    assert answer.status_code == 401
    wanted = parse_qs(urlsplit(answer.headers["HX-Redirect"]).query).get("next", [""])[0]
    token = csrf_of(anyone.get("/signin").text)
    form = {"staff_id": "ada", "pin": PIN, "csrf_token": token, "next": wanted}
    assert anyone.post("/signin", data=form).location == back
