"""What the command line prints: tables for people, formats for tools."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from attribution.lookups.literals import canonical
from crawler.recheck import PassReport
from graphs.network import displacement_graph, main_flows
from waterbed.conclude import Conclusions
from waterbed.formats import days_of, for_tools, plain_table
from waterbed.lab.compare import Scorecard
from waterbed.lab.http_server import Counts
from waterbed.model.conclusions import Episode, Hop, ToldEpisode, Verdict
from waterbed.model.facts import Snapshot
from waterbed.model.table import Envelope
from waterbed.publish.exports import defused, parquet_of
from waterbed.rehearsal import Rehearsed
from waterbed.store.vault import KEYS_ENVIRONMENT, key_file
from waterbed.study import OriginCount, Study

_err = Console(stderr=True)
_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 40
"""Rows of a long table shown to people; the other formats print all."""

_COLUMNS = {
    "episodes": ("url_id", "hoster", "known_up_at", "last_up", "first_down", "cause", "looks"),
    "told_episodes": ("observer", "source", "url_id", "hoster", "known_up_at", "last_up", "first_down", "cause"),
    "hops": ("kind", "order", "from_hoster", "to_hoster", "left_before", "arrived_before"),
    "verdicts": ("url_id", "observed_at", "outcome", "state", "cause", "rule"),
}
"""What people are shown of each kind; the other formats have every column."""

_TYPES: dict[str, type] = {"episodes": Episode, "told_episodes": ToldEpisode, "hops": Hop, "verdicts": Verdict}


@contextmanager
def bar() -> Iterator[Any]:
    """A progress bar on a terminal, silence in a pipe; yields `told(what, done, total)`."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, disable=not _err.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total or None)
            progress.update(tasks[what], completed=done, total=total or None)

        yield told


def created(study: Study) -> None:
    """Say where a new study and its keys are, and what to do with them."""
    config, path = study.folder.config, study.folder.path
    _out.print(f"study   {path}", soft_wrap=True)
    given = os.environ.get(KEYS_ENVIRONMENT)
    _out.print(f"keys    {f'${KEYS_ENVIRONMENT} (no file)' if given else key_file(config.study)}", soft_wrap=True)
    _out.print("Keep a copy of the keys somewhere safe and apart. Without them no URL of this")
    _out.print("study can be read again; whoever holds them can read them all (docs/operations.md).")
    if not config.canary.targets:
        _out.print("No canary is configured yet ([canary] targets in waterbed.toml): until then")
        _out.print("nothing is called down.")


def passed(report: PassReport) -> None:
    """Say what a pass did, and how fast."""
    rate = report.looks / report.seconds if report.seconds else 0.0
    _out.print(f"{report.looks:,} of {report.due:,} due looks recorded in {report.seconds:.1f} s ({rate:,.0f} URLs/s)")
    if report.stopped == "canary":
        _out.print("Our own network failed its canary: the pass stopped, what is due stays due, nothing is concluded.")
    elif report.stopped == "lease":
        _out.print(
            "It stood still for longer than its lease: others took over what it held, nothing is recorded twice."
        )
    elif report.stopped:
        _out.print("Stopped by a signal: what was being looked at is recorded, the rest stays due.")


def snapshots(found: Sequence[Snapshot], form: str) -> None:
    """List dated tables."""
    names = ("kind", "form", "family", "date", "rows", "source", "licence", "built")
    rows = [
        (
            one.kind,
            one.form or "-",
            f"IPv{one.family}" if one.family else "-",
            one.data_date.date().isoformat(),
            f"{one.rows:,}",
            one.source,
            one.licence or "-",
            f"{one.built_at:%Y-%m-%d %H:%M}" if one.built_at else "-",
        )
        for one in found
    ]
    plain(names, rows, form)


def attributions(done: Conclusions, form: str) -> None:
    """Print who answers for each distinct set of addresses."""
    rows = [
        (
            " ".join(a.addresses),
            " ".join(f"AS{origin}" for origin in a.origins),
            " ".join(a.hosters),
            " ".join(a.countries),
            a.rule,
            a.routes_date.date().isoformat() if a.routes_date else "",
            "stale" if a.stale else "",
        )
        for a in filter(None, done.attributions)
    ]
    names = ("addresses", "origins", "hosters", "countries", "rule", "routes", "stale")
    plain(names, list(dict.fromkeys(rows)), form)


def origin_counts(counts: Sequence[OriginCount], form: str) -> None:
    """Print how many rows each origin AS has."""
    plain(("key", "name", "rows"), [(c.key, c.name, c.rows) for c in counts], form)


def write_origins(path: Path, addresses: Sequence[str], origins: Sequence[tuple[int, ...]]) -> None:
    """Write the origin ASes of each row of a table."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "address", "origins"))
        for number, (address, found) in enumerate(zip(addresses, origins, strict=True), 1):
            # never any other text: a wrong column may hold URLs
            writer.writerow((number, canonical(address) or "", " ".join(f"AS{origin}" for origin in found)))
    _out.print(f"wrote {len(addresses):,} rows to {path}", soft_wrap=True)


def rows(found: Sequence[Any], heading: Envelope, what: str, form: str) -> None:
    """Print conclusions of one kind."""
    cls = _TYPES[what]
    if form != "table":
        for_tools(cls, found, heading, form)
        return
    names = _COLUMNS[what]
    table = plain_table(f"{len(found):,} {what.replace('_', ' ')}, {days_of(heading.window)}")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in found[:_SHOWN]:
        table.add_row(*(_short(getattr(row, name)) for name in names))
    _out.print(table)
    if len(found) > _SHOWN:
        _out.print(f"... {len(found) - _SHOWN:,} more; all of them with --format csv, json or parquet")


def flows(done: Conclusions) -> None:
    """Print the main flows of the hop graph."""
    names = {key: done.attributor.name_of(key) for key in done.hosters}
    graph = displacement_graph(done.hops, names=names, seats=done.seats, home="")
    table = plain_table(f"Hop graph: {graph.number_of_edges()} hops between hosters, main flows")
    for name in ("hops", "from", "to"):
        table.add_column(name)
    for left, right, hops in main_flows(graph)[:10]:
        table.add_row(str(hops), _seated(left, names, done), _seated(right, names, done))
    _out.print(table)


def _seated(key: str, names: dict[str, str], done: Conclusions) -> str:
    seat = done.seats.get(key)
    return f"{names.get(key, key)} ({seat})" if seat else names.get(key, key)


def score(done: Rehearsed) -> None:
    """Print measured against true."""
    card: Scorecard = done.score
    table = plain_table(f"Measured against true: {done.truth.world.name}")
    for name in ("what", "measured", "true"):
        table.add_column(name)
    table.add_row("hops", f"{card.hops_measured}", f"{card.hops_true} ({card.hops_detectable} detectable)")
    table.add_row("hop precision", _percent(card.hop_precision), "")
    table.add_row("hop recall, detectable", _percent(card.hop_recall), "")
    table.add_row("hop recall, all", _percent(card.hop_recall_all), "")
    for kind, found in card.by_kind.items():
        table.add_row(f"  {kind}", f"{found.found}", f"{found.true} ({found.detectable} detectable)")
    for share in card.removal:
        table.add_row(f"removed in 24 h: {share.hoster}", _percent(share.measured), f"{share.true:.1%} of {share.urls}")
    table.add_row("removal share, largest difference", _points(card.removal_most_off), "")
    table.add_row("removal share, mean difference", _points(card.removal_mean_off), "")
    _out.print(table)
    rate = done.looks / done.seconds if done.seconds else 0.0
    _out.print(f"{done.looks:,} looks in {done.passes} passes, {done.seconds:.0f} s ({rate:,.0f} looks/s)")


def bytes_seen(counts: Counts) -> None:
    """Print what the lab's servers saw us take of bodies."""
    asked = ", ".join(f"{n:,} {method}" for method, n in sorted(counts.requests.items()))
    _out.print(f"requests seen by the servers: {asked}; {counts.connections:,} connections")
    _out.print(
        f"body bytes acknowledged past the head: plain {counts.excess_plain_total:,} (most in one connection "
        f"{counts.excess_plain_most:,}), TLS {counts.excess_tls_total:,} (most {counts.excess_tls_most:,}); "
        "body bytes kept or written: 0",
        soft_wrap=True,
    )


def written(files: Sequence[Path]) -> None:
    """Say what was written, the page last."""
    _out.print(f"wrote {len(files)} files to {files[0].parent}", soft_wrap=True)
    _out.print(f"page: {files[-1].resolve()}", soft_wrap=True)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _points(difference: float | None) -> str:
    return "-" if difference is None else f"{100 * difference:.1f} points"


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if hasattr(value, "strftime"):
        return str(value.strftime("%m-%d %H:%M"))
    return str(value)[:12] if isinstance(value, str) and len(value) == 32 else str(value)


def plain(names: Sequence[str], found: Sequence[Sequence[Any]], form: str) -> None:
    """Print rows without a dataclass of their own."""
    if form == "table":
        table = plain_table("")
        for name in names:
            table.add_column(name)
        for row in found[:_SHOWN]:
            table.add_row(*map(str, row))
        _out.print(table)
        if len(found) > _SHOWN:
            _out.print(f"... {len(found) - _SHOWN:,} more; all of them with --format csv or json")
        return
    if form == "parquet":
        cells = [[str(cell) for cell in column] for column in zip(*found, strict=True)] or [[] for _ in names]
        sys.stdout.buffer.write(parquet_of(names, cells))
        return
    if form == "json":
        sys.stdout.write(json.dumps([dict(zip(names, row, strict=True)) for row in found], indent=1) + "\n")
        return
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([names, *([*map(defused, row)] for row in found)])
    sys.stdout.write(out.getvalue())
