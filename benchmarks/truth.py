"""Runs the lab's hard scenarios and checks what they must show: no touched content, no false removal, soft 404s.

Usage: python benchmarks/truth.py. Bounded; loopback only; exit 1 if anything is missed. Some ten minutes.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from waterbed.lab.run import LabRun, run_lab, run_scenario, run_world
from waterbed.lab.servers.pages import marked_files
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys

PLAIN_MOST, TLS_MOST = 2_048, 16_384
"""Most bytes past a response head: without TLS, and one TLS record."""

SURE = 0.98
"""Least precision and recall of looks called down, among decided looks."""

RIGHT = 0.99
"""Least share of looks whose hoster set is right on their own day."""

POINTS = 0.5
"""Most that removal shares of a disturbed and an undisturbed run may differ, percentage points."""


def main() -> int:
    """Run each, print its figures, count what was missed."""
    missed = 0
    os.environ[KEYS_ENVIRONMENT] = Keys.new().to_toml()  # never on disk
    with tempfile.TemporaryDirectory(prefix="waterbed-truth-") as name:
        for check in (bytes_of, soft_gone, outage, who_answers):
            for said, good in check(Path(name)):
                missed += not good
                print(f"{'ok    ' if good else 'MISSED'}  {said}", flush=True)
    return 1 if missed else 0


def bytes_of(folder: Path) -> Iterator[tuple[str, bool]]:
    """Bytes past the head in every profile, as the lab's servers saw them, and bodies found in files."""
    for profile in ("strict", "headers", "text"):
        out = folder / f"hostile-{profile}"
        done = run_scenario("hostile", out, profile=profile)
        plain, tls = _most(done, profile)
        kept = marked_files(out, done.marker)
        asked = ", ".join(f"{n:,} {method}" for method, n in sorted(done.counts.requests.items()))
        yield (
            f"hostile, {profile}: {done.looks:,} looks, {asked}; most bytes past a head {plain:,} plain, {tls:,} TLS; "
            f"bodies found in {len(kept)} files",
            plain <= PLAIN_MOST and tls <= TLS_MOST and not kept,
        )
        for kind, counts in done.counts.by_class.items():
            print(
                f"          {kind}: {counts.requests_plain:,} plain (most {counts.plain_most:,}), "
                f"{counts.requests_tls:,} TLS (most {counts.tls_most:,})"
            )


def _most(done: LabRun, profile: str) -> tuple[int, int]:
    """Pages are read on purpose in the profile text, and only there."""
    return (
        done.counts.beside_pages if profile == "text" else (done.counts.excess_plain_most, done.counts.excess_tls_most)
    )


def soft_gone(folder: Path) -> Iterator[tuple[str, bool]]:
    """Looks called down against the truth, with control looks and without."""
    found = run_lab("soft404", folder / "soft404")
    for said, run in (("controls on", found.first), ("controls off", found.control_run)):
        if run is None:
            continue
        for group, score in run.look_scores.items():
            precision, recall = score.precision or 0.0, score.recall or 0.0
            indistinct = score.undecided_as.get("indistinct", 0) / score.looks
            must = said == "controls on" and group == "not strict"
            yield (
                f"soft404, {said}, {group}: {score.decided:,} of {score.looks:,} looks decided, "
                f"precision {precision:.1%}, recall {recall:.1%}, indistinct {indistinct:.1%}",
                not must or min(precision, recall) >= SURE,
            )


def outage(folder: Path) -> Iterator[tuple[str, bool]]:
    """A disturbed run against the undisturbed one of the same truth."""
    comparison = run_lab("outage", folder / "outage").comparison
    if comparison is None or comparison.mean_off is None or comparison.most_off is None:
        yield "outage: nothing to compare", False
        return
    mean, most = 100 * comparison.mean_off, 100 * comparison.most_off
    yield (
        f"outage: {comparison.false_removals} false removals of {comparison.ends} measured ends; "
        f"removal shares differ by {mean:.2f} points on average, {most:.2f} at most",
        comparison.false_removals == 0 and most < POINTS,
    )


def who_answers(folder: Path) -> Iterator[tuple[str, bool]]:
    """Hoster sets of looks on their own day, and changes that move no site, at seeds drawn now."""
    for seed in (None, *(secrets.randbelow(1_000_000) for _ in range(2))):
        world = read_world(scenario_path("attribution"))
        world = world if seed is None else msgspec.structs.replace(world, seed=seed)
        found = run_world(world, folder / f"attribution-{world.seed}").attribution_score
        false = sum(found.false_hops.values())
        kinds = ", ".join(f"{kind} {right:,}/{looks:,}" for kind, (looks, right) in found.by_kind.items())
        share = found.share or 0.0
        yield (
            f"attribution, seed {world.seed}: hoster set right for {share:.2%} of {found.looks:,} looks ({kinds}); "
            f"handed over {found.as_lineage} of {found.handed_over} as lineage, {found.as_hop} as a hop; "
            f"fronted {found.as_masked} of {found.fronted} as masked; {false} hops of sites that never moved",
            share >= RIGHT and not found.as_hop and not false and found.as_lineage == found.handed_over,
        )


if __name__ == "__main__":
    sys.exit(main())
