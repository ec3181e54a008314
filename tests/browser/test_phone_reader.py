"""A phone's camera as a scanner: the fixed camera's rules, the hub's own reader, plain words."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, expect

from devices.scanners import acceptance
from devices.scanners.acceptance import Acceptance, Seen, Settings
from hub.pickup import queries
from tests.browser.conftest import PATIENCE_MS, Complaints, picture
from tests.components import which
from tests.kiosk_ui.sample import PIN, SampleStore

STATIC = Path(__file__).parents[2] / "kiosk_ui/static"
PHONE = {"width": 390, "height": 844}
WIDTH, HEIGHT, PER_SECOND = 640, 480, 10
Code = tuple[Any, str]


# -- the same rules


def looks(seed: int) -> list[dict[str, Any]]:
    """Make up what a shaking hand shows: few codes, near each other, on and off, some misread."""
    dice = random.Random(seed)
    codes = [
        (dice.choice(sorted(acceptance.NEEDED)), str(n % 3), dice.choice((None, None, True, False)))
        for n in range(4)
    ]
    frames, at = [], 0.0
    for _ in range(120):
        at += dice.choice((0.033, 0.07, 0.1, 0.5, 1.5, 1.6))
        reads = [
            {
                "symbology": symbology,
                "text": text,
                "place": [dice.choice((100.0, 120.0, 140.0, 300.0)), 100.0],
                "size": dice.choice((40.0, 80.0)),
                "known": known,
            }
            for symbology, text, known in dice.sample(codes, dice.choice((0, 1, 1, 2)))
        ]
        frames.append({"at": at, "reads": reads, "hold": dice.random() < 0.1})
    return frames


def by_python(frames: Sequence[dict[str, Any]], symbologies: list[str] | None) -> list[list[str]]:
    settings = Settings() if symbologies is None else Settings(frozenset(symbologies))
    reading, said = Acceptance(settings), []
    for frame in frames:
        if frame["hold"]:
            reading.hold(frame["at"])
            continue
        reads = [Seen(**{**one, "place": tuple(one["place"])}) for one in frame["reads"]]
        said.append([one.text for one in reading.see(reads, frame["at"])])
    return said


BY_SCRIPT = """([films, symbologies]) => JSON.parse(films).map((frames) => {
    const reading = new storehubAcceptance.Acceptance(symbologies);
    const said = [];
    for (const frame of frames) {
        if (frame.hold) { reading.hold(frame.at); continue; }
        said.push(reading.see(frame.reads, frame.at).map((one) => one.text));
    }
    return said;
})"""


@pytest.fixture
def rules(page: Page) -> Page:
    page.goto("about:blank")
    page.evaluate((STATIC / "acceptance.js").read_text())
    return page


def test_the_phone_has_the_same_table(rules: Page) -> None:
    table = rules.evaluate(
        "() => { const {Acceptance, ...rest} = storehubAcceptance; return rest; }"
    )
    assert table == {
        "NEEDED": acceptance.NEEDED,
        "OPT_IN": table["OPT_IN"],
        "WINDOW": acceptance.WINDOW,
        "QUIET_S": acceptance.QUIET_S,
        "UNKNOWN_EXTRA": acceptance.UNKNOWN_EXTRA,
    }
    assert set(table["OPT_IN"]) == acceptance.OPT_IN


@pytest.mark.parametrize("symbologies", [None, sorted(acceptance.NEEDED)], ids=["usual", "all"])
def test_the_same_frames_give_the_same_scans_on_phone_and_camera(
    rules: Page, symbologies: list[str] | None
) -> None:
    films = [looks(seed) for seed in range(40)]
    expected = [by_python(film, symbologies) for film in films]
    assert sum(len(scans) for film in expected for scans in film) > 200  # they say something
    assert rules.evaluate(BY_SCRIPT, [json.dumps(films), symbologies]) == expected


# -- a camera before a printed code


def frame(code: Code | None) -> bytes:
    """Draw a code on paper as a camera sees it: YUV 4:2:0."""
    paper = np.full((HEIGHT, WIDTH), 225, np.uint8)
    if code is not None:
        drawn = np.array(
            zxingcpp.create_barcode(code[1], code[0]).to_image(scale=4, add_quiet_zones=True)
        )
        if drawn.ndim == 3:
            drawn = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)
        drawn = cv2.resize(drawn, (420, 420 if code[0] == zxingcpp.QRCode else 200))
        drawn = cv2.GaussianBlur(drawn, (3, 3), 0)
        top, left = (HEIGHT - drawn.shape[0]) // 2, (WIDTH - drawn.shape[1]) // 2
        paper[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return paper.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2)


def film(path: Path, *scenes: tuple[Code | None, float]) -> Path:
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{PER_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for code, seconds in scenes:
            drawn = frame(code)
            for _ in range(int(seconds * PER_SECOND)):
                out.write(b"FRAME\n" + drawn)
    return path


Open = Callable[..., Page]


@pytest.fixture
def phone(
    chromium: Browser, address: str, shop: SampleStore, complaints: Complaints
) -> Iterator[Open]:
    browsers: list[Browser | BrowserContext] = []

    def opened(shown: Path | None = None, *, allowed: bool = True, host: str = "127.0.0.1") -> Page:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP store.test 127.0.0.1"]
        if shown is not None:
            arguments += [
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={shown}",
            ]
        browser = chromium.browser_type.launch(executable_path=which("chromium"), args=arguments)
        browsers.append(browser)
        context = browser.new_context(
            viewport=PHONE,  # type: ignore[arg-type]
            has_touch=True,
            permissions=["camera"] if allowed else [],
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        site = address.replace("127.0.0.1", host)
        page.goto(f"{site}/signin?next=/scan")
        page.locator("input[value=ada]").check(force=True)
        for digit in PIN:
            page.locator(f"[data-pin='{digit}']").click()
        page.locator(".pad .go").click()
        page.wait_for_url("**/scan")
        return page

    yield opened
    for one in browsers:
        one.close()


def now(shop: SampleStore, order_id: str) -> dict[str, Any]:
    with shop.store.database.reader() as connection:
        return queries.order(connection, order_id)


def test_an_order_is_claimed_and_picked_with_a_phones_camera_alone(
    phone: Open, shop: SampleStore, tmp_path: Path, complaints: Complaints
) -> None:
    shop.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    order, bread = (zxingcpp.QRCode, "SH1:O:R-1"), (zxingcpp.EAN13, "9521234543213")
    page = phone(film(tmp_path / "cam.y4m", (order, 2), (None, 1), (bread, 2), (None, 1)))
    expect(page.locator("#reader")).to_have_attribute("data-engine", "zxing")
    expect(page.locator("#found [data-order='R-1']")).to_be_visible()
    expect(page.locator("#found")).to_contain_text(re.compile("Picked: Rye bread"))
    picture(page, "scan-phone")
    order_now = now(shop, "R-1")
    assert order_now["lines"][0]["picked"] == 1
    assert {one["actor"] for one in order_now["timeline"][2:]} == {"staff:ada"}
    assert complaints == []


def test_an_article_is_looked_up_once_while_it_lies_before_the_lens(
    phone: Open, shop: SampleStore, tmp_path: Path, complaints: Complaints
) -> None:
    page = phone(film(tmp_path / "cam.y4m", ((zxingcpp.EAN13, "9521234543220"), 1)))
    expect(page.locator("#found [data-sku='4712']")).to_contain_text("20 in the store")
    page.wait_for_timeout(2_500)
    expect(page.locator("#reader")).to_have_attribute("data-sent", "1")
    assert complaints == []


def test_what_the_store_does_not_sell_is_flagged_and_not_dropped(
    phone: Open, tmp_path: Path
) -> None:
    page = phone(film(tmp_path / "cam.y4m", ((zxingcpp.EAN13, "4006381333931"), 1)))
    expect(page.locator("[data-unsold='04006381333931']")).to_contain_text("does not sell")
    picture(page, "scan-phone-unsold")


def test_short_codes_are_read_only_when_asked_for(phone: Open, tmp_path: Path) -> None:
    page = phone(film(tmp_path / "cam.y4m", ((zxingcpp.EAN8, "96385074"), 1)))
    expect(page.locator("#reader")).to_have_attribute("data-state", "on")
    page.wait_for_timeout(1_500)
    assert page.locator("#reader").get_attribute("data-sent") is None
    page.get_by_text("Also read").click()
    page.get_by_label("EAN-8").check()
    expect(page.locator("[data-unsold='00000096385074']")).to_be_visible()


def test_a_camera_that_is_refused_is_told_with_what_to_do(phone: Open, tmp_path: Path) -> None:
    page = phone(film(tmp_path / "cam.y4m", (None, 1)), allowed=False)
    expect(page.locator("#told")).to_contain_text("The camera was refused")
    expect(page.locator("#begin")).to_be_visible()
    picture(page, "scan-phone-refused")


def test_a_device_without_a_camera_types(phone: Open) -> None:
    page = phone()
    expect(page.locator("#told")).to_contain_text("has no camera")
    page.locator("#find").fill("9521234543213")
    page.locator("#find").press("Enter")
    expect(page.locator("#found [data-sku='4711']")).to_contain_text("Rye bread")


def test_a_page_that_is_not_secure_says_which_address_to_open(phone: Open, tmp_path: Path) -> None:
    page = phone(film(tmp_path / "cam.y4m", (None, 1)), host="store.test")
    expect(page.locator("#told")).to_contain_text("https")


def test_a_photo_of_a_shelf_lists_every_code_on_it(
    phone: Open, shop: SampleStore, tmp_path: Path, complaints: Complaints
) -> None:
    wall = np.full((900, 1400), 235, np.uint8)
    texts = ("9521234543213", "9521234543220", "9521234543213", "4006381333931")
    for n, text in enumerate(texts):
        label = np.frombuffer(frame((zxingcpp.EAN13, text))[: WIDTH * HEIGHT], np.uint8)
        top, left = 420 * (n // 2), 700 * (n % 2)
        wall[top : top + 400, left : left + 640] = label.reshape(HEIGHT, WIDTH)[40:440]
    cv2.imwrite(str(tmp_path / "shelf.jpg"), wall)
    page = phone(host="store.test")  # no camera, no secure page: a photo needs neither
    expect(page.locator("#told")).to_contain_text("https")
    page.locator("#photo").set_input_files(tmp_path / "shelf.jpg")
    expect(page.locator("#found [data-sku='4711'] td").nth(1)).to_have_text("2")
    expect(page.locator("#found [data-sku='4712'] td").nth(1)).to_have_text("1")
    expect(page.locator("[data-unsold='04006381333931']")).to_be_visible()
    picture(page, "scan-phone-photo")
    (tmp_path / "notes.jpg").write_text("no picture")
    page.locator("#photo").set_input_files(tmp_path / "notes.jpg")
    expect(page.locator("#told")).to_contain_text("no picture")
    # On an open line the browser says that it ignores one of the headers.
    assert [one for one in complaints if "Opener-Policy" not in one] == []
