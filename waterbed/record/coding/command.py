"""The `code` commands: queue, codes, agreement, and effect of doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waterbed.shown.options import OUTCOMES, Format, Formatted, Queue, Reason, Top, to_write
from waterbed.shown.output import FINDING, OK, for_tools, new_table, print_table, say

code_app = typer.Typer(
    help="Doubtful cases: two people code each, blind to each other; a third settles.", no_args_is_help=True
)
Coder = Annotated[
    str | None, typer.Option("--coder", help="The coder; by default the account's name.", show_default=False)
]
Item = Annotated[str, typer.Argument(metavar="ID", help="The item, or how its id begins.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="One of the queue's codes; waterbed code next names them.")]


@code_app.command("queue")
def code_queue(
    context: typer.Context, queue: Queue = OUTCOMES, coder: Coder = None, form: Formatted = Format.table
) -> None:
    """List the items waiting for a coder, in coding order.

    Exit code 1 if there are any.

    For example: waterbed -C mystudy code queue --queue roles
    """
    from waterbed.record.coding import queues, record
    from waterbed.record.coding.items import known_queue
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    name, whose = known_queue(queue), record.named(coder)
    with open_study(context.obj) as study:
        found = queues.waiting(study, name, whose)
        info = table_info(study, f"{name} to code", by="item")
    rows = [queues.row_of(item, task) for item, task in found]
    if form is not Format.table:
        for_tools(queues.Waiting, rows, info, form)
    else:
        for row in rows:
            say(f"{row.item_id}  {row.task}")
        say(f"{len(rows):,} {name} wait for {whose}.")
    raise typer.Exit(FINDING if rows else OK)


@code_app.command("next")
def code_next(
    context: typer.Context,
    queue: Queue = OUTCOMES,
    coder: Coder = None,
    settle: Annotated[bool, typer.Option("--settle", help="Show the next disagreement of two others instead.")] = False,
) -> None:
    """Show a coder's next item with its evidence.

    Exit code 1 if there is one.

    For example: waterbed -C mystudy code next --coder ann
    """
    from waterbed.record.coding import queues, record
    from waterbed.record.coding.items import CODES, known_queue
    from waterbed.study.study import open_study

    name, whose = known_queue(queue), record.named(coder)
    wanted = "settle" if settle else "code"
    with open_study(context.obj) as study:
        found = [item for item, task in queues.waiting(study, name, whose) if task == wanted]
    if not found:
        say(f"Nothing waits for {whose}.")
        raise typer.Exit(OK)
    item = found[0]
    say(item.item_id)
    for field, value in item.evidence.items():
        if value:
            say(f"  {field:30}{value}")
    say(f"Codes: {', '.join(CODES[name])}. {len(found):,} wait for {whose}.")
    raise typer.Exit(FINDING)


@code_app.command("give")
def code_give(
    context: typer.Context,
    item: Item,
    code: Code,
    queue: Queue = OUTCOMES,
    coder: Coder = None,
    note: Annotated[str, typer.Option("--note", help="In your words; kept on record; must contain no address.")] = "",
) -> None:
    """Record your code for an item.

    Codes stay hidden until a second person has coded the item.

    For example: waterbed -C mystudy code give 3f2a gone --coder ann --note "case 12"
    """
    from waterbed.record.coding import record
    from waterbed.record.coding.items import known_queue
    from waterbed.study.study import open_study

    name, whose = known_queue(queue), record.named(coder)
    with open_study(context.obj) as study:
        made = record.give(study, name, [record.Given(item_id=item, code=code.lower(), note=note)], whose)
    say(f"coded: {made[0].item_id} {made[0].code}" if made else "that code is on record already")


@code_app.command("adjudicate")
def code_adjudicate(
    context: typer.Context,
    item: Item,
    code: Code,
    reason: Reason,
    queue: Queue = OUTCOMES,
    coder: Coder = None,
) -> None:
    """Settle an item on which two coders disagree.

    For example: waterbed -C mystudy code adjudicate 3f2a gone --coder cas --reason "the page names the hoster"
    """
    from waterbed.governance.keys import stated_reason
    from waterbed.record.coding import record
    from waterbed.record.coding.items import known_queue
    from waterbed.study.study import open_study

    name, whose = known_queue(queue), record.named(coder)
    given = record.Given(item_id=item, code=code.lower(), note=stated_reason(reason))
    with open_study(context.obj) as study:
        made = record.give(study, name, [given], whose, adjudicates=True)
    say(f"settled: {made[0].item_id} {made[0].code}" if made else "that code is on record already")


@code_app.command("sheet")
def code_sheet(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="The new CSV file.", callback=to_write)],
    queue: Queue = OUTCOMES,
    coder: Coder = None,
) -> None:
    """Write a coder's waiting items to a sheet.

    It holds only ids and evidence, so that it can be filled in without the study.

    For example: waterbed -C mystudy code sheet ann.csv --coder ann
    """
    from waterbed.record.coding import queues, record
    from waterbed.record.coding.items import CODES, known_queue
    from waterbed.record.coding.record import write_sheet
    from waterbed.study.study import open_study

    name, whose = known_queue(queue), record.named(coder)
    with open_study(context.obj) as study:
        items = [item for item, task in queues.waiting(study, name, whose) if task == "code"]
    write_sheet(out, name, items)
    say(f"{out}: {len(items):,} {name} for {whose}. Codes: {', '.join(CODES[name])}.")


@code_app.command("read")
def code_read(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A completed sheet.")],
    coder: Annotated[str, typer.Option("--coder", help="The coder of the sheet.", show_default=False)],
) -> None:
    """Record all codes of a sheet, or none.

    Reading a sheet again changes nothing.

    For example: waterbed -C mystudy code read ann.csv --coder ann
    """
    from waterbed.record.coding import record
    from waterbed.record.coding.record import read_sheet
    from waterbed.study.study import open_study

    whose = record.named(coder)
    name, given = read_sheet(file)
    with open_study(context.obj) as study:
        made = record.give(study, name, given, whose) if given else []
    say(f"{len(made):,} codes of {whose} on record, {len(given) - len(made):,} were there already.")


@code_app.command("agreement")
def code_agreement(context: typer.Context, form: Formatted = Format.table) -> None:
    """Show the agreement of coders, for each queue.

    For example: waterbed -C mystudy code agreement --format csv
    """
    from waterbed.governance.agreement import Agreement
    from waterbed.model.formatter import OWN
    from waterbed.record.coding import queues
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        rows = [OWN.row(Agreement, row) for row in queues.agreements(study)]
        info = table_info(study, "agreement of coders", by="queue")
    if form is not Format.table:
        for_tools(Agreement, rows, info, form)
        return
    table = new_table("Agreement of coders")
    for name in ("queue", "cases", "coded by two", "agreed", "kappa", "95%", "disputed", "codes given"):
        table.add_column(name, overflow="fold")
    for row in rows:
        given = ", ".join(row.prevalence) or "-"
        interval = "-" if row.kappa_low is None else f"{_number(row.kappa_low)}..{_number(row.kappa_high)}"
        cells = (f"{row.items:,}", _number(row.share), _number(row.kappa), interval, f"{row.disputed:,}", given)
        table.add_row(row.queue, row.cases, *cells)
    print_table(table, unbroken=True)
    for row in rows:
        if row.items and row.refusal:
            say(f"{row.queue}, {row.cases}: {row.refusal}.")
        if row.codes:
            say(f"{row.queue}: {row.others:,} of {row.codes:,} codes of checks are other than what the rules say.")


@code_app.command("effect")
def code_effect(
    context: typer.Context,
    top: Top = None,
    form: Formatted = Format.table,
) -> None:
    """Bound the effect of unresolved outcomes on the ranking.

    All count against, then all in favour of, each hoster.

    For example: waterbed -C mystudy code effect --top 20
    """
    from waterbed.record.coding.cases import unresolved
    from waterbed.record.coding.effect import EffectRow, effect
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        conclusions, info = study.conclude(), table_info(study, "effect of unresolved cases", by="hoster")
        rows, open_ = effect(conclusions), len(unresolved(conclusions))
    if form is not Format.table:
        for_tools(EffectRow, rows[:top], info, form)
        return
    table = new_table("Removed within 24 h, slowest first; unresolved cases all against, all in favour")
    for name in ("hoster", "cases", "share", "against", "in favour", "place", "could be"):
        table.add_column(name, overflow="fold")
    for row in rows[:top]:
        could = "-" if row.place_low is None else f"{row.place_low}..{row.place_high}"
        shares = (_number(one) for one in (row.removed_24h, row.against, row.in_favour))
        table.add_row(row.name, f"{row.cases:,}", *shares, str(row.place or "-"), could)
    print_table(table, unbroken=True)
    say(f"{open_:,} cases are unresolved.")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
