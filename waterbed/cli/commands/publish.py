"""The `publish`, `serve` and `api-key` commands."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.model.shell import command, installs
from waterbed.shown.options import Follow, Override, Since, Until, to_write
from waterbed.shown.output import note, say, unchecked, written, written_at
from waterbed.shown.windows import asked

if TYPE_CHECKING:
    from waterbed.publish.policy import Publication

KeysFile = Annotated[
    Path | None, typer.Option("--keys", help="File of keys, outside the study.", show_default=False, dir_okay=False)
]


def publish(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for the files.")],
    override: Override = "",
    errata: Annotated[str, typer.Option(help="TLP:CLEAR: corrections in this edition, besides those by rulings.")] = "",
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
) -> None:
    """Write the publication: tables, feeds, graph and pages.

    Feeds are STIX, MISP and IntelMQ.

    For example: waterbed -C mystudy publish out
    """
    from waterbed.model.facts import Report
    from waterbed.publish.exports import left_out
    from waterbed.publish.release import publish_all
    from waterbed.store.whole.replacing import is_published
    from waterbed.study.study import open_study

    window = asked(since, until, follow).window
    with open_study(context.obj) as study, written_at(out, published=True):
        published = is_published(out)
        if not published and not out.is_file() and not study.store.count(Report):
            first = command("import", "reports.csv", study=context.obj)
            raise InputError(
                f"this study has no report, so there is nothing to publish; import reports first ({first})"
            )
        other_count = 0 if published or not out.is_dir() else sum(1 for _ in out.iterdir())
        conclusions = study.conclude(window=window)
        publication = publish_all(study, out, conclusions, override=override, errata=errata, written=_changed)
        written(publication)
        if lacking := left_out():
            note(
                f"left out, as this installation lacks what makes them: {' and '.join(map(str.upper, lacking))}; "
                f"{installs('exports')} (docs/operations.md, Installation)",
                broken=True,
            )
        if conclusions.whole.until is None:
            unchecked(context.obj)
        if other_count:
            note(
                f"{out} had {other_count:,} other files or folders: they stay among the published "
                "ones, and whoever hands "
                "on the folder hands them on too",
                broken=True,
            )


_DAY_S = 86_400
_NAMED = 5
"""Hosters left out that are named."""


def _changed(publication: Publication) -> None:
    """Print how many hosters changed since the edition before, and who is left out."""
    from waterbed.publish.build_publication import changes_since

    if publication.changed_since is not None:
        table = publication.table("changes-hoster")
        counts = Counter(row.change for row in table.rows)
        verbs = {"came": "came", "went": "went", "class": "changed class", "share": "moved beyond their interval"}
        which = ", ".join(f"{counts[change]:,} {word}" for change, word in verbs.items())
        note(f"hosters, {changes_since(publication.changed_since)}: {which} (changes-hoster.csv)")
    hidden = [name for kind, name in publication.edition.hidden if kind == "hoster"] if publication.edition else []
    if hidden:
        more = f" and {len(hidden) - _NAMED:,} more" if len(hidden) > _NAMED else ""
        note(
            f"hosters left out, with fewer than {publication.policy.least} sites or to protect such: "
            f"{', '.join(hidden[:_NAMED])}{more} (docs/publishing.md, What a hidden row may be)",
            broken=True,
        )


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen at; 0: any free one.")] = 8000,
    keys: KeysFile = None,
    every: Annotated[float, typer.Option(min=1, max=_DAY_S, help="Seconds between checks for changes.")] = 60.0,
    proxy: Annotated[
        str | None, typer.Option(help="Addresses or networks of trusted proxies that forward client addresses.")
    ] = None,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
) -> None:
    """Serve the publication read-only over HTTP until a signal.

    For example: waterbed -C mystudy serve --port 8000 --keys keys.toml
    """
    from waterbed.publish.api.guard import Access, read_access

    window = asked(since, until, follow).window
    trusted = None if proxy is None else ",".join(map(_network, proxy.split(",")))
    if keys is None and not _loopback(host):
        raise InputError(f"{host} is open to others: name a file of keys with --keys (docs/api.md, Keys)")
    access = read_access(keys) if keys else Access(open=True, a_minute=60_000)
    with _listening(host, port) as listening:
        from waterbed.publish.api.app import api
        from waterbed.publish.api.server import server_of
        from waterbed.publish.api.source import source_of
        from waterbed.study.condition import StudyFigures

        failures: list[BaseException] = []

        def failed(failure: BaseException) -> None:
            failures.append(failure)
            server.should_exit = True

        app = api(
            source_of(context.obj, window),
            access,
            every_s=every,
            failed=failed,
            figures=StudyFigures(context.obj).text,
            own=keys is None,
        )
        logging.getLogger("waterbed.publish.api").setLevel(logging.INFO)
        netloc = f"[{host}]" if ":" in host else host
        url = f"http://{netloc}:{listening.getsockname()[1]}/"
        server = server_of(app, proxy=trusted, names=(host, *access.names))
        say(f"serving at {url} (for tools /docs); end with Ctrl-C")
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            return  # uvicorn ends in order first, then passes the signal on
        for failure in failures:
            raise failure


def api_key(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The keys file, outside the study; created if missing.", callback=to_write)
    ],
    name: Annotated[str, typer.Option(help="Holder of the key.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="aggregates, cases or metrics; may be given several times.")
    ] = None,
) -> None:
    """Make an API key and print it once.

    The file stores only its checksum.

    For example: waterbed api-key keys.toml --name dashboard --scope aggregates
    """
    from waterbed.publish.api.guard import add_key

    sys.stdout.write(add_key(file, name, tuple(scope or ("aggregates",))) + "\n")


def _network(proxy: str) -> str:
    """The address or network of a proxy, as the server takes it."""
    for parsed in (ipaddress.ip_address, ipaddress.ip_network):
        with suppress(ValueError):
            return str(parsed(proxy.strip()))
    raise InputError(
        f"--proxy {proxy}: the IP address of a proxy was expected, or a network, as 192.0.2.1 or 192.0.2.0/28, without "
        "name or port (docs/api.md, Limits)"
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(problem: OSError) -> str:
    """The system's words, without what Python adds to them."""
    if isinstance(problem, socket.gaierror) or problem.errno is None:
        return problem.strerror or str(problem)
    return os.strerror(problem.errno)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as problem:
        raise InputError(
            f"nothing can listen at {host} port {port} ({_reason(problem)}); name another with --host or --port "
            "(docs/api.md)"
        ) from None
