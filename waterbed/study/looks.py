"""All looks of a study, in blocks of URLs."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from waterbed.graphs.linking.evidence import Sign
from waterbed.graphs.linking.signs import Span
from waterbed.judging.columns import Array, Coder
from waterbed.judging.walk import Walk
from waterbed.store.spool import Spool
from waterbed.study.link_signs import LookSigns

IN_BLOCK: Final = 500_000
"""Looks in one block, about."""


@dataclass(slots=True, kw_only=True)
class Block:
    """The looks at some consecutive URLs, judged one by one.

    Sorted by URL and time. `first` is the number of the first of them among all looks; `verdicts` are numbers of the
    walk's verdicts, combined over vantage points.
    """

    number: int
    first: int
    url: Array
    at: Array
    vantage: Array
    address: Array
    addresses: Array
    tags: Array
    verdicts: Array
    id: pa.Array

    def __len__(self) -> int:
        """The number of looks."""
        return len(self.url)

    def of_url(self, url: int) -> slice:
        """The places of a URL's looks."""
        return slice(*np.searchsorted(self.url, [url, url + 1]).tolist())


@dataclass(kw_only=True)
class Looks:
    """All looks that count, in blocks.

    `urls` are the ids of all URLs, in order; the columns give places in it.
    """

    urls: Sequence[str]
    sites: Array
    """The site of each URL, as a number."""
    coder: Coder
    walk: Walk
    folder: Path
    """Where what does not fit into memory can lie."""
    kept: Spool
    """The columns of each block."""
    lengths: Sequence[int]
    """The looks in each block."""
    span: tuple[int, int] | None
    """The times of the first and the last look."""
    link_signs: LookSigns
    usable: pa.Table
    """Where the class of a host's usable controls changes: `host_id`, `since` (microseconds), `class`."""
    neighbours_asked: bool
    """Whether any verdict rests on what is served beside the URL, as it is now."""
    firsts: Sequence[int] = field(init=False)
    """The number of each block's first look."""

    def __post_init__(self) -> None:
        """Count the looks before each block."""
        self.firsts = np.concatenate(([0], np.cumsum(self.lengths))).tolist()

    def __len__(self) -> int:
        """The number of looks."""
        return self.firsts[-1]

    def block(self, number: int) -> Block:
        """One block."""
        columns: dict[str, Any] = self.kept.get(number)
        return Block(number=number, first=self.firsts[number], **columns)

    def blocks(self) -> Iterator[Block]:
        """All blocks with looks, in the order of their URLs."""
        return map(self.block, self.kept.numbers())

    def block_of(self, url: int) -> int:
        """The number of a URL's block."""
        return int(self.blocks_of(url))

    def blocks_of(self, urls: Any) -> Any:
        """The same for many URLs at once."""
        return block_of_url(urls, len(self.urls), len(self.lengths))

    def signs(self, *, alone: bool = False) -> list[Sign]:
        """The signs that link URLs.

        Of plain ones only those that several URLs share, unless `alone`. Redirects count where they lead to a URL or a
        site that the study knows. The page of a look tells nothing if any path gets this answer, or if it holds no
        content.
        """
        return self.link_signs.signs(self.coder.name_servers, alone=alone)

    def answered(self) -> Mapping[str, Span]:
        """The first and last time that each URL answered."""
        return self.link_signs.answered()

    def place_of(self, url_id: str) -> int | None:
        """The place of a URL; None if unknown."""
        place = bisect_left(self.urls, url_id)
        return place if place < len(self.urls) and self.urls[place] == url_id else None


def block_of_url(url: Any, urls: int, blocks: int) -> Any:
    """The block of a URL, or of many."""
    return url * blocks // max(1, urls)
