"""The `import` and `notices` commands: files, or a watched folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.errors import InputError, WaterbedError
from waterbed.model.redaction import refuse_address
from waterbed.model.spelling import counted, numbered
from waterbed.shown.options import NOTICE_FORMS, REPORT_FORMS, Dates, Zone
from waterbed.shown.output import FINDING, OK, complain, note, say

if TYPE_CHECKING:
    from waterbed.intake.importer import ImportReport
    from waterbed.intake.notices import NoticeImport
    from waterbed.service.watch import Refusal
    from waterbed.study.study import Study


_STANDARD = Path("-")
"""Standard input, in place of a file."""


def import_(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of reports; - is standard input.", show_default=False)
    ] = None,
    source: Annotated[str | None, typer.Option(help="Source of the reports; by default the file's name.")] = None,
    category: Annotated[
        str | None,
        typer.Option(
            help="Category for lines without one; else abuse-material in files of SCART and ICCAM, phishing in others.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(REPORT_FORMS)}; detected from the file by default."),
    ] = None,
    zone: Zone = None,
    dates: Dates = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=HEADER",
            help="The file's own name of a column or JSON field, as url=link; reported_at= for none.",
            show_default=False,
        ),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Keep the reports but never check their URLs.")] = False,
    reassess: Annotated[
        bool, typer.Option("--reassess", help="Let assessments of a file that was imported before count again.")
    ] = False,
    watch: Annotated[Path | None, typer.Option(help="Import files that appear in this folder, until stopped.")] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two checks of the folder.")] = 10.0,
    rounds: Annotated[int | None, typer.Option(min=2, help="Stop after this many checks of the folder.")] = None,
) -> None:
    """Import reports; rejected lines are listed with their reason.

    An empty file is recorded. Exit code 1 if there are such lines, or if a file is empty.

    For example: waterbed import reports.csv --source hotline
    """
    from waterbed.intake.formats import columns_of
    from waterbed.service.watch import WatchedFolder, keep_watching
    from waterbed.store.bounded.files import check_readable
    from waterbed.study.study import open_study

    if bool(files) == bool(watch):
        raise InputError("name either files of reports or a folder with --watch (docs/intake.md)")
    for place in [*(files or ()), *([watch] if watch else [])]:
        refuse_address(place, "a file")
    _refuse_empty("--source", source)
    _refuse_empty("--category", category)
    if _STANDARD in (files or ()) and not source:
        raise InputError("what comes by standard input has no name: say whose reports they are with --source")
    if (files or ()).count(_STANDARD) > 1:
        raise InputError("standard input is named more than once, and can be read once (docs/intake.md)")
    findings = 0
    named: dict[str, Any] = {"source": source, "category": category, "form": form, "zone": zone, "history": history}
    named |= {"columns": columns_of(column or ()), "dates": dates, "reassess": reassess}
    with open_study(context.obj) as study:
        check_readable((path for path in (files or [])[1:] if path != _STANDARD), "a reports file")
        if watch:
            watched = WatchedFolder(study=study, folder=watch, named=named)
            findings = keep_watching(watched, _print_watched, every_s=every, rounds=rounds)
        for path in files or ():
            report = _from_file(study, path, named)
            print_import(path, report)
            findings += report.rejections + report.empty
    raise typer.Exit(FINDING if findings else OK)


def _from_file(study: Study, path: Path, named: dict[str, Any]) -> ImportReport:
    """Import one file; Ctrl-C is told what is left of it."""
    try:
        return _from_standard_input(study, named) if path == _STANDARD else study.import_reports(path, **named)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "what was imported of the file so far is kept: import it again to finish (docs/intake.md, Importing again)"
        ) from None


def _refuse_empty(option: str, name: str | None) -> None:
    """InputError for an empty name, in whose place the file's would stand."""
    if name is not None and not name.strip():
        raise InputError(
            f"{option} {name!r} is empty, as an unset variable of a shell is; a name was expected (docs/intake.md)"
        )


def _from_standard_input(study: Study, named: dict[str, Any]) -> ImportReport:
    """Import what comes by standard input; errors call it so."""
    from waterbed.shown.standard_input import input_bytes
    from waterbed.store.bounded.files import standard_input
    from waterbed.store.bounded.limits import most_memory

    with standard_input(input_bytes(), most_memory(), "a reports file") as path:
        try:
            return study.import_reports(path, **named)
        except InputError as problem:
            raise InputError(str(problem).replace(str(path), "standard input")) from None


def _print_watched(path: Path, outcome: ImportReport | Refusal) -> None:
    if isinstance(outcome, WaterbedError):
        became = "stays where it is" if path.exists() else "was moved into the folder refused"
        complain(f"{str(outcome).replace(path.name, _plain(path))}; {_plain(path)} {became}")
    else:
        print_import(path, outcome)


def _plain(path: Path) -> str:
    from waterbed.intake.csv_table import file_name

    return file_name(path.name)


def print_import(path: Path, report: ImportReport) -> None:
    """Print an import's result, with each rejected line's reason."""
    forgotten = f", {report.forgotten:,} left out because their URLs were forgotten" if report.forgotten else ""
    name = "standard input" if path == _STANDARD else _plain(path)
    note(
        f"{name}: {counted(report.imported, 'report')} imported, {report.known:,} already known, "
        f"{counted(report.rejections, 'line')} rejected{forgotten}"
    )
    if report.without_url:
        note(f"{counted(report.without_url, 'indicator')} without a URL: an address, name or checksum alone.")
    if report.undated:
        from waterbed.model.redaction import shown

        unread = [shown(entry) for entry in report.undated]
        some = ", ".join(unread[:_NAMED]) + (", ..." if len(unread) > _NAMED else "")
        say(
            f"  nothing is read as reported_at; not used: {some}. The time of this import counts in its place "
            "(docs/intake.md, Columns)",
            broken=True,
        )
    if report.returned.counted:
        say(f"  {counted(report.returned.counted, 'assessment')} reversed to what an earlier file said", broken=True)
    if report.returned.older:
        say(
            f"  {counted(report.returned.older, 'assessment')} older than those on record, which still count; to let "
            "this file's count again: --reassess (docs/intake.md, Importing again)",
            broken=True,
        )
    if report.external:
        note(f"{counted(report.external, 'observation')} by third parties: kept apart from our own.", broken=True)
    if report.empty:
        say("No report in the file: recorded as an empty delivery, which waterbed doctor names.", broken=True)
    elif report.rejections and not (report.imported or report.known or report.forgotten):
        say(
            "Every line was rejected: recorded as a delivery of 0 reports, which doctor and quarantine list may name "
            "until it is voided; mend what is said below, and import the file again (docs/intake.md, Deliveries).",
            broken=True,
        )
    _print_rejected(report)


def _print_rejected(report: ImportReport | NoticeImport) -> None:
    lines: dict[str, list[int]] = {}
    for line in report.rejected:
        lines.setdefault(line.reason, []).append(line.line)
    for reason, numbers in lines.items():
        say(f"  {numbered('line', numbers)}: {reason}")
    if report.rejections > len(report.rejected):
        say(f"  and {report.rejections - len(report.rejected):,} more")


_NAMED = 5
_NAMED_BY_SCART = "scart:"
"""Prefix of recipients named by SCART's log; the book may list them as members of a hoster."""


def notices(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files (docs/notices.md).")],
    sender: Annotated[str | None, typer.Option(help="Sender of the notices; by default the file's name.")] = None,
    kind: Annotated[
        str, typer.Option(help="Kind of lines without one: ntd, legal_order, nl_order, tco, dsa, citizen.")
    ] = "ntd",
    form: Annotated[str, typer.Option("--format", help=f"{' or '.join(NOTICE_FORMS)}: the log of SCART.")] = "csv",
    zone: Zone = None,
    dates: Dates = None,
) -> None:
    """Import notices; rejected lines are listed with their reason.

    Exit code 1 if there are any. A hoster's answer to a notice stands in the column acknowledged_at; a line with a
    notice_id, which `waterbed overdue --csv FILE` writes, updates that notice, or withdraws a wrong one. `reply
    received` records an answer to a preview.

    For example: waterbed -C mystudy notices notices.csv --sender hotline
    """
    from waterbed.store.bounded.files import check_readable
    from waterbed.study.study import open_study

    _refuse_empty("--sender", sender)
    findings = 0
    for place in files:
        refuse_address(place, "a file")
    with open_study(context.obj) as study:
        check_readable(files[1:], "a file of notices")
        for path in files:
            report = study.import_notices(path, sender=sender, kind=kind, form=form, zone=zone, dates=dates)
            findings += _imported(study, path, report)
    raise typer.Exit(FINDING if findings else OK)


def _imported(study: Study, path: Path, found: NoticeImport) -> int:
    """Print an import's result; return the number of findings."""
    updated = f"{found.updated:,} updated, " if found.updated else ""
    note(
        f"{_plain(path)}: {counted(found.imported, 'notice')} imported, {updated}{found.known:,} already known, "
        f"{counted(found.rejections, 'line')} rejected"
    )
    _print_rejected(found)
    if found.repeated:
        say(
            f"  {found.repeated:,} of them repeat notices of another sender, to the second: is it one file, imported "
            "twice without the same --sender (docs/notices.md)?"
        )
    if found.withdrawn:
        say(
            f"  {counted(found.withdrawn, 'line is', 'lines are')} about withdrawn notices, which stay so: a line with "
            "their notice_id and withdrawn no brings them back (docs/notices.md, A wrong notice)"
        )
    strangers = _strangers(study, found)
    if strangers:
        listed = "; ".join(strangers[:_NAMED]) + ("; ..." if len(strangers) > _NAMED else "")
        say(
            f"  {counted(len(strangers), 'recipient is', 'recipients are')} not in the book of hosters: {listed} "
            "(waterbed hosters show lists the keys)"
        )
    return found.rejections + len(strangers)


def _strangers(study: Study, found: NoticeImport) -> list[str]:
    """Recipients that are not in the book, each with its lines and a like key."""
    from waterbed.model.redaction import meant

    full_book = study.book()
    book = full_book.on(study.clock().date())
    strangers = []
    for key, (first, times) in sorted(found.recipients.items()):
        named_by_scart = key.startswith(_NAMED_BY_SCART) and book.company(key) == key
        if named_by_scart or (key[0].islower() and ":" not in key and not book.exists(key)):
            more = f" and {counted(times - 1, 'more line')}" if times > 1 else ""
            strangers.append(f"{key}, line {first}{more}{'' if named_by_scart else meant(key, full_book.by_key)}")
    return strangers
