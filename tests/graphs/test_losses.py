"""Losses: the one that an arrival most likely answers."""

import pytest

from tests.graphs.test_hops import hour, stay
from waterbed.graphs.hands import Hands
from waterbed.graphs.hop_sources import REACH, Losses, down_by, in_order
from waterbed.graphs.hop_sources import losses as losses_in
from waterbed.model.conclusions import Episode


def lost(hoster: str, up: float, down: float, url: str = "u") -> Episode:
    return stay(hoster, up, down - 1, down, url=url)


def answered(losses: list[Episode], when: float, hoster: str = "Z") -> tuple[str, float, int, bool] | None:
    """Hoster and end of the loss that an arrival answers, how many hosters could be meant, and whether any was over."""
    found = Losses(losses_in(sorted(losses, key=in_order)), Hands()).nearest(stay(hoster, when, when + 1))
    if found is None:
        return None
    return found.loss.hoster, (down_by(found.loss) - hour(0)).total_seconds() / 3600, found.hosters, found.known_gone


def test_the_nearest_in_time_is_answered() -> None:
    """Before or after, the nearer end; at equal distance the one before."""
    losses = [lost("A", 0, 10), lost("B", 0, 20), lost("C", 5, 32)]
    assert answered(losses, 21) == ("B", 20, 3, True)
    assert answered(losses, 27) == ("C", 32, 3, True)
    assert answered(losses, 26) == ("B", 20, 3, True)


def test_what_was_not_up_yet_is_no_source() -> None:
    """A loss after the arrival counts only if it was up before it."""
    losses = [lost("A", 0, 10), lost("B", 25, 28)]
    assert answered(losses, 25) == ("A", 10, 1, True)
    assert answered(losses, 26) == ("B", 28, 2, True)
    assert answered([lost("B", 25, 28)], 25) is None


def test_the_hoster_of_the_arrival_is_no_source() -> None:
    """Content does not hop from a hoster to itself: the next nearest loss elsewhere is asked."""
    losses = [lost("A", 0, 10), lost("B", 0, 20), lost("B", 12, 21)]
    assert answered(losses, 22, "B") == ("A", 10, 1, True)
    assert answered([lost("B", 0, 20)], 22, "B") is None


def test_when_all_were_up_nothing_is_known_to_be_gone() -> None:
    """Of losses after the arrival alone the first is answered, and none was over."""
    assert answered([lost("A", 0, 30), lost("B", 0, 20)], 10) == ("B", 20, 2, False)


def test_only_near_losses_are_asked() -> None:
    """Beyond the reach nothing is looked for, so that many losses cost no more than few."""
    other = [lost("B", n, n + 2, f"v{n}") for n in range(1, REACH + 1)]
    assert answered([lost("A", 0, 2), *other], 100, "B") is None
    assert answered([lost("A", 0, 2), *other[1:]], 100, "B") == ("A", 2, 1, True)


def test_a_loss_has_an_end() -> None:
    """What is still up is refused."""
    with pytest.raises(ValueError, match="ended"):
        down_by(stay("A", 0, 5))
