"""What happened to the personal data of customers; it must never say anything personal."""

from typing import Final

import msgspec


class PersonalDataErased(msgspec.Struct, frozen=True):
    """The personal data behind a random customer reference was deleted, for good."""

    ref: str

    def topics(self) -> tuple[str, ...]:
        return ("customers",)


FACTS: Final[dict[tuple[str, int], type]] = {("PersonalDataErased", 1): PersonalDataErased}
