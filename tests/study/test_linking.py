"""Links in a study: settings, what conclusions take of them, and what the command line tells."""

import csv
import io
import os
import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.measures.episodes import episode
from tests.measures.sent_notices import notice
from tests.study.facts import START, _known, _looks, hour, report, target, written
from tests.study.rig import Run
from waterbed.graphs.linking.clusters import Clusters
from waterbed.measures.clocks import takedown_clocks
from waterbed.measures.takedown import clocks, outcomes
from waterbed.model.errors import InputError
from waterbed.model.facts import ExternalObservation, Report, Target, as_counted, claimed_before
from waterbed.model.window import Window
from waterbed.questions.explain.link import chain_between
from waterbed.store.config import Config
from waterbed.store.settings import Linking
from waterbed.study.facts import Facts
from waterbed.study.linking import content_ids, known_of, link_rules, near_of, opened
from waterbed.study.notices import context_of
from waterbed.study.study import Study, create_study, open_study
from waterbed.study.windowed import within

STAYS = (("a1", "28.0.1.7", 0, 10, "x"), ("b1", "28.1.1.7", 16, 24, "x"), ("c1", "28.2.1.7", 30, 40, "x"),
         ("a2", "28.0.2.7", 0, 12, "y"), ("c2", "28.2.2.7", 20, 40, "y"))  # fmt: skip
"""URL, address, first and last hour up, content; the URL's letter is its hoster."""


def url_id(name: str) -> str:
    """An id as ids are: 32 hexadecimal digits that begin with the name."""
    return name.ljust(32, "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three hosters: content x went from a to b to c, content y from a to c; each content has one label."""
    with written(tmp_path, dict.fromkeys(("a0", "b0", "c0"), "u" * 48)) as study:
        facts: list[object] = []
        for name, address, first, last, content in STAYS:
            told = {"content_id": content, "reported_at": hour(first), "received_at": hour(first)}
            for one in _known(url_id(name), address, 0):
                if isinstance(one, Report):
                    one = replace(one, **told)  # noqa: PLW2901 (the changed fact takes its place)
                if isinstance(one, Target):
                    one = replace(one, label_id=f"label {content}", path_id=f"path {name}")  # noqa: PLW2901 (same)
                facts.append(one)
            facts += _looks(url_id(name), " " * first + ("u" * (last - first)).ljust(48 - first, "d"), address)
        study.folder.store.add(facts)
    return tmp_path / "study"


def named(tmp_path: Path, urls: list[str], **linking: Any) -> Study:
    """A study with these URLs reported, and these settings."""
    settings = Config(study=os.urandom(16).hex(), linking=Linking(**linking))
    study = create_study(tmp_path / "study", settings)
    reports = tmp_path / "reports.csv"
    reports.write_text("url,reported_at\n" + "".join(f"{url},2026-01-05T00:00:00Z\n" for url in urls))
    study.import_reports(reports, source="feed")
    return study


def test_settings_become_rules() -> None:
    """Thresholds, caps, doubts and weights take the place of the listed ones, and kinds can be left out."""
    rules = link_rules(
        Linking(strong=9.0, caps={"path": 3}, doubts={"title": 1.0}, weights={"label": 7.0}, off=("etag",))
    )
    assert (rules.strong, rules.kinds["path"].cap, rules.kinds["title"].doubt) == (9.0, 3, 1.0)
    assert rules.kinds["label"].fixed == 7.0
    assert "etag" not in rules.kinds
    assert link_rules(Linking()).kinds["path"].cap == 50


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (Linking(caps={"paths": 3}), "linking.caps: 'paths' is not a kind of evidence"),
        (Linking(off=("x",)), "linking.off: 'x' is not a kind of evidence"),
        (Linking(caps={"path": 1}), "cap 1 links nothing"),
        (Linking(weak=7.0), "weak 7.0 must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Linking, part: str) -> None:
    """One sentence names the setting and the page."""
    with pytest.raises(InputError, match=part):
        link_rules(settings)


def test_names_of_brands_link_only_where_the_settings_say_so(tmp_path: Path) -> None:
    """Sites of one name under other suffixes, with digits or affixes, are one content among brands, as is told why."""
    rng = random.Random(8)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(40)]
    urls = [f"https://{word}press.com/{word}" for word in words]
    urls += [
        f"https://{name}/" for name in ("zephyrtales.com", "zephyrtales.net", "zephyr-tales2.com", "thezephyrtales.com")
    ]
    for population, linked in (("off", False), ("kits", False), ("brands", True)):
        with named(tmp_path / population, urls, names=population) as study:
            conclusions = study.conclude()
            ids = [study.folder.vault.keyed_id("url", url) for url in urls[-4:]]
            contents = {conclusions.known[one].content_id for one in ids}
            assert len(contents) == (1 if linked else 4), population
            if linked:
                assert len(conclusions.links.all) == 1
                kinds = {one.step for one in chain_between(study, ids[1], ids[2])}
                assert "alike_name" in kinds


def test_content_is_the_hotline_s_word_for_the_whole_cluster(tmp_path: Path) -> None:
    """A URL that a rare path links to a reported content has that content; without any word, the smallest URL id."""
    urls = [f"https://site{n}.example-{n}.com/p{n}" for n in range(800)]
    urls += ["https://a.example-a.net/very/rare", "https://b.example-b.net/very/rare"]
    with named(tmp_path, urls, strong=5.0) as study:
        conclusions = study.conclude()
        a, b = (study.folder.vault.keyed_id("url", url) for url in urls[-2:])
        assert conclusions.links.of(a) is conclusions.links.of(b) is not None
        assert conclusions.known[a].content_id == conclusions.known[b].content_id == min(a, b)
        told = [replace(one, content_id="hotline") if one.url_id == b else one for one in conclusions.facts.reports]
        found = content_ids(conclusions.facts.targets, told, conclusions.links)
        assert (found[a], found[b]) == ("hotline", "hotline")
        alone = study.folder.vault.keyed_id("url", urls[0])
        assert found[alone] == alone


def test_a_later_report_changes_no_content(folder: Path) -> None:
    """The id of the report that came first names a cluster, and with `content_id` off each URL alone."""
    with open_study(folder) as study:
        its = study.conclude()
        facts, links = its.facts, its.links
    late = [
        replace(one, content_id="0", received_at=hour(99))
        for one in facts.reports
        if one.content_id and one.url_id < url_id("b")
    ]
    assert late
    for clusters in (links, Clusters()):
        before = content_ids(facts.targets, facts.reports, clusters)
        for reports in ([*facts.reports, *late], [*late, *facts.reports]):
            assert content_ids(facts.targets, reports, clusters) == before


def test_the_root_path_links_nothing(tmp_path: Path) -> None:
    """What every bare host has means nothing: its id is told by the vault."""
    urls = [f"https://site{n}.example-{n}.com/{f'p{n}' if n > 5 else ''}" for n in range(400)]
    with named(tmp_path, urls) as study:
        assert study.conclude().links.all == []


def test_names_are_opened_only_when_the_settings_say_so(tmp_path: Path) -> None:
    """Near labels come as pairs of ids; by default nothing is opened for them."""
    urls = ["https://paypal-login.com/a", "https://paypa1-login.net/b", "https://other-name.org/c"]
    with named(tmp_path, urls) as study:
        assert opened(study.folder).near() == ()
        (pair,) = near_of(study.folder)
        ids = {study.folder.vault.keyed_id("label", label) for label in ("paypal-login", "paypa1-login")}
        assert {pair.a, pair.b} == ids
        assert pair.likeness == "homoglyph"
    with named(tmp_path / "on", urls, near_labels=True) as study:
        assert len(opened(study.folder).near()) == 1


@pytest.mark.parametrize(("least", "clusters"), [("strong", 0), ("weak", 1)])
def test_weak_links_count_only_if_asked_for(tmp_path: Path, least: str, clusters: int) -> None:
    """The same label under two suffixes joins two URLs only with `least` set to weak."""
    urls = [f"https://site{n}.example-{n}.com/p{n}" for n in range(400)]
    urls += ["https://one-brand.com/a", "https://one-brand.net/b"]
    with named(tmp_path, urls, least=least) as study:
        assert len(study.conclude().links.all) == clusters


def test_hops_end_with_their_bounds(run: Run, folder: Path) -> None:
    """Below the table stands how many are sure, and how many there can be."""
    code, out, _ = run("-C", folder, "hops")
    assert code == 0
    assert "Between 0 and 3 hops are displacement" in " ".join(out.split())


def test_labels_are_told_by_id_alone(run: Run, folder: Path) -> None:
    """One row a label on several sites, by its id, with bounds of its hops."""
    code, out, _ = run("-C", folder, "hops", "--table", "labels", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    found = {row["label_id"]: (row["sites"], row["hops_least"], row["hops_most"]) for row in rows}
    assert (found["label x"], found["label y"]) == (("3", "0", "2"), ("2", "0", "1"))
    assert "label hops:" in run("-C", folder, "hops", "--table", "labels")[1]


def test_near_labels_are_listed(run: Run, folder: Path) -> None:
    """Near labels are listed as pairs, none where no names are sealed."""
    code, out, _ = run("-C", folder, "hops", "--table", "near-labels", "--format", "csv")
    assert (code, out.strip().count("\n")) == (0, 0)


def test_a_link_is_explained(run: Run, folder: Path) -> None:
    """Each link of the way with its evidence and times, then the hops between the two."""
    a, b = url_id("a1"), url_id("b1")
    code, out, _ = run("-C", folder, "explain", a, "--link", b, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["step"] for row in rows][:2] == ["link", "content_id"]
    assert rows[-1]["step"] == "hop"
    assert b in rows[0]["value"]
    assert "hop" in run("-C", folder, "explain", b)[1]


def test_what_nothing_links_is_said(run: Run, folder: Path) -> None:
    """Two URLs of different content have no way between them; a URL and itself, or no URL, is refused."""
    code, out, _ = run("-C", folder, "explain", url_id("a1"), "--link", url_id("a2"))
    assert (code, "none to" in out) == (0, True)
    for other in (url_id("a1"), "nonsense"):
        code, _, err = run("-C", folder, "explain", url_id("a1"), "--link", other)
        assert (code, err.strip().count("\n")) == (2, 0)


def _sightings(folder: Path, *facts: Report | ExternalObservation) -> tuple[datetime | None, float, float]:
    """When somebody saw a URL up that our checks find down from hour 4 on, and `left_h` of its clocks.

    Of the report's and of a notice's, both from the start on.
    """
    with written(folder, {"a0": "    " + "d" * 12}) as study:
        study.folder.store.add(facts)
        its = study.conclude()
        (stay,) = its.episodes
        sent = notice(1, 0, url_id="a0", sent_at=START, delivered_at=START)
        found = []
        for clock in ("reported", "notice_delivered"):
            (one,) = takedown_clocks([stay], context_of([sent], its.facts), key="acme", clock=clock)
            assert one.seen == (one.left_h > 0)
            found.append(one.left_h)
        return stay.confirmed_at, *found


@pytest.mark.parametrize(("received", "counts"), [(3.9, True), (4.0, True), (4.2, False), (1440.0, False)])
@pytest.mark.parametrize("observer", [False, True])
def test_a_sighting_counts_if_it_came_before_the_first_down_check(
    tmp_path: Path, received: float, counts: bool, observer: bool
) -> None:
    """Who knows the end could choose the time of a sighting: reports and other observers' checks count alike."""
    seen = hour(3.5)
    told: Report | ExternalObservation = report(
        "a0",
        report_id="another",
        source="another",
        assessed_illegal=True,
        verified_at=seen,
        reported_at=seen,
        received_at=hour(received),
    )
    if observer:
        told = ExternalObservation(
            testimony_id="t",
            url_id="a0",
            observer="scart",
            source="another",
            reference=None,
            first_seen=None,
            last_seen=seen,
            status=None,
            gone=False,
            since=None,
            address=None,
            looks=None,
            received_at=hour(received),
        )
    assert _sightings(tmp_path, told) == ((seen, 3.5, 3.5) if counts else (None, 0.0, 0.0))


@pytest.mark.parametrize("assessed", [None, True])
@pytest.mark.parametrize(
    ("claimed", "received", "surely"),
    [(None, 24.1, True), (24, 24.1, True), (13, 24.1, True), (12, 24.1, False), (0, 24.1, False), (0, 900, False)],
)
def test_who_reports_first_makes_nobody_look_quick_and_who_dates_back_nobody_slow(
    tmp_path: Path, claimed: float | None, received: float, surely: bool, assessed: bool | None
) -> None:
    """First reported at hour 24 and gone by 36: another source's earlier date counts in the worst case alone."""
    with written(tmp_path, {"a1": "u  u  u     " + "d" * 60}, apart=24) as study:
        another = report(
            "a1",
            report_id="another",
            source="another",
            assessed_illegal=assessed,
            reported_at=None if claimed is None else hour(claimed),
            received_at=hour(received),
        )
        study.folder.store.add([another])
        whole = study.conclude()
        (stay,) = whole.episodes
        early = claimed is not None and claimed < 24
        assert (stay.reported_at, stay.claimed_at) == (hour(24), hour(claimed) if early else None)
        for source, its in ((None, surely), ("another", surely), ("hotline", True)):
            made = clocks(within(whole, Window(), source).episodes)
            assert [one[1:] for one in outcomes(made, 24.0, until=hour(200))] == [(its, True)], source


@pytest.mark.parametrize("seed", range(20))
def test_no_report_makes_a_hoster_surely_quick_or_surely_slow_alone(seed: int) -> None:
    """Quick in the worst case is quick by each report alone, and slow in the best case by the one received first."""
    chance = random.Random(seed)
    made = [
        report(
            "u",
            report_id=f"{n}",
            source=f"source {n}",
            reported_at=chance.choice((None, hour(chance.uniform(0, 40)))),
            received_at=hour(chance.uniform(0, 40)),
        )
        for n in range(chance.randint(1, 4))
    ]
    up, down = sorted(hour(chance.uniform(40, 70)) for _ in range(2))

    def found(*reports: Report) -> tuple[bool, bool]:
        counted = as_counted(reports)
        facts = Facts(
            targets={"u": target("u")},
            reports=counted,
            claimed=claimed_before(reports, counted),
            looks=(),
            resolutions={},
            controls={},
            canaries=(),
        )
        its = known_of(facts)["u"]
        stay = episode(
            0,
            0,
            0,
            "removed",
            known_up_at=its.known_up_at,
            reported_at=its.reported[0],
            claimed_at=its.claimed_at,
            last_up=up,
            first_down=down,
        )
        ((_, surely, possibly),) = outcomes(clocks([stay]), 24.0, until=hour(500))
        return surely, possibly

    surely, possibly = found(*made)
    assert surely == all(found(one)[0] for one in made)
    assert possibly == found(min(made, key=lambda one: one.received_at))[1]
