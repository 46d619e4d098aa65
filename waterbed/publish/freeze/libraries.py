"""Measures the memory that numerical libraries hold, at work."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats

from waterbed.store.bounded.memory import data_bytes
from waterbed.store.engine import opened

_SIDE: Final = 256
"""Rows of a matrix in whose product all threads take part."""
_NUMBERS: Final = 1_000_000
"""Numbers in whose sum all threads take part."""


def held_with_libraries() -> int:
    """The bytes of data that this process has, libraries included.

    Each has done some work by then. Else a limit would count their buffers as what is taken in, at random, as threads
    come and go; and OpenBLAS, refused a buffer, ends the process or asks for ever. The threads of the SQL engine count
    as well, which are there while it is open.
    """
    square = np.eye(_SIDE)
    for library in (np.linalg, scipy.linalg):
        library.solve(square @ square, square)
    with opened([], folder=Path(tempfile.gettempdir())) as engine:
        engine.execute(f"SELECT sum(i) FROM range({_NUMBERS}) AS numbers(i)").fetchall()  # noqa: S608 (a number of ours)
        return data_bytes()
