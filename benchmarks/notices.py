"""How a fixed mark "got a notice" invents an effect, and a notice in time does not: simulated worlds, known effects.

Exit status: 0 the effects in time are near the true ones, 1 one is not.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from waterbed.estimators.survival.hazard import hazard
from waterbed.estimators.survival.pieces import cut

EFFECTS = (0.5, 1.0, 2.0)
URLS, WORLDS, SEED = 4_000, 20, 5
MIDDLE_H, LOOK_H = 30.0, 6.0
"""Mean hours until content goes by itself, and until a notice arrives; hours between looks."""
NEAR = 0.05
_NO_EFFECTS = 1e-4
"""Spread of group effects next to none."""


def ratios(effect: float, rng: np.random.Generator, urls: int = URLS) -> tuple[float, float]:
    """Hazard ratio of a notice in one world where the true one is `effect`: in time, and by a fixed mark.

    Content goes at a constant rate, which is multiplied by `effect` once a notice has arrived. The fixed mark is that
    of whatever got a notice before it was seen to go.
    """
    notice = rng.exponential(MIDDLE_H, urls)
    alone, after = rng.exponential(MIDDLE_H, urls), rng.exponential(MIDDLE_H / effect, urls)
    gone = np.where(alone <= notice, alone, notice + after)
    left = np.floor(gone / LOOK_H) * LOOK_H
    pieces = cut(left, left + LOOK_H, cuts=[], change=notice)
    one, group = np.ones(pieces.length.size), np.zeros(pieces.clock.size)
    fixed = (notice < left)[pieces.clock[pieces.stretch]]
    in_time, marked = (
        float(
            np.exp(
                hazard(
                    pieces.ended,
                    pieces.length,
                    np.stack([one, told], 1),
                    group,
                    stretch=pieces.stretch,
                    sigma=_NO_EFFECTS,
                ).coefficients[1]
            )
        )
        for told in (pieces.after, fixed)
    )
    return in_time, marked


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", type=int, default=WORLDS)
    options.add_argument("--seed", type=int, default=SEED)
    asked = options.parse_args()
    print(
        f"{'true ratio':>10}{'in time':>18}{'fixed mark':>18}   mean (spread) of {asked.worlds} worlds of {URLS:,} URLs"
    )
    missed = False
    for number, effect in enumerate(EFFECTS):
        rng = np.random.default_rng([asked.seed, number])
        found = [ratios(effect, rng) for _ in range(asked.worlds)]
        said = [f"{fmean(own):.3f} ({stdev(own):.3f})" for own in zip(*found, strict=True)]
        print(f"{effect:10.2f}{said[0]:>18}{said[1]:>18}")
        missed |= abs(fmean(own[0] for own in found) / effect - 1.0) > NEAR
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
