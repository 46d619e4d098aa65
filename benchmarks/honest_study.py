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
from tempfile import NamedTemporaryFile
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
    """A child process with the tree of another version, that answers lines of text by JSON."""

    def __init__(self, tree: Path, program: str) -> None:
        """Start a program of this folder; ValueError if it is not of that tree."""
        self._child = subprocess.Popen(
            [sys.executable, "-P", Path(__file__).with_name(program)],
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
        """End the child."""
        if self._child.stdin and not self._child.stdin.closed:
            self._child.stdin.close()
        self._child.wait()

    def answer(self, text: Path) -> Any:
        """Its answer to the name of a file or folder."""
        if self._child.stdin is None:
            raise ValueError("the older version has no input")
        self._child.stdin.write(f"{text}\n")
        self._child.stdin.flush()
        return self._line()

    def _line(self) -> Any:
        line = self._child.stdout.readline() if self._child.stdout else ""
        if not line:
            raise ValueError(f"the older version ended with status {self._child.wait()}")
        return json.loads(line)


@cache
def older(tree: Path, program: str) -> Older:
    """The child of this process for a tree and a program."""
    return Older(tree, program)


def one_study(which: tuple[int, int, int], tree: Path) -> dict[str, Any]:
    """Draw the study of a number, and score what both versions say."""
    seed, number, study_number = which
    study = draw_study(numbered_world(seed, number), np.random.default_rng([seed, number, 1 + study_number]))
    true = true_hosters(study)
    at_once = [float("nan") if one.shown else one.together for one in true]
    columns = {**study.columns(), "together": np.array(at_once)}
    began = time.process_time()
    rows = said(columns)
    seconds = time.process_time() - began
    with NamedTemporaryFile(prefix="waterbed-honest-", suffix=".npz") as file:
        np.savez(file, **columns)
        file.flush()
        old = older(tree, "honest_rows.py").answer(Path(file.name))
    return {
        **dict(zip(KEY, which, strict=True)),
        NEW: {**scored(rows, true), "seconds": round(seconds, 3)},
        OLD: {**scored(old["said"], true), "seconds": old["seconds"]},
    }


def scored(rows: Sequence[Mapping[str, Any]], true: Sequence[TrueHoster]) -> dict[str, Any]:
    """Score what one version says of a study."""
    return asdict(score([Said(**row) for row in rows], true, norm=NORM))
