"""The page of the sensitivity analysis, and its files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from waterbed.model.specifications import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow, ValueRow
from waterbed.model.spelling import NOTHING, estimate_text, percent
from waterbed.model.table import TableInfo
from waterbed.questions.sensitivity.figure import KEYS, curve_scene
from waterbed.questions.sensitivity.results import Findings
from waterbed.shown.figures.marks import Figure
from waterbed.shown.figures.plot import figure_of
from waterbed.shown.layout import ALONE, asset, templates
from waterbed.store.whole.files import write_whole
from waterbed.study.formats import DIALECT, as_csv, loose, records, row_schema, to_json

TITLE: Final = "Removed within 24 hours, under every specification"


def curve_figure(rows: Sequence[CurveRow], levels: Sequence[LevelRow], main: ConclusionRow) -> Figure:
    """The specification curve with its words and its files."""
    estimated = [row.estimate for row in rows if row.estimate is not None]
    ends = f", from {percent(min(estimated))} to {percent(max(estimated))}" if estimated else ""
    reference = f"; the reference gives {percent(main.reference)}" if main.reference is not None else ""
    made = figure_of(
        "curve",
        TITLE,
        f"{len(estimated)} specifications in order of their estimate{ends}{reference}.",
        "Each point is the same share, estimated with other choices; grey lines are 95% intervals of one "
        "specification alone. Strokes below a point name its choices. The ringed point is the reference. "
        "Specifications share their data: a share of them is not a probability.",
        "sensitivity-curve",
        lambda width: curve_scene(rows, levels, main, width),
        KEYS,
    )
    return replace(made, json="sensitivity.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityView:
    """Content of the page; `made_at` is aware."""

    title: str
    name: str
    """The hoster whose share is drawn."""
    grid: str
    made_at: datetime
    curve: Sequence[CurveRow]
    conclusions: Sequence[ConclusionRow]
    flips: Sequence[FlipRow]
    levels: Sequence[LevelRow]
    clock: str
    protocol: str
    deviations: Sequence[str]
    caveat: str
    data_dates: Mapping[str, str]
    run_id: str
    version: str


def render_sensitivity(view: SensitivityView) -> str:
    """Render one self-contained page: HTML, style, scripts and data."""
    return (
        templates()
        .get_template("sensitivity_alone.html")
        .render(
            {
                "view": view,
                "made_at": view.made_at.astimezone(UTC),
                "main": view.conclusions[0],
                "dimensions": list(dict.fromkeys(row.dimension for row in view.flips)),
                "flips": {(row.conclusion, row.dimension): row for row in view.flips},
                "estimate_text": estimate_text,
                "flip_cell": flip_cell,
                "style": asset("style.css").content.decode(),
                "policy": ALONE,
                "curve": curve_figure(view.curve, view.levels, view.conclusions[0]),
            }
        )
    )


def flip_cell(flips: Mapping[tuple[str, Dimension], FlipRow], conclusion: str, dimension: Dimension) -> str:
    """Share of pairs in which a dimension flips a conclusion.

    A dash where no pair is estimable.
    """
    row = flips.get((conclusion, dimension))
    return NOTHING if row is None else percent(row.share)


TABLES: Final[dict[str, type]] = {
    "conclusions": ConclusionRow,
    "flips": FlipRow,
    "levels": LevelRow,
    "curve": CurveRow,
    "values": ValueRow,
}
"""Lists in the JSON object, with the class of their rows."""


def write_findings(found: Findings, out: Path) -> list[Path]:
    """Write sensitivity.json, its schema, tables as CSV, and the page."""
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "sensitivity.json": as_json(found),
        "sensitivity.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        **{f"sensitivity-{name}.csv": as_csv(cls, getattr(found, name)) for name, cls in TABLES.items()},
        "sensitivity.html": render_sensitivity(view_of(found, made_at=datetime.now(UTC))),
    }
    return [write_whole(out / name, content.encode()) for name, content in contents.items()]


def as_json(found: Findings) -> str:
    """Serialise the findings as one JSON object.

    It holds the metadata, the main outcome's hoster, and the tables.
    """
    tables = {name: records(cls, getattr(found, name)) for name, cls in TABLES.items()}
    return to_json({**loose(found.info), "hoster": found.hoster, "grid": found.grid, **tables})


def schema() -> dict[str, Any]:
    """The JSON Schema of the object.

    Every property is required, and no other is allowed.
    """
    whole = row_schema(TableInfo)
    whole["$schema"] = DIALECT
    whole["title"] = "Sensitivity"
    whole["properties"]["hoster"] = {"description": "key whose share is the main outcome", "type": "string"}
    whole["properties"]["grid"] = {"description": "specifications that were run, and of how many", "type": "string"}
    for name, cls in TABLES.items():
        whole["properties"][name] = {"type": "array", "items": row_schema(cls)}
    whole["required"] += ["hoster", "grid", *TABLES]
    return whole


def view_of(found: Findings, *, made_at: datetime) -> SensitivityView:
    """Build the page's content."""
    return SensitivityView(
        title=f"{found.title}: which conclusions hold?",
        name=found.name,
        grid=found.grid,
        made_at=made_at,
        curve=found.curve,
        conclusions=found.conclusions,
        flips=found.flips,
        levels=found.levels,
        clock=found.info.clock,
        protocol=found.info.protocol,
        deviations=found.info.deviations,
        caveat=found.info.caveat,
        data_dates=found.info.data_dates,
        run_id=found.info.run,
        version=found.info.version,
    )
