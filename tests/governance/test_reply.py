"""Hosters see their own numbers, and only these, and can answer before anybody else reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.publish.study import HOURS, at, small_study
from tests.study.facts import _looks, hour
from waterbed.cli.app import app
from waterbed.governance.hosters import code
from waterbed.governance.hosters import decide as decide_hoster
from waterbed.governance.reply import (
    Record,
    ReplyRow,
    decide,
    errata,
    public_successions,
    record,
    refuse_unheard,
    reply_status,
    rows,
    show,
    take,
)
from waterbed.model.errors import InputError
from waterbed.model.governance import Edition, Preview, Reply, Ruling
from waterbed.publish.api.source import served_of
from waterbed.publish.build_publication import publication_of
from waterbed.publish.policy import publishable
from waterbed.publish.release import publish_all
from waterbed.publish.site.hoster import SheetView
from waterbed.publish.site.hoster_views import sheet_views
from waterbed.questions.fact_sheet.sheet import own_rows, sheet_of
from waterbed.shown.rankings import RankingEntry
from waterbed.study.study import Study

NAMED = ["AS64500", "AS64501"]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A small study that is to be public; it names two hosters, a third is too small."""
    with small_study(tmp_path, tlp="clear") as found:
        yield found


def run(study: Study, *words: str) -> Result:
    """One command line on the study."""
    return CliRunner().invoke(app, ["-C", str(study.folder.path), *words])


def later(study: Study, days: float) -> None:
    """Let time pass in the study."""
    now = study.folder.clock()
    study.folder.clock = lambda: now + timedelta(days=days)


def test_nothing_is_public_before_hosters_could_answer(study: Study, tmp_path: Path) -> None:
    """Publication is refused with the hosters' keys, writes nothing, and so is the server."""
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"AS64500 \(not shown\), AS64501 \(not shown\)") as problem:
        publish_all(study, out)
    assert "AS64502" not in str(problem.value), "it is not named, so it is not waited for"
    assert not out.exists()
    with pytest.raises(InputError, match="TLP:CLEAR"):
        served_of(study)


def test_what_is_not_public_need_not_wait(tmp_path: Path) -> None:
    """Under another traffic light a study is published at once, and no edition is counted."""
    with small_study(tmp_path, tlp="amber") as study:
        publish_all(study, tmp_path / "out")
        assert not (tmp_path / "out" / "editions.csv").exists()
        assert not record(study.folder).editions


def test_publication_opens_when_the_period_ends(study: Study, tmp_path: Path) -> None:
    """One second before the end of the period it is refused, at the end it is not."""
    for hoster in NAMED:
        show(study.folder, hoster, {"sheet.txt": b"numbers"}, None)
    later(study, 14 - 1 / 86400)
    with pytest.raises(InputError, match=f"may reply until {hour(HOURS) + timedelta(days=14):%Y-%m-%d}"):
        publish_all(study, tmp_path / "out")
    later(study, 1 / 86400)
    publish_all(study, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "editions.json").read_text())
    assert [(one["number"], one["override"]) for one in found["rows"]] == [(1, "")]
    served_of(study)


def test_an_override_is_on_record_and_printed(study: Study, tmp_path: Path) -> None:
    """A reason opens publication before the period ends, and stands in the edition."""
    publish_all(study, tmp_path / "out", override="parliament asked for it today")
    assert record(study.folder).editions[0].override == "parliament asked for it today"
    assert "parliament asked for it today" in (tmp_path / "out" / "editions.csv").read_text()
    served_of(study)
    with pytest.raises(InputError, match="looks like an address"):
        publish_all(study, tmp_path / "out", override="see one.com")


def test_a_server_follows_an_override_for_that_edition_alone(study: Study, tmp_path: Path) -> None:
    """An override serves the hosters and data of its edition, never an open dispute, another hoster, or newer data."""
    publish_all(study, tmp_path / "out", override="parliament asked for it today")
    served_of(study)
    with pytest.raises(InputError, match=r"could answer: AS64502 \(not shown\);"):
        refuse_unheard(study.folder, [*NAMED, "AS64502"], told=NAMED)
    show(study.folder, "AS64500", {}, None)
    dispute = take(study.folder, "AS64500", "dispute", "case a00 is wrong", None)
    for refused in (lambda: served_of(study), lambda: publish_all(study, tmp_path / "out")):
        with pytest.raises(InputError, match=r"AS64500 \(disputed\)"):
            refused()
    decide(study.folder, dispute.reply_id, "rejected", "the check is on record", "")
    served_of(study)
    study.folder.store.add(_looks("b00", " " * (HOURS + 1) + "u", at("b", 0)))
    later(study, 1)
    with pytest.raises(InputError, match=r"AS64501 \(not shown\)"):
        served_of(study)


def test_readers_of_editions_see_no_account(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that published is on record, and in no file of the publication or of the server."""
    monkeypatch.setattr("waterbed.governance.reply.who", lambda: "operator-jansen")
    files = publish_all(study, tmp_path / "out", override="parliament asked for it today")
    assert record(study.folder).editions[0].who == "operator-jansen"
    texts = [*(path.read_bytes() for path in files), *(file.content for file in served_of(study).site.values())]
    assert not [text for text in texts if b"operator-jansen" in text]
    assert "who" not in json.loads((tmp_path / "out" / "editions.json").read_text())["rows"][0]
    assert (tmp_path / "out" / "editions.csv").read_text().startswith("number,published_at,errata,override,sha256\n")


def test_a_dispute_blocks_until_it_is_decided(study: Study, tmp_path: Path) -> None:
    """After the period an open dispute still blocks; upheld, its correction is an erratum of the next edition only."""
    for hoster in NAMED:
        show(study.folder, hoster, {"sheet.txt": b"numbers"}, None)
    dispute = take(study.folder, "AS64501", "dispute", "case b03 was gone before", None)
    later(study, 30)
    with pytest.raises(InputError, match=r"AS64501 \(disputed\)"):
        publish_all(study, tmp_path / "out")
    with pytest.raises(InputError, match="--erratum"):
        decide(study.folder, dispute.reply_id, "upheld", "they are right", "")
    decide(study.folder, dispute.reply_id[:8], "upheld", "they are right", "case b03 is counted as removed")
    with pytest.raises(InputError, match="decided already"):
        decide(study.folder, dispute.reply_id, "rejected", "they are wrong", "")
    publish_all(study, tmp_path / "out")
    later(study, 1)
    publish_all(study, tmp_path / "out", errata="a table of routes was of the wrong day")
    first, second = record(study.folder).editions
    assert first.errata == "AS64501: case b03 is counted as removed"
    assert second.errata == "a table of routes was of the wrong day"


def test_no_objection_ends_the_waiting(study: Study) -> None:
    """A hoster that has no objection is done before its period ends; a comment leaves it running."""
    for hoster in NAMED:
        show(study.folder, hoster, {}, None)
    take(study.folder, "AS64500", "no objection", "fine", None)
    take(study.folder, "AS64501", "comment", "we were moving then", None)
    assert [(row.hoster, row.state) for row in rows(study.folder, NAMED)] == [
        ("AS64500", "done"),
        ("AS64501", "may reply"),
    ]


@pytest.mark.parametrize("ids", ["01", "10"])
def test_an_answer_is_to_the_newest_of_previews_given_at_once(
    study: Study, monkeypatch: pytest.MonkeyPatch, ids: str
) -> None:
    """Of two previews that a hoster had at the same time an answer is to the later made one, whatever their ids."""
    given = study.folder.clock()
    for number in ids:
        monkeypatch.setattr("waterbed.governance.reply.uuid.uuid4", lambda at=number: UUID(int=int(at)))
        show(study.folder, "AS64500", {}, given)
        later(study, 0.01)
    monkeypatch.undo()
    answer = take(study.folder, "AS64500", "no objection", "fine", None)
    assert answer.preview_id == record(study.folder).previews[-1].preview_id == UUID(int=int(ids[-1])).hex
    assert [row.state for row in rows(study.folder, ["AS64500"])] == ["done"]


def test_a_preview_holds_nothing_of_others(study: Study, tmp_path: Path) -> None:
    """In the files for one hoster no key, name, URL id or address of another is found; its own are."""
    assert run(study, "reply", "preview", str(tmp_path / "previews")).exit_code == 0
    folders = sorted((tmp_path / "previews").iterdir())
    assert [folder.name for folder in folders] == NAMED
    for folder, letter, number in zip(folders, "ab", (64500, 64501), strict=True):
        whole = b"".join(file.read_bytes() for file in folder.iterdir())
        others = {"a", "b", "c"} - {letter}
        for other in others:
            found = [
                word
                for word in (
                    f"AS6450{ord(other) - 97}",
                    f"Hoster {other}",
                    f"{other}00",
                    f"{other}01",
                    f"28.{ord(other) - 97}.",
                )
                if word.encode() in whole
            ]
            assert not found, f"{folder.name} holds {found}"
        assert f"AS{number}".encode() in whole
        assert f"{letter}00".encode() in whole


def test_a_preview_knows_public_events_alone(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves the study's own people is made without the dates of its private events."""

    def private(_: Study) -> NoReturn:
        raise AssertionError("a preview asked for all events")

    monkeypatch.setattr("waterbed.questions.fact_sheet.sheet.own_events", private)
    with pytest.raises(AssertionError, match="asked for all"):
        sheet_of(study, "AS64500")
    assert run(study, "reply", "preview", str(tmp_path / "previews")).exit_code == 0


def test_a_notice_that_went_astray_names_no_other_hoster(study: Study) -> None:
    """A notice about a URL of one hoster that another one got shows to each only its own part."""
    from dataclasses import replace

    from waterbed.model.facts import Notice

    one = study.folder.store.all(Notice)[0]
    stray = replace(one, notice_id="stray", url_id="b03", recipient="AS64500", response="we host no such thing")
    study.folder.store.add([stray])
    whole = sheet_of(study, "AS64501")
    assert [note.recipient for note in whole.misaddressed] == ["AS64500"]
    [own] = own_rows(whole, ()).misaddressed
    assert (own.recipient, own.response, own.hosters) == ("another", None, ("AS64501",))
    [theirs] = own_rows(sheet_of(study, "AS64500"), ()).misaddressed
    assert (theirs.recipient, theirs.response, theirs.hosters) == ("AS64500", "we host no such thing", ())


def test_a_succession_is_public_once_confirmed_and_both_were_heard(study: Study, tmp_path: Path) -> None:
    """Two people name a source each, and previews of both companies say so, with their period over: a sheet says it."""
    old, new = NAMED
    before = hour(HOURS)
    day = (before + timedelta(days=30)).date()
    change = decide_hoster(study.folder, "proposal", old, into=new, since=day, reason="x")
    decide_hoster(study.folder, "proposal", old, entity="shared", since=day, reason="a type of hosting, no takeover")
    study.folder.clock = lambda: change.decided_at + timedelta(days=1)

    def public() -> list[str]:
        return [one.change_id for one in public_successions(study.folder, study.book())]

    assert run(study, "reply", "preview", str(tmp_path / "previews")).exit_code == 0
    for hoster in NAMED:
        told = (tmp_path / "previews" / hoster / "README.txt").read_text()
        assert told.count("took over the network") == 1
        assert f"{new} took over the network of {old} by 2026-02-" in told
        show(study.folder, hoster, {}, None)
    for person, note in (("bob", "transfer log"), ("cas", "annual report")):
        assert public() == []
        code(study.folder, change.change_id, "accept", note=note, person=person)
    assert public() == []
    later(study, 20)
    assert public() == [change.change_id]
    assert [one.into for view in _views(study) for one in view.successions if view.standing.row.key == old] == [new]
    answer = take(study.folder, new, "dispute", "not so", None)
    assert public() == []
    decide(study.folder, answer.reply_id, "rejected", "their own report says so", "")
    assert public() == [change.change_id]


def test_a_carrier_is_named_once_it_had_a_preview(study: Study, tmp_path: Path) -> None:
    """A preview says of whom a company is told to carry; until the period is over no sheet says it."""
    (tmp_path / "relations").write_text("64999|64500|-1\n64999|64502|-1\n")
    study.add_table(tmp_path / "relations", hour(0).date(), kind="relations")
    study.folder.clock = partial(datetime.now, UTC)  # that of the commands
    words = ("reply", "preview", str(tmp_path / "previews"), "--hoster")
    assert run(study, *words, "AS64999").exit_code == 0
    told = (tmp_path / "previews" / "AS64999" / "README.txt").read_text()
    assert "The study may say that AS64500 is reached through you (transit)." in told
    assert "AS64502" not in told  # too small to be named
    assert run(study, *words, "AS64998").exit_code != 0
    show(study.folder, "AS64999", {}, None)
    assert not any(view.reached_through for view in _views(study))
    later(study, 20)
    assert {view.standing.row.key: [one.key for one in view.reached_through] for view in _views(study)} == {
        "AS64500": ["AS64999"],
        "AS64501": [],
    }


def _views(study: Study) -> list[SheetView]:
    conclusions = study.conclude()
    publication = publishable(publication_of(study, conclusions))
    rows = publication.table("ranking-hoster").rows
    return list(sheet_views(study, conclusions, publication, [RankingEntry(row=row) for row in rows]))


def test_old_previews_do_not_serve(study: Study) -> None:
    """Data that are more than the valid days newer than those of the preview need another preview."""
    show(study.folder, "AS64500", {}, None)
    [preview] = record(study.folder).previews
    assert preview.data_until is not None
    made = [preview]

    def state(after: float) -> str:
        now = preview.data_until + timedelta(days=after)  # type: ignore[operator]
        return reply_status(["AS64500"], Record(previews=made), now=now, data_until=now, valid=timedelta(days=90))[
            0
        ].state

    assert (state(90), state(90.01)) == ("done", "outdated")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reply", "received", "AS9", "--answer", "comment", "--text", "x"), "had not been shown a preview"),
        (("reply", "decide", "zz", "--ruling", "rejected", "--reason", "x"), "is the id of 0 disputes"),
        (("reply", "preview", "out", "--hoster", "AS9"), "nothing that was reported"),
        (("reply", "preview", "out", "--hoster", "AS64500", "--given", "2099-01-01"), "in the future"),
    ],
)
def test_what_cannot_be_meant_is_refused(study: Study, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """An unknown hoster, dispute or a future day is one sentence, and nothing is on record."""
    before = record(study.folder)
    problem = run(study, *[str(tmp_path / "p") if word == "out" else word for word in words]).exception
    assert isinstance(problem, InputError)
    assert told in str(problem)
    assert record(study.folder) == before


def test_the_list_tells_who_is_waited_for(study: Study, tmp_path: Path) -> None:
    """Exit code 1 and a row for each hoster while publication must wait, 0 when it need not."""
    run(study, "reply", "preview", str(tmp_path / "previews"), "--given", "2026-01-06")
    waiting = run(study, "reply", "list", "--format", "json")
    assert waiting.exit_code == 0, "given long ago: both periods have ended"
    run(study, "reply", "received", "AS64500", "--answer", "dispute", "--text", "no")
    listed = run(study, "reply", "list", "--format", "json")
    assert listed.exit_code == 1
    assert [row["state"] for row in json.loads(listed.stdout)["rows"]] == ["disputed", "done"]
    assert "AS64500" in run(study, "reply", "list").stdout
    with pytest.raises(InputError, match="disputed"):
        refuse_unheard(study.folder, NAMED)


DAY = datetime(2026, 1, 1, tzinfo=UTC)
days = st.integers(0, 60).map(lambda n: DAY + timedelta(days=n))


@given(
    shown=st.lists(days, max_size=3),
    answers=st.lists(
        st.tuples(st.sampled_from(["no objection", "comment", "dispute"]), days, st.booleans()), max_size=4
    ),
    now=days,
)
def test_done_means_heard(shown: list[datetime], answers: list[tuple[str, datetime, bool]], now: datetime) -> None:
    """A hoster is done only with a preview, no open dispute, and its period over or no objection."""
    previews = [
        Preview(
            preview_id=str(n),
            hoster="h",
            made_at=when,
            starts_at=when,
            ends_at=when + timedelta(days=14),
            data_until=DAY,
            sha256="",
            who="",
        )
        for n, when in enumerate(shown)
    ]
    replies = [
        Reply(reply_id=str(n), hoster="h", preview_id="0", answer=kind, text="", received_at=when, who="")  # type: ignore[arg-type]
        for n, (kind, when, _) in enumerate(answers)
    ]
    rulings = [
        Ruling(ruling_id=str(n), reply_id=str(n), ruling="rejected", reason="", erratum="", decided_at=when, who="")
        for n, (kind, when, decided) in enumerate(answers)
        if kind == "dispute" and decided
    ]
    known = Record(previews=previews, replies=replies, rulings=rulings)
    [row] = reply_status(["h"], known, now=now, data_until=DAY, valid=timedelta(days=90))
    open_disputes = any(kind == "dispute" and not decided for kind, _, decided in answers)
    assert row.open_disputes == tuple(
        str(n) for n, (kind, _, decided) in enumerate(answers) if kind == "dispute" and not decided
    )
    if row.state == "done":
        assert shown
        assert not open_disputes
        assert now >= max(shown) + timedelta(days=14) or any(kind == "no objection" for kind, _, _ in answers)
    assert isinstance(row, ReplyRow)


def test_errata_are_those_since_the_edition_before() -> None:
    """A correction is printed once, by the first edition after its ruling."""
    ruling = Ruling(
        ruling_id="r", reply_id="d", ruling="upheld", reason="", erratum="so it was", decided_at=DAY, who=""
    )
    dispute = Reply(reply_id="d", hoster="h", preview_id="p", answer="dispute", text="", received_at=DAY, who="")
    edition = Edition(number=1, published_at=DAY, errata="", override="", sha256="", who="")
    assert list(errata(Record(replies=[dispute], rulings=[ruling]))) == ["h: so it was"]
    assert not list(errata(Record(replies=[dispute], rulings=[ruling], editions=[edition])))
