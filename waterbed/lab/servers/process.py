"""The lab's servers in one child process, and its control."""

import asyncio
import contextlib
import multiprocessing
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Any

from waterbed.lab.servers.counts import Counts, Tally
from waterbed.lab.servers.dns import Answers, serve_dns
from waterbed.lab.servers.http import Stage, serve_http
from waterbed.lab.servers.proxy import Proxy, route_of
from waterbed.lab.servers.state import CANARY_URLS, Scene, WithCanary
from waterbed.lab.servers.wire import server_context
from waterbed.model.errors import OwnFailure
from waterbed.store.machine_settings import ConnectTo

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])  # who starts servers again and again loads all this once
_START_S = 60.0
_ANSWER_S = 60.0
_STOP_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    dns: int
    http: tuple[int, ...]
    proxy: int


class LabServers:
    """Loopback servers that play a scene at a set time.

    They are DNS, HTTP and HTTPS servers and a CONNECT proxy.

    A context manager: the servers run in one child process from entering to leaving. The child ends by itself when
    this process dies, however it dies. OwnFailure if it does not start or does not answer.
    """

    canary_urls = CANARY_URLS

    def __init__(self, scene: Scene, moment: datetime) -> None:
        """Prepare to play a scene, from `moment` on."""
        self._scene = WithCanary(scene)
        self._moment = moment
        self._process: Any = None
        self._pipe: Pipe | None = None
        self.resolver = ""
        self.proxy = ""
        self.connect_to: tuple[ConnectTo, ...] = ()

    def __enter__(self) -> "LabServers":
        """Start the child and learn its ports."""
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_child, args=(theirs, self._scene, self._moment), daemon=True)
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        try:
            ports = self._answer(_START_S)
        except OwnFailure:
            self.stop()
            raise
        self.resolver = f"127.0.0.1:{ports.dns}"
        self.proxy = f"127.0.0.1:{ports.proxy}"
        self.connect_to = tuple(
            ConnectTo(prefix=prefix, port=listener.port, listener=f"127.0.0.1:{port}")
            for listener, port in zip(self._scene.listeners(), ports.http, strict=True)
            for prefix in listener.prefixes
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child."""
        self.stop()

    def set_time(self, moment: datetime) -> None:
        """Move the world to an instant; later answers use it."""
        self._ask(("time", moment))

    def counts(self) -> Counts:
        """Return counts since the start, open connections included."""
        counts: Counts = self._ask(("counts", None))
        return counts

    def stop(self) -> None:
        """End the child; stopping twice does no harm."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(_STOP_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process = None

    @property
    def child_pid(self) -> int | None:
        """The child's process id, None while it does not run."""
        return self._process.pid if self._process else None

    def _ask(self, what: tuple[str, datetime | None]) -> Any:
        if self._pipe is None:
            raise OwnFailure("the lab's servers are not running")
        try:
            self._pipe.send(what)
        except OSError:
            raise OwnFailure("the lab's servers died") from None
        return self._answer(_ANSWER_S)

    def _answer(self, seconds: float) -> Any:
        if self._pipe is None or not self._pipe.poll(seconds):
            raise OwnFailure(f"the lab's servers did not answer within {seconds:g} s")
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            raise OwnFailure("the lab's servers died") from None


def _child(pipe: Pipe, scene: Scene, moment: datetime) -> None:
    # An interrupt from the terminal reaches the parent too, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_Playing(pipe, scene, moment).play())


class _Playing:
    def __init__(self, pipe: Pipe, scene: Scene, moment: datetime) -> None:
        self._pipe = pipe
        self._scene = scene
        self._moment = moment
        self._over = asyncio.Event()
        self._tally = Tally()
        self._answers = Answers(scene, self._clock)

    def _clock(self) -> datetime:
        return self._moment

    async def play(self) -> None:
        tunnels: dict[tuple[str, int], Callable[[], int]] = {}
        stage = Stage(
            scene=self._scene, clock=self._clock, context=server_context(), tally=self._tally, tunnels=tunnels
        )
        dns = await serve_dns(self._answers)
        listeners = self._scene.listeners()
        http = [await serve_http(stage, listener) for listener in listeners]
        # Kept: what nothing refers to, a loop may forget.
        self._proxy = Proxy(route_of(listeners, http), self._tally, tunnels)
        self._pipe.send(_Ports(dns=dns, http=tuple(http), proxy=await self._proxy.serve()))
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)
        await self._over.wait()

    def _hear(self) -> None:
        try:
            what, moment = self._pipe.recv()
            if what == "time":
                self._moment = moment
                self._pipe.send(None)
            else:
                self._pipe.send(self._tally.counts(self._answers.queries, self._answers.special))
        except (EOFError, OSError):
            # The parent stopped us or is dead: either way nobody needs us.
            self._over.set()
