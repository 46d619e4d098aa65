"""Control looks of real checks on loopback: the place that each stands for, its age, and their number."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.crawler.probe.test_prober import ADDRESS, head, looked, only
from tests.study.rig import feed, lab_study, reports_csv
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
    served = aged(looked(by_folder, path="/0/page", others=folders)[0], hours=0.5)

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


def by_folder(method: str, target: str, source: str) -> bytes:
    """A catch-all of its own in each folder."""
    return head("200 OK", f'ETag: "{target.split("/")[1]}"')


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


def missing(method: str, target: str, source: str) -> bytes:
    """A page of its own at each known path, and 404 at all others."""
    return head("200 OK" if target.endswith("page") else "404 Not Found", "Content-Type: text/html")


@pytest.mark.parametrize(("server", "enough", "each"), [(by_folder, 4, 2), (missing, 2, 1)])
def test_a_host_is_asked_for_few_control_looks_an_hour(
    server: Callable[[str, str, str], bytes], enough: int, each: int
) -> None:
    """Of six folders four get one, two if those answer alike; the others have their turn once the hour is over."""
    folders = [f"http://{ADDRESS}/{number}/page" for number in range(1, 6)]
    facts, asked = looked(server, path="/0/page", others=folders)
    assert len(asked) == 6 + enough * each
    without = [one.observations[0].control_id is None for one in facts.answered]
    assert without == [False] * enough + [True] * (6 - enough)
    served = aged(facts, hours=0.5)
    facts, asked = looked(server, path="/0/page", others=folders, controls=served)
    assert len(asked) == 6
    facts, asked = looked(server, path="/0/page", others=folders, controls=older(served, hours=1))
    assert len(asked) == 6 + 2 * each
    assert sum(one.observations[0].control_id is not None for one in facts.answered) == enough + 2


def test_a_page_that_changed_gets_its_control_where_others_were_enough() -> None:
    """Two folders that answer alike spare the third one's, but not once its own page is another."""
    two = [f"http://{ADDRESS}/{number}/page" for number in (1, 2)]
    served = aged(looked(missing, path="/1/page", others=two[1:])[0], hours=0.5)
    facts, asked = looked(missing, path="/3/page", controls=served)
    assert (len(asked), only(facts).control_id) == (1, None)
    facts, asked = looked(missing, path="/3/page", controls=served, fingerprint="another")
    assert len(asked) == 2
    assert only(facts).control_id not in {None, *(control.control_id for control in served)}


@pytest.mark.parametrize(
    ("field", "length", "stands"),
    [
        ("Content-Type: text/html", 431, True),
        ('ETag: "67f3c1a2-1d4"', 0, True),
        ("Content-Type: text/html", 0, False),
    ],
)
def test_a_control_elsewhere_stands_in_where_it_has_the_same_answer(field: str, length: int, stands: bool) -> None:
    """A length or an ETag that a random path of another folder has, too, is not the page's own."""

    def same(*_: object) -> bytes:
        return head("200 OK", field, body="x" * length)

    served = aged(looked(same, path="/0/page")[0], hours=0.1)
    facts, asked = looked(same, path="/1/page", controls=served)
    assert len(asked) == (1 if stands else 3)
    assert (only(facts).control_id == served[0].control_id) is stands
    facts, asked = looked(same, path="/1/page", controls=older(served, hours=3), fingerprint="another")
    assert len(asked) == 3


def test_a_redirect_of_everything_to_one_site_stands_in() -> None:
    """One random path that goes where all pages go; a page that goes elsewhere gets one of its own."""

    def away(method: str, target: str, source: str) -> bytes:
        return head("302 Found", f"Location: http://{'other' if target == '/2/page' else 'else'}where.org/")

    served = aged(looked(away, path="/0/page")[0], hours=0.1)
    facts, asked = looked(away, path="/1/page", controls=served)
    assert (len(asked), only(facts).control_id) == (1, served[0].control_id)
    assert len(looked(away, path="/2/page", controls=served)[1]) == 3


def test_a_later_pass_reuses_control_looks_of_known_places(tmp_path: Path) -> None:
    """What a pass kept serves the next one; control looks of an older version, which name no place, serve nobody."""
    pairs = feed(4, 2)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        store, table = study.folder.store, TABLES[ControlLook]
        run_recheck(study.folder)
        first = store.count(ControlLook)
        assert 4 <= first <= 4 * 4
        run_recheck(study.folder, everything=True)
        assert store.count(ControlLook) == first
        with store.writing() as connection:
            connection.execute(update(table).values(place_id=None))
        run_recheck(study.folder, everything=True)
        assert store.count(ControlLook) == 2 * first
        assert store.count(ControlLook, table.c.place_id.is_not(None)) == first
