"""`waterbed event init` and `waterbed event check`: what they propose, write and print."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.study.facts import hour, numbered, report, written
from tests.study.rig import Run
from waterbed.graphs.displacement.event import read_event
from waterbed.questions.intervention.plan import plan_event
from waterbed.study.study import Study

AT = 60
"""Hours from the start to the event."""
APART = 4
"""Hours between the reports of two URLs of a hoster."""
LETTERS = "abcde"


def _seen(after: Callable[[int], str], ends: int = AT) -> dict[str, str]:
    """Twelve URLs at each of five hosters, up until some hour, and what was seen of each after the event."""
    return {f"{letter}{n:02}": _before(n, ends) + after(n) for letter in LETTERS for n in range(12)}


def _before(n: int, ends: int = AT) -> str:
    return ("u" * (ends - APART * n)).ljust(AT - APART * n, "d")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study that looked for 20 hours after the event; the target's content goes then."""
    seen = _seen(lambda _: "u" * 20)
    seen |= {f"a{n:02}": _before(n) + "u" * (1 + n) + "d" * (19 - n) for n in range(12)}
    with written(tmp_path, seen, apart=APART):
        pass
    return tmp_path / "study"


def init(run: Run, folder: Path, *words: object) -> tuple[int, str, str]:
    return run("-C", folder, "event", "init", "AS64500", "--date", f"{hour(AT):%Y-%m-%dT%H:%M}", *words)


def topics(run: Run, folder: Path, file: Path) -> dict[str, dict[str, object]]:
    """The check's rows by topic, the last of each."""
    code, said, problem = run("-C", folder, "event", "check", file, "--format", "json")
    assert code == 0, problem
    return {row["topic"]: row for row in json.loads(said)["rows"]}


def test_init_writes_a_file_that_check_and_displacement_read(run: Run, folder: Path) -> None:
    """It stands in the study's folder, proposes places beside the target, and says what cannot be told and why."""
    code, said, problem = init(run, folder)
    assert code == 0, problem
    (path,) = (folder / "events").iterdir()
    assert path.name == "AS64500-2026-01-07.toml"
    event = read_event(path)
    assert (event.target, event.at, event.controls) == (
        "AS64500",
        hour(AT),
        ("AS64501", "AS64502", "AS64503", "AS64504"),
    )
    assert event.chosen_until == event.at, "data of its own day were seen, up to it"
    assert event.reads == [hour(17 * 24 + 72)]
    assert event.secondary == ("mean change, blocks", "abroad, difference"), "without a buffer none is tested"
    assert ("from target" in said, "note" in said, "why no control" in said) == (True, True, False)
    assert "declared late: Checks from after the event are in the study already" in said
    assert (
        "power, fall: The power to show that it removes more, and the least that can be shown, cannot be told:" in said
    )
    assert (
        "answer: No answer can be had before this is mended: That the target removes more cannot be shown: target"
        in said
    )
    code, said, _ = run("-C", folder, "event", "check", path)
    assert code == 0
    assert said.splitlines()[-1].startswith("answer: No answer can be had before this is mended")
    assert "days after: 2 of 56 periods after the event are known, all on 2026-01-21 12:00." in said


def test_more_days_after_the_event_can_be_asked_for(run: Run, folder: Path, tmp_path: Path) -> None:
    """The window after it and the read date follow; what is proposed stays."""
    code, _, problem = init(run, folder, "--after", 21, "--out", tmp_path / "longer.toml")
    assert code == 0, problem
    assert init(run, folder)[0] == 0
    (path,) = (folder / "events").iterdir()
    longer, usual = read_event(tmp_path / "longer.toml"), read_event(path)
    assert (usual.after * usual.period_h, longer.after * longer.period_h) == (14 * 24, 21 * 24)
    assert longer.reads == [hour(24 * 24 + 72)]
    assert (longer.controls, longer.chosen_until) == (usual.controls, usual.chosen_until)


def test_a_file_that_is_there_stays_as_it_is(run: Run, folder: Path, tmp_path: Path) -> None:
    """One sentence, exit code 2, and nothing is written beside it."""
    (tmp_path / "mine.toml").write_text("mine")
    code, said, problem = init(run, folder, "--out", tmp_path / "mine.toml")
    assert (code, said) == (2, "")
    assert "mine.toml is there already and stays as it is; name another file with --out" in problem
    assert (tmp_path / "mine.toml").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "study", "routes.csv", "keys"} & {
        path.name for path in tmp_path.iterdir()
    }


def test_a_plan_that_cannot_be_made_is_one_sentence(run: Run, folder: Path) -> None:
    """With the value and where to look, exit code 2, and no file."""
    for words, parts in (
        (("nobody", "--date", "2026-01-07"), ("target: this study does not know the hoster nobody", "waterbed rank")),
        (("UK", "--date", "2026-01-07"), ("target:", "the United Kingdom is GB")),
        (("AS64500", "--date", "2025-01-07"), ("date: 2025-01-07 00:00 has no data before it", "2026-01-05 00:00")),
        (("AS64500", "--date", "2026-01-06"), ("date: data before it span", "8 periods of 6 hours")),
        (("AS64500", "--date", "2300-01-01"), ("date: 2300-01-01 is not a day from 1970 to 2200",)),
    ):
        refused(run("-C", folder, "event", "init", *words), *parts)
    assert not (folder / "events").exists()


def refused(said: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2 and one sentence with these parts and the page."""
    assert (said[0], said[1], said[2].strip().count("\n")) == (2, "", 0), said
    assert all(part in said[2] for part in (*parts, "docs/displacement.md")), said[2]


def _planned(study: Study) -> tuple[str, list[str]]:
    plan = plan_event(study.conclude(), study.config, "AS64500", hour(AT), days=14.0, removed=0.9, displaced=0.3)
    return plan.text, [row.text for row in plan.rows if row.topic != "declared late"]


def test_what_comes_after_the_event_changes_no_plan(tmp_path: Path) -> None:
    """Later looks, reports, decisions and hosters' reports leave every byte of the file and every number as it was."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with written(tmp_path / "one", _seen(lambda _: "uu", 55), apart=APART) as study:
        first = _planned(study)
    later = _seen(lambda n: "dududud" + "u" * n, 55) | numbered("f", 9, " " * AT + "uuuddd")
    with written(tmp_path / "two", later, apart=APART, study="e" * 32) as study:
        at = hour(AT + 1)
        known = [f"{letter}{n:02}" for letter in LETTERS for n in range(12)]
        more = [
            report(url, report_id=f"late{url}", source="new", content_id="same", reported_at=at, received_at=at)
            for url in known
        ]
        study.folder.store.add([*more])
        second = _planned(study)
    assert first == second


EVENT = """
target = "AS64500"
date = 2026-01-07T12:00:00
chosen_until = 2026-01-06
controls = ["AS64501", "AS64502"]
period_h = 6.0
before = 8
after = 2
horizon_h = 6.0
"""


def test_a_quarantine_that_stops_the_answer_is_named_with_its_command(run: Run, tmp_path: Path) -> None:
    """It comes first, and says how it is decided; released, it is gone."""
    seen = _seen(lambda _: "u" * 20) | {f"a{n:02}": _before(n) + "uu" + "d" * 18 for n in range(12)}
    with written(tmp_path, seen, apart=APART):
        pass
    (tmp_path / "event.toml").write_text(EVENT)
    found = topics(run, tmp_path / "study", tmp_path / "event.toml")
    assert found["quarantine"]["stops"] is True
    command = str(found["quarantine"]["command"])
    assert command.startswith("waterbed quarantine release|void ")
    words = ("quarantine", "release", command.split()[3], "--reason", "it is so")
    assert run("-C", tmp_path / "study", *words)[0] == 0
    assert "quarantine" not in topics(run, tmp_path / "study", tmp_path / "event.toml")


def test_a_check_says_what_is_awaited(run: Run, folder: Path, tmp_path: Path) -> None:
    """Periods that data do not reach stop it; takedowns so far are told, and the last line sums up."""
    (tmp_path / "event.toml").write_text(EVENT.replace("before = 8", "before = 200"))
    found = topics(run, folder, tmp_path / "event.toml")
    assert found["days before"]["stops"] is True
    assert str(found["days before"]["text"]).endswith(
        "reach back to 2025-11-18 12:00, and data begin on 2026-01-05 00:00: set before to 10."
    )
    assert found["days after"]["text"] == "2 of 2 periods after the event are known, all on 2026-01-08 00:00."
    assert str(found["takedowns"]["text"]).startswith(
        "11 contents of 11 sites ended at the target so far, and 9 of them were followed for 6 hours; "
    )
    assert list(found)[-1] == "answer"
    assert str(found["answer"]["text"]).startswith("No answer can be had before this is mended (1 more reason above): ")


def test_places_without_looks_after_the_event_are_named(run: Run, tmp_path: Path) -> None:
    """One control alone is a line; a target that nobody looks at stops the answer."""
    seen = _seen(lambda _: "u" * 20) | {f"{letter}{n:02}": _before(n) for letter in "ab" for n in range(12)}
    with written(tmp_path, seen, apart=APART):
        pass
    other = EVENT.replace('["AS64501", "AS64502"]', '["AS64501", "AS64503"]').replace('"AS64500"', '"AS64504"')
    for text, stops in ((EVENT, True), (other, False)):
        (tmp_path / "event.toml").write_text(text)
        row = topics(run, tmp_path / "study", tmp_path / "event.toml")["checks"]
        assert row["stops"] is stops
        assert "from 2026-01-07 12:00 to 2026-01-08 00:00" in str(row["text"])


def test_a_bad_file_is_one_sentence(run: Run, folder: Path, tmp_path: Path) -> None:
    """A check refuses what no waiting mends, with exit code 2."""
    early = EVENT.replace("date = 2026-01-07T12:00:00", "date = 2026-01-04").replace(
        "until = 2026-01-06", "until = 2026-01-03"
    )
    for text, parts in (
        (
            EVENT.replace('"AS64501"', '"nobody"'),
            ("event.toml: controls: this study does not know the hoster nobody", "waterbed rank"),
        ),
        (
            EVENT.replace('"AS64501"', '"AS64501x"'),
            ("event.toml: controls: this study does not know the hoster AS64501x (did you mean AS64501?);",),
        ),
        (EVENT.replace("until = 2026-01-06", "until = 2026-01-07"), ("chosen_until: 2026-01-08 00:00 lies after",)),
        (EVENT.replace('"AS64501"', '"AS64500"'), ("controls: AS64500 is the target",)),
        (early, ("date: 2026-01-04 00:00 lies before",)),
        (f"since = 2026-01-02\n{EVENT}", ("since: 2026-01-02 00:00 lies outside the study's data before the event",)),
    ):
        (tmp_path / "event.toml").write_text(text)
        refused(run("-C", folder, "event", "check", tmp_path / "event.toml"), *parts)


def test_a_further_event_without_data_stops_the_answer(run: Run, folder: Path, tmp_path: Path) -> None:
    """A later wave that data do not reach is awaited."""
    (tmp_path / "event.toml").write_text(f'{EVENT}[[events]]\ntarget = "AS64503"\ndate = 2026-03-01T00:00:00\n')
    row = topics(run, folder, tmp_path / "event.toml")["further events"]
    assert row["stops"] is True
    assert row["text"] == "The further event at AS64503, 2026-03-01 00:00, lies outside the study's data."


def test_an_event_at_a_control_stops_what_rests_on_it(run: Run, tmp_path: Path) -> None:
    """The fall is measured against controls: the check stops where the report would refuse."""
    with written(tmp_path, _seen(lambda _: "u" * 20)) as study:
        events = study.path / "events"
    events.mkdir()
    (tmp_path / "event.toml").write_text(EVENT)
    other = EVENT.replace('target = "AS64500"', 'target = "AS64501"').replace('["AS64501", "AS64502"]', '["AS64503"]')
    (events / "other.toml").write_text(other)
    row = topics(run, tmp_path / "study", tmp_path / "event.toml")["overlaps"]
    assert "acts on controls" in str(row["text"])
    assert row["stops"] is True


def test_another_event_of_the_study_on_the_same_places_is_named(run: Run, tmp_path: Path) -> None:
    """At a control it changes what it could have changed; at the target no answer can be had."""
    with written(tmp_path, _seen(lambda _: "u" * 20)) as study:
        events = study.path / "events"
    events.mkdir()
    (tmp_path / "event.toml").write_text(EVENT)
    assert "overlaps" not in topics(run, tmp_path / "study", tmp_path / "event.toml")
    other = EVENT.replace("date = 2026-01-07T12:00:00", "date = 2026-01-07T00:00:00")
    other = other.replace("chosen_until = 2026-01-06", "chosen_until = 2026-01-05")
    (events / "other.toml").write_text(other)
    row = topics(run, tmp_path / "study", tmp_path / "event.toml")["overlaps"]
    assert str(row["text"]).startswith("Another event of this study, Hoster a on 2026-01-07")
    assert str(row["text"]).endswith("choose other dates (events/other.toml).")
    assert "acts on the target" in str(row["text"])
    assert row["stops"] is True


def test_init_names_the_other_event_of_the_folder(run: Run, folder: Path) -> None:
    """A file about a time that touches it is told of at once, by name."""
    (folder / "events").mkdir()
    (folder / "events" / "other.toml").write_text(EVENT.replace("T12:00:00", "T00:00:00"))
    code, said, problem = init(run, folder)
    assert (code, "(events/other.toml)" in said) == (0, True), said + problem


def test_a_feed_that_stops_at_the_event_is_named(run: Run, tmp_path: Path) -> None:
    """With its counts, and what becomes of its reports."""
    seen = _seen(lambda _: "u" * 20) | {f"a{n:02}": "u" * 80 for n in range(24)}
    with written(tmp_path, seen) as study:
        for number in range(24):
            for source, at in (("second", 20.0 + number), ("third", AT - 11.0 + number * 0.9)):
                one = report(f"a{number:02}", report_id=f"{source}{number}", source=source, received_at=hour(at))
                study.folder.store.add([replace(one, reported_at=hour(at))])
    (tmp_path / "event.toml").write_text(EVENT)
    text = str(topics(run, tmp_path / "study", tmp_path / "event.toml")["feed"]["text"])
    assert text.startswith(
        "Feed second stopped reporting the target at the event: 24 sites before, 0 after; other feeds"
    )
    assert text.endswith(": its reports will be left out.")
