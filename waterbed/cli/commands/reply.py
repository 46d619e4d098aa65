"""The `reply` commands: previews, answers and rulings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from waterbed.model.errors import InputError
from waterbed.model.takedown import Case
from waterbed.shown.options import Format, Formatted, Reason, to_write
from waterbed.shown.output import FINDING, OK, console, for_tools, minute, new_table, print_table, say, written_at

if TYPE_CHECKING:
    from waterbed.governance.reply import ReplyRow
    from waterbed.model.governance import Answer, Preview
    from waterbed.questions.fact_sheet.sheet import Sheet
    from waterbed.study.conclusions import Conclusions
    from waterbed.study.study import Study

reply_app = typer.Typer(help="Let hosters see and answer their numbers before publication.", no_args_is_help=True)
_README = """{name} ({key})

These are your own numbers as the study "{title}" is going to publish them, and the cases they rest on, by keyed id.
They hold nothing of any other hoster. You can answer until {until:%Y-%m-%d %H:%M} UTC{contact}.

sheet.txt    your numbers for people
sheet.json   the same for tools
cases.csv    your cases: when each URL was last seen up and first seen gone
{successions}"""
Named = Annotated[str, typer.Argument(metavar="HOSTER", help="A hoster's key, as named by waterbed rank.")]
Day = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="When, UTC; else now.", show_default=False),
]


class AnswerKind(StrEnum):
    """Kinds of answers by a hoster."""

    no_objection = "no-objection"
    comment = "comment"
    dispute = "dispute"


_ANSWERS: Final[Mapping[AnswerKind, Answer]] = {
    AnswerKind.no_objection: "no objection",
    AnswerKind.comment: "comment",
    AnswerKind.dispute: "dispute",
}


class Ruled(StrEnum):
    """Rulings on a dispute."""

    upheld = "upheld"
    rejected = "rejected"
    withdrawn = "withdrawn"


@reply_app.command("preview")
def reply_preview(
    context: typer.Context,
    out: Annotated[
        Path, typer.Argument(help="Folder for the previews, one folder in it for each hoster.", callback=to_write)
    ],
    hoster: Annotated[
        list[str] | None, typer.Option(help="Only this hoster; may be given several times.", show_default=False)
    ] = None,
    given: Day = None,
) -> None:
    """Write each hoster's preview, and start its reply period.

    For example: waterbed -C mystudy reply preview previews --hoster AS64500
    """
    from waterbed.measures.constancy import event_dates
    from waterbed.questions.fact_sheet.sheet import own_rows, sheet_of
    from waterbed.questions.intervention.declared_events import public_events
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        keys = list(dict.fromkeys(hoster or _named(study)))
        conclusions = study.conclude()
        carried = _carried(study, conclusions)
        deviations = study.protocol.for_hosters if study.protocol else ()
        dates = event_dates(public_events(study).values())
        sheets = [own_rows(sheet_of(study, key, conclusions=conclusions, events=dates), deviations) for key in keys]
        for sheet in sheets:
            if sheet.ranking is None and sheet.key not in carried:
                raise InputError(f"nothing that was reported is known at {sheet.key}, so there is nothing to show it")
        _write(study, sheets, out, given.replace(tzinfo=UTC) if given else None, carried)
    say(f"{len(sheets)} previews in {out}; each folder is for its hoster alone")


def _carried(study: Study, conclusions: Conclusions) -> dict[str, list[str]]:
    """What sheets may say of each company that hosters are reached through."""
    from waterbed.measures.carriers import reached_through

    sentences: dict[str, list[str]] = {}
    named = set(_named(study))
    for hoster, rows in reached_through(conclusions).items():
        for row in rows if hoster in named else ():
            sentences.setdefault(row.key, []).append(
                f"The study may say that {hoster} is reached through you ({row.kind})."
            )
    return sentences


def _write(
    study: Study, sheets: Sequence[Sheet], out: Path, given: datetime | None, carried: Mapping[str, list[str]]
) -> None:
    """Make all folders, whole, and put them on record; after a failure there are none."""
    from waterbed.store.whole.files import sync, sync_tree
    from waterbed.store.whole.folders import unfinished_folder

    names = [_folder(sheet.key) for sheet in sheets]
    taken = [name for name in names if (out / name).exists() or (out / name).is_symlink()]
    if taken:
        raise InputError(f"{out / taken[0]} exists already; name a new folder for the previews (docs/reply.md)")
    moved: list[str] = []
    with written_at(out), unfinished_folder(out / "previews", "reply preview", study.folder.path) as work:
        try:
            previews = [
                _preview(study, sheet, work / name, given, carried.get(sheet.key, ()))
                for sheet, name in zip(sheets, names, strict=True)
            ]
            sync_tree(work)
            for name in names:
                (work / name).rename(out / name)
                moved.append(name)
            sync(out)
            study.folder.store.add(previews)
        except BaseException:
            for name in moved:  # not on record: nobody may send it
                rmtree(out / name, ignore_errors=True)
            raise


def _preview(study: Study, one: Sheet, folder: Path, given: datetime | None, carried: Sequence[str]) -> Preview:
    from waterbed.governance.reply import preview_of
    from waterbed.questions.fact_sheet.command import sheet_json, sheet_text
    from waterbed.study.formats import as_csv

    config = study.config
    files = {
        "sheet.txt": sheet_text(one).encode(),
        "sheet.json": sheet_json(one).encode(),
        "cases.csv": as_csv(Case, one.cases).encode(),
    }
    preview = preview_of(study.folder, one.key, files, given)
    contact = f", to {config.contact}" if config.contact else ""
    text = _README.format(
        name=one.name,
        key=one.key,
        title=config.name,
        until=preview.ends_at,
        contact=contact,
        successions="".join(f"\n{sentence}\n" for sentence in (*_successions(study, one.key), *carried)),
    )
    folder.mkdir()
    for name, content in {**files, "README.txt": text.encode()}.items():
        (folder / name).write_bytes(content)
    return preview


def _successions(study: Study, key: str) -> list[str]:
    """Takeovers of or by a hoster that the study may publish."""
    book = study.book()
    return [
        f"The study may say that {succession.into} took over the network of {succession.key} by "
        f"{succession.since:%Y-%m-%d}, once two "
        "people confirm it by public sources. Tell us if that is wrong."
        for succession in book.standing
        if succession.is_takeover and succession.since and key in (succession.key, succession.into)
        if book.statuses.get(succession.change_id) != "rejected"
    ]


def _folder(key: str) -> str:
    """The folder of a hoster's preview, unique per key."""
    name = key.replace(":", "_")
    return f"{name.replace('/', '_')}-{sha256(key.encode()).hexdigest()[:8]}" if "/" in name else name


@reply_app.command("list")
def reply_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List the reply status of each hoster.

    Exit code 1 while one is not done; a publication under TLP:CLEAR waits for it.

    For example: waterbed -C mystudy reply list
    """
    from waterbed.governance.reply import ReplyRow, rows
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        replies = rows(study.folder, _named(study))
        if form is Format.table:
            _table(replies)
        else:
            for_tools(ReplyRow, replies, table_info(study, "replies", by="hoster"), form)
    raise typer.Exit(FINDING if any(row.state != "done" for row in replies) else OK)


@reply_app.command("received")
def reply_received(
    context: typer.Context,
    hoster: Named,
    answer: Annotated[AnswerKind, typer.Option(help="The hoster's answer.", show_default=False)],
    text: Annotated[str, typer.Option(help="Summary of the answer; URLs by their ids.", show_default=False)],
    received: Day = None,
) -> None:
    """Record a hoster's answer to its preview.

    Its answer to a notice is recorded by notices, in the column acknowledged_at.

    For example: waterbed -C mystudy reply received AS64500 --answer dispute --text "case 3f9 was gone on the 2nd"
    """
    from waterbed.governance.reply import take
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        when = received.replace(tzinfo=UTC) if received else None
        recorded = take(study.folder, hoster, _ANSWERS[answer], text, when)
    say(f"on record: {recorded.answer} of {recorded.hoster}, id {recorded.reply_id}")


@reply_app.command("decide")
def reply_decide(
    context: typer.Context,
    dispute: Annotated[str, typer.Argument(metavar="ID", help="The dispute, or the beginning of its id.")],
    ruling: Annotated[Ruled, typer.Option(help="The ruling.", show_default=False)],
    reason: Reason,
    erratum: Annotated[str, typer.Option(help="Upheld: the correction, as the next edition prints it.")] = "",
) -> None:
    """Decide a dispute.

    An upheld dispute needs a correction, which the next edition prints.

    For example: waterbed -C mystudy reply decide 3f9a --ruling rejected --reason "the check is on record"
    """
    from waterbed.governance.reply import decide
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        decision = decide(study.folder, dispute, ruling.value, reason, erratum)
    console.print(f"on record: {decision.ruling}")


def _named(study: Study) -> list[str]:
    """Hosters that a publication would name now."""
    from waterbed.publish.build_publication import publication_of
    from waterbed.publish.edition import editions
    from waterbed.publish.named import named_hosters
    from waterbed.publish.policy import publishable

    return named_hosters(publishable(publication_of(study, study.conclude()), editions(study.folder)))


def _table(found: Sequence[ReplyRow]) -> None:
    table = new_table("Right of reply")
    for name in ("hoster", "state", "shown", "until", "replies", "open disputes"):
        table.add_column(name)
    for row in found:
        table.add_row(
            row.hoster,
            row.state,
            *(_day(when) for when in (row.shown_at, row.until)),
            str(row.replies),
            " ".join(dispute[:12] for dispute in row.open_disputes),
        )
    print_table(table)


def _day(when: Any) -> str:
    return minute(when)
