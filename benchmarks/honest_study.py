"""One drawn study, concluded by an older version and by this one, and both held against the truth."""

import atexit
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.honest_rows import said
from waterbed.lab.score.claims import Said, score
from waterbed.lab.simulate.grammar import numbered_world
from waterbed.lab.simulate.grammar_process import NORM
from waterbed.lab.simulate.grammar_study import draw_study
from waterbed.lab.simulate.grammar_truth import TrueHoster, true_hosters

NEW, OLD = "new", "old"
KEY = ("seed", "world", "number")


class Older:
    """A child process with the tree of another version, that answers study files."""

    def __init__(self, tree: Path) -> None:
        """Start it; ValueError if it is not of that tree."""
        self._folder = TemporaryDirectory(prefix="waterbed-honest-")
        self._child = subprocess.Popen(
            [sys.executable, "-P", Path(__file__).with_name("honest_rows.py")],
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.end)
        loaded = Path(self._line())
        if loaded.resolve() != tree.resolve():
            raise ValueError(f"the older version came from {loaded}, {tree} was expected")

    def end(self) -> None:
        """End the child, and remove its files."""
        if self._child.stdin and not self._child.stdin.closed:
            self._child.stdin.close()
        self._child.wait()
        self._folder.cleanup()

    def said(self, columns: Mapping[str, Any]) -> tuple[list[dict[str, Any]], float]:
        """The rows of a study, and the seconds that they took."""
        path = Path(self._folder.name) / "study.npz"
        np.savez(path, **columns)
        if self._child.stdin is None:
            raise ValueError("the older version has no input")
        self._child.stdin.write(f"{path}\n")
        self._child.stdin.flush()
        found = self._line()
        return found["rows"], found["seconds"]

    def _line(self) -> Any:
        line = self._child.stdout.readline() if self._child.stdout else ""
        if not line:
            raise ValueError(f"the older version ended with status {self._child.wait()}")
        return json.loads(line)


@cache
def older(tree: Path) -> Older:
    """The child of this process for a tree."""
    return Older(tree)


def one_study(which: tuple[int, int, int], tree: Path) -> dict[str, Any]:
    """Draw the study of a number, and score what both versions say."""
    seed, number, study_number = which
    study = draw_study(numbered_world(seed, number), np.random.default_rng([seed, number, 1 + study_number]))
    columns, true = study.columns(), true_hosters(study)
    began = time.process_time()
    rows = said(columns)
    seconds = time.process_time() - began
    old, old_seconds = older(tree).said(columns)
    return {
        **dict(zip(KEY, which, strict=True)),
        NEW: {**scored(rows, true), "seconds": round(seconds, 3)},
        OLD: {**scored(old, true), "seconds": round(old_seconds, 3)},
    }


def scored(rows: Sequence[Mapping[str, Any]], true: Sequence[TrueHoster]) -> dict[str, Any]:
    """Score what one version says of a study."""
    return asdict(score([Said(**row) for row in rows], true, norm=NORM))
