"""The kinds of error that cross a boundary; it must never know who shows them.

    HubError
    ├── Refusal        a rule said no; a person can act on it          HTTP 409, ack `refused`
    ├── Invalid        the request itself is wrong; names the field    HTTP 422, quarantine
    ├── NotFound       there is no such thing in this store            HTTP 404
    ├── Forbidden      this role may not do that                       HTTP 403
    └── Unavailable    try again later; nothing was done               HTTP 503, no ack

Everything else that is raised is a bug and is not caught before the outermost loop of its thread.
"""


class HubError(Exception):
    """An expected error. `sentence` can be read out by staff; `slug` names it to programs."""

    slug = "error"

    def __init__(self, sentence: str, *, slug: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if slug is not None:
            self.slug = slug


class Refusal(HubError):
    """A rule said no. Nothing was written."""

    slug = "refused"


class Invalid(HubError):
    """The request is malformed. `field` names the part that is wrong, in dotted form."""

    slug = "invalid"

    def __init__(self, sentence: str, *, field: str = "", slug: str | None = None) -> None:
        super().__init__(sentence, slug=slug)
        self.field = field


class NotFound(HubError):
    """The thing that was named does not exist in this store."""

    slug = "not-found"


class Forbidden(HubError):
    """Whoever asks is known, and may not do this."""

    slug = "forbidden"


class Unavailable(HubError):
    """Nothing was done; the same request may succeed in `retry_after_s` seconds."""

    slug = "unavailable"

    def __init__(
        self, sentence: str, *, retry_after_s: float = 1.0, slug: str | None = None
    ) -> None:
        super().__init__(sentence, slug=slug)
        self.retry_after_s = retry_after_s
