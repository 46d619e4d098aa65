"""The command line's part for serving: the read-only interface, and the keys to it."""

import ipaddress
import logging
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from waterbed.model.errors import InputError

_out = Console(highlight=False, markup=False, emoji=False)
KeysFile = Annotated[
    Path | None, typer.Option("--keys", help="File of keys, outside the study.", show_default=False, dir_okay=False)
]


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen at; 0: any free one.")] = 8000,
    keys: KeysFile = None,
    every: Annotated[float, typer.Option(min=1, help="Seconds between looks for new facts.")] = 60.0,
    proxy: Annotated[
        str | None, typer.Option(help="Address of a proxy in front, whose word on who asks is taken.")
    ] = None,
) -> None:
    """Serve what may be published, pages and tables, read-only, over HTTP until a signal ends it.

    For example: waterbed -C mystudy serve --port 8000 --keys keys.toml
    """
    from waterbed.serve import source_of  # noqa: PLC0415 (no other command should pay for the server)
    from waterbed.serving.access import Access, read_access  # noqa: PLC0415 (the same)
    from waterbed.serving.api import api  # noqa: PLC0415 (the same)
    from waterbed.serving.running import server_of  # noqa: PLC0415 (the same)

    if keys is None and not _loopback(host):
        raise InputError(f"{host} is open to others: name a file of keys with --keys (docs/api.md, Keys)")
    access = read_access(keys, context.obj) if keys else Access(open=True, a_minute=60_000)
    app = api(source_of(context.obj), access, every_s=every)
    logging.getLogger("waterbed.serving").setLevel(logging.INFO)
    with _listening(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        at = f"http://{shown}:{listening.getsockname()[1]}/"
        _out.print(f"serving at {at} (for tools /docs); end with Ctrl-C", soft_wrap=True)
        try:
            server_of(app, proxy=proxy).run(sockets=[listening])
        except KeyboardInterrupt:
            return  # uvicorn ends in order first, then passes the signal on


def api_key(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The keys file, outside the study; made if missing.")],
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    scope: Annotated[list[str] | None, typer.Option(help="aggregates or cases; may be given twice.")] = None,
) -> None:
    """Make a key for the interface and print it, once; the file keeps its checksum alone.

    For example: waterbed api-key keys.toml --name dashboard --scope aggregates
    """
    from waterbed.serving.access import add_key  # noqa: PLC0415 (no other command should pay for its libraries)

    sys.stdout.write(add_key(file, context.obj, name, tuple(scope or ("aggregates",))) + "\n")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as problem:
        raise InputError(
            f"nothing can listen at {host} port {port} ({problem.strerror}); name another with --host or --port "
            "(docs/api.md)"
        ) from None
