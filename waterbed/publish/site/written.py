"""Findings as files: one JSON object with its schema, and one page."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from graphs.displacement.answers import ALWAYS
from graphs.displacement.event import Event
from graphs.displacement.findings import Findings
from waterbed.model.results import Answer, DestinationRow, PairRow, PeriodRow, PlaceboRow
from waterbed.model.table import Envelope
from waterbed.publish.site.interventions import DisplacementView, render_displacement
from waterbed.store.config import Config
from waterbed.study.formats import loose, records, spelled, write_whole
from waterbed.study.schemas import DIALECT, row_schema

TABLES: Final[dict[str, type]] = {
    "answers": Answer,
    "periods": PeriodRow,
    "placebos": PlaceboRow,
    "destinations": DestinationRow,
    "pairs": PairRow,
}
"""Lists in the JSON object, and what their rows are."""


def write_findings(found: Findings, out: Path, config: Config) -> list[Path]:
    """Write displacement.json, its schema, and the page; each appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    page = render_displacement(view_of(found, config, made_at=datetime.now(UTC)))
    contents = {
        "displacement.json": as_json(found),
        "displacement.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        "displacement.html": page,
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(found: Findings) -> str:
    """Spell findings as one JSON object: the envelope, the event as declared, answers and tables."""
    tables = {name: records(cls, getattr(found, name)) for name, cls in TABLES.items()}
    event = msgspec.to_builtins(found.event) if found.event else None
    return spelled({**loose(found.heading), "event": event, "notes": list(found.notes), **tables})


def schema() -> dict[str, Any]:
    """Describe the JSON object: every part required, nothing else allowed."""
    whole = row_schema(Envelope)
    whole["$schema"] = DIALECT
    whole["title"] = "Displacement"
    whole["properties"]["event"] = {
        "description": "the event file as read, with its defaults; null: the study as a whole",
        "type": ["object", "null"],
        "required": ["target", "date", "chosen_until", "controls"],
    }
    whole["properties"]["notes"] = {
        "description": "sentences about the data: which of them others saw, and where the observer changes",
        "type": "array",
        "items": {"type": "string"},
    }
    for name, cls in TABLES.items():
        whole["properties"][name] = {"type": "array", "items": row_schema(cls)}
    whole["required"] += ["event", "notes", *TABLES]
    return whole


def declared(event: Event, names: Findings) -> list[tuple[str, str]]:
    """The lines of an event file in words."""

    def named(keys: tuple[str, ...]) -> str:
        told = [f"{names.names.get(key, key)} ({key})" for key in keys if names.told.names(key)]
        held = len(keys) - len(told)
        return (
            ", ".join([*told, *([f"{held} that {'is' if held == 1 else 'are'} not named"] if held else [])]) or "none"
        )

    def spans(detection: tuple[float, float]) -> str:
        return f"{detection[0]:.0%} to {detection[1]:.0%}"

    return [
        ("Target", named((event.target,))),
        ("Event, UTC", f"{event.at:%Y-%m-%d %H:%M}"),
        ("Areas chosen with data until", f"{event.chosen_until:%Y-%m-%d %H:%M}"),
        ("Controls", named(event.controls)),
        ("Buffer", named(event.buffer)),
        ("Controls of the buffer", named(event.buffer_controls)),
        (
            "Windows",
            f"{event.before} periods of {event.period_h:g} h before, {event.after} after, {event.anticipation} between",
        ),
        ("What is counted", event.outcome),
        ("Effort", event.effort),
        ("Categories", ", ".join(event.categories) or "all"),
        ("Sources", ", ".join(event.sources) or "all"),
        (
            "Detection",
            f"home {spans(event.detection.home)}, abroad {spans(event.detection.abroad)}"
            if event.detection
            else "not stated",
        ),
    ]


def view_of(found: Findings, config: Config, *, made_at: datetime) -> DisplacementView:
    """What a page shows of findings."""
    event = found.event
    target = found.names.get(event.target, event.target) if event else ""
    return DisplacementView(
        title=f"{target}, {event.at:%-d %B %Y}: removed or moved?" if event else f"{config.name}: removed or moved?",
        made_at=made_at,
        home=config.home,
        declared=declared(event, found) if event else (),
        outcome=event.outcome if event else "",
        answers=found.answers,
        always=(*found.notes, *ALWAYS),
        periods=found.periods,
        placebos=found.placebos,
        destinations=found.destinations,
        pairs=found.pairs,
        data_dates=found.heading.data_dates,
        run_id=found.heading.run,
        version=found.heading.version,
        least=found.told.least,
        protocol=found.heading.protocol,
        deviations=found.heading.deviations,
    )
