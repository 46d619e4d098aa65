"""Runs every specification of a study and keeps its outcomes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from waterbed.governance.protocol.file import Sensitivity
from waterbed.measures.keys import attributed_keys
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.questions.sensitivity.design import Spec, chosen_specs, size
from waterbed.questions.sensitivity.grid import Grid, grid_of, reference_of
from waterbed.questions.sensitivity.outcomes import Grouped, Value, difference
from waterbed.questions.sensitivity.variants import Variants, facts_key
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

HOME_ABROAD, DISPLACED = "home-abroad", "displaced"
MOST = 256
"""Specifications that are run at most, unless asked for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The outcomes of one specification."""

    spec: Spec
    values: Annotated[Mapping[str, Value], "by outcome: removed:KEY of the reference, home-abroad, displaced"]
    keys: Annotated[Mapping[str, str], "key of the group that stands for each of the reference's keys here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """All specifications, the reference first, and their grid."""

    grid: Grid
    whole: Annotated[int, "specifications of the whole grid"]
    outcomes: Sequence[Outcomes]
    ranked: Annotated[Sequence[str], "keys that the reference gives a share, by volume"]
    names: Mapping[str, str]

    @property
    def reference(self) -> Outcomes:
        """The outcomes of the reference."""
        return self.outcomes[0]

    @property
    def fraction(self) -> bool:
        """True if only a part of the grid was run."""
        return len(self.outcomes) < self.whole


def removed(key: str) -> str:
    """Name of the outcome: share removed by a hoster."""
    return f"removed:{key}"


def curve_of(study: Study, *, most: int = MOST, conclusions: Conclusions | None = None) -> Curve:
    """Draw a study's conclusions under every specification.

    At most `most` of them. InputError where the reference gives no share to compare.
    """
    base, reference = conclusions or study.conclude(), reference_of(study)
    tables = RankingTables(conclusions=base, kind=reference.role)
    variants = Variants(study, base, reference)
    first = Grouped(study, base, reference)
    ranked = [key for key in first.keys if first.removed(key, reference).estimable]
    if not ranked:
        raise InputError(
            f"no {reference.role} has a share removed within 24 hours yet, so no choice can change one; see "
            "waterbed rank, and docs/method.md, Ranking and classes"
        )
    ranked.sort(key=[row.key for row in tables.rows].index)
    grid = grid_of(study, variants, reference, _declared(study))
    specs = chosen_specs(grid.levels, most)
    keys = [key for key in first.keys if key != UNKNOWN]
    outcomes = _run(study, variants, specs, keys)
    names = {key: tables.names.get(key, key) for key in keys}
    return Curve(grid=grid, whole=size(grid.levels), outcomes=outcomes, ranked=ranked, names=names)


def _declared(study: Study) -> Sensitivity | None:
    return study.protocol.protocol.sensitivity if study.protocol else None


def _run(study: Study, variants: Variants, specs: Sequence[Spec], keys: Sequence[str]) -> list[Outcomes]:
    """The outcomes of each specification, in their order.

    Those that share costly steps run together.
    """
    shared = [(facts_key(spec), (spec.role, spec.clock, spec.proxy)) for spec in specs]
    found: dict[int, Outcomes] = {}
    grouped: Grouped | None = None
    before: object = None
    for number in staged("specifications", sorted(range(len(specs)), key=shared.__getitem__)):
        spec = specs[number]
        if grouped is None or shared[number] != before:
            grouped, before = Grouped(study, variants.of(spec), spec, variants.base), shared[number]
            stands = counterparts(variants.base, grouped.conclusions, specs[0].role, spec.role, keys)
        found[number] = Outcomes(spec=spec, values=_values(grouped, spec, stands), keys=stands)
    return [found[number] for number in range(len(specs))]


def _values(grouped: Grouped, spec: Spec, stands: Mapping[str, str]) -> dict[str, Value]:
    shares = {key: grouped.removed(key, spec) for key in set(stands.values())}
    values = {removed(key): shares[other] for key, other in stands.items()}
    values[HOME_ABROAD] = difference(grouped.at("home", spec), grouped.at("abroad", spec))
    values[DISPLACED] = grouped.displaced
    return values


def counterparts(
    base: Conclusions, other: Conclusions, role: str, other_role: str, keys: Sequence[str]
) -> dict[str, str]:
    """The counterpart of each of the reference's keys.

    The key, in another role or by another book, that most of its URLs have. Keys of which no URL has any there are
    missing.
    """
    if other.attributor is base.attributor and role == other_role:
        return {key: key for key in keys}
    kinds = role, other_role
    pairs: set[tuple[str, str, str]] = set()
    for url_id, one, two in base.judged.beside(other.judged):
        if one and two:
            ours, theirs = (attributed_keys(answer, kind) for answer, kind in zip((one, two), kinds, strict=True))
            pairs.update((url_id, own, its) for own in ours for its in theirs)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, own, its in pairs:
        counts[own][its] += 1
    return {key: min(counts[key], key=lambda its: (-counts[key][its], its)) for key in keys if counts[key]}
