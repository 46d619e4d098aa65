"""One item to code, as coders get it.

An id and evidence, without anybody's opinion.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from waterbed.attribution.hosters import review
from waterbed.judging import doubtful as coded
from waterbed.model.decisions import UNSURE
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown

HOSTERS, ROLES, OUTCOMES = review.QUEUE, "roles", coded.QUEUE
CODES: Final[Mapping[str, tuple[str, ...]]] = {
    HOSTERS: review.CODES,
    ROLES: ("hoster", "operator", "proxy", "platform", "upstream", UNSURE),
    OUTCOMES: coded.CODES,
}
"""The codes of each queue."""
SEE: Final = "docs/coding.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to code.

    `stratum` and `said` are what the rules make of it, which coders are not shown; `doubtful` is false for a check.
    """

    queue: str
    item_id: str
    evidence: Mapping[str, str]
    stratum: str = ""
    said: str | None = None
    doubtful: bool = True
    proposer: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that this item can have.

        Where no server answered, the codes about an answer are left out.
        """
        silent = self.queue == OUTCOMES and not self.evidence["status"]
        return tuple(code for code in CODES[self.queue] if not (silent and code in coded.ANSWERED))


def known_queue(name: str) -> str:
    """The name of a queue; InputError if it is unknown."""
    if name not in CODES:
        raise InputError(f"{shown(name)} is not a queue; the queues are {', '.join(CODES)} ({SEE})")
    return name


_WAITING: Final = 1000
"""Items of a stratum that wait for being sorted."""


def sampled(strata: Iterable[tuple[str, str]], *, each: int, seed: int) -> set[str]:
    """Draw up to `each` items of each stratum at random.

    Each item comes as its stratum and its id. The draw hangs on the seed and the ids alone, so an item stays drawn
    until another of its stratum comes before it.
    """
    by_stratum: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for stratum, item_id in strata:
        mine = by_stratum[stratum]
        mine.append((shuffled(str(seed), item_id), item_id))
        if len(mine) > 2 * each + _WAITING:
            mine.sort()
            del mine[each:]
    return {item_id for mine in by_stratum.values() for _, item_id in sorted(mine)[:each]}


def shuffled(seed: str, item_id: str) -> str:
    """A sort key that depends on seed and id alone."""
    return hashlib.sha256(f"{seed}\0{item_id}".encode()).hexdigest()
