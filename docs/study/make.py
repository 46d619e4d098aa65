"""Makes the worked study: numbers from the data, figures and text from the numbers.

Exit status: 0 made, 2 data cannot be read or files not be written.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from commands import walk
from figures import CHOICES, OURS, draw
from jinja2 import Environment, StrictUndefined
from labels import label_steps
from listings import checksums, read_listings
from measures import counts, listed, platforms, quarters, specifications

from waterbed.model.errors import InputError

HERE = Path(__file__).resolve().parent
NUMBERS, TEXT, TEMPLATE = "numbers.json", "README.md", "README.md.j2"
OK, INPUT = 0, 2


def main() -> int:
    """Measure unless told only to draw; then draw and write."""
    options = _options()
    try:
        _make(options)
    except (InputError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return INPUT
    return OK


def _make(options: argparse.Namespace) -> None:
    found = None if options.draw else measure(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    if found:
        (options.out / NUMBERS).write_text(f"{spelled(found)}\n", encoding="utf-8")
    kept = options.out if (options.out / NUMBERS).is_file() else HERE
    numbers = json.loads((kept / NUMBERS).read_text(encoding="utf-8"))
    draw(numbers, options.out)
    (options.out / TEXT).write_text(text(numbers), encoding="utf-8")


def measure(data: Path) -> dict[str, Any]:
    """All numbers of the study, from the data folder; its commands run in a private folder that is removed."""
    listings = read_listings(data)
    with tempfile.TemporaryDirectory(prefix="waterbed-study-") as private:
        walked = walk(data, listings, Path(private))
    return {
        "files": checksums(data),
        "commands": walked,
        "data": counts(listings),
        "listed": listed(listings),
        "platforms": platforms(listings),
        "quarters": quarters(listings),
        "specifications": specifications(listings),
        "labels": label_steps(data, listings),
    }


def spelled(value: Any, indent: str = "") -> str:
    """Numbers as their file has them: what holds only plain values is one line."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(one, dict | list) for one in inner):
        return json.dumps(value)
    within = [spelled(one, f"{indent} ") for one in inner]
    if isinstance(value, dict):
        within = [f"{json.dumps(name)}: {one}" for name, one in zip(value, within, strict=True)]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(f"{indent} {one}" for one in within) + f"\n{indent}{last}"


def text(numbers: dict[str, Any]) -> str:
    """The text with its numbers filled in."""
    rules = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    rules.filters |= {
        "count": lambda value: f"{value:,}",
        "share": lambda value: f"{value:.1%}",
        "percent": lambda value: f"{value:.0%}",
        "days": lambda value: f"{value:.2f}",
        "hours": lambda value: f"{value:.1f}",
        "still": lambda value: f"{value:.3f}",
    }
    written = rules.from_string((HERE / TEMPLATE).read_text(encoding="utf-8"))
    return written.render(n=numbers, specs=_summary(numbers["specifications"]))


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the specifications span: all, those that heed entry, and one choice changed at a time."""
    heeding = [row["median"] for row in rows if row["whose"] != "all, entry ignored"]
    medians = [row["median"] for row in rows]
    changed = [
        {"name": name, "value": value, "median": row["median"]}
        for name, values in CHOICES.items()
        for value in values
        for row in rows
        if value != OURS[name] and all(row[key] == ({**OURS, name: value})[key] for key in OURS)
    ]
    return {
        "all": len(rows),
        "least": min(medians),
        "most": max(medians),
        "heeding": len(heeding),
        "heeding_least": min(heeding),
        "heeding_most": max(heeding),
        "changed": changed,
    }


def _options() -> argparse.Namespace:
    named = os.environ.get("WATERBED_REALDATA")
    parser = argparse.ArgumentParser(description="The worked study of docs/study: numbers, figures and text")
    parser.add_argument("--data", type=Path, default=named, help="folder of the data, else WATERBED_REALDATA names it")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to, by default docs/study")
    parser.add_argument("--draw", action="store_true", help="only figures and text, from the numbers that there are")
    options = parser.parse_args()
    if not options.draw and options.data is None:
        parser.error("set WATERBED_REALDATA to the folder of the data, or say --data FOLDER (docs/study/README.md)")
    return options


if __name__ == "__main__":
    sys.exit(main())
