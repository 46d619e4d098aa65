"""Hosters that hide content from our looks are told from those that remove it."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.estimators.survival.test_paces import watched
from tests.measures.episodes import SPREAD_H, appearance, episode, hours, spread
from tests.study.random_studies import Drawn
from waterbed.estimators.survival.paces import LookTest, PaceTest
from waterbed.measures.hiding import goes_by_looks, shares_if_hiding, views_differ
from waterbed.measures.ranking import rank
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import joined_episodes
from waterbed.model.paces import rarely
from waterbed.store.settings import Schedule

SCHEDULE = Schedule(rare_share=1 / 3)


def group(seed, n=45, **world):
    """Episodes of a hoster whose rarely looked at URLs are those of their ids."""
    left, right, rare, looks = watched(np.random.default_rng(seed), n, **world)
    found = []
    for i in range(n):
        end = right[i] if np.isfinite(right[i]) else None
        seen = {
            "looks": int(looks.before[i]) + (not looks.decided[i]),
            "looks_until_last": int(looks.running[i]),
            "unknown_looks": int(looks.before[i] - looks.decided[i]),
            "first_up": hours(0) if looks.decided[i] else None,
        }
        found.append(episode(i, left[i], end, "removed", hoster=f"h{seed}", **seen))
    return [replace(one, url_id=id_of(i, bool(rare[i]))) for i, one in enumerate(found)]


def id_of(number, rare):
    """A keyed id that is, or is not, looked at rarely."""
    first = number * 1000 if rare else 0xFFFFFFFF - number * 1000
    return f"{first:08x}" + "0" * 24


def test_ids_say_which_urls_are_looked_at_rarely():
    """A third of all ids, and always the same."""
    drawn = [rarely(f"{n * 65_536:08x}", 1 / 3) for n in range(65_536)]
    assert np.mean(drawn) == pytest.approx(1 / 3, abs=0.001)
    assert rarely(id_of(3, True), 1 / 3)
    assert not rarely(id_of(3, False), 1 / 3)


def test_who_hides_after_looks_is_told_and_who_removes_is_not():
    """Of 20 hosters that answer 404 after eight looks nearly all are told, of 60 honest ones hardly any."""
    hiding = {f"hides{seed}": group(seed, looks=8) for seed in range(20)}
    honest = {f"honest{seed}": group(seed, batch=30.0 if seed % 2 else None) for seed in range(60)}
    found = views_differ({**hiding, **honest}, SCHEDULE)
    assert len(found & hiding.keys()) >= 19
    assert len(found & honest.keys()) <= 4


def test_a_small_part_of_many_is_not_told():
    """What is significant only because there are thousands of URLs is not told: rare looks miss short absences, too."""
    few = PaceTest(p=0.001, missing=0.06, at_once=0.3, rare=3_000, often=7_000)
    apart = LookTest(p=None, alike=0, outlasting=0)
    assert not goes_by_looks(few, apart)
    assert goes_by_looks(replace(few, missing=0.2), apart)
    assert goes_by_looks(replace(few, at_once=0.8), apart)
    assert not goes_by_looks(replace(few, missing=0.2, p=0.02), apart)
    assert not goes_by_looks(replace(few, missing=0.2, p=None), apart)


def test_ends_after_one_number_of_looks_tell_alone():
    """A few URLs that end after as many looks are told if one outlasted the others by its time."""
    early = PaceTest(p=0.3, missing=0.06, at_once=0.3, rare=10, often=20)
    alike = LookTest(p=0.05, alike=7, outlasting=2)
    assert goes_by_looks(early, alike)
    assert not goes_by_looks(early, replace(alike, p=0.2))
    assert not goes_by_looks(early, replace(alike, alike=2))
    assert not goes_by_looks(early, replace(alike, outlasting=0))


def test_a_url_gone_at_the_first_look_had_none_before():
    """The look that saw it gone is one of its episode's; the test counts those before."""
    hiding = group(1, looks=8)
    gone = [
        episode(n, 0.0, 1.0, "removed", hoster="h1", looks=1, first_up=None, url_id=id_of(n, n % 3 == 0))
        for n in range(45, 60)
    ]
    assert views_differ({"a": [*hiding, *gone]}, SCHEDULE) == {"a"}
    assert views_differ({"a": gone * 3}, SCHEDULE) == set()


def test_a_schedule_without_frequent_looks_tells_nothing():
    """Where nothing is looked at often, looks of two paces cannot be compared."""
    hiding = {"a": group(1, looks=8)}
    for schedule in (Schedule(rare_share=1 / 3, young_hours=0.0), Schedule(rare_share=1 / 3, ladder_s=(0.0,))):
        assert views_differ(hiding, schedule) == set()


def test_looks_of_joined_episodes_count_together():
    """Content that moves within a group goes on: its looks add up. Where both hosters answered they are the same."""
    first = episode(1, 10.0, 12.0, "moved", looks=11, looks_until_last=10, unknown_looks=1)
    second = episode(1, 8.0, 9.0, "removed", at=12.0, looks=5, looks_until_last=4, unknown_looks=0)
    (moved,) = joined_episodes([first, second])
    assert (moved.first_up, moved.looks, moved.looks_until_last, moved.unknown_looks) == (hours(0), 16, 15, 1)
    beside = replace(second, known_up_at=hours(2), first_up=hours(2))
    (both,) = joined_episodes([first, beside])
    assert (both.looks, both.looks_until_last, both.unknown_looks) == (11, 10, 1)


def test_who_hides_has_a_share_from_nothing_on():
    """The class says that our views differ; at worst nothing was removed, and the row stays in the list."""
    hiding = group(3, looks=8)
    seen = [appearance(i, "acme") for i in range(len(hiding))]
    until = hours(2000)
    open_, told = (
        rank(seen, [], by="hoster", names={}, until=until, groups={"acme": hiding}, differing=differing)[0]
        for differing in ((), {"acme"})
    )
    assert open_.rank_class != "views differ"
    assert (told.rank_class, told.removed_24h, told.removed_24h_worst, told.place) == ("views differ", None, 0.0, 1)
    assert told.removed_24h_best == open_.removed_24h_best


def test_a_share_is_bounded_for_who_hides_by_chance():
    """A row tells how much was surely removed even if looks hid content; the bound of who hides is below the truth."""
    honest, hides = spread(group(1, n=600)), spread(group(2, n=600, chance=0.08))
    true = 1 - np.exp(-24 / 33)
    until = hours(SPREAD_H + 100)
    others = {f"c{seed}": spread(group(seed, n=600)) for seed in (3, 4, 5, 6)}
    found = shares_if_hiding({"a": honest, "b": hides, **others}, SCHEDULE, until=until)
    assert max(found.values()) < true
    assert np.median([found[key] for key in ("a", *others)]) > 0.1
    rows = [
        rank(
            [appearance(i, "acme") for i in range(600)],
            [],
            by="hoster",
            names={},
            until=until,
            groups={"acme": ends},
            if_hiding={"acme": found[key]},
        )[0]
        for key, ends in (("a", honest), ("b", hides))
    ]
    assert rows[1].removed_24h_low > true > rows[1].removed_24h_if_hiding
    assert rows[0].removed_24h_if_hiding == pytest.approx(found["a"], abs=1e-6)
    assert shares_if_hiding({"a": honest}, Schedule(), until=until) == {}
    assert shares_if_hiding({"a": group(1)}, SCHEDULE, until=until) == {}  # no days
    alike = [one for one in honest if rarely(one.url_id, SCHEDULE.rare_share)]
    assert shares_if_hiding({"a": alike}, SCHEDULE, until=until) == {}


def test_nothing_is_told_without_rare_looks():
    """A study whose protocol forbids them has no test, nor has a group without reports or behind a proxy."""
    hiding = group(1, looks=8)
    assert views_differ({"a": hiding}, Schedule()) == set()
    assert views_differ({"a": hiding}, SCHEDULE) == {"a"}
    assert views_differ({"a": [replace(one, reported_at=None) for one in hiding]}, SCHEDULE) == set()
    assert views_differ({"a": [replace(one, proxy=True) for one in hiding], "b": []}, SCHEDULE) == set()


def test_a_part_of_the_reports_differs_where_all_of_them_do():
    """A ranking of one source, or one side, takes the test of all reports: a part alone tells less."""
    conclusions = Drawn(3).conclusions()
    schedule = Schedule(rare_share=0.33)
    conclusions = conclusions.with_(config=msgspec.structs.replace(conclusions.config, schedule=schedule))
    whole = RankingTables(conclusions=conclusions, kind="hoster")
    whole.conclusions.__dict__["episodes"] = [one for seed in (1, 2) for one in group(seed, looks=8)]
    assert whole.differing == {"h1", "h2"}
    part = RankingTables(conclusions=conclusions, kind="hoster", source="no source", side="home")
    assert part.differing == whole.differing
    assert part.groups == {}
