"""Control looks of real checks on loopback: the place that each stands for, its age, and their number."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.crawler.probe.test_prober import ADDRESS, head, looked, only
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.probe.control import MOST_CONTROLS
from waterbed.crawler.probe.prober import HostFacts
from waterbed.crawler.recheck.run import run_recheck
from waterbed.judging.features import compare
from waterbed.model.facts import ControlLook
from waterbed.store.tables import TABLES


def test_a_changed_answer_asks_for_a_fresh_control() -> None:
    """A control that is hours old does not serve a URL whose own answer has just changed; an unchanged one it does."""
    (old,) = aged(looked(lambda *_: head("200 OK"))[0], hours=3)
    facts, asked = looked(lambda *_: head("200 OK"), controls=(old,), fingerprint="another")
    assert len(asked) == 3
    same = facts.answered[0].fingerprint
    facts, asked = looked(lambda *_: head("200 OK"), controls=(old,), fingerprint=same)
    assert len(asked) == 1
    assert only(facts).control_id == old.control_id


@pytest.mark.parametrize(("minutes", "asks"), [(5, False), (15, True)])
def test_a_url_that_now_redirects_away_asks_for_a_control_of_the_same_minutes(minutes: int, asks: bool) -> None:
    """What random paths were answered before says nothing of whether all of them redirect now."""

    def elsewhere(*_: object) -> bytes:
        return head("301 Moved", "Location: http://elsewhere.org/")

    (old,) = aged(looked(lambda *_: head("200 OK"))[0], hours=minutes / 60)
    facts, asked = looked(elsewhere, controls=(old,), fingerprint="another")
    assert (len(asked) > 1) is asks
    assert (only(facts).control_id == old.control_id) is not asks
    assert facts.answered[0].fingerprint != "another"


def test_a_redirect_stays_new_until_a_control_is_allowed() -> None:
    """Where a host was asked for enough random paths, the check has none, and the next one asks."""
    folders = [f"http://{ADDRESS}/{number}/page" for number in range(1, 5)]
    served = aged(looked(lambda *_: head("200 OK"), path="/0/page", others=folders)[0], hours=0.5)

    def elsewhere(*_: object) -> bytes:
        return head("301 Moved", "Location: http://elsewhere.org/")

    facts, asked = looked(elsewhere, path="/0/page", controls=served, fingerprint="another")
    assert (len(asked), only(facts).control_id, facts.answered[0].fingerprint) == (1, None, "another")
    facts, asked = looked(elsewhere, path="/0/page", controls=older(served, hours=1), fingerprint="another")
    assert len(asked) == 3
    assert only(facts).control_id
    assert facts.answered[0].fingerprint != "another"


def test_a_page_that_changes_stays_new_until_a_control_of_its_time() -> None:
    """A control that is an hour old serves it for two hours at most, and not for all the hours of its own."""
    (old,) = aged(looked(lambda *_: head("200 OK"))[0], hours=1)
    facts, asked = looked(lambda *_: head("200 OK"), controls=(old,), fingerprint="another")
    assert (len(asked), facts.answered[0].fingerprint) == (1, "another")
    facts, asked = looked(lambda *_: head("200 OK"), controls=older((old,), hours=1.5), fingerprint="another")
    assert len(asked) == 3
    assert facts.answered[0].fingerprint != "another"


def aged(facts: HostFacts, hours: float) -> tuple[ControlLook, ...]:
    """The control looks among facts, taken so many hours earlier."""
    return older([fact for fact in facts.facts if isinstance(fact, ControlLook)], hours)


def older(controls: Sequence[ControlLook], hours: float) -> tuple[ControlLook, ...]:
    """Control looks, each so many hours older."""
    return tuple(replace(control, observed_at=control.observed_at - timedelta(hours=hours)) for control in controls)


def below_app(method: str, target: str, source: str) -> bytes:
    """A page, and a catch-all in the folder /app alone."""
    found = target == "/a" or target.startswith("/app/")
    return head("200 OK" if found else "404 Not Found", "Content-Type: text/html")


@pytest.mark.parametrize(("path", "other"), [("/app/login", "/a"), ("/a", "/app/login")])
def test_a_catch_all_in_one_folder_says_nothing_of_another(path: str, other: str) -> None:
    """A page is judged by random paths beside it, within a pass and after it, whichever URL came first."""
    facts, _ = looked(below_app, path=path, others=[f"http://{ADDRESS}{other}"])
    later, asked = looked(below_app, path=other, controls=aged(looked(below_app, path=path)[0], hours=1.5))
    assert len(asked) > 1
    for pass_ in (facts, later):
        looks = [one.observations[0] for one in pass_.answered]
        controls = {one.control_id: one for one in pass_.facts if isinstance(one, ControlLook)}
        compared = {look.control_id: compare(look, controls[look.control_id or ""]) for look in looks}
        assert len(compared) == len(looks)
        wanted = [{"/a": "differs", "/app/login": "same"}[one] for one in (path, other)][-len(looks) :]
        assert list(compared.values()) == wanted


@pytest.mark.parametrize("other", [f"http://{ADDRESS}:8081/a", f"http://{ADDRESS}/a.php", f"http://{ADDRESS}/a/"])
def test_a_control_look_serves_neither_another_port_nor_another_kind_of_file(other: str) -> None:
    """Each gets a random path of its own; a neighbour, or another query, does not."""
    facts, asked = looked(lambda *_: head("200 OK"), path="/a", others=[other])
    assert len(asked) == 6
    assert len({one.observations[0].control_id for one in facts.answered}) == 2
    facts, asked = looked(lambda *_: head("200 OK"), path="/a", others=[f"http://{ADDRESS}/b?c=1/2.php"])
    assert len(asked) == 4
    assert len({one.observations[0].control_id for one in facts.answered}) == 1


def test_a_host_is_asked_for_few_control_looks_an_hour() -> None:
    """Of six folders four get one; the two others are checked without, and have their turn once the hour is over."""
    folders = [f"http://{ADDRESS}/{number}/page" for number in range(1, 6)]
    facts, asked = looked(lambda *_: head("200 OK"), path="/0/page", others=folders)
    assert len(asked) == 6 + 4 * 2
    without = [one.observations[0].control_id is None for one in facts.answered]
    assert without == [False] * 4 + [True] * 2
    served = aged(facts, hours=0.5)
    facts, asked = looked(lambda *_: head("200 OK"), path="/0/page", others=folders, controls=served)
    assert len(asked) == 6
    facts, asked = looked(lambda *_: head("200 OK"), path="/0/page", others=folders, controls=older(served, hours=1))
    assert len(asked) == 6 + 2 * 2
    assert all(one.observations[0].control_id for one in facts.answered)


def test_a_later_pass_reuses_control_looks_of_known_places(tmp_path: Path) -> None:
    """What a pass kept serves the next one; control looks of an older version, which name no place, serve nobody."""
    pairs = feed(4, 2)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        store, table = study.folder.store, TABLES[ControlLook]
        run_recheck(study.folder)
        first = store.count(ControlLook)
        assert 4 <= first <= 4 * MOST_CONTROLS
        run_recheck(study.folder, everything=True)
        assert store.count(ControlLook) == first
        with store.writing() as connection:
            connection.execute(update(table).values(place_id=None))
        run_recheck(study.folder, everything=True)
        assert store.count(ControlLook) == 2 * first
        assert store.count(ControlLook, table.c.place_id.is_not(None)) == first
