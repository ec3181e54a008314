"""Prints docs/settings.md, as it follows from the table."""

from hub.settings import page

print(page(), end="")
