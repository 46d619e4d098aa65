"""Levels that a study's data have and that change anything."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from waterbed.governance.protocol.file import Protocol, Sensitivity
from waterbed.measures.clocks import running_clocks
from waterbed.measures.keys import attributed_keys
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.conclusions import Attribution, ClockKind
from waterbed.model.specifications import Dimension
from waterbed.questions.sensitivity.design import (
    ASSESSMENT,
    CLOCKS,
    COUNTRIES,
    DEDUP,
    DIMENSIONS,
    FIRST_DOWN,
    HOSTER_WORD,
    MERGES,
    MOVED,
    ORGANISATIONS,
    PROXY,
    UNKNOWN,
    Levels,
    Spec,
    confirmation_level,
    with_reference,
)
from waterbed.questions.sensitivity.outcomes import fronted, units
from waterbed.questions.sensitivity.variants import Variants, same_groups
from waterbed.study.assessment import assessing_sources
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

_MOST_CLOCKS = 3
_LONG_S = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The levels of each dimension, the reference's first.

    Also why other levels are not among them.
    """

    levels: Levels
    why_not: Annotated[dict[tuple[Dimension, str], str], "by dimension and level"]


def reference_of(study: Study) -> Spec:
    """The reference specification.

    The protocol's primary outcome, else what `waterbed rank` prints.
    """
    locked, config = study.protocol, study.config
    protocol: Protocol | None = locked.protocol if locked else None
    judge = config.judge
    return Spec(
        clock=protocol.main.clock if protocol else config.clock,
        role=protocol.main.by if protocol else "hoster",
        dedup=DEDUP[0],
        confirmation=confirmation_level(judge.confirm_looks, judge.confirm_s),
        moved=MOVED[0],
        unknown=UNKNOWN[0],
        first_down=FIRST_DOWN[0],
        proxy=PROXY[0],
        merges=MERGES[0],
        assessment=judge.assessment,
        hoster_word=judge.hoster_word,
    )


def grid_of(study: Study, variants: Variants, reference: Spec, declared: Sensitivity | None) -> Grid:
    """The levels of each dimension that the data have.

    Those that a protocol declares, else all that are defensible by default. Levels that give the same groups, units or
    clocks as another are left out (Simonsohn, Simmons and Nelson 2020: specifications must not be
    redundant).
    """
    levels: dict[Dimension, tuple[str, ...]] = {}
    for dimension in DIMENSIONS:
        own = reference.level(dimension)
        named: Sequence[str] = getattr(declared, dimension) if declared else ()
        levels[dimension] = with_reference(dimension, named, own) if named else _by_default(dimension, own)
    why_not: dict[tuple[Dimension, str], str] = {}
    for dimension, level, why in _lacking(study, variants, reference, levels):
        why_not[dimension, level] = why
    kept = {d: tuple(level for level in levels[d] if (d, level) not in why_not) for d in DIMENSIONS}
    if not (declared and declared.clock):
        for level in kept["clock"][_MOST_CLOCKS:]:
            why_not["clock", level] = f"{_MOST_CLOCKS} clocks are enough; name it in study.toml to have it"
        kept["clock"] = kept["clock"][:_MOST_CLOCKS]
    return Grid(levels=kept, why_not=why_not)


def _by_default(dimension: Dimension, own: str) -> tuple[str, ...]:
    longer = confirmation_level(3, _LONG_S)
    families = [family for family in (ORGANISATIONS, COUNTRIES) if own in family]
    levels: dict[Dimension, Sequence[str]] = {
        "clock": CLOCKS,
        "role": families[0] if families else (own,),
        "dedup": DEDUP,
        "confirmation": ("1 look", confirmation_level(3, 7200.0), longer),
        "moved": MOVED,
        "unknown": UNKNOWN,
        "first_down": FIRST_DOWN,
        "proxy": PROXY,
        "merges": MERGES,
        "assessment": ASSESSMENT,
        "hoster_word": HOSTER_WORD,
    }
    return tuple(dict.fromkeys((own, *levels[dimension])))


def _lacking(study: Study, variants: Variants, reference: Spec, levels: Levels) -> Iterator[tuple[Dimension, str, str]]:
    """The levels that change nothing, each with the reason.

    The data lack such a level, or it gives the same as one before it.
    """
    conclusions = variants.base
    for level in levels["clock"][1:]:
        kind = cast(ClockKind, level)
        if not any(
            map(running_clocks, RankingTables(conclusions=conclusions, kind="hoster", clock=kind).clocks.values())
        ):
            yield "clock", level, "nothing starts such a clock"
    yield from _roles(conclusions, levels["role"])
    unit = units(RankingTables(conclusions=conclusions, kind=reference.role))
    counts = {"url": len(conclusions.facts.targets), **{name: len(set(of.values())) for name, of in unit.items()}}
    named = {"url": "URL", "host": "host", "site": "site"}
    before = levels["dedup"][0]
    for level in levels["dedup"][1:]:
        if counts[level] == counts[before]:
            yield "dedup", level, f"each {named[level]} has one {named[before]}"
        else:
            before = level
    if not fronted(conclusions):
        for level in levels["proxy"][1:]:
            yield "proxy", level, "no check met a reverse proxy"
    if "off" in levels["merges"] and (why := _merging(variants, reference)):
        yield "merges", "off", why
    yield from _untold(conclusions, levels)


def _untold(conclusions: Conclusions, levels: Levels) -> Iterator[tuple[Dimension, str, str]]:
    """The levels about looks and reports that the data do not have."""
    lacking: Mapping[Dimension, tuple[bool, str]] = {
        "assessment": (not assessing_sources(conclusions.all_facts.reports), "no report was assessed"),
        "hoster_word": (not conclusions.looks.walk.link_checked, "no check asked a link check"),
        "unknown": (
            all(run.state != "unknown" for runs in conclusions.runs.values() for run in runs),
            "every check could be decided",
        ),
        "first_down": (
            all(one.seen or one.first_down is None for one in conclusions.episodes),
            "no URL was down at its first check",
        ),
    }
    for dimension, (lacks, why) in lacking.items():
        if lacks:
            yield from ((dimension, level, why) for level in levels[dimension][1:])


def _roles(conclusions: Conclusions, roles: Sequence[str]) -> Iterator[tuple[Dimension, str, str]]:
    kept, answers = [roles[0]], [one for _, one, _ in conclusions.judged.beside(conclusions.judged)]
    for level in roles[1:]:
        keys = _keys(answers, level)
        if not any(keys):
            yield "role", level, "no data tell it"
            continue
        same = next((other for other in kept if _same(_keys(answers, other), keys)), None)
        if same:
            yield "role", level, f"the same groups as {same}"
        else:
            kept.append(level)


def _merging(variants: Variants, reference: Spec) -> str:
    """The reason why the book's merges change nothing.

    Empty if they change something.
    """
    pairs = variants.base.judged.beside(variants.unmerged.judged)
    ones = _keys([one for _, one, _ in pairs], reference.role)
    other = _keys([other for _, _, other in pairs], reference.role)
    return f"the same groups: no {reference.role} has more than one AS or registrant" if _same(ones, other) else ""


def _same(ones: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]) -> bool:
    pairs: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for one, other in zip(ones, others, strict=True):
        pairs[one].add(other)
    return same_groups(pairs)


def _keys(answers: Sequence[Attribution | None], role: str) -> list[tuple[str, ...]]:
    kind = role
    return [attributed_keys(answer, kind) if answer else () for answer in answers]
