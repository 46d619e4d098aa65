"""Episodes by one SQL text: the same as the pure definition, row for row."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from graphs.episodes import EpisodeRules, Sighting, UrlHistory, all_episodes
from graphs.episodes_sql import ATTRS, KNOWN, LOOKS, episode_rows, set_episodes
from tests.graphs.test_episodes import hour, sightings
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Episode

WORDS = ("A", "B", "AB", "C", "BC", "-", "-B@A", "-C@B", "?", "P*", "B@A", "BC@AC", "A@B", "P*@A")

looks_of_one = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(1, 4), st.sampled_from([0, 1, 1, 9, 30])), max_size=9
)
rules_drawn = st.builds(
    EpisodeRules,
    leave_looks=st.integers(1, 3),
    until=st.sampled_from([5, 20, 60, 1000]).map(hour),
    soon=st.sampled_from([5, 24]).map(lambda hours: timedelta(hours=hours)),
    late=st.sampled_from([30, 168]).map(lambda hours: timedelta(hours=hours)),
)


def in_order(found: list[Episode], known: dict[str, UrlHistory]) -> list[Episode]:
    place = {url_id: number for number, url_id in enumerate(known)}
    return sorted(found, key=lambda e: (place[e.url_id], e.known_up_at, e.last_up, e.hoster))


def seen(words: list[tuple[str, int, int]], chance: random.Random) -> list[Sighting]:
    """Each word so many times, so many hours apart; some absences unconfirmed or without an address."""
    text = " ".join(" ".join([word] * times) for word, times, _ in words)
    waits = [wait for _, times, wait in words for _ in range(times)]
    made, now = [], 0.0
    for look, wait in zip(sightings(text), waits, strict=True):
        now += wait
        absent = look.down and chance.random() < 0.9
        cause = chance.choice(("removed", "name", "network")) if look.down else None
        answer = None if look.down and chance.random() < 0.2 else look.attribution
        if answer and not look.down and chance.random() < 0.05:
            answer = replace(answer, hosters=())
        verdict = replace(look.verdict, observed_at=hour(now), cause=cause)
        made.append(Sighting(verdict=verdict, down=absent, attribution=answer))
    return made


def reports(words: list[tuple[str, int, int]], chance: random.Random) -> tuple[float, ...]:
    last = sum(times * wait for _, times, wait in words)
    return tuple(sorted(chance.uniform(0, last + 1) for _ in range(chance.randint(1, 3))))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(looks_of_one, min_size=1, max_size=12), rules_drawn, st.integers(0, 2**31))
def test_sql_finds_what_the_pure_definition_finds(
    tmp_path: Path, many: list[list[tuple[str, int, int]]], rules: EpisodeRules, seed: int
) -> None:
    """Whatever is seen, at whatever times, reported whenever: the episodes are equal in every field."""
    chance = random.Random(seed)
    known, looks = {}, {}
    for number, words in enumerate(many):
        told = tuple(hour(n) for n in reports(words, chance))
        url_id = f"url {number}"
        known[url_id] = UrlHistory(
            url_id=url_id,
            content_id="c",
            site_id="s",
            known_up_at=told[0] - timedelta(hours=chance.choice((0, 2))),
            reported=told,
        )
        looks[url_id] = seen(words, chance)
    found = set_episodes(known, looks, rules, folder=tmp_path)
    assert found == in_order(list(all_episodes(known, looks, rules)), known)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in scenario_path("quiet").parent.glob("*.toml")))
def test_sql_agrees_on_every_scenario(name: str, tmp_path: Path) -> None:
    """On a virtual study of each both give the same episodes; benchmarks/episode_scenarios.py measures them whole."""
    world = read_world(scenario_path(name))
    small = structs.replace(world, sites=structs.replace(world.sites, count=min(world.sites.count, 30)))
    made = virtual_study(simulate(small), LookPlan(every_hours=3.0, missed=0.05), random.Random(name)).conclusions
    assert made.episode_rules is not None
    found = set_episodes(made.known, made.sightings, made.episode_rules, folder=tmp_path)
    assert found
    assert found == in_order(made.episodes, {url_id: made.known[url_id] for url_id in made.sightings})


def test_looks_at_one_instant_are_left_over(tmp_path: Path) -> None:
    """A URL whose looks at one instant name different hosters is named without a hoster, for a walk through it."""
    rows = [
        {"url": 1, "seq": n, "seen_at": 5, "state": "up", "down": False, "cause": None, "attr": n} for n in range(2)
    ]
    attrs = [
        {"attr": n, "hosters": [key], "proxy": False, "addresses": [key], "address_hosters": [key]}
        for n, key in enumerate("ab")
    ]
    tables = {
        "looks": pa.Table.from_pylist(rows, schema=LOOKS),
        "known": pa.Table.from_pylist([{"url": 1, "known_up_at": 1, "reports": [1]}], schema=KNOWN),
        "attrs": pa.Table.from_pylist(attrs, schema=ATTRS),
    }
    rules = EpisodeRules(leave_looks=2, until=hour(1))
    found = episode_rows(tables, rules, folder=tmp_path).to_pylist()
    assert [(row["url"], row["hoster"]) for row in found] == [(1, None)]


def test_nothing_seen_gives_nothing(tmp_path: Path) -> None:
    """Without a look, and without a URL, there is no episode."""
    rules = EpisodeRules(leave_looks=2, until=hour(1))
    assert set_episodes({}, {}, rules, folder=tmp_path) == []
