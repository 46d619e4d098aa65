"""The `recheck`, `run`, `lag` and `enrich` commands."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from dataclasses import fields
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.spelling import counted
from waterbed.shown.options import Format, Formatted, Processes, to_write
from waterbed.shown.output import FINDING, OK, complain, console, for_tools, new_table, note, print_table, say

if TYPE_CHECKING:
    from waterbed.crawler.recheck.run import PassReport
    from waterbed.crawler.registry.registry_report import CrawlReport
    from waterbed.questions.networks.table_check import Compared
    from waterbed.service.endpoint import Endpoint
    from waterbed.store.backlog import ScheduleLag
    from waterbed.store.config import Config

_MEANT = {
    "measured_at": "measured at",
    "due": "due now",
    "leased": "of these being taken",
    "overdue": "overdue",
    "oldest_due_at": "oldest was due at",
    "late_p50_s": "due since, median",
    "late_p95_s": "due since, 95%",
    "late_max_s": "due since, oldest",
    "taken": "taken in the last hour",
    "taken_p50_s": "taken late by, median",
    "taken_p95_s": "taken late by, 95%",
    "taken_max_s": "taken late by, most",
    "due_an_hour": "due in the next hour",
    "allowed_an_hour": "allowed an hour",
    "rate": "checks a second and worker",
    "workers": "workers needed",
    "catch_up_hours": "hours to catch up",
}


_NO_CANARY = (
    "No canary is configured ([canary] targets in waterbed.toml): nothing can be called down "
    "(docs/operations.md, Canary)."
)


class EnrichTable(StrEnum):
    """The mode of `enrich`, and the table it prints."""

    registries = "registries"
    origins = "origins"


def recheck(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all/--due", help="Check every URL now, or only those due.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of checks.")] = None,
    processes: Processes = 1,
) -> None:
    """Check everything due once, without touching content.

    For example: waterbed -C mystudy recheck --limit 1000
    """
    from waterbed.crawler.recheck.run import SharedPass, run_recheck
    from waterbed.model.collector import all_loaded
    from waterbed.store.folder import open_folder

    all_loaded()
    if processes > 1:
        report = SharedPass(context.obj, processes, everything=everything, limit=limit).wait(complain)
    else:
        with closing(open_folder(context.obj)) as folder:
            report = run_recheck(folder, everything=everything, limit=limit)
    print_pass(report)
    if report.looks and not report.canary:
        note(_NO_CANARY, broken=True)
    raise typer.Exit(FINDING if report.stopped else OK)


def print_pass(report: PassReport) -> None:
    """Print the result and speed of a pass."""
    rate = report.looks / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.looks:,} of {report.due:,} due checks recorded in {report.seconds:.1f} s ({rate:,.0f} URLs/s)"
    )
    if report.workers > 1 and report.longest_wait_s:
        console.print(
            f"{report.workers} workers waited {report.waited_s:.2f} s to write, {report.longest_wait_s:.2f} s at most"
        )
    unknown = sum(report.unknown.values())
    if 2 * unknown > report.looks:
        reason, times = Counter(report.unknown).most_common(1)[0]
        console.print(
            f"Most of these checks say nothing of their URL: {unknown:,} of {report.looks:,} are unknown, {times:,} of "
            f"them {reason.replace('_', ' ')} (docs/method.md, Outcomes)."
        )
    if report.stopped:
        from waterbed.crawler.recheck.run import STOPPED

        console.print(STOPPED[report.stopped])


def run(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="Stop after this many seconds.", show_default=False)
    ] = None,
    systemd: Annotated[
        Path | None,
        typer.Option(
            help="Write unit files for this study into a folder, and end.", callback=to_write, show_default=False
        ),
    ] = None,
    processes: Processes = 1,
) -> None:
    """Keep checking on schedule until a signal.

    Runs passes and chores, prints a line of health a minute, and serves /health and /metrics.

    For example: waterbed -C mystudy run
    """
    import uvloop

    from waterbed.crawler.recheck.run import STOPPED
    from waterbed.model.collector import all_loaded
    from waterbed.model.errors import StoreFailure
    from waterbed.service.helpers import Helpers
    from waterbed.service.logging import configure_logging
    from waterbed.service.service import Service, help_out
    from waterbed.service.systemd import write_units
    from waterbed.store.folder import unasked
    from waterbed.store.vault import key_file

    all_loaded()
    with closing(unasked(context.obj)) as folder:
        config = folder.config
        if systemd:
            keys = key_file(config.study)
            for path in write_units(systemd, study=context.obj, keys=keys, config=config, processes=processes):
                say(f"wrote {path}")
            return
        with suppress(StoreFailure):  # what may heal is waited for below
            folder.check_store()
    handler = configure_logging(config.log.format, verbose=context.find_root().params["verbose"])
    helper_count = processes - 1
    # forked before this process has threads or connections of its own
    work = partial(help_out, context.obj)
    helpers = Helpers(work, helper_count, seconds, config.service.longest_wait_s) if helper_count else None
    with closing(unasked(context.obj)) as folder:
        try:
            summary = uvloop.run(Service(folder, seconds=seconds, helpers=helpers).keep(partial(_begun, config)))
        finally:
            handler.flush()
    description = f"{counted(summary.looks, 'check')} in {counted(summary.passes, 'pass', 'passes')}"
    console.print(f"{description} and {summary.seconds:,.0f} s; ended in order")
    if summary.waited_for:
        console.print(STOPPED[summary.waited_for])


def _begun(config: Config, endpoint: Endpoint | None) -> None:
    if not config.canary.targets:
        complain(_NO_CANARY)
    if endpoint:
        note(f"health at {endpoint.shown}/health, figures at {endpoint.shown}/metrics; end with Ctrl-C", broken=True)


def lag(context: typer.Context, form: Formatted = Format.table) -> None:
    """Show the schedule's delay, and how many workers it needs.

    Exit code 1 if checks are overdue.

    For example: waterbed -C mystudy lag --format json
    """
    from waterbed.store.backlog import ScheduleLag, schedule_lag
    from waterbed.store.folder import open_folder

    with closing(open_folder(context.obj)) as folder:
        delay = schedule_lag(folder)
        if form is Format.table:
            _print(delay)
        else:
            from waterbed.study.metadata import table_info
            from waterbed.study.study import Study

            for_tools(ScheduleLag, [delay], table_info(Study(folder), "schedule lag", by="study"), form)
    raise typer.Exit(FINDING if delay.overdue else OK)


def _print(found: ScheduleLag) -> None:
    table = new_table(look="open")
    table.show_header = False
    for field in fields(found):
        table.add_row(_MEANT[field.name], _cell(field.name, getattr(found, field.name)))
    print_table(table)
    say(found.sentence)


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f} s" if name.endswith("_s") else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:%Y-%m-%d %H:%M:%S}"


def enrich(
    context: typer.Context,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of networks, ASes and domains.")] = None,
    table: Annotated[
        EnrichTable, typer.Option(help="registries: ask them; origins: ask no registry, compare with Team Cymru.")
    ] = EnrichTable.registries,
    form: Formatted = Format.table,
) -> None:
    """Ask registries who holds networks and ASes (RDAP).

    And, where domains.categories opts in, who sponsors domains. Exit code 1 if anything stays without an answer.

    For example: waterbed -C mystudy enrich --limit 100
    """
    from waterbed.crawler.registry import run as registry
    from waterbed.crawler.registry.registry_report import RegistryRow
    from waterbed.questions.networks.table_check import Compared, compare
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        if table is EnrichTable.origins:
            rows = compare(study, limit=limit)
            if form is Format.table:
                _compared(rows)
            else:
                for_tools(Compared, rows, table_info(study, "origins compared", by="address"), form)
            raise typer.Exit(FINDING if any(row.verdict == "other" for row in rows) else OK)
        report = registry.run_enrich(study.folder, limit=limit)
        if form is Format.table:
            _crawled(report)
        else:
            for_tools(RegistryRow, report.rows, table_info(study, "registries", by="registry"), form)
    raise typer.Exit(FINDING if report.without or report.stopped else OK)


def _crawled(report: CrawlReport) -> None:
    if not report.rows:
        console.print("nothing to ask: every network, AS and domain has a fresh answer, or was tried a short while ago")
        return
    table = new_table("", "registry", "asked", "ok", "covered", "without", "requests", "waited s", "reasons")
    for row in report.rows:
        without = row.asked - row.ok - row.covered
        counts = (row.asked, row.ok, row.covered, without, row.requests)
        table.add_row(row.registry, *(f"{count:,}" for count in counts), f"{row.waited_s:,.0f}", "\n".join(row.failed))
    print_table(table)
    lookups = sum(row.asked for row in report.rows)
    early = "; ended early by a signal: the rest is asked next time" if report.stopped else ""
    console.print(
        f"{lookups:,} look-ups in {report.requests:,} requests, {report.without:,} without registration{early}"
    )


def _compared(rows: list[Compared]) -> None:
    table = new_table("", "address", "ours", "Team Cymru", "verdict")
    for row in rows:
        if row.verdict != "same":
            table.add_row(row.address, _ases(row.ours), _ases(row.theirs), row.verdict)
    counts = Counter(row.verdict for row in rows)
    print_table(table)
    by_verdict = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.most_common())
    console.print(f"{counted(len(rows), 'address', 'addresses')}: {by_verdict}")


def _ases(origins: tuple[int, ...]) -> str:
    return " ".join(f"AS{origin}" for origin in origins) or "-"
