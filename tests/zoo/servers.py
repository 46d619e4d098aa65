"""The zoo's servers in one child process: a resolver, and two listeners for each behaviour."""

import asyncio
import itertools
import multiprocessing
import resource
import signal
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tests.zoo import dns_faults, http_faults, tcp_faults, tls_faults
from tests.zoo.behaviour import Behaviour, Datagram, DnsPlay, Left, Listening, Play, Query, Visit
from waterbed.store.machine_settings import ConnectTo

CANARY = Behaviour(name="canary", does="A site that is always up.", url="http://{host}/")
_PUBLIC = 10
"""Behaviour n has the addresses 28.(10 + n).0.0/16, which are public and nobody's here."""


def behaviours() -> list[Behaviour]:
    """All behaviours of the zoo, in the order of the page."""
    rooms = (dns_faults, tcp_faults, tls_faults, http_faults)
    return [behaviour for room in rooms for behaviour in room.behaviours()]


def prefix(place: int) -> str:
    """The public prefix of the behaviour in a place."""
    return f"28.{_PUBLIC + place}.0.0/16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a behaviour's servers were asked and gave, since the last reset."""

    questions: int
    connections: int
    methods: dict[str, int]
    seconds: float
    """Longest connection, from accept to its end."""
    acked: int
    """Most bytes of one connection that the client's kernel acknowledged."""
    excess_plain: int
    excess_tls: int
    """Most bytes past the heads of one connection that were acknowledged."""
    sent: bool
    sent_past: bool
    """Whether any byte was sent, and any past a head, acknowledged or not."""


class Zoo:
    """The servers, from entering to leaving."""

    def __init__(self, names: Iterable[str] | None = None) -> None:
        """Play all behaviours, or only those named."""
        wanted = None if names is None else set(names)
        self.played = [b for b in behaviours() if wanted is None or b.name in wanted]
        self._process: Any = None

    def __enter__(self) -> "Zoo":
        """Start the child and learn its ports."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        names = [b.name for b in self.played]
        self._process = context.Process(target=_child, args=(theirs, names), daemon=True)
        self._process.start()
        theirs.close()
        dns, ports = self._answer()
        self.resolver = f"127.0.0.1:{dns}"
        self.connect_to = tuple(
            ConnectTo(prefix=prefix(place), port=public, listener=f"127.0.0.1:{port}")
            for place, pair in enumerate(ports)
            for public, port in zip((80, 443), pair, strict=True)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def taken(self) -> dict[str, Taken]:
        """What each behaviour gave since the last reset, once its clients have left."""
        self._pipe.send("taken")
        taken: dict[str, Taken] = self._answer()
        return taken

    def reset(self) -> None:
        """Forget what was counted."""
        self._pipe.send("reset")
        self._answer()

    def _answer(self) -> Any:
        if not self._pipe.poll(60):
            raise AssertionError("the zoo's servers do not answer")
        return self._pipe.recv()


def _child(pipe: Any, names: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = set(names)
    asyncio.run(_Playing(pipe, [*(b for b in behaviours() if b.name in wanted), CANARY]).play())


class DnsServer:
    """A name server on loopback, UDP and TCP, that answers with whatever bytes it is told to."""

    def __init__(self, answers: DnsPlay, address: Callable[[str], str] = lambda host: "28.10.0.7") -> None:
        """Take what answers a question, and the public address of a host."""
        self._answers_to, self._address = answers, address
        self._other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asked: Counter[tuple[str, int]] = Counter()

    async def start(self) -> int:
        """Open both sockets on one free port, and give it."""
        self._tcp = await asyncio.start_server(self._hear_tcp, "127.0.0.1", 0)
        port: int = self._tcp.sockets[0].getsockname()[1]
        for sock in (self._udp, self._other):
            sock.setblocking(False)
        self._udp.bind(("127.0.0.1", port))
        asyncio.get_running_loop().add_reader(self._udp, self._hear_udp)
        return port

    def refuse_tcp(self) -> None:
        """Listen no longer on TCP."""
        self._tcp.close()

    async def stop(self) -> None:
        """Close them."""
        asyncio.get_running_loop().remove_reader(self._udp)
        self._tcp.close()
        self._udp.close()
        self._other.close()

    def _hear_udp(self) -> None:
        while True:
            try:
                data, where = self._udp.recvfrom(4096)
            except OSError:
                return
            for answer in self._answers(data, tcp=False):
                sock = self._other if answer.spoofed else self._udp
                if answer.after_s:
                    asyncio.get_running_loop().call_later(answer.after_s, sock.sendto, answer.data, where)
                else:
                    sock.sendto(answer.data, where)

    async def _hear_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int.from_bytes(await reader.readexactly(2), "big")
            answers = self._answers(await reader.readexactly(size), tcp=True)
            if answers and answers[0].data:
                writer.write(struct.pack("!H", len(answers[0].data)) + answers[0].data)
            elif not answers:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answers(self, data: bytes, *, tcp: bool) -> Sequence[Datagram]:
        labels, place = [], 12
        while data[place]:
            labels.append(data[place + 1 : place + 1 + data[place]].decode().lower())
            place += data[place] + 1
        host, kind = ".".join(labels), int.from_bytes(data[place + 1 : place + 3], "big")
        if not tcp:
            self.asked[host, kind] += 1
        return self._answers_to(
            Query(
                number=data[:2],
                name=data[12 : place + 1],
                host=host,
                kind=kind,
                tcp=tcp,
                time=self.asked[host, kind],
                address=self._address(host),
            )
        )


class _Playing:
    def __init__(self, pipe: Any, played: list[Behaviour]) -> None:
        self._pipe = pipe
        self._played = {b.name: b for b in played}
        self._address = {b.name: prefix(place).replace(".0.0/16", ".0.7") for place, b in enumerate(played)}
        self._dns = DnsServer(self._resolve, lambda host: self._address[self._name(host)])
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[socket.socket] = []
        self._reset()

    def _reset(self) -> None:
        self._visits: dict[str, list[Visit]] = defaultdict(list)
        self._turns = {name: itertools.count() for name in self._played}
        self._dns.asked.clear()
        self._questions: Counter[str] = Counter()

    async def play(self) -> None:
        dns = await self._dns.start()
        ports = [(self._open(b, b.http), self._open(b, b.https)) for b in self._played.values()]
        self._pipe.send((dns, ports))
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)
        await self._over.wait()

    def _hear(self) -> None:
        try:
            what = self._pipe.recv()
        except (EOFError, OSError):
            self._over.set()
            return
        if what == "reset":
            self._reset()
            self._pipe.send(None)
        else:
            self._keep(asyncio.get_running_loop().create_task(self._report()))

    async def _report(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in self._tasks if task is not mine]
        if others:
            await asyncio.wait(others, timeout=3)
        self._pipe.send({name: self._taken(name) for name in self._played})

    def _taken(self, name: str) -> Taken:
        visits = self._visits[name]
        return Taken(
            questions=self._questions[name],
            connections=len(visits),
            methods=dict(Counter(method for visit in visits for method in visit.methods)),
            seconds=max((visit.ended - visit.began for visit in visits), default=0.0),
            acked=max((visit.acked for visit in visits), default=0),
            excess_plain=max((visit.excess for visit in visits if not visit.tls), default=0),
            excess_tls=max((visit.excess for visit in visits if visit.tls), default=0),
            sent=any(visit.offered[0] for visit in visits),
            sent_past=any(visit.offered[1] for visit in visits),
        )

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _open(self, behaviour: Behaviour, listening: Listening) -> int:
        """Open a listener; one that refuses is bound and does not listen."""
        sock = socket.socket()
        self._held.append(sock)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        if listening == "black hole":
            sock.listen(0)
            for _ in range(4):  # with its queue full the kernel drops first packets
                waiting = socket.socket()
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
                self._held.append(waiting)
        elif callable(listening):
            sock.listen(128)
            accepting = asyncio.get_running_loop().create_task(self._accept(behaviour, sock, listening))
            self._held.append(accepting)  # type: ignore[arg-type]  # held so that it lives
        return port

    async def _accept(self, behaviour: Behaviour, sock: socket.socket, play: Play) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(sock)
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visit = Visit(client, host=behaviour.host, turns=self._turns[behaviour.name])
            self._visits[behaviour.name].append(visit)
            self._keep(loop.create_task(_played(visit, play)))

    def _name(self, host: str) -> str:
        name = ".".join(host.split(".")[-2:]).removesuffix("-zoo.com")
        return name if name in self._played else CANARY.name

    def _resolve(self, query: Query) -> Sequence[Datagram]:
        name = self._name(query.host)
        self._questions[name] += 1
        return (self._played[name].dns or dns_faults.healthy)(query)


async def _played(visit: Visit, play: Play) -> None:
    try:
        await play(visit)
        await visit.linger()
    except Left:
        pass
    finally:
        visit.close()
