"""Gathers the texts of screens and rules into the catalogues: `make messages`.

It must never guess a translation: a text that changed is a new text, and waits for its words.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from kiosk_ui.languages.catalogues import LOCALES, RULES, SCREENS, SOURCE, languages, path, read
from kiosk_ui.languages.sentences import VALUE

ROOT: Final = Path(__file__).parent.parent.parent
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "later": None,
    "ngettext": (1, 2),
    "many": (1, 2),
}
# Errors whose first argument is a sentence for people (hub.errors).
ERRORS: Final = {"Refusal", "Invalid", "NotFound", "Forbidden", "Unavailable"}
# Where the hub speaks to people at a screen; commands, settings and imports speak to field IT.
ROOMS: Final = (
    "catalog", "customers", "experience", "fleet", "gs1", "house", "pickup", "printing", "returns",
    "aisle", "scans", "shelf", "staff", "stock", "tasks", "commands.py", "writer.py",
    "quarantine.py", "journal.py", "joining.py", "outbox.py",
)  # fmt: skip
# In these the hub also returns sentences, instead of raising them.
RETURNING: Final = ("rules.py", "routing.py", "proofs.py", "checks.py", "order.py")
FEWEST_LETTERS: Final = 6
SENTENCE: Final = re.compile(r"[A-Z“%].* .*[.?!]", re.DOTALL)


def screens() -> Catalog:
    """Return what stands in `_("…")` in kiosk_ui's templates and modules."""
    catalog = _empty(SCREENS)
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(
        str(ROOT / "kiosk_ui"),
        methods,
        {"templates/**.html": {"trimmed": "true", "silent": "false"}},
        keywords=KEYWORDS,
    )
    for name, _line, text, _comments, context in found:
        catalog.add(text, locations=[(f"kiosk_ui/{name}", 0)], context=context)
    return catalog


def sentences() -> Catalog:
    """Return what the hub's rules may say to a person, values as `%(name)s`."""
    catalog = _empty(RULES)
    for place in [*(ROOT / "hub" / room for room in ROOMS), ROOT / "kiosk_ui"]:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if file.is_file():
                for text in filter(_says_something, spoken(file)):
                    catalog.add(text, locations=[(str(file.relative_to(ROOT)), 0)])
    return catalog


def spoken(file: Path) -> Iterator[str]:
    """Yield the sentences that one module raises or returns."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in ERRORS:
            yield from _texts(node.args[0])
    if file.name in RETURNING:
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from filter(SENTENCE.fullmatch, _texts(node.value))
            if isinstance(node, ast.Call):
                yield from filter(SENTENCE.fullmatch, _of_all(node.args))

    # What a state or a step is called inside such a sentence: `_STATE_WORDS = {…: "on hold"}`.
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and _name(node.target).endswith("_words"):
            assert isinstance(node.value, ast.Dict)
            yield from (ast.literal_eval(value) for value in node.value.values)


def _says_something(text: str) -> bool:
    """`%(reason)s.` fits every sentence, and so translates none."""
    return not VALUE.search(text) or len(VALUE.sub("", text)) > FEWEST_LETTERS


def _of_all(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        yield from _texts(node)


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text) if " " in text:
            yield text.replace("%", "%%")
        case ast.JoinedStr():
            yield _template(node)
        case ast.IfExp(body=one, orelse=other):
            yield from _of_all((one, other))
        case ast.BoolOp(values=several) | ast.Tuple(elts=several) | ast.List(elts=several):
            yield from _of_all(several)


def _template(node: ast.JoinedStr) -> str:
    named: dict[str, str] = {}  # name → expression
    text = ""
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            text += f"%({_placeholder(value.value, named)})s"
        elif isinstance(value, ast.Constant):
            text += str(value.value).replace("%", "%%")
    return text


def _placeholder(node: ast.expr, named: dict[str, str]) -> str:
    """Return a name that a translator understands, one for each expression."""
    expression, name = ast.unparse(node), _name(node) or "value"
    while named.setdefault(name, expression) != expression:
        name += "_"
    return name


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name.lower() if name.isupper() else name
        case ast.Attribute(attr=name):
            return name.lower() if name.isupper() else name
        case ast.Subscript(value=inner):
            return _name(inner)
        case ast.Call(func=func, args=[first, *_]) if isinstance(func, ast.Name):
            return _name(first)
        case ast.Call(func=func):
            return _name(func)
    return ""


def _empty(domain: str) -> Catalog:
    return Catalog(project="storehub", domain=domain, fuzzy=False)


def update(language: str, domain: str, texts: Catalog) -> Catalog:
    """Return a language's catalogue with today's texts; it keeps the words that it has."""
    old = read(language, domain) if path(language, domain).is_file() else Catalog(locale=language)
    new = Catalog(locale=language, project="storehub", domain=domain, fuzzy=False)
    for message in texts:
        if message.id:
            known = old.get(message.id, message.context)
            words = known.string if known is not None and not known.fuzzy else None
            new.add(message.id, words or "", locations=message.locations, context=message.context)
    return new


def write(catalog: Catalog, file: Path) -> None:
    """Write a catalogue so that two people's changes meet in few lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    head = (
        f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n"Plural-Forms: '
        f'{catalog.plural_forms}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n\n'
    )
    with file.open("wb") as out:
        out.write(head.encode())
        write_po(out, catalog, width=0, omit_header=True, sort_by_file=True, include_lineno=False)


def main(wanted: list[str]) -> int:
    """Bring every language up to date; `wanted` names new ones."""
    for domain, texts in ((SCREENS, screens()), (RULES, sentences())):
        for language in sorted({*languages(), *wanted} - {SOURCE}):
            catalog = update(language, domain, texts)
            write(catalog, LOCALES / language / f"{domain}.po")
            print(
                f"{language} {domain}: {len(catalog)} texts, {len(missing(catalog))} to translate"
            )
    return 0


def missing(catalog: Catalog) -> list[str]:
    """Return the texts without words, one of them for each form of a plural."""
    return [str(one.id) for one in catalog if one.id and (one.fuzzy or not all(words(one)))]


def words(message: Message) -> list[str]:
    """Return the translation, every plural form of it."""
    said = message.string
    return [said or ""] if said is None or isinstance(said, str) else list(said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
