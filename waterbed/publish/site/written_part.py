"""The specification curve as files: one JSON object with its schema, and one page."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from waterbed.analysis.sensitivity.results import Findings
from waterbed.model.sensitivity import ConclusionRow, CurveRow, FlipRow, LevelRow, ValueRow
from waterbed.model.table import Envelope
from waterbed.publish.site.sensitivity_part import SensitivityView, render_sensitivity
from waterbed.study.formats import loose, records, spelled, write_whole
from waterbed.study.schemas import DIALECT, row_schema

TABLES: Final[dict[str, type]] = {
    "conclusions": ConclusionRow,
    "flips": FlipRow,
    "levels": LevelRow,
    "curve": CurveRow,
    "values": ValueRow,
}
"""Lists in the JSON object, and what their rows are."""


def write_findings(found: Findings, out: Path) -> list[Path]:
    """Write sensitivity.json, its schema, and the page; each appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "sensitivity.json": as_json(found),
        "sensitivity.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        "sensitivity.html": render_sensitivity(view_of(found, made_at=datetime.now(UTC))),
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(found: Findings) -> str:
    """Spell all of it as one JSON object: the envelope, the main outcome's hoster, and the tables."""
    tables = {name: records(cls, getattr(found, name)) for name, cls in TABLES.items()}
    return spelled({**loose(found.heading), "hoster": found.hoster, "grid": found.grid, **tables})


def schema() -> dict[str, Any]:
    """Describe the JSON object: every part required, nothing else allowed."""
    whole = row_schema(Envelope)
    whole["$schema"] = DIALECT
    whole["title"] = "Sensitivity"
    whole["properties"]["hoster"] = {"description": "key whose share is the main outcome", "type": "string"}
    whole["properties"]["grid"] = {"description": "specifications that were run, and of how many", "type": "string"}
    for name, cls in TABLES.items():
        whole["properties"][name] = {"type": "array", "items": row_schema(cls)}
    whole["required"] += ["hoster", "grid", *TABLES]
    return whole


def view_of(found: Findings, *, made_at: datetime) -> SensitivityView:
    """What the page shows."""
    return SensitivityView(
        title=f"{found.title}: which conclusions hold?",
        name=found.name,
        grid=found.grid,
        made_at=made_at,
        curve=found.curve,
        conclusions=found.conclusions,
        flips=found.flips,
        levels=found.levels,
        clock=found.heading.clock,
        protocol=found.heading.protocol,
        deviations=found.heading.deviations,
        data_dates=found.heading.data_dates,
        run_id=found.heading.run,
        version=found.heading.version,
    )
