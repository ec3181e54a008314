"""Tells a provider of SMS or push what a customer should know, signed so that it can be believed.

It must never follow a redirect with a customer's number, and never log what it says.
"""

import hmac
from datetime import datetime

import requests

from .mail import Outcome
from .notice_settings import Webhook

SIGNATURE = "X-StoreHub-Signature"
# A secret, a clock or an address that is wrong at one end is put right by somebody.
_NOT_LET_IN = frozenset({401, 403})
_LATER = _NOT_LET_IN | {404, 408, 425, 429}


def signature(secret: str, at: int, body: bytes) -> str:
    """Return `t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.BODY`."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"


def send(settings: Webhook, body: bytes, message_id: str, now: datetime) -> Outcome:
    """Post `body`; 2xx is taken for done, most of 4xx for never, all else is tried again."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": message_id,
        SIGNATURE: signature(settings.secret, int(now.timestamp()), body),
    }
    try:
        answer = requests.post(
            settings.url,
            data=body,
            headers=headers,
            timeout=settings.timeout_s,
            allow_redirects=False,
            stream=True,
        )
        answer.close()  # what it says besides its status is nobody's, however long it is
    except requests.ConnectTimeout as error:
        return Outcome("again", type(error).__name__, down=True)
    except requests.ConnectionError as error:
        # Refused, or cut while it answered: this library does not tell the two apart.
        return Outcome("again", type(error).__name__, doubtful=True, down=True)
    except requests.RequestException as error:
        return Outcome("again", type(error).__name__, doubtful=True)
    if 200 <= answer.status_code < 300:
        return Outcome("sent")
    gone = 400 <= answer.status_code < 500 and answer.status_code not in _LATER
    said, shut = f"http-{answer.status_code}", answer.status_code in _NOT_LET_IN
    return Outcome("failed" if gone else "again", said, down=shut)
