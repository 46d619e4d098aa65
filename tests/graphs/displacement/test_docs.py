"""The page on displacement, against the event file that is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.docs.markdown import page, rows, section
from waterbed.graphs.displacement.event import Detection, Event, read_event
from waterbed.lab.world.reading import scenario_event


def _keys() -> Iterator[tuple[str, str]]:
    """Each key of an event file with its default, as the page writes it."""
    for field in msgspec.structs.fields(Event):
        if field.name == "detection":
            yield from ((f"detection.{inner.name}", "none") for inner in msgspec.structs.fields(Detection))
        else:
            yield field.name, "required" if field.required else _plain(field.default)


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if value == () else str(value)


def test_every_key_of_an_event_file_is_documented_with_its_default() -> None:
    """The table has exactly the keys of an event file, each with its default."""
    table = rows(section(page("displacement.md"), "The event file"))
    assert {cells[0].strip("`"): cells[1].strip("`") for cells in table} == dict(_keys())


def test_the_example_is_a_good_event_file(tmp_path: Path) -> None:
    """The lab's event file is read as it stands."""
    (tmp_path / "event.toml").write_bytes(scenario_event("waterbed") or b"")
    found = read_event(tmp_path / "event.toml")
    assert (found.target, found.kind, found.after) == ("moerashost", "hoster", 17)
