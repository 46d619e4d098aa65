"""Serves /health and /metrics in a thread of its own.

It responds even if the event loop of the service is stuck.
"""

import json
import socket
import threading
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from waterbed.publish.api.problems import problem
from waterbed.publish.api.server import Guard, Limits, server_of
from waterbed.service.metrics import State
from waterbed.store.bounds import listen_address
from waterbed.store.machine_settings import Service as Settings
from waterbed.study.condition import CONTENT_TYPE

_PATIENCE_S = 8.0
_LIMITS = Limits(connections=32, answer_s=10.0)
_FRESH = {"Cache-Control": "no-store"}


class Endpoint:
    """Serves /health and /metrics until closed.

    /health is JSON, with status 503 while the service waits or is stuck; /metrics is in Prometheus's format.
    """

    def __init__(
        self, settings: Settings, state: State, figures: Callable[[], bytes], limits: Limits | None = None
    ) -> None:
        """Start to listen at `service.listen`.

        OSError if the port is taken.
        """
        host, port = listen_address(settings.listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family)
        self.shown = f"http://{f'[{host}]' if ':' in host else host}:{self._listening.getsockname()[1]}"
        app = Guard(_application(state, figures))
        self._server = server_of(app, names=settings.names, limits=limits or _LIMITS, lifespan="off")
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        self._thread.join(_PATIENCE_S)
        self._listening.close()


def _application(state: State, figures: Callable[[], bytes]) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            answer = problem(405)
        elif scope["path"] == "/health":
            health = json.dumps(state.as_dict()).encode() + b"\n"
            answer = Response(health, 200 if state.healthy else 503, _FRESH, "application/json")
        elif scope["path"] == "/metrics":
            answer = Response(figures(), 200, {**_FRESH, "Content-Type": CONTENT_TYPE})
        else:
            answer = Response(b"/health and /metrics are here\n", 404, _FRESH, "text/plain")
        await answer(scope, receive, send)

    return application
