"""Words of messages."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

_MOST_SPANS: Final = 10


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun, in singular or plural."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def numbered(noun: str, numbers: Iterable[int]) -> str:
    """A noun and its numbers, in rising order, as spans."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    spans = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    left = sum(map(len, runs[_MOST_SPANS:]))
    more = f" and {left:,} more" if left else ""
    return f"{noun}{'' if len(runs) == len(runs[0]) == 1 else 's'} {', '.join(spans[:_MOST_SPANS])}{more}"
