"""The server: one process, loopback or behind a proxy, and no log line of its own for a request."""

from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Unlogged(HttpToolsProtocol):
    """The HTTP protocol without its access log, whatever was done to loggers since: its lines hold paths."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin a connection."""
        super().__init__(*args, **kwargs)
        self.access_log = False


def server_of(app: ASGIApp, *, proxy: str | None = None) -> uvicorn.Server:
    """A server for an application; `proxy` is the address whose word on who asks is taken."""
    config = uvicorn.Config(
        app,
        http=Unlogged,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy or "",
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
