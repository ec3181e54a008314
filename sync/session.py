"""The connection under a conversation with central: one, kept alive, to whom is trusted alone.

It must never take a proxy or a password from its environment, nor let a socket go unknown.
"""

import ssl
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from .frames import JSON, PROTOCOL_HEADER
from .protocol import VERSION
from .sockets import Sockets
from .trust import Trust


def opened(sockets: Sockets, trust: Trust | None) -> requests.Session:
    """Return a session whose sockets are known to `sockets`."""
    session = requests.Session()
    trust = trust or Trust()
    if trust.ca is not None:
        session.verify = str(trust.ca)
    # No proxy from the environment, no .netrc: the store's settings alone say who central is.
    session.trust_env = False
    session.headers.update({PROTOCOL_HEADER: VERSION, "Accept": JSON, "Accept-Encoding": "zstd"})
    adapter = _Adapter(sockets, trust)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Adapter(HTTPAdapter):
    """One kept-alive connection whose socket is known."""

    def __init__(self, sockets: Sockets, trust: Trust) -> None:
        self._sockets = sockets
        self._trust = trust
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        sockets, trust = self._sockets, self._trust
        if trust.ca is not None:
            kwargs["ssl_context"] = create_urllib3_context()
        super().init_poolmanager(*args, socket_options=Sockets.OPTIONS, **kwargs)

        class Http(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                sockets.add(self.sock)

        class Https(urllib3.connection.HTTPSConnection):
            def connect(self) -> None:
                trust.before(self.ssl_context)
                super().connect()
                trust.after(self.sock)
                sockets.add(self.sock)

        class HttpPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Http

        class HttpsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Https

        self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}


def brief(error: BaseException) -> str:
    """Return in few words why there is no connection."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"central's certificate is not trusted: {cause.verify_message}"
        inner = getattr(cause, "reason", None) or next(iter(cause.args), None)
        cause = inner if isinstance(inner, BaseException) else None
    return f"{type(error).__name__}: {error}"[:200]
