"""Written event files: all keys, read again as they were, with the words of the documentation."""

from pathlib import Path

import pytest

from tests.docs.markdown import page, rows, section
from tests.graphs.displacement.movements import day, event
from waterbed.graphs.displacement.event import Detection, Event, OtherEvent, read_event
from waterbed.graphs.displacement.event_file import MEANINGS, event_text

OTHERS = {
    "since": day(10),
    "read": (day(200), day(220)),
    "detection": Detection(home=(0.7, 0.9), abroad=(0.4, 0.7)),
    "events": (OtherEvent(target="c1", date=day(165)),),
    "categories": ("phishing",),
    "public": True,
    "public_source": 'court, "ruling" \\ 7',
}


@pytest.mark.parametrize("given", [event(), event(**OTHERS)], ids=["defaults", "all keys"])
def test_a_written_file_is_read_as_it_was(tmp_path: Path, given: Event) -> None:
    """Each key stands in it, with its meaning above."""
    path = tmp_path / "event.toml"
    path.write_text(event_text(given, {"controls": ("c0: 12 sites",)}))
    assert read_event(path) == given
    lines = path.read_text().splitlines()
    assert all(f"# {meaning}" in lines for meaning in MEANINGS.values())
    assert lines[lines.index(f"# {MEANINGS['controls']}") + 1] == "#   c0: 12 sites"


def test_comments_are_those_of_the_documentation() -> None:
    """Each key's comment is its meaning on the page, without marks of code."""
    table = {cells[0].strip("`"): cells[2] for cells in rows(section(page("displacement.md"), "The event file"))}

    def bare(text: str) -> str:
        return text.replace("`", "").replace('"', "")

    assert {key: bare(text) for key, text in table.items()} == {key: bare(text) for key, text in MEANINGS.items()}
