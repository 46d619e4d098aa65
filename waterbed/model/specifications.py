"""Row types of the specification curve."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from waterbed.model.results import Estimability

Dimension = Literal[
    "clock",
    "role",
    "dedup",
    "confirmation",
    "moved",
    "unknown",
    "first_down",
    "proxy",
    "merges",
    "assessment",
    "hoster_word",
]
"""A choice that somebody else could have made otherwise."""

Dedup = Literal["url", "host", "site"]
Moved = Literal["competing", "removed", "censored"]
Unknown = Literal["censored", "up", "removed"]
FirstDown = Literal["bounds", "removed", "not removed"]
Proxy = Literal["own class", "excluded", "counted"]
Merges = Literal["on", "off"]
AnyRole = Literal["hoster", "asn", "upstream", "operator", "as_holder", "platform", "country", "registered", "seat"]
"""Levels of each dimension, the reference's first; `confirmation` is spelled as CONFIRMATION has it."""

CONFIRMATION: Final = r"^([1-9][0-9]?) looks?(?: over ([0-9]{1,4}(?:\.[0-9]{1,3})?) h)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """One specification, and the main outcome under it.

    One point of the curve.
    """

    place: Annotated[int | None, "place in the curve, 1 = least estimate; null: it gives no number"]
    spec: Annotated[int, "number of the specification; 0 is the reference"]
    estimate: Annotated[float | None, "the main outcome; the middle of cases that are far apart; null: none"]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    key: Annotated[str, "key of the group that stands for the hoster here"]
    telling: Annotated[Estimability, "told, or why not"]
    clock: Annotated[str, "what takedown clocks run from"]
    role: Annotated[str, "who is held to account: hoster, asn, upstream, ..."]
    dedup: Annotated[str, "what counts once: url, host or site"]
    confirmation: Annotated[str, "what confirms an absence"]
    moved: Annotated[str, "what leaving for another hoster is: competing, removed or censored"]
    unknown: Annotated[str, "what undecided checks are taken for: censored, up or removed"]
    first_down: Annotated[str, "what is taken of URLs down at the first check: bounds, removed or not removed"]
    proxy: Annotated[str, "what becomes of URLs behind a reverse proxy: own class, excluded or counted"]
    merges: Annotated[str, "whether the book's companies hold: on, or off (each AS and registrant for itself)"]
    assessment: Annotated[str, "whether analysts' assessments decide which reports count: decides, or ignored"]
    hoster_word: Annotated[str, "whether the answers of hosters' own link checks tell anything: counts, or ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """One outcome under one specification."""

    spec: Annotated[int, "number of the specification"]
    outcome: Annotated[str, "removed:KEY, home-abroad or displaced"]
    key: Annotated[str, "key of the group that stands for the hoster here; empty: the outcome is of all"]
    estimate: Annotated[float | None, "the number; the middle of cases that are far apart; null: none"]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    telling: Annotated[Estimability, "told, or why not"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConclusionRow:
    """One conclusion of the reference, and its robustness.

    The share of other specifications in which it holds.
    """

    conclusion: Annotated[str, "short name: half:KEY, slowest:KEY, slowest, order:KEY:KEY, home-abroad, displaced"]
    says: Annotated[str, "the conclusion as the reference specification draws it; empty: it draws none"]
    holds: Annotated[float | None, "share of the specifications that tell it in which it holds; null: none tells"]
    surely: Annotated[float | None, "the same, with the 95% interval on that side too; null: it has no interval"]
    told: Annotated[int, "specifications that tell it"]
    untold: Annotated[int, "specifications that do not"]
    flipped_by: Annotated[str, "dimension that flips it most often when changed alone; empty: none does"]
    flips: Annotated[float | None, "how often that one does: share of the pairs that differ in it alone"]
    reference: Annotated[float | None, "its number under the reference specification"]
    least: Annotated[float | None, "its least number"]
    middle: Annotated[float | None, "its median number"]
    most: Annotated[float | None, "its largest number"]
    truth: Annotated[float | None, "its true number, of a lab study; null: unknown"]
    below_truth: Annotated[float | None, "share of the specifications whose number is below the true one"]
    truly: Annotated[bool | None, "whether the conclusion is true; null: unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRow:
    """Flips of one conclusion by one dimension alone."""

    conclusion: Annotated[str, "its short name"]
    dimension: Annotated[Dimension, "the dimension"]
    pairs: Annotated[int, "pairs of specifications that differ in it alone, and both tell"]
    flips: Annotated[int, "pairs of which one says otherwise"]
    share: Annotated[float | None, "flips of pairs; null: no pair"]
    lost: Annotated[int, "pairs of which one tells and the other does not"]
    from_reference: Annotated[tuple[str, ...], "levels that flip it when nothing else is changed in the reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """One level of one dimension, and its use.

    The number of specifications with it, or the reason why there is none.
    """

    dimension: Annotated[Dimension, "the dimension"]
    level: Annotated[str, "the level"]
    reference: Annotated[bool, "whether the reference specification has it"]
    specs: Annotated[int, "specifications with it"]
    middle: Annotated[float | None, "median of the main outcome over these"]
    why_not: Annotated[str, "why it is not in the grid; empty: it is"]
