"""Outcomes depend on each other by the labels that a study has: from its facts to each interval."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from itertools import permutations

import numpy as np
import pytest

from tests.graphs.test_episodes import at, sightings
from tests.study.facts import hour, report, written
from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.cluster_shares import Correlation, pooled_correlation
from waterbed.graphs.episodes import EpisodeRules, UrlHistory, episodes
from waterbed.graphs.runs import runs_of
from waterbed.measures.clocks import labels_on, running_clocks, site_of, takedown_clocks
from waterbed.measures.dependence import labels_of, pooled_over_hosters, pooled_over_times
from waterbed.measures.labels import (
    Label,
    Labels,
    by_kind,
    contents_of,
    deliveries_of,
    first_reports,
    network_of,
)
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking import rank
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.speed_ranks import speed_places
from waterbed.measures.takedown import REMOVED, clocks, episodes_by_key, worth_within
from waterbed.model.takedown import NoticeContext, TakedownClock
from waterbed.questions.intervention.shares import pooled_clocks
from waterbed.study.formats import as_arrow

from .episodes import SPREAD_H, appearance, episode, hours, spread

APART = 8
SITES = 60


def seen_of(contents, removed):
    """Sixty sites reported all through twenty days; content number n of so many is removed if `removed` says so."""
    return {f"a{n * APART // 3}": "uuu" + "d" * 30 if removed[n % contents] else "u" * 33 for n in range(SITES)}


def with_contents(study, contents):
    """Each site's report names one of so many contents."""
    own = sorted(study.conclude().facts.targets, key=lambda url: int(url[1:]))
    at = {one.url_id: one.received_at for one in study.conclude().facts.reports}
    study.folder.store.add(
        [
            report(
                url,
                report_id=f"{url} content",
                content_id=f"c{n % contents}",
                reported_at=at[url],
                received_at=at[url],
            )
            for n, url in enumerate(own)
        ]
    )


@pytest.mark.parametrize("contents", [12, 6])
def test_sites_of_one_content_are_alike_from_the_study_to_every_interval(tmp_path, contents):
    """Sixty sites with twelve or six contents are worth so many in ranking, ranks, compliance and events."""
    removed = np.arange(contents) % 3 > 0
    with written(tmp_path, seen_of(contents, removed), apart=3) as study:
        (alone,) = RankingTables(conclusions=study.conclude(), kind="hoster").rows
        with_contents(study, contents)
        conclusions = study.conclude()
        tables = RankingTables(conclusions=conclusions, kind="hoster")
        (row,) = tables.rows
        assert alone.rank_class == "ranked"
        assert row.sites == SITES
        assert (row.rank_class, row.dependence) == ("ranked", "content")
        assert row.removed_24h_high - row.removed_24h_low > 1.3 * (alone.removed_24h_high - alone.removed_24h_low)
        group = clocks(conclusions.episodes, tables.labels)
        worth = worth_within(group, 24.0, (REMOVED,), until=conclusions.until)
        assert isinstance(worth, Worth)
        assert worth.number <= contents
        (placed,) = tables.places(1)
        assert placed.sites == SITES
        found = compliance_of(study, clock="reported")
        day = next(one for one in found.shares() if one.within_h == 24.0)
        assert day.clusters == SITES
        assert (day.removed_low, day.removed_high) == pytest.approx((row.removed_24h_low, row.removed_24h_high))
        pooled = pooled_clocks(tables.groups, ["AS64500", row.key], labels_of(conclusions))
        assert len({label.value for one in pooled for label in one.labels if label.kind == "content"}) == contents


def test_one_content_id_on_all_reports_takes_no_hoster_off_the_list(tmp_path):
    """A source that gives everything one content id changes no class and no interval."""
    removed = np.arange(12) % 3 > 0
    with written(tmp_path, seen_of(12, removed), apart=3) as study:
        (alone,) = RankingTables(conclusions=study.conclude(), kind="hoster").rows
        with_contents(study, 1)
        (row,) = RankingTables(conclusions=study.conclude(), kind="hoster").rows
    assert row == alone


def test_labels_are_content_address_network_registration_and_delivery():
    """Of several addresses the first counts; a customer mostly has a /29 or a /64; a delivery is a source's day."""
    first = report("u1", source="hotline", received_at=hour(30), content_id="c1")
    again = report("u1", report_id="r2", source="feed", received_at=hour(80), content_id="other")
    reports = first_reports([again, first])
    labels = Labels(
        contents=contents_of(reports),
        deliveries=deliveries_of(reports),
        registered=lambda address, _day: "192.0.2.0 192.0.2.255" if address.startswith("192") else None,
        alike={"address": Correlation(0.5, 0.1, 40)},
    )
    found = labels.of("u1", ("192.0.2.77", "192.0.2.9"), hour(0))
    assert {one.kind: one.value for one in found} == {
        "content": "c1",
        "address": "192.0.2.77",
        "network": "192.0.2.72/29",
        "registration": "192.0.2.0 192.0.2.255",
        "delivery": "2026-01-06 hotline",
    }
    assert [one.alike.freedom for one in found] == [0, 40, 0, 0, 0]
    assert labels.of("u2", (), hour(0)) == ()
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_of("no address") == "no address"
    values, alike = by_kind([found, (), found[:2]])
    assert values["address"] == ["192.0.2.77", None, "192.0.2.77"]
    assert values["delivery"] == ["2026-01-06 hotline", None, None]
    assert alike["address"] == Correlation(0.5, 0.1, 40)


def test_an_address_at_another_hoster_is_no_label():
    """Whatever a name points to beside its hoster, the hoster's own first address is the label of its clocks."""
    known = UrlHistory(url_id="u", content_id="u", site_id="s", known_up_at=hour(0), reported=(hour(0),))
    for beside in ("1.0.0.1", "192.0.2.8", "203.0.113.9"):
        own = {"192.0.2.9": "a", "192.0.2.77": "a", beside: "b"}
        answer = replace(at("ab"), addresses=tuple(sorted(own)), address_hosters=tuple(own[one] for one in sorted(own)))
        looks = [replace(one, attribution=answer) for one in sightings("AB AB - - -")]
        made = episodes(known, runs_of(looks), EpisodeRules(leave_looks=2, until=hour(100)))
        groups = episodes_by_key(made, "hoster")
        (clock,) = clocks(groups["a"], Labels())
        (told,) = takedown_clocks(groups["a"], NoticeContext(), key="a", clock="reported", labels=Labels())
        assert clock.labels[0].value == labels_on(told)[0].value == "192.0.2.77"
        assert [one.labels[0].value for one in clocks(groups["b"], Labels())] == [beside]


def test_a_registration_is_that_of_the_day_whatever_was_asked_before():
    """A network that was registered anew is a label of its own from then on, in whatever order days are asked."""

    def registered(_address, day):
        return "old" if day < hour(24 * 30) else "new"

    for days in permutations((0, 29, 31, 60)):
        labels = Labels(registered=registered)
        for day in days:
            (found,) = (
                one.value for one in labels.of("u", ("192.0.2.1",), hour(24 * day)) if one.kind == "registration"
            )
            assert found == ("old" if day < 30 else "new")


def customers_of(rng, hosters, count, share=0.6, sites=90):
    """Episodes of equal hosters that decide once for each of so many customers, each with an address."""
    found = []
    for h in range(hosters):
        decided = rng.random(count) < share
        for n in range(sites):
            of = n if n < count else int(rng.integers(count))
            quick = bool(decided[of])
            ends = (2, 3) if quick else (80, None)
            own = {"hoster": f"k{h}", "addresses": (f"10.{h}.{of}.1",)}
            found.append(episode(f"{h}-{n}", *ends, "removed", **own))
    order = rng.permutation(len(found))
    return spread([found[n] for n in order])


def pooled_labels(ends, until):
    labels = Labels()
    return labels.with_(pooled_over_hosters(ends, labels, until=until))


def test_the_pooled_correlation_is_that_of_all_hosters_clocks():
    """Customers decided once agree wholly, at any hoster; the same counted by hand gives the same."""
    rng, until = np.random.default_rng(1), hours(SPREAD_H + 90)
    ends = customers_of(rng, 5, 12)
    found = pooled_over_hosters(ends, Labels(), until=until)
    assert found["address"].value == 1.0
    assert found["address"].freedom > 4 * 11
    mixed = [replace(one, last_up=one.last_up + timedelta(hours=60), first_down=None) for one in ends[::7]]
    ends[::7] = mixed
    counted = []
    for own in episodes_by_key(ends, "hoster").values():
        names = sorted({one.addresses[0] for one in own})
        hits = [sum(one.first_down is not None for one in own if one.addresses[0] == name) for name in names]
        counted.append((hits, [sum(one.addresses[0] == name for one in own) for name in names]))
    assert pooled_over_times([(ends, until)], Labels())["address"] == pytest.approx(pooled_correlation(counted))


def test_reports_of_what_nobody_saw_up_make_no_others_outcomes_alike():
    """Whole deliveries of URLs that were down at the first check leave the correlation of all others as it is."""
    rng, until = np.random.default_rng(6), hours(SPREAD_H + 90)
    true = [
        episode(f"t{n}", *((2, 3) if rng.random() < 0.25 else (80, None)), "removed", addresses=(f"10.0.0.{n % 20}",))
        for n in range(200)
    ]
    alone = pooled_over_hosters(spread(true), Labels(), until=until)
    false = [
        replace(episode(f"f{n}", 2, 3, "removed", addresses=(f"10.0.1.{n % 3}",)), first_up=None) for n in range(90)
    ]
    assert not any(one.seen for one in false)
    assert pooled_over_hosters(spread([*true, *false]), Labels(), until=until).keys() == alone.keys()
    together = pooled_over_hosters([*spread(true), *spread(false)], Labels(), until=until)
    assert together["address"].value == pytest.approx(alone["address"].value)


def test_a_change_at_a_date_makes_no_outcomes_alike_where_times_are_apart():
    """One in ten is removed quickly before, nine in ten after, each independent: addresses are alike over both."""
    rng = np.random.default_rng(4)
    times = []
    for chance in (0.1, 0.9):
        found = []
        for n in range(300):
            ends = (2, 3) if rng.random() < chance else (80, None)
            own = {"hoster": f"k{n % 3}", "addresses": (f"10.{n % 3}.{round(10 * chance)}.{n % 60}",)}
            found.append(episode(f"{chance}-{n}", *ends, "removed", **own))
        times.append((spread(found), hours(SPREAD_H + 90)))
    together = pooled_over_hosters([one for some, _ in times for one in some], Labels(), until=times[0][1])
    apart = pooled_over_times(times, Labels())
    assert together["address"].value > 0.4
    assert apart["address"].value < 0.1


def test_a_row_names_the_label_that_makes_its_interval_wide():
    """Ninety sites of fifteen customers are worth no more, by address; an assumed number widens intervals, too."""
    rng, until = np.random.default_rng(2), hours(SPREAD_H + 90)
    ends = customers_of(rng, 4, 15)
    seen = [appearance(one.url_id.removeprefix("u"), one.hoster) for one in ends]
    ranked = {"by": "hoster", "names": {}, "until": until}
    plain = rank(seen, ends, **ranked)
    labelled = rank(seen, ends, labels=pooled_labels(ends, until), **ranked)
    assert {row.dependence for row in labelled} == {"address"}
    assert "address" not in {row.dependence for row in plain}
    for wide, narrow in zip(labelled, plain, strict=True):
        assert (wide.key, wide.removed_24h) == (narrow.key, narrow.removed_24h)
        assert wide.removed_24h_high - wide.removed_24h_low > 1.4 * (narrow.removed_24h_high - narrow.removed_24h_low)
    together = rank(seen, ends, together=6.0, **ranked)
    for wide, narrow in zip(together, plain, strict=True):
        assert wide.removed_24h_low < narrow.removed_24h_low
        assert wide.removed_24h_high > narrow.removed_24h_high
    assert {row.dependence for row in rank(seen[:5], ends[:5], **ranked)} == {None}


def test_equal_hosters_are_not_ordered_by_the_luck_of_few_customers():
    """Of studies of six equal hosters with fifteen customers hardly one orders two by address; without it most do."""
    rng, until = np.random.default_rng(3), hours(SPREAD_H + 90)
    ordered = {"labels": 0, "none": 0}
    for _ in range(12):
        ends = customers_of(rng, 6, 15)
        groups = episodes_by_key(ends, "hoster")
        seen = [appearance(one.url_id.removeprefix("u"), one.hoster) for one in ends]
        for name, labels in (("labels", pooled_labels(ends, until)), ("none", None)):
            rows = rank(seen, ends, by="hoster", names={}, until=until, labels=labels, brief=True)
            found = speed_places(rows, groups, labels, until=until, rng=np.random.default_rng(1), resamples=200)
            ordered[name] += any(row.place_low > 1 or row.place_high < 6 for row in found)
    assert ordered["labels"] <= 2
    assert ordered["none"] >= 6


def test_takedown_clocks_keep_their_labels_and_their_table_does_not():
    """Clocks from a notice are clustered as those from the report are; an address stays in the study."""
    ends = [episode(n, 2, 3, "removed", site_id=f"s{n}", addresses=(f"192.0.2.{n}",)) for n in range(3)]
    labels = Labels(contents={"u0": "c", "u1": "c"})
    found = takedown_clocks(ends, NoticeContext(), key="acme", clock="reported", labels=labels)
    assert [site_of(one) for one in found] == ["c", "c", "s2"]
    assert [one.value for one in labels_on(found[2])] == ["192.0.2.2", "192.0.2.0/29"]
    assert [one.value for one in labels_on(found[1])] == ["c", "192.0.2.1", "192.0.2.0/29"]
    running = running_clocks(found)
    assert [one.site_id for one in running] == ["s0", "s1", "s2"]
    assert running[2].labels == labels_on(found[2])
    assert as_arrow(TakedownClock, found).column_names == [one.name for one in fields(TakedownClock)]
    (plain,) = takedown_clocks(ends[:1], NoticeContext(), key="acme", clock="reported")
    assert (labels_on(plain), site_of(plain)) == ((), "s0")


def test_a_label_is_its_kind_and_value_alone():
    """Labels of two rankings are equal whatever correlation each knows."""
    when = datetime(2026, 1, 1)
    known = Labels(alike={"address": Correlation(0.3, 0.0, 30)}).of("u", ("192.0.2.1",), when)
    assert known == Labels().of("u", ("192.0.2.1",), when)
    assert known[0] == Label(kind="address", value="192.0.2.1")


def test_a_hoster_that_changes_makes_no_deliveries_alike():
    """One in ten is removed quickly at first, nine in ten later: what is of one time seems alike over all."""
    rng, until = np.random.default_rng(8), hours(SPREAD_H + 90)
    ends = []
    for h in range(5):
        for n in range(240):
            quick = rng.random() < (0.1 if n < 120 else 0.9)
            own = {"hoster": f"k{h}", "addresses": (f"10.{h}.{n // 6}.1",), "at": SPREAD_H * n / 240}
            ends.append(episode(f"{h}-{n}", *((2, 3) if quick else (80, None)), "removed", **own))
    assert pooled_over_times([(ends, until)], Labels())["address"].value > 0.5
    assert pooled_over_hosters(ends, Labels(), until=until)["address"].value < 0.1
