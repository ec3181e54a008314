"""Makes all tokens of a look out of the few colours that a retailer gives.

It must never let a text be unreadable: what is derived has the contrast of WCAG AA on every ground
that it stands on, and a given colour that has not is refused by its name.
"""

from collections.abc import Mapping
from typing import Final

from hub.brand.colours import (
    BLACK,
    READABLE,
    VISIBLE,
    WHITE,
    contrast,
    least,
    mixed,
    on,
    shade,
)

# What a retailer may give, and the token (kiosk_ui/static/app.css) that it is.
GIVEN: Final = {
    "accent": "accent",
    "on_accent": "on-accent",
    "background": "bg",
    "surface": "surface",
    "text": "ink",
    "text_soft": "ink-2",
}
# The product's own look, as app.css has it (a test compares the two).
OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "light": {
        "bg": "#f3f1ec",
        "surface": "#ffffff",
        "surface-2": "#f8f7f3",
        "sunken": "#eae7df",
        "ink": "#1a1d1f",
        "ink-2": "#565c61",
        "line": "#e1ddd3",
        "line-2": "#8b8778",
        "accent": "#0b6b57",
    },
    "dark": {
        "bg": "#111416",
        "surface": "#1a1e21",
        "surface-2": "#20252a",
        "sunken": "#0c0e10",
        "ink": "#eceae4",
        "ink-2": "#a9b0b6",
        "line": "#2c3338",
        "line-2": "#7b858d",
        "accent": "#58c7a8",
    },
}
# What a state looks like is the same in every store; it has to be read on the brand's grounds.
STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "light": {"late": "#ae2419", "soon": "#845300", "ok": "#1c7440", "calm": "#33518a"},
    "dark": {"late": "#ff9b90", "soon": "#f2c263", "ok": "#74d295", "calm": "#a5c0f5"},
}


class Unreadable(Exception):
    """A given colour cannot be used. `name` is the key in the file, `why` ends the sentence."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name, self.why = name, why


def derived(scheme: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return every token of a scheme (`light`, `dark`) that the brand decides.

    `given`: keys of GIVEN, colours as #rrggbb. Raises Unreadable.
    """
    own = OWN[scheme]
    found = {
        token: given.get(name, own[token])
        for name, token in GIVEN.items()
        if token in ("bg", "surface", "ink")
    }
    bg, surface, ink = found["bg"], found["surface"], found["ink"]
    for name, ground in (("background", bg), ("surface", surface)):
        if contrast(ink, ground) < READABLE:
            raise Unreadable(name if name in given else "text", _too_weak(ink, (ground,)))
    found |= _grounds_of(scheme, given, found)
    _states(scheme, given, found)
    found |= _accents(scheme, given, found)
    grounds = _grounds(found)
    if least(ink, grounds) < READABLE:
        raise Unreadable("text" if "text" in given else "surface", _too_weak(ink, grounds))
    soft = given.get("text_soft")
    if soft is not None and least(soft, grounds) < READABLE:
        raise Unreadable("text_soft", _too_weak(soft, grounds))
    nearest = mixed(ink, surface, 0.35) if "text" in given else own["ink-2"]
    found["ink-2"] = soft or shade(nearest, ink, grounds, READABLE)
    return found


def _grounds_of(scheme: str, given: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """Return what lies between the grounds: the own ones, unless the brand has grounds or ink."""
    if not {"background", "surface", "text"} & set(given):
        return {name: OWN[scheme][name] for name in ("surface-2", "sunken", "line", "line-2")}
    bg, surface, ink = found["bg"], found["surface"], found["ink"]
    return {
        "surface-2": mixed(surface, ink, 0.03),
        "sunken": mixed(bg, ink, 0.05) if scheme == "light" else mixed(bg, BLACK, 0.25),
        "line": mixed(surface, ink, 0.14),
        "line-2": shade(mixed(surface, ink, 0.45), ink, (bg, surface), VISIBLE),
    }


def _states(scheme: str, given: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name, tokens in (("background", ("bg", "sunken")), ("surface", ("surface", "surface-2"))):
        for state, colour in STATES[scheme].items():
            for ground in (found[token] for token in tokens):
                if contrast(colour, ground) < READABLE:
                    why = (
                        f"what is “{state}” is written on it in {colour}: {_ratio(colour, ground)}"
                    )
                    raise Unreadable(name if name in given else "text", why)


def _accents(scheme: str, given: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    # A brand that gives only its light colours has the same accent in the dark, readable there.
    accent = given.get("accent", OWN[scheme]["accent"])
    text = given.get("on_accent") or on(accent)
    if contrast(text, accent) < READABLE:
        raise Unreadable("on_accent", f"it is written on accent {accent}: {_ratio(text, accent)}")
    # Hovered and pressed: away from the text on it, so that it only gets easier to read.
    strong = mixed(accent, BLACK if contrast(text, BLACK) > contrast(text, WHITE) else WHITE, 0.2)
    soft = mixed(found["surface"], accent, 0.14)
    grounds = (*_grounds(found), soft)
    return {
        "accent": accent,
        "accent-strong": strong,
        "on-accent": text,
        "accent-soft": soft,
        "accent-ink": shade(accent, found["ink"], grounds, READABLE),
    }


def _grounds(found: Mapping[str, str]) -> tuple[str, ...]:
    names = ("bg", "surface", "surface-2", "sunken", "accent-soft")
    return tuple(found[name] for name in names if name in found)


def _too_weak(colour: str, grounds: tuple[str, ...]) -> str:
    worst = min(grounds, key=lambda ground: contrast(colour, ground))
    return f"text {colour} is written on {worst}: {_ratio(colour, worst)}"


def _ratio(one: str, other: str) -> str:
    return f"a contrast of {contrast(one, other):.1f}, and {READABLE} is the least"
