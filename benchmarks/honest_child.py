"""The protocol of a child process that concludes with the tree of another version: a name in, a line of JSON out."""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import waterbed


def answer_lines(said: Callable[[Path], Any]) -> None:
    """Name the tree of this version, then answer each line with what is said and the seconds that it took.

    Whatever else is printed goes to the standard error.
    """
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        print(json.dumps(str(Path(waterbed.__file__).parents[1])), file=answers, flush=True)
        for line in sys.stdin:
            began = time.process_time()
            gc.collect()  # of what an answer makes nothing is garbage before its end
            gc.disable()
            found = said(Path(line.strip()))
            gc.enable()
            seconds = round(time.process_time() - began, 3)
            print(json.dumps({"said": found, "seconds": seconds}), file=answers, flush=True)
