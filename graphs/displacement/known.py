"""All that the sentences of an answer say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waterbed.estimators.detection import Bounds
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.event import Outcome
from waterbed.model.message import Message, Refusal

IN_WORDS: Final = {"appearances": "new content", "arrivals": "arrivals", "takedowns": "ends of content"}
"""What is counted in each period."""
STATED: Final = 8
"""Intervals that one answer states at most: five shares removed, what moved, the excess, and the share abroad."""
LEVEL: Final = 1.0 - 0.05 / STATED
"""Level of each, so that all hold together in 95% of studies (Bonferroni)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A share removed within 24 hours, with its interval.

    Without ends `share` is of these reports alone; without a share `why` says why. With `open` its worst and best case
    are too far apart for one number: its ends are told alone.
    """

    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    why: Refusal | None = None
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Content that was elsewhere within the horizon after its end.

    A count is None where it is of too few sites to be told.
    `low` and `high` bound its share at the declared detection; None: none is declared, or `why` they are refused.
    `more_low` and `more_high` are those of the excess over like content, `corrected` for detection or as seen.
    """

    ended: int | None
    surely: int | None
    horizon_h: float
    low: float | None = None
    high: float | None = None
    why: Refusal | None = None
    more_low: float | None = None
    more_high: float | None = None
    corrected: bool = False
    own: tuple[float, float] | None = None
    """Shares that reappeared elsewhere: after they went offline, and of the target's own of that age before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that the sentences say."""

    name: str
    target: tuple[Removed, Removed]
    controls: tuple[Removed, Removed]
    fall: TypedAnswer
    """The test that the target fell: of the sequence the first."""
    beyond: TypedAnswer | None
    """The test that it did by more than its controls; None: the first one tells."""
    earlier: TypedAnswer | None
    """The test that it did by more than between earlier stretches; None: the first one tells."""
    primary: TypedAnswer
    spread: TypedAnswer | None
    """The test that the buffer removed more, too."""
    same_mix: Removed | None = None
    """What the target removed after at the mix before, where that is not as good as the same."""
    stretch: timedelta = timedelta()
    """The length of each stretch before the event, between which changes were looked for."""
    stretches: int = 0
    largest: float | None = None
    """The largest change between them."""
    moved: Moved
    abroad: Bounds | None
    stands_out: TypedAnswer | None
    """The event among dates without one."""
    outcome: Outcome = "appearances"
    """What is counted at the target in each period."""
    bias: Sequence[TypedAnswer] = ()
    """The hidden bias that explains the excess, by reading."""
    drift: TypedAnswer | None = None
    """The drift that explains the change of appearances."""
    places: TypedAnswer | None = None
    """The target among places without an event."""
    interim: datetime | None = None
    """The first read date, if that has not come."""
    stopped: Sequence[Message] = ()
    """Sentences that say why nothing is told, such as an open quarantine."""
    events: int = 1
    """Event files that readers know of, this one among them."""
