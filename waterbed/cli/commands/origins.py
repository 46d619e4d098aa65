"""The `origins` commands: hosters behind a CDN, as it tells."""

from __future__ import annotations

from typing import Annotated

import typer

from waterbed.shown.options import Format, Formatted, Reason
from waterbed.shown.output import FINDING, OK, complain, note, print_cells, say

origins_app = typer.Typer(help="Hosters behind a CDN, as its origin service tells.", no_args_is_help=True)


@origins_app.command("ask")
def origins_ask(
    context: typer.Context,
    limit: Annotated[int | None, typer.Option(min=1, help="Most hosts to ask about.", show_default=False)] = None,
) -> None:
    """Ask about hosts behind the CDN.

    The exit code is 1 if asking ended early, or a question had no usable answer.

    The service is told a host name and an opaque case number. Each question is on record before it is sent. The
    credentials come from WATERBED_ORIGIN_ID and WATERBED_ORIGIN_SECRET.

    For example: waterbed -C mystudy origins ask --limit 20
    """
    from waterbed.crawler.origins import ask_origins, ready
    from waterbed.measures.told_origins import hosts_behind
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        ready(study.folder)
        hosts = hosts_behind(study, study.conclude())
        report = ask_origins(study.folder, hosts, limit=limit)
    say(
        f"{report.told} told, {report.not_behind} not behind the CDN, {report.not_known} not known, "
        f"{report.failed} without a usable answer; {report.fresh} were asked about recently, {report.waiting} wait."
    )
    if report.stopped:
        complain(f"{report.stopped}; {report.waiting} hosts wait, and all answers are kept (docs/origins.md)")
    raise typer.Exit(FINDING if report.stopped or report.failed else OK)


@origins_app.command("list")
def origins_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List what was told, by host id.

    For example: waterbed -C mystudy origins list
    """
    from waterbed.measures.told_origins import answers
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        records = answers(study)
    names = ("host_id", "told_at", "proxy", "outcome", "addresses", "asn", "hoster")
    rows = [
        (
            record.host_id,
            f"{record.told_at:%Y-%m-%d %H:%M}",
            record.proxy,
            record.outcome,
            " ".join(record.addresses),
            record.asn or "",
            record.hoster or "",
        )
        for record in records
    ]
    print_cells(names, rows, form)


@origins_app.command("agree")
def origins_agree(context: typer.Context, reason: Reason) -> None:
    """Put on record that rankings may use told origins.

    The settings must allow it, too: origins.in_rankings.

    For example: waterbed -C mystudy origins agree --reason "agreement of 2026-01-05 with the CDN"
    """
    _decide(context, reason, agreed=True)


@origins_app.command("withdraw")
def origins_withdraw(context: typer.Context, reason: Reason) -> None:
    """Put on record that rankings may no longer use them.

    For example: waterbed -C mystudy origins withdraw --reason "the agreement has ended"
    """
    _decide(context, reason, agreed=False)


def _decide(context: typer.Context, reason: str, *, agreed: bool) -> None:
    from contextlib import closing

    from waterbed.governance.origin_agreement import decide_use
    from waterbed.store.folder import open_folder

    with closing(open_folder(context.obj)) as folder:
        decide_use(folder, agreed=agreed, reason=reason)
    note("It is on record.")
