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
        found = _found(study, conclusions, file, named, least, public)
    except InputError as refusal:
        reason = redact(refusal.plain)
        page = refused_page(redact(file.name), reason, path, under=under)
        return EventPage(page=page, paragraphs=(f"Refused: {reason}",))
    view, event = view_of(found, study.config, made_at=study.clock()), found.event
    page, said = intervention_page(view, path, under=under), tuple(view.sentences)
    if event is None:
        return EventPage(page=page, paragraphs=said)
    return EventPage(
        page=page,
        paragraphs=said,
        moment=Moment(at=event.at, title=found.names.get(event.target, event.target)),
        target=event.target,
        others=tuple(place for place in event.places if place != event.target),
        shares=tuple(one for one in view.answers if one.name in ("removed before, target", "removed after, target")),
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
    found = findings_of(study, event, conclusions=conclusions, disclosure=disclosure, public=public)
    if not disclosure.names(event.target):
        raise InputError(f"fewer than {least} sites are known there, so it is not named (publish.least)", key="target")
    return found


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
    told = (("Sentence", view.sentences), (CHANGE, view.changes))
    said = [("Branch", view.branch)] if view.branch else []
    said += [(f"{what} {n}", text) for what, texts in told for n, text in enumerate(texts, 1)]
    rows = {name: (cls, getattr(view, name)) for name, cls in TABLES.items()}
    named = {"declared": lines, "sentences": said}
    return rows | {key: (Line, [Line(name=name, text=text) for name, text in own]) for key, own in named.items()}


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
    wanted: tuple[Reading, ...] = ("not parallel", "all")
    return [row for row in rows if row.reading in wanted]


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


def write_findings(found: Findings, out: Path, config: Config) -> list[Path]:
    """Write displacement.json, its schema, each table, and the page."""
    out.mkdir(parents=True, exist_ok=True)
    view = view_of(found, config, made_at=datetime.now(UTC))
    contents = {
        "displacement.json": as_json(found),
        "displacement.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        **{
            f"displacement-{name}.{ending}": made
            for name, (cls, rows) in _rows(view).items()
            for ending, made in (("csv", as_csv(cls, rows)), ("json", table_json(cls, rows, found.info)))
        },
        "displacement.html": render_displacement(view),
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(found: Findings) -> str:
    """Serialise findings as one JSON object.

    It holds the metadata, the event as declared, answers and tables.
    """
    formatter = found.formatter
    answers = [formatter.row(Answer, one) for one in found.answers]
    rows = {name: answers if name == "answers" else getattr(found, name) for name in TABLES}
    tables = {name: records(cls, rows[name]) for name, cls in TABLES.items()}
    event = msgspec.to_builtins(found.event) if found.event else None
    summary = found.summary
    said = summary and {
        "branch": summary.branch,
        "sentences": [formatter.plain(one) for one in summary.sentences],
        "changes": [formatter.plain(one) for one in summary.changes],
    }
    return to_json(
        {
            **loose(found.info),
            "event": event,
            "answer": said,
            "notes": [formatter.text(one) for one in found.notes],
            **tables,
        }
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the object.

    Every property is required, and no other is allowed.
    """
    whole = row_schema(TableInfo)
    whole["$schema"] = DIALECT
    whole["title"] = "Displacement"
    whole["properties"]["event"] = {
        "description": "the event file as read, with its defaults; null: the study as a whole",
        "type": ["object", "null"],
        "required": ["target", "date", "chosen_until", "controls"],
    }
    whole["properties"]["answer"] = {
        "description": "the answer to the event in at most five short paragraphs; null: the study as a whole",
        "type": ["object", "null"],
        "required": ["branch", "sentences", "changes"],
        "properties": {
            "branch": {"type": "string", "enum": list(get_args(Branch)), "description": "what the sentences come to"},
            "sentences": {"type": "array", "items": {"type": "string"}},
            "changes": {"type": "array", "items": {"type": "string"}, "description": "what would change the answer"},
        },
    }
    whole["properties"]["notes"] = {
        "description": "sentences about the data: which of them others saw, and where the observer changes",
        "type": "array",
        "items": {"type": "string"},
    }
    for name, cls in TABLES.items():
        whole["properties"][name] = {"type": "array", "items": row_schema(cls)}
    whole["required"] += ["event", "answer", "notes", *TABLES]
    return whole


def view_of(found: Findings, config: Config, *, made_at: datetime) -> DisplacementView:
    """Build the page's content from findings."""
    event, formatter = found.event, found.formatter
    target, said = found.names.get(event.target, event.target) if event else "", found.summary

    def plain(messages: Sequence[Message]) -> list[str]:
        return [formatter.plain(one) for one in messages]

    return DisplacementView(
        title=f"{target}, {event.at:%-d %B %Y}: removed or moved?" if event else f"{config.name}: removed or moved?",
        made_at=made_at,
        home=config.home,
        declared=declared(event, found) if event else (),
        outcome=event.outcome if event else "",
        answers=[formatter.row(Answer, one) for one in found.answers],
        always=(*map(formatter.text, found.notes), *ALWAYS),
        periods=found.periods,
        placebos=found.placebos,
        destinations=found.destinations,
        pairs=found.pairs,
        data_dates=found.info.data_dates,
        run_id=found.info.run,
        version=found.info.version,
        least=found.disclosure.least,
        protocol=found.info.protocol,
        deviations=found.info.deviations,
        caveat=found.info.caveat,
        branch=said.branch if said else "",
        sentences=plain(said.sentences) if said else (),
        short=plain(said.short) if said else (),
        further=plain(said.further) if said else (),
        changes=plain(said.changes) if said else (),
        curves=found.curves,
        stopped=formatter.text(found.stopped),
        better=better(found.answers),
    )
