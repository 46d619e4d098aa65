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

from graphs.linking.alike_names import MODELS, NameModel, compared
from waterbed.model.urls import registrable_domain

Floats = npt.NDArray[np.float64]
LEAST = 0.6
ROUNDS = 10


def candidates(names: Names) -> tuple[list[Pair], Floats]:
    """Pairs of domains that are compared, with constant, likeness, and length; those of one label are wholly alike."""
    label = {one: registrable_domain(host).partition(".")[0] for one, host in names.host.items()}
    of: dict[str, list[str]] = {}
    for one, text in sorted(label.items()):
        of.setdefault(text, []).append(one)
    pairs, rows = [], []
    for found in compared({text: text for text in of}):
        for a in of[found.pair.a]:
            for b in of[found.pair.b]:
                pairs.append(pair(a, b))
                rows.append((1.0, found.likeness, min(found.letters, 12) / 12))
    for text, ids in of.items():
        letters = sum(c.isalpha() for c in text)
        for a, b in combinations(ids, 2) if letters >= 4 else ():
            pairs.append(pair(a, b))
            rows.append((1.0, 1.0, min(letters, 12) / 12))
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
    return NameModel(constant=float(w[0]), likeness=float(w[1]), length=float(w[2]))


def linked(names: Names, model: NameModel) -> set[Pair]:
    """Pairs of probability LEAST or more."""
    pairs, x = candidates(names)
    logit = x @ np.array([model.constant, model.likeness, model.length])
    return {one for one, it in zip(pairs, logit.tolist(), strict=True) if 1.0 / (1.0 + np.exp(-it)) >= LEAST}


def told(title: str, rows: list[tuple[str, str]], model: NameModel) -> tuple[float, float]:
    """Print the weights learned on all, and the medians of ROUNDS halves learned on the other; returns these."""
    parts: list[Names] = []
    for seed in range(ROUNDS):
        parts += halves(rows, random.Random(seed))
    shares = []
    for at in range(0, len(parts), 2):
        (precision, _), (recall, _) = precision_recall(linked(parts[at + 1], learned(parts[at])), parts[at + 1])
        shares.append((precision, recall))
    every = learned(_joined(parts[0], parts[1]))
    print(f"{title}: constant {every.constant:.2f}, likeness {every.likeness:.2f}, length {every.length:.2f}")
    print(f"  in use: {model}")
    found = np.array([one for one in shares if not np.isnan(one).any()]).reshape(-1, 2)
    if not len(found):
        print(f"  other halves: no pair of probability {LEAST} or more in any of {ROUNDS}")
        return 0.0, 0.0
    median, least = np.median(found, axis=0), found.min(axis=0)
    told_least = f"least {least[0]:.3f}, {least[1]:.3f}"
    print(f"  other halves: median precision {median[0]:.3f}, recall {median[1]:.3f}; {told_least}")
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
