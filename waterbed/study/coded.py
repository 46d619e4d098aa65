"""People's codes of doubtful cases, applied to judged looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.judging import doubtful
from waterbed.judging.rules import RuleSet
from waterbed.judging.walk import EPOCH
from waterbed.model.facts import Observation
from waterbed.study.judged import Changed, verdicts_in
from waterbed.study.looks import Looks


def recoded(
    looks: Looks,
    believed: Changed,
    wanted: Mapping[str, str],
    looks_at: Callable[[Sequence[str]], Mapping[str, list[Observation]]],
    rules: RuleSet,
) -> Changed:
    """Apply codes to looks, and to what they change.

    `wanted` are codes by look; `looks_at` reads the looks at some URLs.
    """
    names, coded = pa.array(list(wanted), pa.string()), dict[int, int]()
    for block in looks.blocks():
        urls = np.unique(block.url[np.flatnonzero(pc.is_in(block.id, names))]).tolist()
        seen = looks_at([looks.urls[url] for url in urls]) if urls else {}
        numbers = believed.verdicts(block)
        for url in urls:
            places = block.of_url(url)
            before = verdicts_in(looks, block, numbers, places)
            after = doubtful.recoded(seen[looks.urls[url]], before, wanted, rules)
            for row, verdict in enumerate(after, block.first + places.start):
                bare = replace(verdict, observation_id="", url_id="", observed_at=EPOCH)
                coded[row] = looks.walk.number(bare)
    return believed.and_then(coded)
