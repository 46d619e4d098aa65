"""The `hosters` commands: book of hosters, changes and review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.registrations import Registration
from waterbed.model.spelling import counted
from waterbed.questions.networks.printing import print_footnotes, sentence
from waterbed.shown.options import AsOf, Format, Formatted, Reason
from waterbed.shown.output import FINDING, OK, console, for_tools, new_table, note, print_rows, print_table, say

if TYPE_CHECKING:
    from waterbed.attribution.hosters.files import HosterKind
    from waterbed.model.decisions import HosterChangeKind

hosters_app = typer.Typer(help="Hosters: which ASes, registrants and ranges are one company.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(metavar="KEY", help="A hoster's key, AS64500 or ripe:ORG-AB1-RIPE.")]
Into = Annotated[str, typer.Argument(metavar="INTO", help="The hoster that it belongs to, or joins.")]
ChangeId = Annotated[str, typer.Argument(metavar="CHANGE_ID", help="The change, or how its id begins.")]
Members = Annotated[str, typer.Option("--members", help="AS64500,ripe:ORG-AB1-RIPE,192.0.2.0/24,suffix:pages.example")]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="First day on which it holds; else always.")
]


class Shown(StrEnum):
    """The table to show."""

    hosters = "hosters"
    changes = "changes"


@hosters_app.command("add")
def hosters_add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A TOML file of [[hoster]].")],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Reason, kept on record; must contain no address.")
    ] = None,
) -> None:
    """Import a file of hosters, replacing the previous one.

    For example: waterbed -C mystudy hosters add hosters.toml --reason "first list"
    """
    from waterbed.governance.hosters import read_book, set_file
    from waterbed.study.study import open_study

    with open_study(context.obj) as study, stage("reading the book of hosters"):
        book = set_file(study.folder, file, reason)
        whole = read_book(study.folder)
    console.print(
        f"{counted(len(book.by_key), 'hoster')} with {counted(len(book.by_as), 'AS', 'ASes')} and "
        f"{counted(len(book.by_suffix), 'platform suffix', 'platform suffixes')}"
    )
    for change in whole.without_effect():
        say(f"Change {change.change_id} ({change.kind} {change.key}) no longer has an effect.")


@hosters_app.command("define")
def hosters_define(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Lower-case letters, digits and hyphens.")],
    reason: Reason,
    name: Annotated[str, typer.Option("--name", help="Name for people.", show_default=False)],
    country: Annotated[str | None, typer.Option("--country", help="ISO code of its legal seat.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="hoster, proxy or platform.")] = "hoster",
    members: Members = "",
) -> None:
    """Define a hoster: name, seat, kind and members.

    For example: waterbed -C mystudy hosters define acme --name Acme --members AS64500,AS64501 --reason "one company"
    """
    from waterbed.model.redaction import shown

    kinds: dict[str, HosterKind] = {"hoster": "hoster", "proxy": "proxy", "platform": "platform"}
    if kind not in kinds:
        raise InputError(f"--kind {shown(kind)} is unknown; hoster, proxy or platform was expected (docs/hosters.md)")
    given = {"name": name, "country": country, "entity": kinds[kind], "members": _split(members)}
    _decide(context, "define", key, reason, **given)


@hosters_app.command("merge")
def hosters_merge(context: typer.Context, key: Key, into: Into, reason: Reason, since: Since = None) -> None:
    """Record that two hosters are one company.

    For example: waterbed -C mystudy hosters merge AS64500 acme --reason "annual report" --since 2026-01-01
    """
    _decide(context, "merge", key, reason, into=into, since=since)


@hosters_app.command("split")
def hosters_split(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The hoster that the members become; it may be new.")],
    from_: Annotated[str, typer.Argument(metavar="FROM", help="The hoster that they leave.")],
    members: Members,
    reason: Reason,
    since: Since = None,
) -> None:
    """Record that members of a hoster are another company.

    For example: waterbed -C mystudy hosters split newco acme --members AS64501 --reason "sold"
    """
    _decide(context, "split", key, reason, into=from_, members=_split(members), since=since)


@hosters_app.command("succession")
def hosters_succession(
    context: typer.Context,
    key: Key,
    into: Into,
    reason: Reason,
    since: Annotated[
        datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="First day on which it holds.", show_default=False)
    ],
) -> None:
    """Record that a hoster took over all of another.

    For example: waterbed -C mystudy hosters succession oldco acme --since 2026-03-01 --reason "taken over"
    """
    _decide(context, "succession", key, reason, into=into, since=since)


@hosters_app.command("successions")
def hosters_successions(
    context: typer.Context,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Day of the earlier routing table.")],
    second: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Day of the later one.")],
    least: Annotated[int, typer.Option(min=1, help="Least IPv4 addresses of the old and of the new AS.")] = 2048,
    least_48s: Annotated[int, typer.Option("--least-48s", min=1, help="The same in /48s of IPv6.")] = 256,
    rate: Annotated[float, typer.Option(help="False discoveries among those found, at most, in the mean.")] = 0.1,
    propose: Annotated[
        str | None, typer.Option(help="Reason: put those found before two coders.", show_default=False)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Find networks that changed hands between two days.

    New ASes made of what one other AS had. Private: nothing is merged, and nothing is published.

    For example: waterbed -C mystudy hosters successions --from 2025-04-11 --to 2026-06-17
    """
    from waterbed.attribution.successions import Rule
    from waterbed.questions.networks import successions
    from waterbed.questions.networks.printing import print_proposed, print_successions
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        day = second.date()
        rule = Rule(least=least, least_48s=least_48s)
        found = successions.successions(study, first.date(), day, rule=rule, rate=rate)
        proposed = successions.propose(study, found, day, propose) if propose is not None else None
    if form is not Format.table:
        for_tools(successions.Succession, found.rows, found.info, form)
        return
    print_successions(found, rate)
    if proposed is not None:
        print_proposed(proposed)


@hosters_app.command("siblings")
def hosters_siblings(
    context: typer.Context,
    on: AsOf = None,
    propose: Annotated[str | None, typer.Option(help="Reason: put them before two coders.", show_default=False)] = None,
    form: Formatted = Format.table,
) -> None:
    """Find hosters that tables say are one company.

    By tables of organisations and siblings. Private: nothing is merged, and nothing is published.

    For example: waterbed -C mystudy hosters siblings --as-of 2026-01-01
    """
    from waterbed.questions.networks import siblings
    from waterbed.questions.networks.printing import print_proposed
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        conclusions = study.conclude()
        day = on.date() if on else (conclusions.until or study.clock()).date()
        rows, info = siblings.siblings(study, conclusions, day)
        proposed = siblings.propose(study, rows, propose) if propose is not None else None
    print_rows(siblings.Siblings, rows, info, form.value, title=f"Hosters that may be one company, {day}")
    if proposed is not None and form is Format.table:
        print_proposed(proposed)


@hosters_app.command("types")
def hosters_types(
    context: typer.Context,
    on: AsOf = None,
    propose: Annotated[str | None, typer.Option(help="Reason: put them before two coders.", show_default=False)] = None,
    form: Formatted = Format.table,
) -> None:
    """Find what each hoster mostly offers: its type of hosting.

    Shared, vps, dedicated, reseller or platform, with the evidence. Private: nothing changes until two people accept.

    For example: waterbed -C mystudy hosters types --as-of 2026-01-01
    """
    from waterbed.questions.networks import hosting_types
    from waterbed.questions.networks.printing import print_proposed
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        conclusions = study.conclude()
        day = on.date() if on else (conclusions.until or study.clock()).date()
        rows, info = hosting_types.hosting_types(study, conclusions, day)
        proposed = hosting_types.propose(study, rows, day, propose) if propose is not None else None
    print_rows(hosting_types.HostingType, rows, info, form.value, title=f"What hosters mostly offer, {day}")
    if proposed is not None and form is Format.table:
        print_proposed(proposed)


@hosters_app.command("undo")
def hosters_undo(context: typer.Context, change: ChangeId, reason: Reason) -> None:
    """Undo a change; an undo can be undone too.

    For example: waterbed -C mystudy hosters undo 0f3c --reason "wrong company"
    """
    _decide(context, "undo", change, reason)


@hosters_app.command("show")
def hosters_show(
    context: typer.Context,
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="One hoster; else all.")] = None,
    on: AsOf = None,
    decided_by: Annotated[str | None, typer.Option("--decided-by", help="As decided by a day or moment, UTC.")] = None,
    table: Annotated[Shown, typer.Option(help="Show the hosters, or only the changes.")] = Shown.hosters,
    form: Formatted = Format.table,
) -> None:
    """Show the book of hosters on a day.

    With the members of each hoster, and the changes behind them.

    For example: waterbed -C mystudy hosters show acme --as-of 2026-01-01
    """
    from waterbed.attribution.hosters.listing import ChangeRow, HosterRow, change_rows, hoster_rows
    from waterbed.governance.hosters import book_as_decided, read_book
    from waterbed.model.redaction import shown
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        book = book_as_decided(study.folder, _moment(decided_by)) if decided_by else read_book(study.folder)
        day = on.date() if on else study.clock().astimezone(UTC).date()
        rows, decided = hoster_rows(book, day, key), change_rows(book, key)
        if key is not None and not rows and not decided:
            raise InputError(f"{shown(key)} was not a hoster of this book on {day} (docs/hosters.md)")
        changes = table is Shown.changes
        what, by = ("changes of hosters", "change") if changes else ("hosters", "hoster")
        info = table_info(study, what, by=by)
    if form is not Format.table:
        if changes:
            for_tools(ChangeRow, decided, info, form)
        else:
            for_tools(HosterRow, rows, info, form)
        return
    if not changes:
        _table(HosterRow, rows)
    for row in decided:
        say(f"{row.change_id}: {sentence(row)}")
        say(f"    {row.status}; {row.who}, {_cell(row.decided_at)}: {row.reason}")
    if not changes:
        print_footnotes(book, day, key)


@hosters_app.command("queue")
def hosters_queue(context: typer.Context, form: Formatted = Format.table) -> None:
    """List changes waiting for your code, with evidence.

    Exit code 1 if there are any.

    For example: waterbed -C mystudy hosters queue
    """
    from waterbed.attribution.hosters.evidence import QueueItem, queue_for
    from waterbed.governance.hosters import read_book
    from waterbed.store.audit import who
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        book = read_book(study.folder)
        names = study.attributor().name_of if book.standing else str
        items = queue_for(who(), book, study.store.all(Registration), names)
        info = table_info(study, "hoster queue", by="change")
    if form is not Format.table:
        for_tools(QueueItem, items, info, form)
    else:
        for item in items:
            for field in fields(item):
                say(f"{field.name:14}{_cell(getattr(item, field.name))}")
            console.print()
        console.print(f"{len(items)} changes wait for {who()}.")
    raise typer.Exit(FINDING if items else OK)


@hosters_app.command("code")
def hosters_code(
    context: typer.Context,
    change: ChangeId,
    code: Annotated[str, typer.Argument(metavar="CODE", help="accept, reject or unsure.")],
    note: Annotated[str, typer.Option("--note", help="In your words; kept on record; must contain no address.")] = "",
    adjudicate: Annotated[bool, typer.Option("--adjudicate", help="Settle a disagreement of two others.")] = False,
) -> None:
    """Record your code for a change.

    Codes stay hidden until a second person has coded the change.

    For example: waterbed -C mystudy hosters code 0f3c accept --note "same address"
    """
    from waterbed.governance import hosters
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        coding = hosters.code(study.folder, change, code, note=note, adjudicates=adjudicate)
    console.print(f"coded: {coding.item_id} {coding.code}")


@hosters_app.command("agreement")
def hosters_agreement(context: typer.Context, form: Formatted = Format.table) -> None:
    """Show the agreement of the coders of each change.

    For example: waterbed -C mystudy hosters agreement
    """
    from waterbed.governance.agreement import Agreement, of_changes
    from waterbed.governance.hosters import read_book
    from waterbed.model.formatter import OWN
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        book = read_book(study.folder)
        row = OWN.row(Agreement, of_changes(book.changes, book.codings))
        info = table_info(study, "agreement of coders", by="queue")
    if form is not Format.table:
        for_tools(Agreement, [row], info, form)
    else:
        _table(Agreement, [row])


def _decide(context: typer.Context, kind: HosterChangeKind, key: str, reason: str, **given: Any) -> None:
    from waterbed.governance import hosters
    from waterbed.study.study import open_study

    since: datetime | None = given.pop("since", None)
    with open_study(context.obj) as study:
        change = hosters.decide(study.folder, kind, key, reason=reason, since=since.date() if since else None, **given)
    say(f"{change.change_id}: {sentence(change)}")
    if change.kind in ("merge", "split", "succession"):
        note("It holds at once, marked as unreviewed until two others have coded it (waterbed hosters queue).")


def _split(members: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in members.split(",") if word.strip())


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "--decided-by is a day or a moment like 2025-04-11 or 2025-04-11T12:00, UTC (docs/hosters.md)"
        ) from None
    if "T" not in text and " " not in text:
        found = datetime.combine(found.date(), time.max)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _table(cls: type, rows: Sequence[Any]) -> None:
    table = new_table(look="open")
    names = [field.name for field in fields(cls)]
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(getattr(row, name)) for name in names))
    if rows:
        print_table(table)


def _cell(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) if any(" " in str(one) for one in value) else " ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
