"""The guard of columns holds what the plain definition holds, look by look."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.flips import Story, decision, hour, urls
from tests.reference.mass_flips import guard_flips

SIZES = {"few": 30, "many": 80}


def drawn(chance: random.Random, most: int) -> Story:
    """Hosters of which some fail for hours or days, together or alone, steadily or in turns; others remove at times."""
    story = Story()
    faults = [
        (chance.randrange(60), chance.choice((1, 3, 12, 30, 60)), chance.choice((1, 1, 3)), chance.choice((1, 1, 0.7)))
        for _ in range(chance.randrange(4))
    ]
    for number in range(chance.randrange(1, 7)):
        hoster = f"h{number}" if chance.random() < 0.9 else ""
        for name in urls(chance.randrange(1, most // 2), f"v{number}"):
            its = [fault for fault in faults if chance.random() < 0.6]
            gone = chance.randrange(20, 200)
            net = chance.choice((number, 9, None)) if chance.random() < 0.2 else number
            for at in range(chance.randrange(3), 72, chance.choice((1, 1, 3, 6))):
                for again in range(chance.choice((1, 1, 1, 2))):
                    failed = any(
                        begin <= at < begin + hours and at // turn % 2 == 0 and chance.random() < share
                        for begin, hours, turn, share in its
                    )
                    state = "d" if failed or at >= gone else chance.choices("ud?", (60, 1, 1))[0]
                    minute = chance.randrange(30) / 60 + again / 2
                    site = f"{hoster}{number}" if chance.random() < 0.02 else name
                    story.see(name, hour(at + minute), state, hoster=hoster, net=net, site=story.sites.get(name, site))
    return story


@pytest.mark.parametrize("most", SIZES.values(), ids=SIZES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_look_is_held_as_the_plain_definition_says(seed: int, most: int) -> None:
    """Quarantines and held looks are equal, with and without decisions, over days of faults."""
    chance = random.Random(seed)
    story = drawn(chance, most)
    found, told = story.guarded()
    assert (found, told) == story.guarded(by=guard_flips)
    decisions = [
        decision(
            one, chance.choice(("release", "void")), one.began_at + chance.random() * (one.ended_at - one.began_at)
        )
        for one in found
        if chance.random() < 0.6
    ]
    assert story.guarded(decisions) == story.guarded(decisions, by=guard_flips)
