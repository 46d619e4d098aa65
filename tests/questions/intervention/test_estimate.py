"""`waterbed displacement` on the command line: what it prints and writes, and how it fails."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.model.said import said
from tests.study.facts import hour, numbered, report, written
from tests.study.rig import Run
from waterbed.governance.hosters import decide
from waterbed.governance.protocol.file import PROTOCOL
from waterbed.governance.protocol.lock import first_text
from waterbed.graphs.displacement.event import read_event
from waterbed.graphs.displacement.summary import UNPUBLISHED
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.publish.release import publish_all
from waterbed.questions.intervention.estimate import _as_read, _nowhere_known, findings_of
from waterbed.questions.intervention.page import TABLES, schema
from waterbed.questions.intervention.space import space_notes
from waterbed.store.config import Config
from waterbed.study.study import create_study, open_study

EVENT = """
target = "AS64500"
date = 2026-01-05T12:00:00
chosen_until = 2026-01-05T11:00:00
public = true
controls = ["AS64501", "AS64502"]
buffer = ["AS64503"]
buffer_controls = ["AS64504"]
period_h = 1.0
before = 10
after = 4
horizon_h = 6.0
[detection]
home = [0.7, 0.9]
abroad = [0.4, 0.7]
"""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which tables have room."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A study of five hosters with twelve URLs each; the first one's all go within hours."""
    seen = {f"a{n:02}": ("u" * (3 + n)).ljust(40, "d") for n in range(12)}
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * 40)
    with written(tmp_path, seen):
        pass
    (tmp_path / "event.toml").write_text(EVENT)
    return tmp_path / "study"


def refused(said: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2 and one sentence with these parts."""
    assert (said[0], said[1], said[2].strip().count("\n")) == (2, "", 0), said
    assert all(part in said[2] for part in parts), said[2]


def test_json_is_as_its_schema_says(run: Run, folder: Path) -> None:
    """With and without an event: the event as read, the envelope, and an answer or reason for each question."""
    import jsonschema

    for words, target in (((), None), (("--event", folder.parent / "event.toml"), "AS64500")):
        code, said, _ = run("-C", folder, "displacement", *words, "--format", "json")
        assert code == 0
        found = json.loads(said)
        jsonschema.validate(found, schema())
        assert (found["event"] or {}).get("target") == target
        assert found["what"] == "displacement"
        assert found["answers"]
        for one in found["answers"]:
            assert (one["refusal"] is None) == bool(one["may"] and one["may_not"]), one


def test_other_places_than_the_protocol_declares_deviate(run: Run, folder: Path) -> None:
    """How many of an event's places were not declared, or left out, is told with a reason, not which."""
    event, protocol = folder.parent / "event.toml", folder / PROTOCOL

    def told(controls: str) -> list[str]:
        event.write_text(EVENT.replace('"AS64501", "AS64502"', controls))
        return json.loads(run("-C", folder, "displacement", "--event", event, "--format", "json")[1])["deviations"]

    with open_study(folder) as study:
        text = first_text(protocol, study.config, ["hotline"], ["phishing"])
    for name, keys in (("targets", ["AS64500"]), ("controls", ["AS64501"])):
        text = text.replace(f"\n{name} = []", f"\n{name} = {json.dumps(keys)}")
    protocol.write_text(
        text.replace("buffer = []", 'buffer = ["AS64503"]').replace("trols = []", 'trols = ["AS64504"]')
    )
    assert run("-C", folder, "protocol", "lock", "--reason", "a pilot")[0] == 0
    as_declared = told('"AS64501"')
    assert not any("areas" in one for one in as_declared)
    others = "areas.controls: 1 place of the event not declared, 1 declared place not in the event"
    assert run("-C", folder, "protocol", "explain", "areas.controls", "--reason", "none yet")[0] == 2
    assert told('"AS64502"') == told('"AS64502"') == [*as_declared, f"{others} (no reason given)"]
    assert run("-C", folder, "protocol", "log")[1].count("areas.controls") == 1
    assert run("-C", folder, "protocol", "explain", "areas.controls", "--reason", "one had no checks")[0] == 0
    assert told('"AS64502"') == [*as_declared, f"{others} (one had no checks)"]
    (folder / "events").mkdir()
    event.rename(folder / "events" / "one.toml")
    with open_study(folder) as study:
        publish_all(study, folder.parent / "out")
    page = (folder.parent / "out" / "interventions" / "one.html").read_text()
    assert (page.count(others), page.count(as_declared[0])) == (1, 0)


def test_a_report_says_when_the_targets_network_changed_hands(folder: Path) -> None:
    """By the routes of both ends of the window and the book of hosters; readers outside learn neither."""
    event, later = folder.parent / "event.toml", folder.parent / "later.csv"
    event.write_text(EVENT.replace("2026-01-05T", "2026-01-20T").replace("period_h = 1.0", "period_h = 24.0"))
    later.write_text("28.0.0.0,28.0.127.255,64500\n28.0.128.0,28.0.255.255,64999\n28.1.0.0,28.4.255.255,64501\n")
    with open_study(folder) as study:
        read = read_event(event)
        assert list(space_notes(study, study.conclude(), read, EVERYTHING)) == []
        study.add_table(later, date(2026, 1, 22), kind="routes")
        decide(study.folder, "succession", "AS64500", into="AS64999", since=date(2026, 1, 22), reason="case 1")
        routed, decided = map(said, space_notes(study, study.conclude(), read, EVERYTHING))
        assert routed.startswith(
            "32,768 of the 65,536 IPv4 addresses of AS64500 on 2026-01-05 had another origin on 2026-01-22, 32,768 of "
            "them AS64999"
        )
        assert decided.startswith("AS64999 took over the network of AS64500 by 2026-01-22 (unreviewed)")
        for day, origin in ((date(2026, 1, 5), 64500), (date(2026, 1, 22), 64998)):
            later.write_text(f"2a01::,2a01:ffff:ffff:ffff:ffff:ffff:ffff:ffff,{origin}\n")
            study.add_table(later, day, kind="routes")
        six = said(list(space_notes(study, study.conclude(), read, EVERYTHING))[1])
        assert six.startswith("4,294,967,296 of the 4,294,967,296 IPv6 /48s of AS64500 on 2026-01-05")
        assert list(space_notes(study, study.conclude(), read, Disclosure(least=5))) == []
        beside = read_event(_changed(event, 'target = "AS64500"', 'target = "AS64502"', '"AS64502"]', '"AS64500"]'))
        assert not any("AS64999" in said(note) for note in space_notes(study, study.conclude(), beside, EVERYTHING))


def _changed(file: Path, *pairs: str) -> Path:
    text = file.read_text()
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        text = text.replace(old, new)
    file.write_text(text)
    return file


def test_what_came_up_where_no_table_tells_is_counted(folder: Path) -> None:
    """In an event of a country, content at addresses of no known country is in no series, and the report says so."""
    with open_study(folder) as study:
        episodes = list(study.conclude().episodes)
    event = read_event(folder.parent / "event.toml")
    assert list(_nowhere_known(event, episodes)) == []
    country = msgspec.structs.replace(event, target="NL", controls=("DE",), buffer=(), buffer_controls=(), before=12)
    some = [replace(one, countries=() if one.hoster == "AS64502" else ("NL",)) for one in episodes]
    assert list(map(said, _nowhere_known(country, some))) == [
        "Of 60 contents that came up in these periods, 12 did at addresses whose country no table tells: they are in "
        "no series, and none surely moved there."
    ]


def test_a_folder_gets_page_json_and_schema(run: Run, folder: Path, tmp_path: Path) -> None:
    """--out writes page, object, schema and each table, and says where the page is."""
    import jsonschema

    out = tmp_path / "new" / "out"
    code, said, _ = run("-C", folder, "displacement", "--event", tmp_path / "event.toml", "--out", out)
    assert code == 0
    assert "displacement.html" in said
    tables = {
        f"displacement-{name}.{ending}" for name in (*TABLES, "declared", "sentences") for ending in ("csv", "json")
    }
    whole = {"displacement.html", "displacement.json", "displacement.schema.json"}
    assert {path.name for path in out.iterdir()} == whole | tables
    jsonschema.validate(
        json.loads((out / "displacement.json").read_text()), json.loads((out / "displacement.schema.json").read_text())
    )


def test_people_get_a_table_and_the_reasons(run: Run, folder: Path) -> None:
    """Answers stand in a table, each reason once with what it refuses, and what may never be said below."""
    code, said, _ = run("-C", folder, "displacement", "--event", folder.parent / "event.toml")
    assert code == 0
    assert "AS64500 at 2026-01-05 12:00" in said
    assert said.count("no number: no content moved from there in that time:") == 1
    assert "Never say that a hoster accepted" in said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (EVENT.replace("before = 10", "befor = 10"), ("unknown field", "befor", "docs/displacement.md")),
        (
            EVENT.replace('"AS64503"', '"nobody"'),
            ("event.toml: buffer: this study does not know the hoster nobody", "waterbed rank"),
        ),
        (
            EVENT.replace('"AS64503"', '"AS64503x"'),
            ("event.toml: buffer: this study does not know the hoster AS64503x (did you mean AS64503?);",),
        ),
        (EVENT.replace("2026-01-05T12", "2027-01-05T12"), ("date: 2027-01-05 12:00 lies outside",)),
        (EVENT.replace('["AS64501", ', '["AS64500", '), ("controls: AS64500 is the target",)),
        (
            EVENT.replace("05T11:00", "05T13:00"),
            ("chosen_until: 2026-01-05 13:00 lies after the event, 2026-01-05 12",),
        ),
        (EVENT.replace("after = 4", "after = 400"), ("after: 400 periods reach to",)),
        ("categories = ['spam']\n" + EVENT, ("categories: no report of this study has spam", "phishing")),
    ],
)
def test_bad_events_are_one_sentence(run: Run, folder: Path, text: str, parts: tuple[str, ...]) -> None:
    """Unknown keys, hosters and categories, and times without data: one sentence, exit code 2, nothing written."""
    (folder.parent / "event.toml").write_text(text)
    out = folder.parent / "out"
    refused(run("-C", folder, "displacement", "--event", folder.parent / "event.toml", "--out", out), *parts)
    assert not out.exists()


def test_a_window_without_looks_is_one_sentence(run: Run, tmp_path: Path) -> None:
    """Nobody checked the controls after the event: which window, at whom, and where looks are listed."""
    seen = numbered("a", 12, "u" * 40)
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * (40 if letter in "de" else 11))
    with written(tmp_path, seen):
        pass
    (tmp_path / "event.toml").write_text(EVENT)
    out = tmp_path / "out"
    said = run("-C", tmp_path / "study", "displacement", "--event", tmp_path / "event.toml", "--out", out)
    refused(said, "after: nobody checked controls from 2026-01-05 12:00 to 2026-01-05 16:00", "waterbed verdicts")
    assert not out.exists()


def test_places_that_cannot_be_read_or_written_are_named(run: Run, folder: Path, tmp_path: Path) -> None:
    """A missing event file, a file in place of the folder, and a study without a look are one sentence each."""
    refused(run("-C", folder, "displacement", "--event", tmp_path / "none.toml"), "cannot be read")
    refused(run("-C", folder, "displacement", "--out", tmp_path / "event.toml"), "cannot be written")
    with create_study(tmp_path / "empty", Config(study="e" * 32)) as study:
        study.folder.clock = lambda: hour(1)
    refused(run("-C", tmp_path / "empty", "displacement"), "does not hold any episode yet", "waterbed recheck")


@pytest.mark.parametrize("gone", [14, 19])
def test_an_open_quarantine_stops_the_answer_until_it_is_decided(run: Run, tmp_path: Path, gone: int) -> None:
    """The answer names it and the command that decides it, and no number is given; released, the answer goes on.

    So does one of the hours after the last period, in which what ended is followed.
    """
    seen = {f"a{n:02}": ("u" * gone).ljust(40, "d") for n in range(12)}
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * 40)
    with written(tmp_path, seen):
        pass
    (tmp_path / "event.toml").write_text(EVENT)
    words = ("-C", tmp_path / "study", "displacement", "--event", tmp_path / "event.toml", "--format", "json")
    held = json.loads(run(*words)[1])
    assert held["answer"]["branch"] == "refused"
    told = " ".join(held["answer"]["sentences"])
    named = re.search(r"waterbed quarantine release\|void ([0-9a-f]{32}) --reason", told)
    assert named, told
    assert {one["estimate"] for one in held["answers"]} == {None}
    assert all(named[1] in one["refusal"] for one in held["answers"] if one["name"].startswith(("remov", "excess")))
    assert held["periods"] == held["destinations"] == []
    assert run("-C", tmp_path / "study", "quarantine", "release", named[1], "--reason", "the hoster says so")[0] == 0
    after = json.loads(run(*words)[1])
    assert "quarantine" not in " ".join(after["answer"]["sentences"])
    assert after["periods"] or gone > 16


def test_a_feed_that_stops_at_the_event_is_left_out(run: Run, tmp_path: Path) -> None:
    """It is named with its counts and those of the other feeds, in the notes."""
    seen = numbered("a", 24, "u" * 40)
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * 40)
    with written(tmp_path, seen) as study:
        for number, url in enumerate(sorted(url for url in seen if url.startswith("a"))):
            for source, at in (("second", 2.5 + number * 0.3), ("third", 9.5 + number * 0.2)):
                when = hour(at)
                one = report(url, report_id=f"{source}{url}", source=source, reported_at=when, received_at=when)
                study.folder.store.add([one])
    (tmp_path / "event.toml").write_text(EVENT)
    found = json.loads(
        run("-C", tmp_path / "study", "displacement", "--event", tmp_path / "event.toml", "--format", "json")[1]
    )
    (note,) = [one for one in found["notes"] if one.startswith("feed second")]
    assert note == (
        "feed second stopped reporting the target at the event: 24 sites before, 0 after; other feeds 13, then 11; its "
        "reports are left out."
    )


def test_an_answer_changes_on_read_dates_only(run: Run, folder: Path) -> None:
    """It ends at the latest read date that has come; without one that has, it uses all data."""
    path = folder.parent / "event.toml"
    with open_study(folder) as study:
        conclusions = study.conclude()
        for read, until in ((17, hour(17)), (1_000, conclusions.until)):
            times = f"read = [2026-01-05T16:30:00, {hour(read):%Y-%m-%dT%H:%M:%S}]\n" if read == 17 else ""
            times = times or f"read = [{hour(read):%Y-%m-%dT%H:%M:%S}]\n"
            path.write_text(EVENT.replace("[detection]", f"{times}[detection]"))
            assert _as_read(conclusions, read_event(path)).until == until
            assert run("-C", folder, "displacement", "--event", path)[0] == 0


def test_others_are_not_told_whose_a_quarantine_is(tmp_path: Path) -> None:
    """With publishing rules the answer says when looks await a decision: no hoster, no id, no command."""
    seen = {f"a{n:02}": ("u" * 14).ljust(40, "d") for n in range(12)}
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * 40)
    (tmp_path / "event.toml").write_text(EVENT)
    with written(tmp_path, seen) as study:
        found = findings_of(
            study, read_event(tmp_path / "event.toml"), disclosure=Disclosure(least=3, named=frozenset())
        )
    assert found.summary is not None
    spoken = [one.refusal for one in found.answers if one.refusal]
    text = " ".join(map(found.formatter.plain, [found.summary.text, *spoken, *found.notes]))
    assert "await a decision" in text
    assert "quarantine release" not in text
    assert "AS64500" not in text


def _beside(folder: Path, run: Run, **changes: str) -> dict[str, Any]:
    """The answer with another event file in the study's folder."""
    text = EVENT
    for old, new in changes.values():
        text = text.replace(old, new)
    (folder / "events").mkdir(exist_ok=True)
    (folder / "events" / "other.toml").write_text(text)
    said = run("-C", folder, "displacement", "--event", folder.parent / "event.toml", "--format", "json")
    assert said[0] == 0, said
    found: dict[str, Any] = json.loads(said[1])
    return found


def test_an_event_at_the_same_places_is_named_and_refuses_what_it_changes(run: Run, folder: Path) -> None:
    """One at a control takes what rests on controls, one at the target all; its name and dates are given."""
    later = ("2026-01-05T12:00:00", "2026-01-05T14:00:00")
    alone = ('buffer = ["AS64503"]\nbuffer_controls = ["AS64504"]\n', "")
    own = ('target = "AS64500"', 'target = "AS64501"')
    control = _beside(folder, run, at=later, alone=alone, own=own, less=('controls = ["AS64501", ', "controls = ["))
    by_name = {one["name"]: one for one in control["answers"]}
    reason = by_name["WDD"]["refusal"]
    assert "Hoster b on 2026-01-05 until 2026-01-05, acts on controls within" in reason
    assert by_name["removal, change"]["refusal"] == reason
    assert by_name["removed after, target"]["refusal"] != reason
    assert {(row["gap"], row["foretold"], row["p"]) for row in control["periods"]} == {(None, None, None)}
    assert control["placebos"] == []
    assert "controls without the event" not in " ".join(control["answer"]["sentences"])
    assert any("The numbers that it could change are refused" in one for one in control["notes"])
    target = _beside(folder, run, at=later)
    assert target["answer"]["branch"] == "refused"
    assert "acts on the target" in " ".join(target["answer"]["sentences"])
    assert {one["estimate"] for one in target["answers"]} == {None}
    assert target["periods"] == target["destinations"] == target["pairs"] == []


def test_an_event_of_a_place_that_looks_like_a_host_is_not_named(run: Run, folder: Path) -> None:
    """Its buffer meets this event's; what stands for the place that it presses is redacted."""
    named = ('target = "AS64500"', 'target = "secret.example.com"')
    found = _beside(folder, run, at=("2026-01-05T12:00:00", "2026-01-05T14:00:00"), named=named)
    assert "secret" not in json.dumps(found)
    assert "event of this study, [redacted] on 2026-01-05" in json.dumps(found)


def test_events_apart_are_counted_alone(run: Run, folder: Path) -> None:
    """Another event at other places refuses nothing, and the answer says that there are two; a bad file is counted."""
    (folder / "events").mkdir()
    (folder / "events" / "bad.toml").write_text("target = [")
    apart = _beside(
        folder, run, t=('"AS64500"', '"AS64499"'), c=('"AS64501", "AS64502"', '"AS64498"'), b=('"AS64503"', '"AS64497"')
    )
    assert "acts on" not in json.dumps(apart)
    assert apart["answer"]["sentences"][-1].count("With 2 event files on this study") == 1
    assert "1 event file cannot be read: whether those events act on these places is unknown." in apart["notes"]


@pytest.mark.parametrize("at_control", [False, True])
def test_nothing_that_readers_are_told_depends_on_an_event_that_is_not_published(
    folder: Path, at_control: bool
) -> None:
    """At the target or at a control of a published one: to readers all is as if it were not there."""
    event = read_event(folder.parent / "event.toml")
    with open_study(folder) as study:
        alone = findings_of(study, event, disclosure=Disclosure(), public=[event])
    text = EVENT.replace("2026-01-05T12:00:00", "2026-01-05T14:00:00")
    if at_control:
        text = text.replace('target = "AS64500"', 'target = "AS64501"').replace('["AS64501", ', "[")
        text = text.replace('buffer = ["AS64503"]\nbuffer_controls = ["AS64504"]\n', "")
    (folder / "events").mkdir()
    (folder / "events" / "other.toml").write_text(text)
    (folder / "events" / "bad.toml").write_text("target = [")
    with open_study(folder) as study:
        told = findings_of(study, event, disclosure=Disclosure(), public=[event])
        own = findings_of(study, event, conclusions=study.conclude())
    for part in ("summary", "answers", "notes", "periods", "placebos", "curves", "destinations", "pairs", "stopped"):
        assert getattr(told, part) == getattr(alone, part), part
    assert any("nother event of this study" in said(one) for one in own.notes)
    assert own.answers != told.answers


def test_an_event_at_a_place_that_is_not_named_is_not_told(folder: Path) -> None:
    """What a public event changes is held back without a name, a date or a number of events."""
    event = read_event(folder.parent / "event.toml")
    other = msgspec.structs.replace(
        event, target="AS64499", date=event.date + timedelta(hours=2), buffer=("AS64500",), buffer_controls=("AS64498",)
    )
    with open_study(folder) as study:
        found = findings_of(study, event, disclosure=Disclosure(named={*event.places}), public=[event, other])
    assert found.summary is not None
    assert [found.formatter.plain(one) for one in found.summary.sentences] == [said(UNPUBLISHED)]
    assert found.summary.branch == "held back"
    assert {said(one.refusal) for one in found.answers} == {"held back"}
    assert not [one for one in found.notes if "event" in said(one)]
