"""What is concluded of runs and columns is what the plain definitions say of each look."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.conclude import Reference
from tests.study.random_studies import Drawn


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_every_step_is_that_of_the_plain_definitions(seed: int) -> None:
    """Verdicts, attributions, quarantines, links, episodes and hops are equal, whatever the rules can see."""
    conclusions = Drawn(seed).conclusions()
    plain = Reference(conclusions)
    assert conclusions.attributions == plain.attributions
    assert conclusions.quarantines == plain.quarantines
    assert conclusions.verdicts == plain.verdicts
    assert {url_id: conclusions.links.name_of(url_id) for url_id in conclusions.facts.targets} == {
        url_id: plain.links.name_of(url_id) for url_id in conclusions.facts.targets
    }
    assert conclusions.episodes == plain.episodes
    assert conclusions.hops == plain.hops
