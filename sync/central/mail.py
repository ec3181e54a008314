"""Sends one notice by SMTP and says how sure it is of the outcome.

It must never call a message sent before the server answered for it, and never log an address.
"""

import contextlib
import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from typing import NamedTuple

from .notice_settings import Mail


class Outcome(NamedTuple):
    """`sent`, `again` (later may do), `failed` (never will); `doubtful`: it may have arrived.

    `down`: nobody is there for anybody.
    """

    state: str
    error: str = ""
    doubtful: bool = False
    down: bool = False


def compose(
    settings: Mail, to: str, subject: str, text: str, message_id: str, lang: str
) -> EmailMessage | None:
    """Return the message; None for an address that is none."""
    message = EmailMessage()
    try:
        to.encode("ascii")  # a server without SMTPUTF8 takes no other
        Address(addr_spec=to)
        message["To"] = to
    except (ValueError, IndexError, MessageError):
        return None
    message["From"] = settings.sender
    message["Subject"] = subject
    message["Message-ID"] = f"<{message_id}@{settings.sender.rpartition('@')[2].strip('> ')}>"
    message["Date"] = formatdate()
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = lang
    message.set_content(text)
    return message


def send(settings: Mail, message: EmailMessage) -> Outcome:
    """Hand the message to the server."""
    try:
        server = _connect(settings)
    except smtplib.SMTPResponseException as error:
        # Its greeting or our password: nothing that this customer could help.
        return Outcome("again", f"smtp-{error.smtp_code}", down=True)
    except (OSError, smtplib.SMTPException) as error:
        return Outcome("again", _named(error), down=True)
    try:
        return _deliver(server, message)
    finally:
        server.close()


def _connect(settings: Mail) -> smtplib.SMTP:
    where = settings.server, settings.port
    if settings.security == "tls":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=settings.timeout_s)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.user is not None:
            server.login(settings.user, settings.password or "")
    except (OSError, smtplib.SMTPException):
        server.close()
        raise
    return server


def _deliver(server: smtplib.SMTP, message: EmailMessage) -> Outcome:
    sender = Address(addr_spec=message["From"].addresses[0].addr_spec).addr_spec
    to = message["To"].addresses[0].addr_spec
    try:
        code, _ = server.mail(sender)
        if code != 250:
            return Outcome("again", f"smtp-{code}")
        code, _ = server.rcpt(to)
        if code not in (250, 251):
            return _refused(code)
    except (OSError, smtplib.SMTPException) as error:
        return Outcome("again", _named(error))
    return _hand_over(server, message)


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> Outcome:
    try:
        code, _ = server.data(message.as_bytes())
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code)
    except (OSError, smtplib.SMTPException) as error:
        # Cut after DATA: the server may have it, and nobody can know.
        return Outcome("again", _named(error), doubtful=True)
    if code != 250:
        return _refused(code)
    # It has answered for the message; how it says goodbye changes nothing.
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    return Outcome("sent")


def _refused(code: int) -> Outcome:
    return Outcome("failed" if code >= 500 else "again", f"smtp-{code}")


def _named(error: Exception) -> str:
    # Only the kind: what a server says may quote the address.
    return type(error).__name__
