"""What a study says about displacement: answers with their numbers, or the reason why there is none."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

Reading = Literal["sequential", "not parallel", "all"]
"""Which arrivals count: those surely after the end, all that are not surely before it, or any (order plays no part)."""

Area = Literal["target", "control", "buffer", "buffer control"]
Side = Literal["home", "abroad", "unknown"]
PlaceboKind = Literal["window", "place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question, and the number that answers it or the reason why there is none."""

    question: Annotated[str, "what is asked"]
    name: Annotated[str, "what the number is: a short name, the same in every file"]
    estimator: Annotated[str, "the function that gives it, in waterbed/estimators"]
    reading: Annotated[Reading, "which arrivals count: sequential, not parallel, or all where order plays no part"]
    n: Annotated[int, "how many things the number rests on"]
    n_of: Annotated[str, "what these are"]
    estimate: Annotated[float | None, "the number; null: refused, or beyond all bounds"] = None
    unit: Annotated[str, "unit of the number"] = ""
    low: Annotated[float | None, "lower end of its interval; null: it has none"] = None
    high: Annotated[float | None, "upper end of its interval; null: it has none"] = None
    p: Annotated[float | None, "probability of as much under the null; null: it has no test"] = None
    smallest_p: Annotated[float | None, "least value that p can take"] = None
    refusal: Annotated[str | None, "why there is no number; null: there is one"] = None
    note: Annotated[str, "what else must be known to read it; empty: nothing"] = ""
    may: Annotated[str, "what may be said with it"] = ""
    may_not: Annotated[str, "what may not be said with it"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One period around the event: counts by area, and the target beside what controls foretell."""

    reading: Annotated[Reading, "which arrivals count"]
    age: Annotated[int, "periods since the event; negative: before it"]
    begins_at: Annotated[datetime, "start of the period"]
    target: Annotated[int | None, "sites counted at the target; null: too few to be told"]
    control: Annotated[int | None, "sites counted at the controls"]
    buffer: Annotated[int | None, "sites counted in the buffer"]
    buffer_control: Annotated[int | None, "sites counted at the buffer's controls"]
    reports: Annotated[int | None, "reports made in the period"]
    observed: Annotated[float | None, "the target's series, log rate; null: outside the window"]
    foretold: Annotated[float | None, "the same as the weighted controls foretell, at the mean level before the event"]
    gap: Annotated[float | None, "observed less foretold"]
    p: Annotated[float | None, "rank of the scaled gap among controls treated as targets; null: before, or refused"]
    smallest_p: Annotated[float | None, "least value that p can take"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRow:
    """One placebo: a date without event, or a control treated as the target."""

    reading: Annotated[Reading, "which arrivals count"]
    kind: Annotated[PlaceboKind, "window: another date; place: another place"]
    label: Annotated[str, "the date, or the place's key"]
    effect: Annotated[float, "size of its mean gap over the spread of its gaps before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRow:
    """Where content that left the target and the controls was seen next, before and after the event."""

    reading: Annotated[Reading, "which arrivals count"]
    key: Annotated[str, "the destination's key, or home, abroad, unknown"]
    name: Annotated[str, "name for people"]
    before: Annotated[int | None, "arrivals from the target there before the event; null: too few to be told"]
    after: Annotated[int | None, "arrivals from the target there after it"]
    control_before: Annotated[int | None, "arrivals from the controls there before the event"]
    control_after: Annotated[int | None, "arrivals from the controls there after it"]
    share_before: Annotated[float | None, "share of the target's arrivals before; null: there was none"]
    share_after: Annotated[float | None, "share of the target's arrivals after"]
    low: Annotated[float | None, "lowest share after at the stated detection; null: none is stated"]
    high: Annotated[float | None, "highest share after at the stated detection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """How much more often content went from one place to another than it goes there anyway."""

    reading: Annotated[Reading, "which arrivals count"]
    from_key: Annotated[str, "the place left"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "the place arrived at"]
    to_name: Annotated[str, "its name for people"]
    moves: Annotated[int, "arrivals from the one at the other"]
    sites: Annotated[int, "site clusters among these"]
    foretold: Annotated[float, "as many as first-ever appearances foretell"]
    lift: Annotated[float | None, "moves / foretold; null: none is foretold"]
    soon: Annotated[int | None, "of the first arrivals, those soon after an end; null: the timing null is refused"]
    soon_foretold: Annotated[float | None, "as many as the timing null foretells"]
    destination_p: Annotated[float | None, "destination null, of all pairs at once (maxT); null: refused"]
    timing_p: Annotated[float | None, "timing null, of all pairs at once (maxT); null: refused"]
    smallest_p: Annotated[float | None, "least value that either can take"]
