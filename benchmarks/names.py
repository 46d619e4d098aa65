"""Names that tell: weights learned on moves of sites and on kits, and how well they link what they have not seen."""

import argparse
import random
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from links import Names, Pair, halves, pair, precision_recall, read_kits, read_moves

from waterbed.graphs.linking.alike_names import MODELS, Compared, NameModel, compared
from waterbed.graphs.linking.near_labels import NearLabels
from waterbed.model.urls import registrable_domain

Floats = npt.NDArray[np.float64]
LEAST = 0.5
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75)
ROUNDS = 40


def candidates(names: Names) -> tuple[list[Pair], Floats]:
    """Pairs of domains that are compared, with their traits; those of one label are wholly alike."""
    label = {one: registrable_domain(host).partition(".")[0] for one, host in names.host.items()}
    of: dict[str, list[str]] = {}
    for one, text in sorted(label.items()):
        of.setdefault(text, []).append(one)
    pairs, rows = [], []
    for found in compared({text: text for text in of}):
        for a in of[found.pair.a]:
            for b in of[found.pair.b]:
                pairs.append(pair(a, b))
                rows.append(found.traits)
    for text, ids in of.items():
        letters = sum(c.isalpha() for c in text)
        same = Compared(NearLabels(text, text, "letters"), 1.0, letters, 1.0)
        for a, b in combinations(ids, 2) if letters >= 4 else ():
            pairs.append(pair(a, b))
            rows.append(same.traits)
    return pairs, np.array(rows)


def learned(names: Names) -> NameModel:
    """Logistic regression by Newton's steps, with a slight pull to zero."""
    pairs, x = candidates(names)
    y = np.array([one in names.true for one in pairs], float)
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-x @ w))
        pull = 1e-2 * np.eye(len(w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + pull, x.T @ (p - y) + pull @ w)
    return NameModel(*w.tolist())


def linked(names: Names, model: NameModel) -> set[Pair]:
    """Pairs of probability LEAST or more."""
    pairs, x = candidates(names)
    logit = x @ np.array([model.constant, model.likeness, model.length, model.begin])
    return {one for one, it in zip(pairs, logit.tolist(), strict=True) if 1.0 / (1.0 + np.exp(-it)) >= LEAST}


def told(title: str, rows: list[tuple[str, str]], model: NameModel) -> tuple[float, float]:
    """Print the weights learned on all, and quantiles over ROUNDS pairs of halves; returns the medians.

    Each half is linked by weights learned on the other.
    """
    parts: list[Names] = []
    for seed in range(ROUNDS):
        parts += halves(rows, random.Random(seed))
    shares = []
    for at, part in enumerate(parts):
        (precision, _), (recall, _) = precision_recall(linked(part, learned(parts[at ^ 1])), part)
        shares.append((precision, recall))
    every = learned(_joined(parts[0], parts[1]))
    print(f"{title}: {every}")
    print(f"  in use: {model}")
    found = np.array([one for one in shares if not np.isnan(one).any()]).reshape(-1, 2)
    if len(found) < ROUNDS:
        print(f"  other halves: no pair of probability {LEAST} or more in {len(parts) - len(found)} of {len(parts)}")
        return 0.0, 0.0
    for name, column in zip(("precision", "recall"), found.T, strict=True):
        at = " ".join(f"{one:.3f}" for one in np.quantile(column, QUANTILES))
        print(f"  other halves, {name} at {', '.join(f'{one:.0%}' for one in QUANTILES)}: {at}")
    both = ((found[:, 0] >= 0.9) & (found[:, 1] >= 0.6)).mean()
    print(f"  other halves with 0.9 and 0.6: {both:.0%}")
    median = np.median(found, axis=0)
    return float(median[0]), float(median[1])


def _joined(one: Names, other: Names) -> Names:
    both: Mapping[str, str] = {**one.group, **other.group}
    return Names({**one.host, **other.host}, one.true | other.true, both)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True, help="folder of the real data")
    folder = words.parse_args().data
    precision, recall = told("brands", read_moves(folder / "site-moves-2024-2026.csv"), MODELS["brands"])
    told("kits", read_kits(folder / "phishing-kits-2017-2022.csv.gz"), MODELS["kits"])
    return 0 if precision >= 0.9 and recall >= 0.6 else 1


if __name__ == "__main__":
    sys.exit(main())
