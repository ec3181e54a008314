"""Notes after each commit whether an order or a person changed, for what is rendered once.

It must never do work on the writer's thread but take a note.
"""

from typing import Final

from hub.events import Ringing

ABOUT: Final = ("pickup", "staff", "catalog", "customers", "tasks")


class Touched:
    """The number of the last commit that touched what the board shows."""

    def __init__(self) -> None:
        self.number = 0

    def note(self, ringing: Ringing) -> None:
        if any(topic.startswith(ABOUT) for topic in ringing.topics):
            self.number = ringing.number
