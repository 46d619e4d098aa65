"""Worker processes of one program: begun, heard, stopped, buried."""

import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

from waterbed.crawler.logs import place_of
from waterbed.model.errors import InputError, OwnFailure, WaterbedError

Message = dict[str, Any]
"""What a worker tells: plain values, never a URL or host name."""

_PIECE = 65_536
_STOP = b"stop\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Channel:
    """A worker's end of the line to whoever began it."""

    def __init__(self, sock: socket.socket) -> None:
        """Take the socket."""
        self._sock = sock

    def fileno(self) -> int:
        """Be watched by an event loop: readable means stop.

        So does the end of the stream: whoever began the worker is gone.
        """
        return self._sock.fileno()

    def tell(self, message: Message) -> None:
        """Tell something.

        Nobody hears it if whoever began the worker is gone.
        """
        with suppress(OSError):
            self._sock.sendall(json.dumps(message).encode() + b"\n")


@dataclass(slots=True, kw_only=True)
class _Worker:
    number: int
    pid: int
    sock: socket.socket
    heard: bytearray = field(default_factory=bytearray)
    ended: bool = False
    """True if it told its end: what comes after is no death."""


Work = Callable[[Channel], Message | None]
"""What a worker does; what it returns is the last that it tells."""


class Crew:
    """Workers forked from this process, which has no other thread.

    They share what it has loaded, and nothing that it has open. A worker hears of a signal from here alone: Ctrl-C
    reaches all processes of a terminal, and a second signal would cut a worker off.
    """

    def __init__(self) -> None:
        """Begin no worker yet."""
        self._workers: list[_Worker] = []
        self._begun = 0
        self.stopping = False

    @property
    def busy(self) -> bool:
        """True while a worker lives."""
        return bool(self._workers)

    @property
    def only(self) -> socket.socket:
        """The line to the one worker."""
        (worker,) = self._workers
        return worker.sock

    def begin(self, work: Work) -> None:
        """Fork one worker.

        A failure of its own is told as one sentence, and no traceback is printed.
        """
        parent_socket, child_socket = socket.socketpair()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if not pid:
            parent_socket.close()
            for other in self._workers:
                other.sock.close()
            _work(work, child_socket)
        child_socket.close()
        self._begun += 1
        self._workers.append(_Worker(number=self._begun, pid=pid, sock=parent_socket))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if self.stopping:
            parent_socket.send(_STOP)

    def stop(self) -> None:
        """Let all workers end in order."""
        self.stopping = True
        for worker in self._workers:
            with suppress(OSError):
                worker.sock.send(_STOP)

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGKILL)

    def hear(self, seconds: float | None = None, channel: Channel | None = None) -> Iterator[tuple[int, Message]]:
        """Wait for news, and yield what each worker told.

        A worker that ended without telling so is told as `{"died": how}`. A stop that comes by `channel` is told as of
        worker 0.
        """
        watch = select.poll()
        if channel and not self.stopping:
            watch.register(channel, select.POLLIN)
        for worker in self._workers:
            watch.register(worker.sock, select.POLLIN)
        ready = {number for number, _ in watch.poll(None if seconds is None else seconds * 1000)}
        if channel and channel.fileno() in ready:
            yield 0, {}
        for worker in [worker for worker in self._workers if worker.sock.fileno() in ready]:
            yield from self._heard(worker)

    def _heard(self, worker: _Worker) -> Iterator[tuple[int, Message]]:
        try:
            piece = worker.sock.recv(_PIECE)
        except ConnectionResetError:
            piece = b""
        worker.heard += piece
        *lines, rest = worker.heard.split(b"\n")
        worker.heard = bytearray(rest)
        for line in lines:
            message = json.loads(line)
            worker.ended = worker.ended or "end" in message
            yield worker.number, message
        if not piece:
            code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
            worker.sock.close()
            self._workers.remove(worker)
            if not worker.ended:
                yield worker.number, {"died": signal.Signals(-code).name if code < 0 else f"exit code {code}"}

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM stops all in order.

        A second one ends the workers at once, and this process by the kernel's default action.
        """
        previous_handlers = {number: signal.getsignal(number) for number in _SIGNALS}

        def stopped(number: int, _: FrameType | None) -> None:
            if not self.stopping:
                self.stop()
                return
            self.kill()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

        for number in _SIGNALS:
            signal.signal(number, stopped)
        try:
            yield
        finally:
            for number, handler in previous_handlers.items():
                signal.signal(number, handler)


def _work(work: Work, sock: socket.socket) -> NoReturn:
    """Do a worker's work in its own process, and end it."""
    code = 3
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        channel = Channel(sock)
        channel.tell({"end": True, **_told(work, channel)})
        code = 0
    finally:
        os._exit(code)  # neither the buffers nor the handlers of the process that was copied are ended twice


def _told(work: Work, channel: Channel) -> Message:
    from waterbed.store.integrity import disk_trouble  # noqa: PLC0415 (only a failure needs it)

    try:
        return work(channel) or {}
    except WaterbedError as problem:
        failure: WaterbedError | None = problem
    except OSError as problem:
        failure = disk_trouble(problem) or _place(problem)
    except BaseException as problem:
        failure = _place(problem)
    return {"input" if isinstance(failure, InputError) else "own": str(failure)}


def _place(problem: BaseException) -> OwnFailure:
    """Name the place, never the values, which could be URLs."""
    return OwnFailure(f"a worker failed: {place_of(problem)}; please report this line")


def raise_told(messages: Iterable[Message]) -> None:
    """Raise a failure that workers told, ours before the input's."""
    received = list(messages)
    for kind, failure in (("own", OwnFailure), ("input", InputError)):
        for message in received:
            if kind in message:
                raise failure(message[kind])
