"""Serves /health and /metrics in threads of their own.

They respond even if the event loop is stuck.
"""

import json
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from waterbed.model.errors import InputError
from waterbed.service.metrics import CONTENT_TYPE, State

_PATIENCE_S = 5.0
_SEE = "docs/service.md, Health"


def listen_address(listen: str) -> tuple[str, int]:
    """Parse `service.listen`; InputError unless it is address and port."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        socket.getaddrinfo(host, int(port), flags=socket.AI_NUMERICHOST)
        if not 0 <= int(port) <= 65_535:
            raise ValueError
        return host, int(port)
    except (OSError, ValueError, OverflowError):
        raise InputError(
            f"service.listen {listen!r} is not an address and port like 127.0.0.1:9477; see {_SEE}"
        ) from None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: the client closed the connection."""


class Endpoint:
    """Serves /health and /metrics until closed.

    /health is JSON, with status 503 while the service waits or is stuck; /metrics is in Prometheus's format.
    """

    def __init__(self, listen: str, state: State, figures: Callable[[], bytes]) -> None:
        """Start to listen.

        OSError if the port is taken, InputError for an invalid address.
        """
        address = listen_address(listen)

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S
            server_version, sys_version = "Waterbed", ""

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/health":
                    body = json.dumps(state.as_dict()).encode() + b"\n"
                    self._answer(200 if state.healthy else 503, "application/json", body)
                elif path == "/metrics":
                    self._answer(200, CONTENT_TYPE, figures())
                else:
                    self._answer(404, "text/plain", b"/health and /metrics are here\n")

            do_HEAD = do_GET  # noqa: N815 (the same)

            def _answer(self, status: int, media: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """No line for a request."""

        kind = type("_Server6", (_Server,), {"address_family": socket.AF_INET6}) if ":" in address[0] else _Server
        self._server = kind(address, Handler)
        self.shown = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)
