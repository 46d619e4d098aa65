"""Volume against size.

Rates by address, expected counts over all that exist, shrunk ratios and their places.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.counts import CountModel, Shrunk, gamma_poisson, log_design, negative_binomial
from waterbed.estimators.rank_sets import (
    cluster_weights,
    place_sets,
    resampled_sums,
    share_among_first,
    widened,
)
from waterbed.measures.incidents import incidents_by_key
from waterbed.measures.keys import Appearance
from waterbed.measures.ranking import UNKNOWN, Volume, volumes_of
from waterbed.measures.structure import Columns, Structure, columns_of, twins_of
from waterbed.measures.takedown import FEWEST_SITES
from waterbed.model.conclusions import Size
from waterbed.model.message import NOTHING, Code, Listed, Message, Number, joined
from waterbed.model.message import Share as Percent
from waterbed.model.results import VolumeRow

SIZE_FLOOR: Final = 50_000
"""Routed IPv4 addresses below which a rate by address is not given: a few incidents would lead the list."""
FEWEST_SIZED: Final = 30
"""Rows with a size, below which no expectation is drawn from them."""
WORST: Final = 10
_NO_STRUCTURE: Final[Structure] = MappingProxyType({})
RESAMPLES: Final = 1_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Expected sites of each sized key, and the model."""

    sites: Mapping[str, float]
    model: CountModel
    columns: tuple[str, ...]
    explained: float
    """Part of the deviance of one mean for all that sizes explain, 0..1."""
    structure: Columns
    """The covariates in it."""
    with_structure: float
    """Part that sizes and covariates explain, 0..1."""
    sizes: Floats
    """Logs of the sizes, keys x columns."""
    without: CountModel | None
    """The model without the rows that alone decide it; None if there are none, or nothing is left without them."""

    @property
    def remark(self) -> Message:
        """The part that sizes explain, and rows that decide alone."""
        sizes = Message.of("sizes explain {share} of the deviance", share=Percent(self.explained))
        names = tuple(map(Code, dict.fromkeys(self.structure.names)))
        more = Message.of("with {names} {share}", names=Listed(names), share=Percent(self.with_structure))
        explained = joined(sizes, more if names else NOTHING, by="comma")
        alone = int(self.model.influential.sum())
        if not alone:
            return explained
        hangs = Message.of(
            "the expectation hangs on {alone} of {rows} rows of the frame: {slopes}",
            alone=Number(alone),
            rows=Number(len(self.sites)),
            slopes=_slopes(self.model, self.columns),
        )
        without = Message.of("without them {slopes}", slopes=_slopes(self.without, self.columns))
        return joined(explained, hangs, without)


def _slopes(model: CountModel | None, columns: Sequence[str]) -> Message:
    if model is None or not columns:
        return Message.of("none")
    slopes = (
        Message.of("slope on log {name} {slope}", name=Code(name), slope=Number(model.coefficients[n + 1], decimals=2))
        for n, name in enumerate(columns)
    )
    return joined(*slopes, by="comma")


def rate(attacks: float, routed_v4: int | None, *, floor: int = SIZE_FLOOR) -> float | None:
    """Attacks per 10,000 routed IPv4 addresses (Interisle's score).

    None below the size floor.
    """
    return None if not routed_v4 or routed_v4 < floor else 1e4 * attacks / routed_v4


def expectation(
    frame: Sequence[Size], sites: Mapping[str, int], structure: Structure = _NO_STRUCTURE
) -> Expectation | None:
    """Fit the sites of a whole frame to sizes.

    Keys with zero sites are included. `frame` has every hoster, AS or country there is on the day, `sites` how many of
    them the study has where it has any. Sizes are the routed IPv4 addresses, and the hosted domains where every row has
    them; `structure` are covariates beside them (`columns_of`). Rows without routed IPv4 have no expectation. None
    where fewer than FEWEST_SIZED rows have a size, or none has a site.
    """
    sized = [row for row in frame if row.key != UNKNOWN and row.announced_v4]
    counts = np.array([sites.get(row.key, 0) for row in sized])
    if len(sized) < FEWEST_SIZED or not counts.any():
        return None
    sizes = {"announced_v4": np.array([row.announced_v4 for row in sized], dtype=float)}
    domains = [row.domains for row in sized]
    if all(domains):
        sizes["domains"] = np.array(domains, dtype=float)
    sizes = {name: column for name, column in sizes.items() if np.ptp(np.log(column)) > 0}
    by_size = log_design(*sizes.values()) if sizes else np.ones((len(sized), 1))
    keys = [row.key for row in sized]
    beside = columns_of(keys, counts, structure, by_size)
    design = np.column_stack([by_size, beside.values])
    model = negative_binomial(counts, design)
    alone = negative_binomial(counts, by_size) if beside.names else model
    expected = model.expected(design)
    return Expectation(
        sites=dict(zip(keys, expected.tolist(), strict=True)),
        model=model,
        columns=tuple(sizes),
        explained=_explained(counts, by_size, replace(alone, dispersion=model.dispersion)),
        structure=beside,
        with_structure=_explained(counts, design, model),
        sizes=by_size[:, 1:],
        without=_without(counts, design, model),
    )


def _explained(counts: Floats, design: Floats, model: CountModel) -> float:
    """1 - the deviance over that of the one mean, at the model's dispersion."""
    one = np.full((len(counts), 1), np.log(counts.mean()))
    alone = replace(model, coefficients=np.ones(1)).deviance(counts, one)
    return float(np.clip(1.0 - model.deviance(counts, design) / alone, 0.0, 1.0)) if alone > 0 else 0.0


def _without(counts: Floats, design: Floats, model: CountModel) -> CountModel | None:
    """The model of all rows but those that alone decide it."""
    rest = ~model.influential
    if rest.all() or rest.sum() < FEWEST_SIZED or not counts[rest].any():
        return None
    try:
        return negative_binomial(counts[rest], design[rest])
    except ValueError:  # the rest have one size
        return None


def volume_rows(
    appearances: Sequence[Appearance],
    incident_urls: Iterable[set[str]],
    clusters: Mapping[str, int],
    *,
    names: Mapping[str, str],
    frame: Sequence[Size] = (),
    structure: Structure = _NO_STRUCTURE,
    rng: np.random.Generator,
    worst: int = WORST,
    resamples: int = RESAMPLES,
    floor: int = SIZE_FLOOR,
    among: Collection[str] | None = None,
) -> tuple[list[VolumeRow], Expectation | None]:
    """The volume of each key, and the expectation.

    Most sites for size come first.

    `incident_urls` are the URLs of each incident, `clusters` the cluster of each site, `frame` the sizes of all
    there is, `structure` their covariates (see `expectation`). Shrinkage is over the whole frame, places are among keys
    with at least FEWEST_SITES sites, and twins are given of these; places are `among` some keys alone if these are
    given. Keys without a size come after, by sites; the unattributed come last.
    """
    volumes = volumes_of(appearances)
    keys_of_url = _keys_of_urls(volumes)
    counted = incidents_by_key(incident_urls, keys_of_url)
    sizes = {row.key: row for row in frame}
    sites = {key: len(volume.sites) for key, volume in volumes.items()}
    expected = expectation(frame, sites, structure)
    twins = _twins(expected, sites)
    shrunk, places = _ratios(volumes, clusters, expected, rng, worst, resamples, among)
    rows = []
    for key, volume in volumes.items():
        share = counted.get(key)
        routed = sizes[key].announced_v4 if key in sizes else None
        expected_sites = expected.sites.get(key) if expected else None
        given = shrunk.get(key, (None, None, None))
        place = places.get(key, (None, None, None))
        rows.append(
            VolumeRow(
                key=key,
                name=names.get(key) or ("not attributed" if key == UNKNOWN else key),
                urls=len(volume.urls),
                hosts=len(volume.hosts),
                sites=len(volume.sites),
                incidents=share.full if share else 0,
                incidents_fractional=round(share.fractional, 6) if share else 0.0,
                routed_v4=routed,
                score=_rounded(rate(share.full if share else 0, routed, floor=floor)),
                expected=_rounded(expected_sites),
                ratio=_rounded(len(volume.sites) / expected_sites if expected_sites else None),
                shrunk=given[0],
                shrunk_low=given[1],
                shrunk_high=given[2],
                place_low=place[0],
                place_high=place[1],
                among_worst=place[2],
                **twins.get(key, {}),
            )
        )
    order = sorted(rows, key=lambda r: (r.key == UNKNOWN, r.shrunk is None, -(r.shrunk or 0.0), -r.sites, r.key))
    return order, expected


def _twins(expected: Expectation | None, sites: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Each key with enough sites, beside those of its size and kind."""
    if expected is None:
        return {}
    keys = list(expected.sites)
    counts = np.array([sites.get(key, 0) for key in keys])
    chosen = [number for number, count in enumerate(counts.tolist()) if count >= FEWEST_SITES]
    found = twins_of(expected.sizes, expected.structure, chosen)
    return {
        keys[number]: {
            "twins": int(own.size),
            "twins_sites": round(float(counts[own].mean()), 6),
            "twins_fewer": round(float(np.mean((1.0 - np.sign(counts[own] - counts[number])) / 2)), 6),
        }
        for number, own in zip(chosen, found, strict=True)
        if own.size
    }


def _keys_of_urls(volumes: Mapping[str, Volume]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = defaultdict(list)
    for key, volume in volumes.items():
        for url_id in volume.urls:
            keys[url_id].append(key)
    return keys


_Ratios = dict[str, tuple[float, float, float]]
_Places = dict[str, tuple[int, int, float]]


def _ratios(
    volumes: Mapping[str, Volume],
    clusters: Mapping[str, int],
    expected: Expectation | None,
    rng: np.random.Generator,
    worst: int,
    resamples: int,
    among: Collection[str] | None,
) -> tuple[_Ratios, _Places]:
    """Shrunk ratios, and places of keys with enough sites.

    The ratios are those of all keys with a size.
    """
    if expected is None:
        return {}, {}
    keys = list(expected.sites)
    observed = np.array([len(volumes[key].sites) if key in volumes else 0 for key in keys])
    if not observed.any():
        return {}, {}
    expected_sites = np.array(list(expected.sites.values()))
    shrunk = gamma_poisson(observed, expected_sites)
    at = {key: number for number, key in enumerate(keys) if observed[number]}
    ends = {k: (round(float(shrunk.rate[n]), 6), round(float(shrunk.low[n]), 6), round(float(shrunk.high[n]), 6))
            for k, n in at.items()}  # fmt: skip
    enough = [key for key, number in at.items() if observed[number] >= FEWEST_SITES]
    chosen = [key for key in enough if among is None or key in among]
    if len(chosen) < 2:
        return ends, {}
    index = np.array([at[key] for key in chosen])
    log_rates, draws = _draws(chosen, observed[index], expected_sites[index], shrunk, volumes, clusters, rng, resamples)
    sets = place_sets(log_rates, draws)
    among = share_among_first(draws, worst)
    return ends, {key: (int(sets.low[n]), int(sets.high[n]), round(float(among[n]), 4)) for n, key in enumerate(chosen)}


def _draws(
    keys: Sequence[str],
    observed: npt.NDArray[np.int64],
    expected_sites: Floats,
    shrunk: Shrunk,
    volumes: Mapping[str, Volume],
    clusters: Mapping[str, int],
    rng: np.random.Generator,
    resamples: int,
) -> tuple[Floats, Floats]:
    """Logarithms of the shrunk ratios, and their resampled values.

    Site clusters are resampled. The spread is at least that of the posterior, which a key whose sites are all their own
    clusters has anyway.
    """
    numbers: dict[int | str, int] = {}
    cluster, group = [], []
    for column, key in enumerate(keys):
        for site_id in sorted(volumes[key].sites):  # sets have another order in each process
            cluster.append(numbers.setdefault(clusters.get(site_id, site_id), len(numbers)))
            group.append(column)
    weights = cluster_weights(len(numbers), resamples, rng)
    sums = resampled_sums(weights, cluster, group, np.ones(len(group)), len(keys))
    shape, prior = shrunk.prior_shape, shrunk.prior_rate
    log_rates: Floats = np.log((shape + observed) / (prior + expected_sites))
    resampled = np.log((shape + sums) / (prior + expected_sites))
    resampled = widened(resampled, np.sqrt(scipy.special.polygamma(1, shape + observed)), rng)
    return log_rates, resampled - resampled.mean(axis=0) + log_rates


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
