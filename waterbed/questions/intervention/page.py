"""Intervention pages: estimates, supported claims and their figures.

Self-contained: a page loads nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import msgspec

from waterbed.graphs.displacement.answers import ALWAYS
from waterbed.graphs.displacement.event import Event, read_event
from waterbed.graphs.displacement.findings import Findings
from waterbed.graphs.displacement.summary import Branch
from waterbed.graphs.network.moves import Level
from waterbed.model.errors import InputError
from waterbed.model.formatter import Disclosure
from waterbed.model.message import Message
from waterbed.model.redaction import redact
from waterbed.model.results import (
    Answer,
    AnswerRow,
    DestinationRow,
    EventCurveRow,
    PairRow,
    PeriodRow,
    PlaceboRow,
    Reading,
)
from waterbed.model.spelling import interval
from waterbed.model.table import TableInfo
from waterbed.questions.intervention.declared import declared
from waterbed.questions.intervention.declared_events import event_stems, public_events
from waterbed.questions.intervention.estimate import findings_of
from waterbed.questions.intervention.figures import event_figures, refused_figures
from waterbed.questions.intervention.words import FORMS, better, by_question, claims_of, refusals_of
from waterbed.shown.figures.events import is_side
from waterbed.shown.figures.marks import Figure
from waterbed.shown.figures.moments import Moment
from waterbed.shown.layout import ALONE, Page, PageTable, asset, templates
from waterbed.store.config import Config
from waterbed.store.whole.files import write_whole
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import DIALECT, as_csv, loose, records, row_schema, to_json
from waterbed.study.formats import as_json as table_json
from waterbed.study.study import Study

FOLDER: Final = "interventions"
"""Folder of the site that holds their pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """An event's page, and its traces on other pages."""

    page: Page
    paragraphs: Annotated[tuple[str, ...], "its answer, or why it is refused"]
    moment: Annotated[Moment | None, "its mark on axes of time; null: it is refused"] = None
    target: Annotated[str, "key of its target; empty: it is refused"] = ""
    others: Annotated[tuple[str, ...], "keys of its controls, buffer and controls of the buffer"] = ()
    shares: Annotated[tuple[AnswerRow, ...], "removed within 24 hours at the target, before and after"] = ()


def intervention_pages(
    study: Study, conclusions: Conclusions, *, named: Mapping[Level, frozenset[str]], least: int, under: str
) -> list[EventPage]:
    """The page of each public event.

    By file name; a refused file has its reason.
    """
    files = public_events(study)
    public = frozenset(files.values())
    return [
        _page(study, conclusions, file, f"{FOLDER}/{stem}.html", named=named, least=least, under=under, public=public)
        for file, stem in zip(files, event_stems(list(files)), strict=True)
    ]


def _page(
    study: Study,
    conclusions: Conclusions,
    file: Path,
    path: str,
    *,
    named: Mapping[Level, frozenset[str]],
    least: int,
    under: str,
    public: frozenset[Event],
) -> EventPage:
    try:
        findings = _found(study, conclusions, file, named, least, public)
    except InputError as refusal:
        reason = redact(refusal.plain)
        page = refused_page(redact(file.name), reason, path, under=under)
        return EventPage(page=page, paragraphs=(f"Refused: {reason}",))
    view, event = view_of(findings, study.config, made_at=study.clock()), findings.event
    page, sentences = intervention_page(view, path, under=under), tuple(view.sentences)
    if event is None:
        return EventPage(page=page, paragraphs=sentences)
    return EventPage(
        page=page,
        paragraphs=sentences,
        moment=Moment(at=event.at, title=findings.names.get(event.target, event.target)),
        target=event.target,
        others=tuple(place for place in event.places if place != event.target),
        shares=tuple(
            answer for answer in view.answers if answer.name in ("removed before, target", "removed after, target")
        ),
    )


def _found(
    study: Study,
    conclusions: Conclusions,
    file: Path,
    named: Mapping[Level, frozenset[str]],
    least: int,
    public: frozenset[Event],
) -> Findings:
    event = read_event(file)
    disclosure = Disclosure(least=least, named=named[event.kind])
    findings = findings_of(study, event, conclusions=conclusions, disclosure=disclosure, public=public)
    if not disclosure.names(event.target):
        raise InputError(f"fewer than {least} sites are known there, so it is not named (publish.least)", key="target")
    return findings


SHOWN_PAIRS = 16
CHANGE: Final = "What would change it"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacementView:
    """Content of the page; some fields are empty without events.

    Without an event `declared`, `periods` and `destinations` are empty.
    `declared` are the lines of the event file in words. Times are aware.
    """

    title: str
    made_at: datetime
    home: str
    declared: Sequence[tuple[str, str]]
    outcome: str
    answers: Sequence[AnswerRow]
    always: Sequence[str]
    periods: Sequence[PeriodRow]
    placebos: Sequence[PlaceboRow]
    destinations: Sequence[DestinationRow]
    pairs: Sequence[PairRow]
    data_dates: Mapping[str, str]
    run_id: str
    version: str
    least: int = 1
    """Sites that any count is about at least; smaller counts are withheld."""
    protocol: str = "none"
    """Status of the answers under the locked protocol."""
    deviations: Sequence[str] = ()
    caveat: str = ""
    """Deviations from it, with reasons."""
    branch: str = ""
    """What the sentences come to."""
    sentences: Sequence[str] = ()
    """The answer to an event, in words."""
    short: Sequence[str] = ()
    """What the first screen says of it."""
    further: Sequence[str] = ()
    """The rest of it."""
    changes: Sequence[str] = ()
    """What would change it."""
    curves: Sequence[EventCurveRow] = ()
    """Shares removed by hour, before and after the event."""
    stopped: str = ""
    """The reason for which nothing at all is told; empty: there is none."""
    better: Sequence[str] = ()
    """What would let it tell more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an event's declaration, or a note."""

    name: Annotated[str, "its heading"]
    text: Annotated[str, "its text"]


def render_displacement(view: DisplacementView) -> str:
    """Render one self-contained page: HTML, style and figures."""
    return (
        templates()
        .get_template("intervention_alone.html")
        .render(
            {
                **_values(view, _figures(view, "displacement"), "displacement"),
                "view": view,
                "made_at": view.made_at.astimezone(UTC),
                "style": asset("style.css").content.decode(),
                "policy": ALONE,
                "root": "",
            }
        )
    )


def intervention_page(view: DisplacementView, path: str, *, under: str) -> Page:
    """Render one event's page in a site.

    Its content is that of `render_displacement`.
    """
    stem = path.removesuffix(".html")
    figures = _figures(view, stem)
    return Page(
        path=path,
        template="intervention.html",
        title=view.title,
        under=under,
        figures=figures,
        tables=[
            PageTable(
                path=f"{stem}-{name}",
                cls=cls,
                rows=rows,
                what=f"{name} of an event",
                by="event",
                method="as declared, and see the column estimator of the answers; docs/displacement.md",
            )
            for name, (cls, rows) in _rows(view).items()
        ],
        values={**_values(view, figures, stem), "back": under},
    )


def refused_page(title: str, reason: str, path: str, *, under: str) -> Page:
    """Render the page of a refused event, with the reason."""
    return Page(path=path, template="refused.html", title=title, under=under, values={"reason": reason, "back": under})


def refused_table(event: EventPage) -> PageTable:
    """Rows of a refused event's sentences: its reason."""
    return PageTable(
        path=f"{event.page.path.removesuffix('.html')}-sentences",
        cls=Line,
        rows=[Line(name="Branch", text="refused"), Line(name="Sentence 1", text=" ".join(event.paragraphs))],
        what="sentences of an event",
        by="event",
        method="as declared; docs/displacement.md",
    )


def _rows(view: DisplacementView) -> dict[str, tuple[type, Sequence[Any]]]:
    """Rows of each table beside a page, by name."""
    lines = [*view.declared, *(("Note", text) for text in view.always)]
    sections = (("Sentence", view.sentences), (CHANGE, view.changes))
    sentences = [("Branch", view.branch)] if view.branch else []
    sentences += [(f"{heading} {n}", text) for heading, texts in sections for n, text in enumerate(texts, 1)]
    rows = {name: (cls, getattr(view, name)) for name, cls in TABLES.items()}
    named = {"declared": lines, "sentences": sentences}
    return rows | {key: (Line, [Line(name=name, text=text) for name, text in pairs]) for key, pairs in named.items()}


def _values(view: DisplacementView, figures: Sequence[Figure], stem: str) -> dict[str, Any]:
    """Template values of either page.

    Its tables lie beside it as STEM-answers.csv and so on.
    """
    return {
        "figures": {figure.name: figure for figure in figures},
        "stem": stem,
        "view": view,
        "questions": by_question(view.answers),
        "claims": claims_of,
        "interval": interval,
        "refused": refused_figures(figures, view.answers, view.stopped) if view.sentences else {},
        "forms": FORMS,
        "better": view.better,
        "refusals": refusals_of(view.answers),
        "given": sum(answer.refusal is None for answer in view.answers),
        "periods": _main(view.periods),
        "destinations": _main(view.destinations),
        "places_named": not all(map(is_side, _main(view.destinations))),
        "pairs": _main(view.pairs)[:SHOWN_PAIRS],
    }


def _main(rows: Sequence[Any]) -> list[Any]:
    """Rows of the reading that excludes least, which is drawn."""
    readings: tuple[Reading, ...] = ("not parallel", "all")
    return [row for row in rows if row.reading in readings]


def _figures(view: DisplacementView, stem: str) -> tuple[Figure, ...]:
    """Figures of the reading that excludes least."""
    return event_figures(
        view.curves,
        _main(view.periods),
        view.periods,
        _main(view.destinations),
        _main(view.pairs),
        outcome=view.outcome,
        stem=stem,
    )


TABLES: Final[dict[str, type]] = {
    "answers": Answer,
    "curves": EventCurveRow,
    "periods": PeriodRow,
    "placebos": PlaceboRow,
    "destinations": DestinationRow,
    "pairs": PairRow,
}
"""Lists in the JSON object, and what their rows are."""


def write_findings(findings: Findings, out: Path, config: Config) -> list[Path]:
    """Write displacement.json, its schema, each table, and the page."""
    out.mkdir(parents=True, exist_ok=True)
    view = view_of(findings, config, made_at=datetime.now(UTC))
    contents = {
        "displacement.json": as_json(findings),
        "displacement.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        **{
            f"displacement-{name}.{ending}": content
            for name, (cls, rows) in _rows(view).items()
            for ending, content in (("csv", as_csv(cls, rows)), ("json", table_json(cls, rows, findings.info)))
        },
        "displacement.html": render_displacement(view),
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(findings: Findings) -> str:
    """Serialise findings as one JSON object.

    It holds the metadata, the event as declared, answers and tables.
    """
    formatter = findings.formatter
    answers = [formatter.row(Answer, answer) for answer in findings.answers]
    rows = {name: answers if name == "answers" else getattr(findings, name) for name in TABLES}
    tables = {name: records(cls, rows[name]) for name, cls in TABLES.items()}
    event = msgspec.to_builtins(findings.event) if findings.event else None
    summary = findings.summary
    summary_fields = summary and {
        "branch": summary.branch,
        "sentences": [formatter.plain(sentence) for sentence in summary.sentences],
        "changes": [formatter.plain(change) for change in summary.changes],
    }
    return to_json(
        {
            **loose(findings.info),
            "event": event,
            "answer": summary_fields,
            "notes": [formatter.text(note) for note in findings.notes],
            **tables,
        }
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the object.

    Every property is required, and no other is allowed.
    """
    json_schema = row_schema(TableInfo)
    json_schema["$schema"] = DIALECT
    json_schema["title"] = "Displacement"
    json_schema["properties"]["event"] = {
        "description": "the event file as read, with its defaults; null: the study as a whole",
        "type": ["object", "null"],
        "required": ["target", "date", "chosen_until", "controls"],
    }
    json_schema["properties"]["answer"] = {
        "description": "the answer to the event in at most five short paragraphs; null: the study as a whole",
        "type": ["object", "null"],
        "required": ["branch", "sentences", "changes"],
        "properties": {
            "branch": {"type": "string", "enum": list(get_args(Branch)), "description": "what the sentences come to"},
            "sentences": {"type": "array", "items": {"type": "string"}},
            "changes": {"type": "array", "items": {"type": "string"}, "description": "what would change the answer"},
        },
    }
    json_schema["properties"]["notes"] = {
        "description": "sentences about the data: which of them others saw, and where the observer changes",
        "type": "array",
        "items": {"type": "string"},
    }
    for name, cls in TABLES.items():
        json_schema["properties"][name] = {"type": "array", "items": row_schema(cls)}
    json_schema["required"] += ["event", "answer", "notes", *TABLES]
    return json_schema


def view_of(findings: Findings, config: Config, *, made_at: datetime) -> DisplacementView:
    """Build the page's content from findings."""
    event, formatter = findings.event, findings.formatter
    target, summary = findings.names.get(event.target, event.target) if event else "", findings.summary

    def plain(messages: Sequence[Message]) -> list[str]:
        return [formatter.plain(message) for message in messages]

    return DisplacementView(
        title=f"{target}, {event.at:%-d %B %Y}: removed or moved?" if event else f"{config.name}: removed or moved?",
        made_at=made_at,
        home=config.home,
        declared=declared(event, findings) if event else (),
        outcome=event.outcome if event else "",
        answers=[formatter.row(Answer, answer) for answer in findings.answers],
        always=(*map(formatter.text, findings.notes), *ALWAYS),
        periods=findings.periods,
        placebos=findings.placebos,
        destinations=findings.destinations,
        pairs=findings.pairs,
        data_dates=findings.info.data_dates,
        run_id=findings.info.run,
        version=findings.info.version,
        least=findings.disclosure.least,
        protocol=findings.info.protocol,
        deviations=findings.info.deviations,
        caveat=findings.info.caveat,
        branch=summary.branch if summary else "",
        sentences=plain(summary.sentences) if summary else (),
        short=plain(summary.short) if summary else (),
        further=plain(summary.further) if summary else (),
        changes=plain(summary.changes) if summary else (),
        curves=findings.curves,
        stopped=formatter.text(findings.stopped),
        better=better(findings.answers),
    )
