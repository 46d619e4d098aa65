"""The `displacement` command: did pressure remove or move content."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.shown.options import Follow, Page, Since, Until
from waterbed.shown.output import console, new_table, print_table, say, written, written_at
from waterbed.shown.windows import asked

if TYPE_CHECKING:
    from waterbed.graphs.displacement.findings import Findings
    from waterbed.model.results import AnswerRow


class Printed(StrEnum):
    """Output formats."""

    table = "table"
    json = "json"


def displacement(
    context: typer.Context,
    event: Annotated[
        Path | None, typer.Option(help="The event file; without one, the study as a whole.", show_default=False)
    ] = None,
    out: Page = None,
    form: Annotated[Printed, typer.Option("--format", help="table for people; json for tools.")] = Printed.table,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
) -> None:
    """Estimate if pressure on a place removed or moved content.

    The place is a hoster, AS or country; destinations are listed too.

    For example: waterbed -C mystudy displacement --event event.toml --out event
    """
    from waterbed.graphs.displacement.event import named_in, read_event
    from waterbed.questions.intervention.estimate import findings_of
    from waterbed.study.study import open_study

    planned, window_choice = read_event(event) if event else None, asked(since, until, follow)
    if planned and window_choice.window:
        raise InputError(
            "an event has periods of its own: leave out --since and --until, or --event (docs/displacement.md)"
        )
    with open_study(context.obj) as study:
        with named_in(event) if event else nullcontext():
            findings = findings_of(study, planned, conclusions=study.conclude(window=window_choice.window))
        if out is not None:
            from waterbed.questions.intervention.page import write_findings

            with written_at(out):
                written(write_findings(findings, out, study.config))
        elif form is Printed.json:
            from waterbed.questions.intervention.page import as_json

            sys.stdout.write(as_json(findings))
        else:
            _print(findings)


_PAIRS = 10
_READINGS = (
    "Arrivals: sequential are those that surely came after an end, not parallel all that did not surely come before "
    "it; the truth lies between."
)
_WIDE = 100
"""Columns of a terminal from which on units are shown."""


def _print(found: Findings) -> None:
    """Print all answers, then refusals, then the main pairs."""
    from waterbed.graphs.displacement.answers import ALWAYS
    from waterbed.graphs.displacement.movements import READINGS
    from waterbed.model.results import Answer

    formatter = found.formatter
    answers = [formatter.row(Answer, answer) for answer in found.answers]
    sentences = [formatter.plain(message) for message in found.summary.sentences] if found.summary else []
    if found.summary is not None:
        say(_title(found), style="bold")
        for sentence in (*sentences, *map(formatter.plain, found.summary.changes)):
            say(sentence, broken=True)
        say("")
    table = new_table("All numbers, each interval for itself" if found.summary else _title(found), look="bold")
    names = ["number", "arrivals", "estimate", "95% interval", "p (least)", "n"]
    names += ["unit"] if console.width >= _WIDE else []
    for name in names:
        table.add_column(name, justify="right" if name in ("estimate", "p (least)", "n") else "left", overflow="fold")
    for answer in answers:
        if answer.refusal is None:
            table.add_row(*_cells(answer)[: len(names)])
    if table.rows:
        print_table(table)
    if any(answer.reading in READINGS for answer in answers):
        say(_READINGS, broken=True)
    refused: dict[str, list[str]] = {}
    for answer in answers:
        if answer.refusal is not None:
            refused.setdefault(answer.refusal, []).append(f"{answer.name} ({answer.reading})")
    for reason, without in refused.items():
        if reason not in sentences:
            say(f"no number: {reason}: {', '.join(dict.fromkeys(without))}", broken=True)
    _pairs(found)
    for line in (*map(formatter.text, found.notes), *ALWAYS):
        say(line, broken=True)


def _title(found: Findings) -> str:
    event = found.event
    if event is None:
        return "Displacement, the study as a whole"
    return f"Displacement: {event.target} at {event.at:%Y-%m-%d %H:%M}, {event.outcome}"


def _cells(answer: AnswerRow) -> list[str]:
    from waterbed.model.spelling import interval, number, p_value

    p = "-" if answer.p is None else f"{p_value(answer.p)} ({p_value(answer.smallest_p)})"
    p += f", {answer.test} {p_value(answer.adjusted)}" if answer.adjusted is not None else ""
    estimate = "-" if answer.estimate is None else number(answer.estimate)
    return [answer.name, answer.reading, estimate, interval(answer), p, f"{answer.n:,}", answer.unit]


def _pairs(found: Findings) -> None:
    from waterbed.model.spelling import number, p_value

    rows = [row for row in found.pairs if row.reading == "not parallel"][:_PAIRS]
    if not rows:
        return
    table = new_table("From where to where (not parallel); p for all pairs at once", look="bold")
    for name in ("from", "to", "moves", "expected", "lift", "p, where", "p, when"):
        table.add_column(name, justify="left" if name in ("from", "to") else "right")
    for row in rows:
        tests = [number(row.lift), p_value(row.destination_p), p_value(row.timing_p)]
        table.add_row(row.from_key, row.to_key, f"{row.moves:,}", f"{row.foretold:.1f}", *tests)
    print_table(table)
