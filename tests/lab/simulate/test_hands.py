"""Networks that change hands: found in routing tables, and no hop of content."""

import random
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
import numpy as np
import pytest

from waterbed.lab.score.hop_score import KindTally
from waterbed.lab.simulate.draw import HopWorld, draw_hop_world
from waterbed.lab.simulate.hands import hands_scores, hands_world, recall_and_precision, scored
from waterbed.lab.simulate.study import score_virtual, virtual_study
from waterbed.lab.world.file import Hoster, Renaming, Renumbering, Sale, World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Hop

_with = msgspec.structs.replace
Company = Callable[[str], str]


def test_successions_are_found_and_hardly_anything_else() -> None:
    """Of known successions among sales, transfers and renumbering 95% are found, and 95% of pairs found are such."""
    recall, precision = recall_and_precision(hands_scores(8, seed=90_211))
    assert recall >= 0.95
    assert precision >= 0.95


def test_the_same_seed_draws_the_same_world() -> None:
    """A world is a function of its seed, and knows pairs whose new AS had nothing before."""
    one, other = (hands_world(np.random.default_rng(3), ases=800) for _ in range(2))
    assert one.successions == other.successions
    assert scored(one, 0.1) == scored(other, 0.1)
    assert not {new for _, new in one.successions} & set(one.before.members.tolist())


@pytest.fixture(scope="module")
def base() -> World:
    return read_world(scenario_path("waterbed"))


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_hops_of_content_are_those_of_the_same_world_without_successions(base: World, seed: int) -> None:
    """Four hosters pass to successors or other names, a fifth renumbers; a hop differs by such a name alone."""
    rng = random.Random(f"a test's successions {seed}")
    drawn = _drawn(base, rng)
    plain, handed, company = _succeeded(drawn.world, rng)
    looks = rng.random()
    without, truth = simulate(plain), simulate(handed)
    assert Counter(_true_ends(truth, company)) == Counter(_true_ends(without, company))
    before, after = (virtual_study(one, drawn.plan, random.Random(looks)).conclusions for one in (without, truth))
    assert sum(one.cause == "lineage" for one in after.episodes) > 4
    assert len(before.hops) > 15
    assert _ends(after.hops, company) == _ends(before.hops, company)


def test_a_network_that_is_sold_takes_its_content_along(base: World) -> None:
    """Hosters buy one network of others: of hops then measured nearly all are true, and nearly all true ones found."""
    total, handed = KindTally(), 0
    for seed in range(4):
        rng = random.Random(f"a test's sales {seed}")
        drawn = _drawn(base, rng)
        sites = _with(drawn.world.sites, multi_address=0.0, v6=0.0, churn=0.0)  # none lies in two networks
        world = _with(_with(drawn.world, sale=_sales(drawn.world, rng)), sites=sites)
        truth = simulate(world)
        study = virtual_study(truth, drawn.plan, rng)
        handed += sum(one.cause == "lineage" for one in study.conclusions.episodes)
        total = sum(score_virtual(truth, study).values(), start=total)
    assert handed > 4
    assert total.detectable > 60
    assert (total.precision or 0.0) >= 0.95
    assert (total.recall or 0.0) >= 0.95


def _drawn(base: World, rng: random.Random) -> HopWorld:
    """A world in which removed content is also put back, by its hoster or its owner."""
    drawn = draw_hop_world(base, rng, sites=45)
    hosters = [_with(one, removal=_with(one.removal, put_back=0.2)) for one in drawn.world.hoster]
    movement = _with(drawn.world.movement, back=0.5)
    world = _with(drawn.world, hoster=tuple(hosters), movement=movement, registries=rng.random() < 0.5)
    return HopWorld(world=world, plan=drawn.plan)


def _succeeded(world: World, rng: random.Random) -> tuple[World, World, Company]:
    """A world, the same with successors of some hosters, and the hoster that each of them was."""
    first, *passing = rng.sample([one for one in world.hoster if one.kind == "hoster"], 5)
    renumbering = Renumbering(hoster=first.key, prefix=first.v4[-1], day=rng.uniform(1, 9), share=0.7)
    world = _with(world, renumbering=(renumbering,))
    heirs = [
        Hoster(key=f"{old.key}-heir", name=f"{old.name} Heir", asn=65_000 + number, country=old.country, weight=0.0)
        for number, old in enumerate(passing)
    ]
    days = [rng.uniform(1, 9) for _ in passing]
    taken = list(zip(passing, heirs, days, strict=True))
    sales = [Sale(prefix=one, to=new.key, day=day) for old, new, day in taken[:2] for one in (*old.v4, *old.v6)]
    names = [Renaming(hoster=old.key, to=new.key, day=day) for old, new, day in taken[2:]]
    handed = _with(world, hoster=(*world.hoster, *heirs), sale=tuple(sales), renaming=tuple(names))
    return world, handed, lambda key: key.removesuffix("-heir")


def _sales(world: World, rng: random.Random) -> tuple[Sale, ...]:
    plain = [one for one in world.hoster if one.kind == "hoster"]
    sellers = rng.sample([one for one in plain if len(one.v4) > 1], 3)
    return tuple(
        Sale(
            prefix=rng.choice(seller.v4),
            to=rng.choice([one for one in plain if one is not seller]).key,
            day=float(rng.randint(1, 9)),
        )
        for seller in sellers
    )


def _true_ends(truth: Truth, company: Company) -> Iterable[tuple[object, ...]]:
    for one in truth.hops:
        places = company(one.from_hoster), company(one.to_hoster)
        yield one.content_id, one.from_url, one.to_url, *places, one.left, one.arrived, one.kind


def _ends(hops: Iterable[Hop], company: Company) -> Counter[tuple[object, ...]]:
    """Hops without the last look at the old place: other addresses there, at the new name, are another place."""
    return Counter(
        (
            *(one.content_id, one.from_url_id, one.to_url_id, company(one.from_hoster), company(one.to_hoster)),
            *(one.kind, one.order, one.left_before, one.arrived_after, one.arrived_before),
        )
        for one in hops
    )
