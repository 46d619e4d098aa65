"""What hostile servers do to TLS and to doubted HEADs: keys changed, messages cut, floods, broken GETs."""

import asyncio
import contextlib
import fcntl
import ssl
import struct
import termios

from tests.crawler.net.pushing import context
from tests.crawler.probe.test_prober import head, looked
from tests.crawler.records import HANDSHAKE, TEXT, Records, ticket
from tests.judging.test_judge import RULES
from waterbed.crawler.net.connection import Connection, ConnectionFailure
from waterbed.crawler.net.tls import TlsSession
from waterbed.crawler.net.tls_records import KeyLog
from waterbed.judging.judge import judge_one

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
LONG = HEAD + b"x" * 9_000


class Server(Records):
    """The server's side of a TLS 1.3 session in memory, writing records of its own."""

    def __init__(self) -> None:
        made = context()
        made.num_tickets = 0
        log = KeyLog(made)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = made.wrap_bio(to_server, to_client, server_side=True)
        self.client = TlsSession(None)
        random = b""
        while not self.client.handshake():
            hello = self.client.outgoing()
            random = random or hello[11:43]
            to_server.write(hello)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            self.client.take(to_client.read())
        suite = tls.cipher()
        assert suite
        super().__init__(suite[0], log.take(random)["SERVER_TRAFFIC_SECRET_0"])

    def heard(self, *records: bytes, cut: int | None = None) -> bytes:
        """What the client reads, if of the last record only so many bytes have come."""
        text = b""
        for record in records[:-1]:
            self.client.take(record)
            text += self.client.read(65_536)
        self.client.take(records[-1][:cut])
        while more := self.client.read(65_536):
            text += more
        return text


def test_new_keys_are_taken_out_of_the_pipe() -> None:
    """A server that changes its key again and again fills no pipe: OpenSSL would wait at a full one for ever."""
    server = Server()
    for _ in range(40):
        server.heard(server.key_update())
    waiting = fcntl.ioctl(server.client._log._reader, termios.FIONREAD, b"\0" * 4)
    assert struct.unpack("i", waiting)[0] == 0
    assert server.heard(server.record(TEXT, HEAD)) == HEAD


def test_renegotiation_is_refused() -> None:
    """Before TLS 1.3 a renegotiation would change the keys, and fill the pipe as well."""
    assert Server().client._tls.context.options & ssl.OP_NO_RENEGOTIATION


def test_a_padded_key_update_is_known_as_one() -> None:
    """Padding hides no change of keys: what follows is read right."""
    server = Server()
    assert server.heard(server.key_update(padding=3_000), server.record(TEXT, LONG)) == LONG


def test_an_empty_record_does_not_turn_early_reading_off() -> None:
    """Behind an empty record the beginning of a long one is still read before its end."""
    server = Server()
    text = server.heard(server.record(TEXT, b""), server.record(TEXT, LONG), cut=300)
    assert text.startswith(HEAD)


def test_the_rest_of_a_cut_ticket_is_no_text() -> None:
    """A session ticket cut into two records is not taken for an answer where it looks like one."""
    server = Server()
    message = ticket(3_000, b"HTTP/1.1 404 Not Found\r\n\r\n")
    parts = server.record(HANDSHAKE, message[:15]), server.record(HANDSHAKE, message[15:])
    assert server.heard(*parts, cut=500) == b""


def test_a_warning_before_the_server_s_hello_spoils_no_keys() -> None:
    """TLS 1.2 servers that do not know the name warn first; beginnings are read all the same."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(version=ssl.TLSVersion.TLSv1_2).wrap_bio(to_server, to_client, server_side=True)
    client, warning = TlsSession("lab.example"), b"\x15\x03\x03\0\x02\x01\x70"
    while not client.handshake():
        to_server.write(client.outgoing())
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        client.take(warning + to_client.read())
        warning = b""
    tls.write(LONG)
    client.take(to_client.read()[:300])
    assert client.read(4_096).startswith(HEAD)


def test_a_handshake_takes_no_more_than_a_certificate_needs() -> None:
    """Hello requests may come for ever in a handshake; they are not taken for as long as they come."""

    async def run() -> tuple[str, int]:
        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            with contextlib.suppress(ConnectionError):
                for _ in range(200):
                    writer.write(b"\x16\x03\x03\x40\0" + bytes(16_384))
                    await writer.drain()
            writer.close()

        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        wire = Connection()
        try:
            async with asyncio.timeout(20):
                await wire.connect(server.sockets[0].getsockname()[:2], name=None, tls=True)
        except ConnectionFailure as problem:
            return problem.phase, wire.bytes_read
        finally:
            server.close()
        return "http", wire.bytes_read

    phase, taken = asyncio.run(run())
    assert phase == "tls"
    assert taken < 300_000


def test_head_alone_does_not_say_gone_where_get_breaks_off() -> None:
    """HEAD says 404, as some servers always do, and GET is cut off: that is no removal."""

    def answer(method: str, target: str, source: str) -> bytes:
        return head("404 Not Found", method=method) if method == "HEAD" else b"HTTP/1.1 200"

    facts, _ = looked(answer)
    verdict = judge_one(facts.answered[0].observations[0], None, canary="ok", differed_before=False, rules=RULES)
    assert verdict.state == "unknown"
