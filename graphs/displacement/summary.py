"""The answer to one event, in one to five sentences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from graphs.displacement.sequence import ERROR
from waterbed.estimators.detection import Bounds
from waterbed.model.results import Answer

Branch = Literal["refused", "no change", "removal only", "displacement", "diffusion", "mixed"]
"""What the sentences come to; `diffusion`: the benefit spread to the buffer."""

EXCESS: Final = "excess reappearance"
STATED: Final = 7
"""Intervals that one answer states at most: four shares removed, what moved, the excess, and the share abroad."""
LEVEL: Final = 1.0 - 0.05 / STATED
"""Level of each, so that all hold together in 95% of studies (Bonferroni)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A share removed within 24 hours, with its interval.

    Without ends `share` is of these reports alone; without a share `why` says why.
    """

    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


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
    why: str = ""
    more_low: float | None = None
    more_high: float | None = None
    corrected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that the sentences say."""

    name: str
    target: tuple[Removed, Removed]
    controls: tuple[Removed, Removed]
    fall: Answer
    """The test that the target fell: of the sequence the first."""
    primary: Answer
    spread: Answer | None
    """The test that the buffer removed more, too."""
    moved: Moved
    abroad: Bounds | None
    stands_out: Answer | None
    """The event among dates without one."""
    bias: Sequence[Answer] = ()
    """The hidden bias that explains the excess, by reading."""
    drift: Answer | None = None
    """The drift that explains the change of appearances."""
    places: Answer | None = None
    """The target among places without an event."""
    interim: datetime | None = None
    """The first read date, if that has not come."""
    stopped: Sequence[str] = ()
    """Sentences that say why nothing is told, such as an open quarantine."""
    events: int = 1
    """Event files that readers know of, this one among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sentences, and what they come to."""

    branch: Branch
    sentences: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What would change the answer, in sentences."""

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences)


def summary(known: Known) -> Summary:
    """Say what happened in one to five sentences.

    Each number stands with its interval, or is said to be of these reports alone; all intervals hold together at 95%. A
    change, a displacement and a spread are said only where their test in the sequence rejects.
    """
    if known.stopped:
        return Summary(branch="refused", sentences=tuple(known.stopped))
    fell, more, spread = _shown(known.fall, 1), _shown(known.primary, 1), _shown(known.spread, 1)
    sentences = [
        _removed(known),
        _change(known, fell),
        _moved(known) if fell else "",
        _more(known, fell=fell, more=more, spread=spread),
        " ".join(filter(None, [_cause(known), _events(known)])),
    ]
    return Summary(
        branch=_branch(known, fell, more, spread),
        sentences=tuple(filter(None, sentences)),
        changes=tuple(_changes(known, shown=fell and more)),
    )


def _changes(known: Known, *, shown: bool) -> Iterator[str]:
    """Say how strong something unmeasured would have to be, to explain what is said."""
    if known.interim:
        return
    biases = [one.estimate for one in known.bias if one.estimate is not None]
    if shown and known.primary.name == EXCESS and biases and len(biases) == len(known.bias):
        odds = math.floor(min(biases) * 10) / 10
        if odds > 1.0:
            yield (
                "Something unmeasured explains that more came up elsewhere only if it made an end "
                f"{odds:.1f} times as likely and made content come up elsewhere, too."
            )
        else:
            yield (
                "Among matched contents of one site each it is not shown that more came up elsewhere: a slight "
                "unmeasured difference would explain it."
            )
    drift, places = known.drift, known.places
    if drift is not None and drift.estimate:
        times = math.floor(drift.estimate * 10) / 10
        yield (
            f"A drift of its own {times:.1f} times as large as its largest earlier change would explain its change of "
            "appearances."
            if times
            else "A drift of its own much smaller than its earlier changes would explain its change of appearances."
        )
    if places is not None and places.p is not None and places.smallest_p is not None:
        every = round(1.0 / places.smallest_p)
        place = _place(round(places.p / places.smallest_p))
        yield (
            f"Of {every} places, each by its size, the target ranks {place} by how much its appearances changed "
            f"(p {_number(places.p)}{', and no less with so few' if places.smallest_p > ERROR else ''})."
        )


def _branch(known: Known, fell: bool, more: bool, spread: bool) -> Branch:
    if known.fall.refusal is not None or (fell and known.primary.refusal is not None) or known.interim:
        return "refused"
    if not fell:
        return "no change"
    if more:
        return "mixed" if spread else "displacement"
    return "diffusion" if spread else "removal only"


def _shown(answer: Answer | None, sign: int) -> bool:
    """True if a test of the sequence rejects, in this direction."""
    if answer is None or answer.adjusted is None or answer.estimate is None:
        return False
    return answer.adjusted <= ERROR and answer.estimate * sign > 0


def _removed(known: Known) -> str:
    before, after = known.target
    if after.share is None and before.share is None:
        return f"How much {known.name} removed within 24 hours cannot be told: {after.why}."
    said = [one for one in (*known.target, *known.controls) if one.share is not None]
    alone = all(one.low is None for one in said)
    text = "Of these reports alone, after" if alone else "After"
    text += f" the event {known.name} removed {_of(after, alone)} within 24 hours of the report"
    text += f", before it {_of(before, alone).removesuffix(' reports')}"
    if all(one.share is not None for one in known.controls):
        first, then = (_share(one, alone) for one in known.controls)
        text += f"; controls, hosters without the event, {then} after it, {first} before"
    return f"{text}."


def _of(one: Removed, alone: bool) -> str:
    if one.share is None:
        return f"an unknown part of {one.n:,} reports" if one.n else f"a part that is not told ({one.why})"
    return f"{_share(one, alone)} of {one.n:,} reports"


def _share(one: Removed, alone: bool) -> str:
    if one.share is None:
        return "unknown"
    if one.low is None or one.high is None:
        return f"{one.share:.0%}" if alone else f"{one.share:.0%} (of these reports alone)"
    return f"{one.share:.0%} ({_span(one.low, one.high)})"


def _change(known: Known, fell: bool) -> str:
    fall = known.fall
    if fall.refusal is not None:
        return f"Whether it removed more than before, beyond what its controls did, cannot be told: {fall.refusal}."
    if known.interim:
        return f"This is interim, without a test: the report is read on {known.interim:%-d %B %Y}."
    if fell:
        return f"So it removed more, beyond what its controls did ({_p(fall)}{_by_chance(fall)})."
    if _shown(fall, -1):
        return f"So it removed less, beyond what its controls did ({_p(fall)}{_by_chance(fall)})."
    return f"It is not shown to have removed more than before, beyond what its controls did ({_p(fall)})."


def _moved(known: Known) -> str:
    moved = known.moved
    if moved.ended is None:
        return "What ended there after the event is of too few sites to tell how much of it moved."
    if not moved.ended:
        return "Nothing that ended there after the event could be followed long enough to see if it moved."
    surely = f"{moved.surely:,}" if moved.surely is not None else "a part that is not told"
    said = f"Of {moved.ended:,} contents taken down there, {surely} surely came up elsewhere "
    said += f"within {_hours(moved.horizon_h)}, some perhaps by chance"
    abroad = _span(known.abroad.low, known.abroad.high) if known.abroad else ""
    if moved.low is None or moved.high is None:
        also = f" Of what moved, {abroad} went abroad." if abroad else ""
        return f"{said}; how many more moved cannot be told: {moved.why}.{also}"
    said += f". If reports find what was declared, {_span(moved.low, moved.high)} moved"
    said += f", {abroad} of that abroad" if abroad else ""
    return f"{said}; which others moved is unknown."


def _more(known: Known, *, fell: bool, more: bool, spread: bool) -> str:
    primary, moved = known.primary, known.moved
    if known.interim:
        return ""
    if not fell:
        return "Without more removals that are shown, no displacement is spoken of."
    if primary.refusal is not None:
        return f"Whether more came up elsewhere than of like content left up cannot be told: {primary.refusal}."
    by = "more of it"
    if moved.more_low is not None and moved.more_high is not None:
        how = "found as declared" if moved.corrected else "as seen"
        by = f"per 100 taken down, {_points(moved.more_low)} to {_points(moved.more_high)} more, {how},"
    also = " Its buffer removed more, too: the benefit spread." if spread else ""
    if more:
        said = f"Content moved: {by} came up elsewhere than of like content left up ({_p(primary)})."
        return f"{said}{also}"
    return (
        "It is not shown that content moved: that more of it came up elsewhere than of like content left up "
        f"({_p(primary)}). Moves that nobody reported are unknown.{also}"
    )


def _cause(known: Known) -> str:
    test = known.stands_out
    if test is None or test.smallest_p is None or test.p is None:
        return ""
    others = round(1.0 / test.smallest_p) - 1
    if test.smallest_p > ERROR:
        return (
            "Whether new content at the target changed with the event cannot be told: 19 other periods are needed, "
            f"there are {others}."
        )
    as_much = round(test.p / test.smallest_p) - 1
    return (
        f"New content at the target changed as much in {as_much or 'none'} of {others} other periods "
        f"(p {_number(test.p)}){': nothing unusual' if test.p > ERROR else ''}."
    )


def _place(n: int) -> str:
    end = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{end}"


def _events(known: Known) -> str:
    if known.events < 2 or known.interim:
        return ""
    number = _WORDS.get(known.events, f"{known.events:,}")
    most = math.floor(ERROR / known.events * 10_000) / 10_000
    return (
        f"This is one of {number} event files on this study: with all of them together, a p above {most:g} shows "
        "nothing."
    )


_WORDS: Final = dict(enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine"), 2))


def _p(answer: Answer) -> str:
    return f"p {_number(answer.adjusted if answer.adjusted is not None else 1.0)}"


def _by_chance(answer: Answer) -> str:
    """The first p of the answer in words."""
    if answer.adjusted is None or answer.adjusted < 0.001:
        return ": by chance less than once in 1,000"
    return f": by chance {math.ceil(answer.adjusted * 1000)} times in 1,000"


def _number(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{math.ceil(p * 1000) / 1000:g}"


def _span(low: float, high: float) -> str:
    """Both ends in whole percent, rounded outwards."""
    one, other = math.floor(low * 100 + 1e-9), math.ceil(high * 100 - 1e-9)
    return f"{one}%" if one == other else f"{one} to {other}%"


def _points(value: float) -> str:
    return str(round(value * 100)).replace("-", "\N{MINUS SIGN}")


def _hours(hours: float) -> str:
    days = hours / 24.0
    return f"{days:g} days" if days >= 3 and days == int(days) else f"{hours:g} hours"
