"""Networks that change hands around content that stays or goes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from tests.graphs.test_hops import hour, stay
from waterbed.graphs.hands import Hands
from waterbed.graphs.hop_sources import in_order, losses
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.model.conclusions import Episode

SOLD = 24


def at(hoster: str, address: str, up: float, last_up: float, down: float | None = None, **more: object) -> Episode:
    """An episode at an address."""
    return replace(stay(hoster, up, last_up, down, **more), addresses=(address,), hosters=(hoster,))


def context(buyer: Mapping[str, tuple[str, str]]) -> HopContext:
    """`buyer` gives the holders of an address, before it is sold and afterwards."""

    def holders(episode: Episode, when: datetime) -> tuple[str, ...]:
        return tuple(buyer[one][when >= hour(SOLD)] for one in episode.addresses)

    return HopContext(home="NL", seats={}, hands=Hands(holders))


WHOLE = {"a": ("A", "B"), "a2": ("A", "B"), "c": ("C", "C")}
"""All of A becomes B."""
PART = {"a": ("A", "B"), "a2": ("A", "A"), "b": ("B", "B"), "c": ("C", "C")}
"""B buys one network of A."""


@pytest.mark.parametrize(
    ("episodes", "holders", "hops"),
    [
        # other addresses while the network is sold, and content back at the buyer's
        ([at("A", "a", 0, 20, 26, cause="moved"), at("B", "a2", 26, 40)], WHOLE, []),
        ([at("A", "a", 0, 10, 12), at("B", "a2", 30, 40)], WHOLE, []),
        ([at("A", "a", 0, 10, 12), at("B", "a2", 30, 40, url="v")], WHOLE, []),
        ([at("A", "a", 0, 10, 12), at("B", "a", 30, 40)], PART, []),
        # to the buyer's own network, and out of what was not sold
        ([at("A", "a", 0, 10, 12), at("B", "b", 30, 40)], PART, [("A", "B")]),
        ([at("A", "a2", 0, 10, 12), at("B", "a", 30, 40)], PART, [("A", "B")]),
        # before it was sold
        ([at("A", "a", 0, 10, 12), at("C", "c", 14, 40)], WHOLE, [("A", "C")]),
        # still up there, under the buyer's name
        ([at("A", "a", 0, 20), at("C", "c", 1, 10, 12, url="v"), at("B", "a", 30, 40, url="w")], WHOLE, []),
        # gone when first looked at under the buyer, and then elsewhere
        ([at("A", "a", 0, 20, 26, cause="lineage"), at("C", "c", 30, 40)], WHOLE, [("A", "C")]),
        # up under the buyer: only what the buyer lost was left
        ([at("A", "a", 0, 20, 26, cause="lineage"), at("B", "a", 26, 30), at("C", "c", 32, 40, url="v")], WHOLE, []),
        (
            [at("A", "a", 0, 20, 26, cause="lineage"), at("B", "a", 26, 30, 31), at("C", "c", 32, 40, url="v")],
            WHOLE,
            [("B", "C")],
        ),
        # a copy from before the network was sold
        (
            [at("A", "a", 0, 20, 26, cause="lineage"), at("C", "c", 10, 50, url="v"), at("B", "a", 26, 30, 31)],
            WHOLE,
            [("B", "C")],
        ),
        # back at a network after it was elsewhere: a name that alternates
        ([at("A", "a", 0, 20, 34), at("C", "c", 8, 30, 32), at("B", "a2", 40, 50)], WHOLE, []),
    ],
)
def test_content_moves_and_networks_do_not(
    episodes: list[Episode], holders: Mapping[str, tuple[str, str]], hops: list[tuple[str, str]]
) -> None:
    """A hop needs a day on which the two places were two hosters'."""
    found = find_hops(episodes, context(holders))
    assert [(one.from_hoster, one.to_hoster) for one in found] == hops


def test_two_hosters_at_once_have_not_changed_hands() -> None:
    """Where a name had addresses of both, neither place became the other's."""
    both = replace(at("A", "a", 0, 10, 12), hosters=("A", "B"))
    after = replace(at("B", "a", 30, 40), hosters=("A", "B"))
    always = Hands(lambda _, __: ("A", "B"))
    assert not always.one(both, after)
    assert always.one(at("A", "a", 0, 10, 12), at("B", "a", 30, 40))
    assert not always.one(at("A", "a", 0, 10, 12), replace(at("B", "a", 30, 40), proxy=True))
    assert not Hands().one(at("A", "a", 0, 10, 12), at("B", "a", 30, 40))


def test_a_loss_was_up_since_before_its_network_was_sold() -> None:
    """The times of all holders in turn count; who was seen up by another's look left nothing."""
    sold = [
        at("A", "a", 0, 8, 10, cause="lineage"),
        at("B", "a", 10, 18, 20, cause="lineage"),
        at("D", "a", 20, 30, 31),
        at("A", "a", 3, 8, 10, cause="lineage", url="v"),
    ]
    found = losses(sorted(sold, key=in_order))
    assert [(one.episode.hoster, one.episode.url_id, one.since) for one in found] == [
        ("A", "v", hour(3)),
        ("D", "u", hour(0)),
    ]
