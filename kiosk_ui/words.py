"""Says things in the reader's language: the one home of gettext for Python code.

It must never build a sentence from pieces; each call is a whole one.
"""

import flask_babel


def _(text: str, /, **values: object) -> str:
    """Return `text` in the language of this request."""
    return str(flask_babel.gettext(text, **values))


def later(text: str) -> str:
    """Mark a module's constant; it is looked up when a template shows it."""
    said: str = flask_babel.lazy_gettext(text)
    return said
