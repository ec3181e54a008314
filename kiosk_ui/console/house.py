"""What a lead decides for the store: policies with opening hours, and the staging shelves.

It must never know a rule: a press runs the room's action, and its refusal stands beside the field.
"""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from hub.errors import Invalid, NotFound
from hub.house import actions
from hub.house import queries as decided
from hub.house.rules import POLICIES
from hub.journal import Transaction
from hub.pickup import staging as shelves
from kiosk_ui.api.house import shelves_shown, zone
from kiosk_ui.console import opening
from kiosk_ui.counter.cards import Known
from kiosk_ui.pressing import pressed
from kiosk_ui.session import hub, need
from kiosk_ui.words import _, later

house = Blueprint("house", __name__, url_prefix="/console")

GROUPS: Final = (
    (later("Opening hours"), ("opening_hours", "clocks_run")),
    (later("Picking and promises"), ("pickers", "line_minutes", "accept_minutes")),
    (later("Orders that wait"), ("ready_hours", "no_show_hours", "hold_hours")),
    (later("Staging"), ("unknown_shelves",)),
)
NAMES: Final = {
    "opening_hours": later("Opening hours"),
    "clocks_run": later("No-show and expiry run"),
    "pickers": later("People who pick"),
    "line_minutes": later("Time for one line"),
    "accept_minutes": later("Call when nobody picks"),
    "ready_hours": later("A ready order is kept"),
    "no_show_hours": later("No-show after"),
    "hold_hours": later("An order on hold is kept"),
    "unknown_shelves": later("A shelf nobody planned"),
}
CHOICES: Final = {
    "always": later("Always"),
    "open": later("While the store is open"),
    "take": later("Take the order"),
    "refuse": later("Refuse the shelf"),
}
UNITS: Final = {"h": later("hours"), "min": later("minutes"), "people": later("people")}
KINDS: Final = {
    "ambient": later("Room temperature"),
    "large": later("Large goods"),
    "chilled": later("Chilled"),
    "frozen": later("Frozen"),
}


# -- policies


@house.get("/policies")
def policies() -> str:
    need("console")
    return render_template("console/house/policies.html", here="console", groups=groups())


@house.post("/policies/<name>")
def decide(name: str) -> Response:
    """Decide one policy, or give its default back, and show it as it stands."""
    person = need("policy")
    if name not in POLICIES:
        raise NotFound(_("There is no such policy."))
    typed = request.form.get("value", "").strip()
    value = None if request.form.get("do") == "default" else read(name, typed)

    def work(tx: Transaction, cause: str) -> object:
        return actions.set_policy(tx, name, value, actor=person.actor, cause=cause)

    problem = pressed(person, work)
    (one,) = (one for _group, found in groups() for one in found if one["name"] == name)
    if problem:
        one |= {"typed": typed, "problem": problem}
    page = render_template("console/house/policy.html", one=one)
    return Response(page + toast(problem, _("It is decided.")))


@house.get("/hours")
def meant() -> str:
    """Show what the opening hours mean that somebody is typing."""
    need("console")
    return render_template("console/house/week.html", **hours(request.args.get("value", "")))


def read(name: str, typed: str) -> int | str:
    """Return what was typed as what the policy is; a text where a number belongs the rule names."""
    number = isinstance(POLICIES[name].default, int)
    return int(typed) if number and typed.isascii() and typed.isdigit() else typed


def groups() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the policies by what they are about; one that has no group yet stands at the end."""
    with hub().reader() as connection:
        known = Known(connection)
        shown = {one["name"]: one | said(known, one) for one in decided.shown(connection)}
    listed = [(title, [shown.pop(name) for name in names]) for title, names in GROUPS]
    return [*listed, *([(_("More"), list(shown.values()))] if shown else [])]


def said(known: Known, one: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {
        "label": NAMES.get(one["name"], one["name"]),
        "unit_name": UNITS.get(one["unit"], one["unit"]),
        "choice_names": {choice: CHOICES.get(choice, choice) for choice in one["choices"]},
        "by": known.person(one["set_by"]),
    }
    if one["name"] == "opening_hours":
        more |= {"hours": hours(one["value"])}
    return more


def hours(text: str) -> dict[str, Any]:
    """Return what opening hours mean, or what is wrong with them."""
    now = hub().clock.now()
    try:
        days = opening.week(text, now, zone())
        opened, sentence = opening.now_said(text, now, zone())
    except Invalid as error:
        return {"days": [], "wrong": error.sentence}
    return {"days": days, "opened": opened, "sentence": sentence, "wrong": None}


# -- staging shelves


@house.get("/staging")
def staging() -> str:
    need("console")
    return render_template("console/house/staging.html", here="console", **rack())


@house.get("/staging/parts")
def parts() -> str:
    need("console")
    return render_template("console/house/rack.html", **rack())


@house.post("/staging")
def plan() -> Response:
    """Plan shelves, one or several, or change one."""
    person = need("plan")
    form = request.form
    typed = {name: form.get(name, "").strip() for name in ("shelf", "kind", "capacity")}

    def work(tx: Transaction, cause: str) -> object:
        return shelves.plan_shelves(
            tx, typed["shelf"], number(typed["capacity"]), typed["kind"],
            actor=person.actor, cause=cause,
        )  # fmt: skip

    return stood(pressed(person, work), typed)


@house.post("/staging/drop")
def drop() -> Response:
    """Give a shelf up; refused while orders stand on it."""
    person = need("plan")
    shelf = request.form.get("shelf", "")

    def work(tx: Transaction, cause: str) -> object:
        return shelves.drop_shelf(tx, shelf, actor=person.actor, cause=cause)

    return stood(pressed(person, work), {"shelf": shelf, "drop": "yes"})


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid("The capacity is a whole number of orders.", field="capacity")
    return int(text)


def stood(problem: str | None, typed: Mapping[str, str]) -> Response:
    """Show the shelves as they stand; what was refused stands beside what was typed."""
    typed = dict(typed) | {"row": request.form.get("row", "")} if problem else {}
    page = render_template("console/house/shelves.html", problem=problem, typed=typed, **rack())
    return Response(page + toast(problem, _("The staging shelves are changed.")))


def toast(problem: str | None, done: str) -> str:
    """Say that it is done; a problem stands beside its field, and takes an older word away."""
    if problem:
        return render_template("parts/no_toast.html")
    return render_template("parts/toast.html", sentence=done, tone="done")


def rack() -> dict[str, Any]:
    with hub().reader() as connection:
        found = shelves_shown(connection)
    return {
        "shelves": found,
        "kinds": KINDS,
        "orders": sum(one["orders"] for one in found),
        "room": sum(one["free"] for one in found),
    }
