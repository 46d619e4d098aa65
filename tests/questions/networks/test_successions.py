"""The command about networks that changed hands: proposals without effect, until two people accept them."""

import json
import os
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from tests.study.facts import written
from tests.study.rig import Run
from waterbed.governance import hosters
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError
from waterbed.publish.freeze.package_facts import frozen_facts
from waterbed.study.study import open_study

FIRST, SECOND = date(2026, 1, 1), date(2026, 6, 1)
DAYS = ("--from", FIRST, "--to", SECOND)
ORGANISATIONS = """# format:org_id|changed|org_name|country|source
ORG-A|20260101|Some Org|NL|RIPE
# format:aut|changed|aut_name|org_id|opaque_id|source
64500|20260101|ONE|ORG-A||RIPE
64777|20260101|TWO|ORG-A||RIPE
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with routes of two days: AS64777 is made of five of eight networks of AS64500, far from each other."""
    with written(tmp_path, {"a0": "uu"}) as opened:
        for day, heir in ((FIRST, 64500), (SECOND, 64777)):
            lines = [f"28.{n}.0.0,28.{n}.3.255,{heir if n % 2 and n < 10 else 64500}" for n in range(1, 14)]
            lines += [f"29.{n}.0.0,29.{n}.3.255,{65000 + n + 300 * (day == SECOND and n % 3 == 0)}" for n in range(256)]
            (tmp_path / "routes.csv").write_text("\n".join(lines) + "\n")
            opened.add_table(tmp_path / "routes.csv", day, kind="routes")
        (tmp_path / "as2org.txt").write_text(ORGANISATIONS)
        opened.add_table(tmp_path / "as2org.txt", FIRST, kind="organisations")
        (tmp_path / "relations").write_text("64999|64500|-1\n64998|64777|-1\n64999|64777|-1\n")
        opened.add_table(tmp_path / "relations", FIRST, kind="relations")
    return tmp_path / "study"


def test_a_succession_is_found_and_nothing_changes(run: Run, study: Path) -> None:
    """The pair is listed with its shares, its null and who holds both, by keyed id; the book stays as it is."""
    code, out, _ = run("-C", study, "hosters", "successions", *DAYS, "--format", "json")
    (row,) = json.loads(out)["rows"]
    with open_study(study) as opened:
        assert row["handles"] == [opened.vault.keyed_id("holder", "ripe:ORG-A")]
        assert opened.store.count(HosterChange) == 0
    told = {name: row[name] for name in ("old", "new", "moved", "old_size", "new_size", "blocks", "found", "queue")}
    assert (code, told) == (
        0,
        {
            **{"old": "AS64500", "new": "AS64777", "moved": 5120, "old_size": 13312, "new_size": 5120},
            **{"blocks": 5, "found": True, "queue": "new"},
        },
    )
    assert (row["share_in"], row["newness"], row["prefixes"][0]) == (1.0, 1.0, "28.1.0.0/22")
    assert (row["upstreams"], row["upstreams_kept"]) == (2, 1)
    code, out, _ = run("-C", study, "hosters", "successions", *DAYS)
    assert (code, "1 pairs at a false discovery rate of 10%, of 1 that were compared" in out) == (0, True)
    assert "AS64500, AS64777: 1 organisations hold both; 1 of 2 upstreams kept" in out


def test_ipv6_is_compared_too(run: Run, study: Path, tmp_path: Path) -> None:
    """Where IPv6 goes to the same new AS, that is a row of its own, in /48s, and one proposal has both."""
    with open_study(study) as opened:
        for day, heir in ((FIRST, 64500), (SECOND, 64777)):
            lines = [f"2a0{n:x}::,2a0{n:x}:ffff:ffff:ffff:ffff:ffff:ffff:ffff,{heir}" for n in range(1, 14, 2)]
            sold = {n: 300 * (day == SECOND and n % 3 == 0) for n in range(256)}
            lines += [f"2c{n:02x}::,2c{n:02x}:ffff:ffff:ffff:ffff:ffff:ffff:ffff,{65000 + n + sold[n]}" for n in sold]
            (tmp_path / "routes6.csv").write_text("\n".join(lines) + "\n")
            opened.add_table(tmp_path / "routes6.csv", day, kind="routes")
    _, out, _ = run("-C", study, "hosters", "successions", *DAYS, "--format", "json")
    rows = [row for row in json.loads(out)["rows"] if row["found"]]
    assert [(row["family"], row["old"], row["new"], row["moved"]) for row in rows] == [
        (4, "AS64500", "AS64777", 5120),
        (6, "AS64500", "AS64777", 7 << 32),
    ]
    assert rows[1]["prefixes"][0] == "2a01::/16"
    run("-C", study, "hosters", "successions", *DAYS, "--propose", "compared routes of two days")
    with open_study(study) as opened:
        (change,) = opened.store.all(HosterChange)
    assert "addresses went" in change.reason
    assert "/48s went" in change.reason


def test_a_proposal_has_no_effect_until_two_accept_it(run: Run, study: Path) -> None:
    """Proposed once only; accepted with a public source alone; then the network's new AS is the old one's successor."""
    words = ("hosters", "successions", *DAYS, "--propose", "compared routes of two days")
    code, out, _ = run("-C", study, *words)
    assert (code, "1 proposals wait for two coders" in out) == (0, True)
    assert "0 proposals wait" in run("-C", study, *words)[1]
    with open_study(study) as opened:
        (change,) = opened.store.all(HosterChange)
        assert (change.kind, change.key, change.into) == ("proposal", "AS64500", "AS64777")
        assert "5,120 of 13,312 addresses went, 100% of the new one's 5,120, in 5 blocks" in change.reason
        book = opened.book()
        assert (book.on(SECOND).key_of_as(64500), book.lineage(), book.in_force) == ("AS64500", (), ())
        assert not book.on(SECOND).unreviewed("AS64777")
        assert not frozen_facts(opened.folder)[HosterChange]
        with pytest.raises(InputError, match="a public source"):
            hosters.code(opened.folder, change.change_id, "accept", person="bob")
        hosters.code(opened.folder, change.change_id, "accept", note="registry transfer log, June 2026", person="bob")
        assert opened.book().in_force == ()
        assert not frozen_facts(opened.folder)[Coding]
        hosters.code(opened.folder, change.change_id, "accept", note="annual report 2026", person="cas")
        book = opened.book()
        assert (book.on(FIRST).key_of_as(64500), book.on(SECOND).key_of_as(64500)) == ("AS64500", "AS64777")
        assert [(one.old, one.new, one.since) for one in book.lineage()] == [("AS64500", "AS64777", SECOND)]
        assert len(frozen_facts(opened.folder)[HosterChange]) == 1
    assert "AS64777 took over" not in run("-C", study, *words)[1]
    assert json.loads(run("-C", study, "hosters", "successions", *DAYS, "--format", "json")[1])["rows"][0]["queue"] == (
        "one company"
    )


def test_a_rejected_proposal_is_not_made_again(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reject it: it never had an effect, and later runs leave the pair alone."""
    words = ("-C", study, "hosters", "successions", *DAYS, "--propose", "compared routes")
    run(*words)
    with open_study(study) as opened:
        (change,) = opened.store.all(HosterChange)
    for number in (1, 2):
        monkeypatch.setattr(os, "getuid", lambda number=number: 90_000 + number)
        assert run("-C", study, "hosters", "code", change.change_id, "reject")[0] == 0
    assert "0 proposals wait" in run(*words)[1]
    with open_study(study) as opened:
        assert (opened.book().in_force, opened.store.count(HosterChange)) == ((), 1)


def test_companies_of_the_book_are_left_to_people_or_named(run: Run, study: Path) -> None:
    """An old AS that is part of a company is not proposed; a new one that is stands for its company, once."""
    words = ("-C", study, "hosters", "successions", *DAYS, "--propose", "compared routes")
    with open_study(study) as opened:
        define = partial(hosters.decide, opened.folder, "define", name="X", entity="hoster", reason="x")
        whole = define("whole", members=("AS64500", "AS64501"))
    assert "0 proposals wait" in run(*words)[1]
    assert "AS64500, AS64777: 1 organisations hold both; 1 of 2 upstreams kept; part of whole" in run(*words)[1]
    with open_study(study) as opened:
        hosters.decide(opened.folder, "undo", whole.change_id, reason="x")
        hosters.decide(opened.folder, "define", "heir", name="X", members=("AS64777",), entity="hoster", reason="x")
    assert "heir may have taken over from AS64500" in " ".join(run(*words)[1].split())
    assert "0 proposals wait" in run(*words)[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", SECOND, "--to", FIRST), "is not before --to"),
        (("--from", FIRST, "--to", "2026-05-31"), "no table of IPv4 routes of 2026-05-31; the latest days are"),
        ((*DAYS, "--rate", "1"), "--rate 1 is no rate"),
        ((*DAYS, "--propose", "see www.example.com"), "--propose holds what looks like an address"),
    ],
)
def test_bad_input_is_one_sentence(run: Run, study: Path, words: tuple[str, ...], says: str) -> None:
    """Exit code 2 and what was expected; nothing is proposed."""
    code, out, err = run("-C", study, "hosters", "successions", *words)
    assert (code, out, says in " ".join(err.split()), err.strip().count("\n") <= 3) == (2, "", True, True)
    with open_study(study) as opened:
        assert opened.store.count(HosterChange) == 0
