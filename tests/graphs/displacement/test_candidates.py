"""Proposed controls and buffer: alike, fed alike, and without the target's content."""

from collections.abc import Mapping

from tests.graphs.displacement.movements import DAY_H, gain, movements
from tests.model.said import said
from waterbed.graphs.displacement.candidates import Candidate, candidates
from waterbed.graphs.displacement.movements import Gain, Movements

DAYS = 20
WINDOW = (0.0, DAYS * DAY_H)


def _place(place: str, sites: int, first: int, **changes: object) -> list[Gain]:
    return [gain(place, (n + 0.5) * DAYS * DAY_H / sites, first + n, **changes) for n in range(sites)]


def _moved(to: str, count: int, first: int) -> list[Gain]:
    return [
        gain(to, (n + 1) * DAY_H, first + n, left="t", left_at=n * DAY_H, order="sequential", first_ever=False)
        for n in range(count)
    ]


def _found(gains: list[Gain], feeds: Mapping[str, str]) -> dict[str, Candidate]:
    plain = movements(gains, days=DAYS)
    sources = {one.url_id: frozenset({feeds.get(one.place, "hotline")}) for one in gains}
    made = Movements(
        zero=plain.zero, until=plain.until, gains=gains, spells=[], reports=plain.reports, sources_of=sources
    )
    return {one.key: one for one in candidates(made, "t", WINDOW, least=0.2)}


def test_a_place_that_receives_the_targets_content_is_the_buffer() -> None:
    """It is no control, however alike; its own control is a clean place that is no control of the target."""
    gains = [one for n, key in enumerate(("t", "a", "b", "c", "d")) for one in _place(key, 20, 100 * n)]
    found = _found([*gains, *_moved("a", 6, 900)], {})
    assert found["a"].role == "buffer"
    assert said(found["a"].why) == "receives the target's content: 6 of 26 arrivals"
    assert sorted(one.role for key, one in found.items() if key != "a") == ["buffer control", "control", "control"]


def test_likeness_decides_among_clean_places() -> None:
    """Of the same size and feeds comes first; other feeds, other categories and too few sites are no controls."""
    gains = [
        *_place("t", 20, 0),
        *_place("alike", 20, 100),
        *_place("large", 60, 200),
        *_place("fed otherwise", 20, 300),
        *_place("other matter", 20, 400, category="malware"),
        *_place("tiny", 5, 500),
        *_place("unknown", 20, 600),
    ]
    found = _found(gains, {"fed otherwise": "crawler"})
    assert [key for key, one in found.items() if one.role == "control"] == ["alike", "large"]
    assert (found["alike"].apart, found["large"].size) == (0.0, 1 - 20 / 60)
    assert said(found["fed otherwise"].why) == "100% of its reports are of other feeds"
    assert said(found["other matter"].why) == "100% of its reports are of other categories"
    assert said(found["tiny"].why) == "fewer than 10 sites"
    assert "unknown" not in found


def test_little_contaminated_places_serve_where_none_is_clean() -> None:
    """The least contaminated ones, up to the largest part that a file allows; above it none."""
    gains = [one for n, key in enumerate(("t", "a", "b", "c")) for one in _place(key, 20, 100 * n)]
    found = _found([*gains, *_moved("a", 2, 900), *_moved("b", 4, 920), *_moved("c", 9, 940)], {})
    assert {key: one.role for key, one in found.items()} == {"a": "control", "b": "control", "c": ""}
