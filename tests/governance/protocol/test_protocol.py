"""A protocol is locked before the data; what is done otherwise stands on every output."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.judging.test_judge import look
from waterbed.cli.app import app
from waterbed.governance.protocol.deviations import ProtocolStatus, deviations, explained, place_of
from waterbed.governance.protocol.file import PROTOCOL, Protocol, checksum, flat, read_protocol
from waterbed.governance.protocol.lock import explain, lock, locked_protocol
from waterbed.model.errors import InputError
from waterbed.model.governance import DeviationNote, ProtocolLock
from waterbed.publish.policy import provenance_text
from waterbed.store.config import Config
from waterbed.study.study import Study, create_study, open_study

FEED = "url,reported_at\nhttps://one.example/a,2026-01-02T00:00:00Z\n"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A new study with a protocol that is not locked yet."""
    found = create_study(tmp_path / "study", Config(study="protocol", name="Two questions"))
    run(found.folder.path, "protocol", "init")
    return found


def run(folder: Path, *words: str) -> Result:
    """One command line on the study."""
    return CliRunner().invoke(app, ["-C", str(folder), *words])


def edit(study: Study, old: str, new: str) -> None:
    """Change the protocol file as a person would."""
    path = study.folder.path / PROTOCOL
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def ranking_now(study: Study) -> dict[str, object]:
    """The ranking's heading as tools read it."""
    done = run(study.folder.path, "rank", "--format", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_first_text_is_a_protocol(study: Study) -> None:
    """What `protocol init` writes can be locked, and takes name, home and clock from the settings."""
    protocol, _ = read_protocol(study.folder.path / PROTOCOL)
    assert (protocol.title, protocol.home, protocol.clock) == ("Two questions", "NL", "reported")
    assert run(study.folder.path, "protocol", "init").exception is not None, "an existing file is never overwritten"


def test_a_lock_holds_the_bytes(study: Study) -> None:
    """The checksum is that of the file as sha256sum prints it, and the text is kept whole."""
    made = lock(study.folder)
    text = (study.folder.path / PROTOCOL).read_text(encoding="utf-8")
    assert (made.sha256, made.text, made.looks) == (checksum(text), text, 0)


def test_outputs_name_the_protocol(study: Study) -> None:
    """Before the lock an output says none; after it, whether it is the primary outcome and of which protocol."""
    assert ranking_now(study)["protocol"] == "none"
    made = lock(study.folder)
    assert ranking_now(study)["protocol"] == (f"primary outcome; locked {made.locked_at.date()}, SHA-256 {made.sha256}")
    asn = json.loads(run(study.folder.path, "rank", "--by", "asn", "--format", "json").stdout)
    assert asn["protocol"].startswith("exploratory: not declared")


def test_a_change_after_the_lock_stands_on_every_output(study: Study) -> None:
    """Envelope, published words and the log all carry a change of the protocol, and the reason once it is given."""
    lock(study.folder)
    edit(study, "level = 0.05", "level = 0.1")
    wanted = "estimands.removed-24h.level: 0.05 -> 0.1"
    assert ranking_now(study)["deviations"] == [f"{wanted} (no reason given)"]
    explain(study.folder, "estimands.removed-24h.level", "fewer sites came than planned")
    assert ranking_now(study)["deviations"] == [f"{wanted} (fewer sites came than planned)"]
    with open_study(study.folder.path) as again:
        from waterbed.publish.build_publication import publication_of

        publication = publication_of(again, again.conclude())
        assert all(wanted in provenance_text(publication, table.envelope) for table in publication.tables)
        assert [note.reason for note in again.protocol.notes] == ["", "fewer sites came than planned"]  # type: ignore[union-attr]


def test_every_command_prints_deviations_for_people(study: Study, caplog: pytest.LogCaptureFixture) -> None:
    """Drawing conclusions warns of each deviation, which the command line prints."""
    lock(study.folder)
    edit(study, 'role = "hoster" ', 'role = "hoster"  # still\n')
    edit(study, "level = 0.05", "level = 0.2")
    with open_study(study.folder.path) as again:
        again.conclude()
    assert "estimands.removed-24h.level: 0.05 -> 0.2" in caplog.text
    assert caplog.text.count("deviates from the protocol") == 1, "a comment is no deviation"


def test_settings_are_held_too(study: Study) -> None:
    """A setting that conclusions depend on deviates when it is changed after the lock; the contact does not."""
    lock(study.folder)
    path = study.folder.path / "waterbed.toml"
    text = path.read_text(encoding="utf-8").replace('contact = ""', 'contact = "me"')
    path.write_text(text.replace("confirm_looks = 3", "confirm_looks = 2"), encoding="utf-8")
    with open_study(study.folder.path) as again:
        assert [one.subject for one in again.protocol.deviations] == ["settings.judge.confirm_looks"]  # type: ignore[union-attr]


def test_an_amendment_does_not_hide_a_deviation(study: Study) -> None:
    """Locking again needs a reason, and outputs are held against the first lock all the same."""
    lock(study.folder)
    edit(study, "level = 0.05", "level = 0.1")
    with pytest.raises(InputError, match="--reason"):
        lock(study.folder)
    lock(study.folder, "the board wanted it")
    now = locked_protocol(study.folder)
    assert now is not None
    assert len(now.locks) == 2
    assert [one.subject for one in now.deviations] == ["estimands.removed-24h.level"]


def test_a_lock_after_looks_says_so(study: Study) -> None:
    """A protocol that is locked when looks exist needs a reason, and every output says it."""
    study.folder.store.add([look(status=200)])
    with pytest.raises(InputError, match="1 check has been made"):
        lock(study.folder)
    lock(study.folder, "a pilot of one look")
    now = locked_protocol(study.folder)
    assert now is not None
    assert now.sentences[0] == "locked after 1 check had been made: a pilot of one look"


def test_reports_outside_the_frame_deviate(study: Study, tmp_path: Path) -> None:
    """A source that the frame does not name stands on the outputs by its name."""
    lock(study.folder)
    feed = tmp_path / "other.csv"
    feed.write_text(FEED, encoding="utf-8")
    study.import_reports(feed)
    now = locked_protocol(study.folder)
    assert now is not None
    assert [one.text for one in now.deviations] == ["reports of sources outside the frame: other"]


def test_a_store_changed_by_hand_is_told(study: Study) -> None:
    """A locked text that has not its own checksum any more is refused."""
    made = lock(study.folder)
    with study.folder.store.writing() as connection:
        connection.exec_driver_sql("UPDATE protocol_lock SET text = text || ' '")
    with pytest.raises(InputError, match=made.sha256):
        locked_protocol(study.folder)


@pytest.mark.parametrize(
    ("old", "new", "told_words"),
    [
        ('primary = "removed-24h"', 'primary = "speed"', "none of the estimands"),
        ('home = "NL"', 'home = "Holland"', "home"),
        ('home = "NL"', 'home = "UK"', "the United Kingdom is GB"),
        ('home = "NL"', 'home = "DE"', "waterbed.toml"),
        ("until = 2026-06-30", "until = 2025-06-30", "before since"),
        ("level = 0.05", "level = 5", "level"),
        ('title = "Two questions"', 'title = "see https://one.example/a"', "leave it out"),
        ('output = "ranking"', 'output = "league"', "output"),
        ("interim = []", "interim = [2027-01-01]", "after the end"),
        ('role = "hoster"', 'role = "country"', "primary"),
        ("[frame]", "[frame]\nsize = 1", "size"),
    ],
)
def test_what_contradicts_itself_is_refused(study: Study, old: str, new: str, told_words: str) -> None:
    """A protocol that cannot be meant is one sentence with the key, and nothing is locked."""
    edit(study, old, new)
    with pytest.raises(InputError, match=told_words) as problem:
        lock(study.folder)
    assert "one.example" not in str(problem.value)
    assert locked_protocol(study.folder) is None


@pytest.mark.parametrize("words", [("protocol", "check"), ("protocol", "lock")])
def test_a_missing_protocol_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Without a protocol file the commands say where one was expected."""
    create_study(tmp_path / "study", Config(study="none")).close()
    problem = run(tmp_path / "study", *words).exception
    assert isinstance(problem, InputError)
    assert "study.toml cannot be read" in str(problem)


def test_show_ends_with_1_where_something_deviates(study: Study) -> None:
    """Exit code 0 while all is as locked, 1 and the subject's name when not, 0 without any lock."""
    assert run(study.folder.path, "protocol", "show").exit_code == 0
    lock(study.folder)
    assert run(study.folder.path, "protocol", "show").exit_code == 0
    edit(study, "level = 0.05", "level = 0.1")
    shown = run(study.folder.path, "protocol", "show", "--format", "csv")
    assert (shown.exit_code, "estimands.removed-24h.level" in shown.stdout) == (1, True)
    assert run(study.folder.path, "protocol", "log").exit_code == 0


def test_explaining_needs_something_that_deviates(study: Study) -> None:
    """A subject that does not deviate, and a reason with an address in it, are refused."""
    lock(study.folder)
    with pytest.raises(InputError, match="does not deviate"):
        explain(study.folder, "frame.since", "no reason")
    edit(study, "level = 0.05", "level = 0.1")
    with pytest.raises(InputError, match="looks like an address"):
        explain(study.folder, "estimands.removed-24h.level", "as said on one.com")


TEXT = """
title = "t"
question = "q"
home = "NL"
clock = "notice_delivered"
role = "hoster"
primary = "main"
[frame]
sources = ["a"]
categories = ["phishing"]
since = 2026-01-01
until = 2026-02-01
[[estimands]]
name = "main"
output = "ranking"
measure = "m"
clock = "notice_delivered"
[[estimands]]
name = "where"
output = "hops"
measure = "m"
clock = "reported"
[stopping]
until = 2026-03-01
rule = "r"
interim = [2026-02-01]
"""
LOCK = ProtocolLock(
    lock_id="l",
    locked_at=datetime(2025, 12, 1, tzinfo=UTC),
    sha256=checksum(TEXT),
    text=TEXT,
    settings='{"judge.confirm_looks": 3}',
    rules="rules-1",
    version="0",
    reports=0,
    looks=0,
    who="me",
    reason="",
)


def protocol() -> Protocol:
    """The protocol of `TEXT`."""
    import msgspec

    return msgspec.toml.decode(TEXT, type=Protocol)


def status(**other: object) -> ProtocolStatus:
    """A study that does as it was locked, but for what is said."""
    usual: dict[str, object] = {
        "text": TEXT,
        "settings": {"judge.confirm_looks": 3},
        "defaults": {"judge.confirm_looks": 3, "judge.later": 0.0},
        "rules": "rules-1",
        "sources": ["a"],
        "categories": ["phishing"],
        "reported": (None, None),
        "last_look": date(2026, 3, 1),
        "today": date(2026, 3, 2),
    }
    return ProtocolStatus(**{**usual, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "subjects"),
    [
        ({}, []),
        ({"text": None}, ["study.toml"]),
        ({"text": "no toml ="}, ["study.toml"]),
        ({"text": TEXT + "# a comment\n"}, []),
        ({"rules": "rules-2"}, ["rules"]),
        ({"sources": ["a", "b"]}, ["data.sources"]),
        ({"sources": []}, []),
        ({"categories": ["malware"]}, ["data.categories"]),
        ({"reported": (date(2025, 12, 31), date(2026, 1, 9))}, ["data.since"]),
        ({"reported": (date(2026, 1, 1), date(2026, 2, 2))}, ["data.until"]),
        ({"reported": (date(2026, 1, 1), date(2026, 2, 1))}, []),
        ({"last_look": date(2026, 3, 2)}, ["data.stopping"]),
        ({"last_look": None, "today": date(2026, 2, 1)}, []),
        ({"last_look": None, "today": date(2026, 2, 2)}, ["data.interim"]),
        ({"settings": {}}, ["settings.judge.confirm_looks"]),
        ({"settings": {"judge.confirm_looks": 3, "judge.later": 0.0}}, []),
        ({"settings": {"judge.confirm_looks": 3, "judge.later": 0.5}}, ["settings.judge.later"]),
        ({"settings": {"judge.confirm_looks": 3, "norm.share": 0.4}}, []),
    ],
)
def test_each_thing_that_can_deviate_does(other: dict[str, object], subjects: list[str]) -> None:
    """File, settings, rules, frame, end and interim days are each held against the lock."""
    assert [one.subject for one in deviations(LOCK, protocol(), status(**other))] == subjects


@pytest.mark.parametrize(
    ("what", "by", "clock", "place"),
    [
        ("ranking", "hoster", "notice_delivered", "primary outcome"),
        ("ranking, home", "hoster", "notice_delivered", "primary outcome"),
        ("ranking", "hoster", "reported", "exploratory: not declared in the protocol"),
        ("ranking", "asn", "notice_delivered", "exploratory: not declared in the protocol"),
        ("hops", "url", "reported", "declared: where"),
        ("findings", "finding", "reported", "exploratory: not declared in the protocol"),
    ],
)
def test_what_an_output_is_to_the_protocol(what: str, by: str, clock: str, place: str) -> None:
    """An output is primary, declared or exploratory by what it is, of whom, and from which clock."""
    assert place_of(protocol(), what=what, by=by, clock=clock) == place
    window = "exploratory: of a window that the protocol does not name"
    assert place_of(protocol(), what=what, by=by, clock=clock, windowed=True) == window


def test_the_newest_reason_is_printed() -> None:
    """Of several reasons for one deviation the newest stands on outputs; a note without a reason is none."""
    found = deviations(LOCK, protocol(), status(rules="rules-2"))

    def note(day: int, reason: str) -> DeviationNote:
        when = datetime(2026, 1, day, tzinfo=UTC)
        return DeviationNote(note_id=str(day), subject="rules", deviation="", reason=reason, who="me", noted_at=when)

    assert explained(found, [note(3, ""), note(2, "second"), note(1, "first")]) == (
        "outcome rules rules-1 -> rules-2 (second)",
    )


@given(
    st.dictionaries(
        st.text(st.characters(categories=["Ll"]), min_size=1, max_size=4),
        st.one_of(st.integers(), st.lists(st.integers(), max_size=3), st.dictionaries(st.just("k"), st.booleans())),
        max_size=5,
    )
)
def test_flat_keys_tell_every_change(table: dict[str, object]) -> None:
    """Two protocols have the same flat keys only where they say the same."""
    changed = {**table, "zzzzz": 1}
    assert flat(changed) == {**flat(table), "zzzzz": 1}
