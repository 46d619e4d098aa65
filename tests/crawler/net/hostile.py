"""A server on loopback that answers with given bytes, whatever is asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count


@asynccontextmanager
async def serving(pieces: Sequence[bytes], *, pause_s: float = 0.0, hang: bool = False) -> AsyncIterator[int]:
    """Serve the pieces to each connection, then close, or hang; yields the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            tasks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                if pause_s:
                    await asyncio.sleep(pause_s)
            if hang:
                await asyncio.sleep(30)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


Answer = Callable[[str, str, str], bytes]
"""From method, target and the client's address to the bytes of an answer; none at all to stay silent."""


Extra = Callable[[asyncio.StreamWriter, int], None]
"""Does what it likes to a connection before its n-th answer, from 0; closed, it gets no more."""


@asynccontextmanager
async def talking(
    answer: Answer,
    asked: list[tuple[str, str, str]] | None = None,
    tls: ssl.SSLContext | None = None,
    extra: Extra | None = None,
) -> AsyncIterator[int]:
    """Serve each request by a function, over kept connections; yields the port and notes what was asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        try:
            for number in count():
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
                if asked is not None:
                    asked.append((method, target, source))
                if extra:
                    extra(writer, number)
                if writer.is_closing():
                    return
                said = answer(method, target, source)
                if not said:
                    await reader.read()
                    return
                writer.write(said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
