"""After a sign-in, or a choice of language, nobody is led to another site."""

import pytest

from kiosk_ui.session import of_this_site

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
