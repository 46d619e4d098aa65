"""Hops by one SQL text: the same as the pure definition, field for field."""

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphs.hops import HopContext, find_hops
from graphs.hops_sql import set_hops
from graphs.linking.clusters import cluster
from graphs.linking.evidence import Evidence, Link
from tests.graphs.test_hops import SEATS, hour
from waterbed.lab.simulate.draw import draw_hop_world
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Episode, Hop

CAUSES = ("removed", "removed", "moved", "network", "name", "masked", "lost", "lineage")


def in_order(found: list[Hop]) -> list[Hop]:
    return sorted(found, key=lambda hop: (hop.content_id, hop.arrived_before, hop.to_url_id, hop.to_hoster))


def drawn(chance: random.Random, url: int, contents: int) -> list[Episode]:
    """One URL's episodes: few instants, so that many fall together."""
    made: dict[tuple[str, int], Episode] = {}
    site = chance.randint(0, 8)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        up = chance.randint(0, 30)
        last = up + chance.randint(0, 5)
        down = None if chance.random() < 0.2 else last + chance.randint(0, 3)
        hoster = chance.choice("ABCDEFGH")
        made[hoster, up] = Episode(
            url_id=f"url {url:03}",
            content_id=f"content {url % contents}",
            site_id=f"site {site}",
            hoster=hoster,
            hosters=(hoster,),
            origins=tuple(chance.sample((1, 2, 3), chance.randint(0, 2))),
            countries=tuple(chance.sample(("NL", "RU", "US"), chance.randint(0, 2))),
            addresses=(f"28.10.0.{ord(hoster)}", f"28.10.0.{chance.randint(1, 3)}"),
            prefixes=tuple(chance.sample(("28.10.0.0/24", "28.0.0.0/8", "29.0.0.0/8"), chance.randint(0, 2))),
            proxy=chance.random() < 0.1,
            known_up_at=hour(up),
            reported_at=None,
            absent_at=None if chance.random() < 0.5 else hour(up - chance.randint(0, 3)),
            first_up=hour(up),
            last_up=hour(last),
            first_down=None if down is None else hour(down),
            cause=None if down is None else chance.choice(CAUSES),
            looks=1,
            unknown_looks=0,
        )
    return list(made.values())


def redirect(old: str, new: str) -> Link:
    a, b = sorted((old, new))
    evidence = Evidence(
        kind="redirect_url",
        key=new,
        frequency=2,
        weight=12.0,
        a_first=hour(0),
        a_last=hour(1),
        b_first=hour(0),
        b_last=hour(1),
    )
    rank = (1, -12.0, a, b)
    return Link(a=a, b=b, strength="strong", weight=12.0, evidence=(evidence,), source=old, kept=False, rank=rank)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(1, 3), st.integers(0, 2**31))
def test_sql_finds_what_the_pure_definition_finds(tmp_path: Path, urls: int, contents: int, seed: int) -> None:
    """Whatever was up wherever, named and redirected however: the hops are equal in every field."""
    chance = random.Random(seed)
    episodes = [episode for url in range(urls) for episode in drawn(chance, url, contents)]
    ids = sorted({episode.url_id for episode in episodes})
    links = [redirect(*pair) for pair in (chance.sample(ids, 2) for _ in range(urls // 4)) if urls > 1]
    frame = HopContext(
        home="NL",
        seats=SEATS,
        labels={url_id: f"label {chance.randint(0, 4)}" for url_id in ids if chance.random() < 0.7},
        clusters=cluster(links),
    )
    assert set_hops(episodes, frame, folder=tmp_path) == in_order(find_hops(episodes, frame))


def test_sql_agrees_on_a_study(tmp_path: Path) -> None:
    """On what a study of a drawn world concludes both give the same hops; benchmarks/hops.py has the scenarios."""
    chance = random.Random("hops by SQL")
    drawn_world = draw_hop_world(read_world(scenario_path("waterbed")), chance, sites=30)
    made = virtual_study(simulate(drawn_world.world), drawn_world.plan, chance).conclusions
    pure = find_hops(made.episodes, made.hop_context)
    assert pure
    assert set_hops(made.episodes, made.hop_context, folder=tmp_path) == in_order(pure)


def test_nothing_up_gives_nothing(tmp_path: Path) -> None:
    """Without an episode there is no hop."""
    assert set_hops([], HopContext(home="NL", seats={}), folder=tmp_path) == []
