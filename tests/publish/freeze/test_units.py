"""Every number of a package has its own unit in the codebook."""

import csv
from collections import defaultdict
from pathlib import Path

from waterbed.graphs.beyond import Beyond
from waterbed.graphs.network.flows import Flow, FlowShare
from waterbed.model.conclusions import Episode, Hop, RankingRow
from waterbed.model.results import (
    Answer,
    ChangeRow,
    FeedCard,
    FeedRow,
    PlaceRow,
    PooledHoster,
    SharedEpisode,
    SharedLook,
    VolumeRow,
    WindowShare,
)
from waterbed.model.takedown import ComplianceRow, DeadlineRow, NoticeEffect
from waterbed.publish.freeze.metadata import codebook
from waterbed.publish.freeze.package_facts import FROZEN_FACTS

RESULTS = (
    *(RankingRow, VolumeRow, PlaceRow, FeedRow, FeedCard, WindowShare, ChangeRow, ComplianceRow, DeadlineRow),
    *(NoticeEffect, Flow, FlowShare, Beyond, Episode, Hop, Answer, SharedLook, SharedEpisode, PooledHoster),
)
"""The rows of all results that a package may hold and that have numbers."""
INTEGERS = {
    "count": """
        batches before below_norm_but_for certain changed_sites clocks clusters contents deliveries done due empty
        ended episodes first_down followed hops hosts incidents
        late least left_out looks looks_until_last missed most n new not_illegal of_clocks of_clusters possibly reached
        rejected removals removed removed_before reports rows sites sources steps studies surely suspect targets twins
        unassessed undated unknown unknown_looks urls window_entries
    """,
    "place": "own_high own_low place place_high place_low",
    "days": "days days_covered retention_day",
    "seconds": "retry_after_s ttl_s",
    "bytes": "bytes_read content_length page_bytes",
    "code": "family head_status level port status",
    "addresses": "routed_v4",
}
NUMBERS = {
    "share": """
        first_here met met_high met_low norm norm_bound removed removed_24h removed_24h_best removed_24h_high
        removed_24h_if_hiding removed_24h_low removed_24h_worst removed_before removed_before_high removed_before_low
        removed_24h_before removed_24h_before_high removed_24h_before_low removed_24h_overall removed_24h_overall_best
        removed_24h_overall_worst removed_best removed_high removed_low removed_now removed_now_high removed_now_low
        removed_or_moved
        removed_or_moved_24h removed_worst
        share share_high share_low shared twins_fewer without_one_high without_one_low
    """,
    "probability": "adjusted among_worst constancy_p norm_p p smallest_p",
    "count": "certain expected hops_fractional hosts_fractional incidents_fractional left regimes twins_sites",
    "hours": """
        action_h action_h_high action_h_low delay_median_h delay_p90_h due_h median_h median_h_high median_h_low
        within_h
    """,
    "days": "listed_median_high_d listed_median_low_d",
    "seconds": "clock_skew_s",
    "milliseconds": "connect_ms head_ms",
    "checks a second": "rate",
    "incidents for 10,000 addresses": "score",
    "named in column unit": "estimate high low",
    "1": "high latent latent_high latent_low low ratio shrunk shrunk_high shrunk_low",
}
EXPECTED = {
    kind: {unit: set(names.split()) for unit, names in units.items()}
    for kind, units in {"integer": INTEGERS, "number": NUMBERS}.items()
}
"""Whoever adds a column says here what it counts."""


def told(text: str) -> dict[str, dict[str, set[str]]]:
    """The names of a codebook's numbers, by type and unit."""
    found: dict[str, dict[str, set[str]]] = {kind: defaultdict(set) for kind in EXPECTED}
    for line in csv.DictReader(text.splitlines()):
        if line["type"] in found:
            found[line["type"]][line["unit"]].add(line["column"])
        else:
            assert line["unit"] == ("UTC, microseconds" if line["type"] == "time" else "")
    return found


def test_every_number_has_its_unit() -> None:
    """Counts are counts, shares are shares, and the ends of an interval have the unit of what lies in it."""
    assert told(codebook({cls.__name__: cls for cls in (*FROZEN_FACTS, *RESULTS)})) == EXPECTED


def test_no_column_of_a_real_package_is_missed(frozen: Path) -> None:
    """What a study freezes has no number that the test above does not know."""
    for kind, units in told((frozen / "data/codebook.csv").read_text(encoding="utf-8")).items():
        assert all(names <= EXPECTED[kind][unit] for unit, names in units.items()), units


def test_a_bound_without_a_name_of_its_own_is_of_the_number_before() -> None:
    """The interval of an answer has the unit that its row names, that of a ratio has none."""
    lines = csv.DictReader(codebook({"answers": Answer, "effects": NoticeEffect}).splitlines())
    units = {(line["file"], line["column"]): line["unit"] for line in lines}
    assert {units["answers", name] for name in ("estimate", "low", "high")} == {"named in column unit"}
    assert {units["effects", name] for name in ("ratio", "low", "high")} == {"1"}
