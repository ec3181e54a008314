"""Read the hub's settings from one table: defaults < storehub.toml < environment < flags.

It must never print a secret, and never guess: a wrong key or value stops the start with a sentence
that names the key, the value and where it came from.
"""

from hub.settings.reading import FILE, SECRETS, SettingsError, load, page
from hub.settings.table import TABLE, Settings

__all__ = ["FILE", "SECRETS", "TABLE", "Settings", "SettingsError", "load", "page"]
