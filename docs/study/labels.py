"""Labels of the feed under several suffixes: what can be a hop, and what first sight would call one."""

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from listings import Listings

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from links_phishtank import labels_table, read_dumps, read_phishtank

READINGS = {"sites": "cohort, registries' suffixes", "hosts": "the same, host by host"}
PUBLISHED = {"labels": 53_717, "several": 1_190, "pairs": 2_260, "first_seen": 739}
"""What was published of the same feed: docs/linking.md, What real data say."""


def label_steps(data: Path, listings: Listings) -> dict[str, Any]:
    """Steps of the labels of new entries, six letters and more, by order, and by the first-seen rule."""
    with redirect_stdout(io.StringIO()):
        found = labels_table(list(read_phishtank(data)), read_dumps(data))
    rows = {}
    for name, reading in READINGS.items():
        by_order = {order: found[f"{reading}: {order}"] for order in ("sequential", "parallel", "unknown")}
        steps = sum(by_order.values())
        rows[name] = {
            "steps": steps,
            "first_seen": found[f"{reading}: first seen"],
            **by_order,
            "least": by_order["sequential"],
            "most": steps - by_order["parallel"],
        }
    sites = READINGS["sites"]
    return {
        "labels": found[f"{sites}: labels"],
        "several": found[f"{sites}: several"],
        "addresses": addresses(listings),
        "published": PUBLISHED,
        **rows,
    }


def addresses(listings: Listings) -> int:
    """Distinct hosts of new entries that are addresses: they have no label."""
    new = (one for one, chosen in zip(listings.entries, listings.new, strict=True) if chosen)
    return len({one.host for one in new if one.address})
