"""True outcomes of a lab world, for the sensitivity curve."""

from collections.abc import Collection

from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.model.urls import canonicalize
from waterbed.questions.sensitivity.curve import DISPLACED, HOME_ABROAD, Curve, Outcomes, removed
from waterbed.questions.sensitivity.outcomes import Value
from waterbed.store.folder import Folder

_SEE = "docs/sensitivity.md, The truth"


def truth_of(folder: Folder, scenario: str, url_ids: Collection[str]) -> Truth:
    """Return the truth of a scenario or world file.

    InputError if the study did not measure that world.

    `url_ids` are the study's URLs.
    """
    truth = simulate(read_world(scenario_path(scenario)))
    if folder.lab is None:
        raise InputError(f"--truth {shown(scenario)}: this study is not of the lab, so nobody knows its truth ({_SEE})")
    known = {folder.vault.keyed_id("url", canonicalize(url).url) for url in truth.shown}
    if not known.issuperset(url_ids):
        raise InputError(f"--truth {shown(scenario)}: the study's URLs are not those of that world ({_SEE})")
    return truth


def true_outcomes(truth: Truth, curve: Curve) -> Outcomes:
    """The true outcomes for the keys with a reference share."""
    world = truth.world
    named = {hoster.key: hoster.key for hoster in world.hoster} | {f"AS{h.asn}": h.key for h in world.hoster}
    values = {}
    for key in curve.ranked:
        share = truth.removal.get(named.get(key, ""))
        if share is not None:
            values[removed(key)] = _exact(share.share)
    home, abroad = (_side(truth, at_home=at_home) for at_home in (True, False))
    if home is not None and abroad is not None:
        values[HOME_ABROAD] = _exact(home - abroad)
    displaced = _displaced(truth)
    if displaced is not None:
        values[DISPLACED] = _exact(displaced)
    return Outcomes(
        spec=curve.reference.spec, values=values, keys={key: key for key in curve.ranked if removed(key) in values}
    )


def _side(truth: Truth, *, at_home: bool) -> float | None:
    """True removed share of hosters at home, or abroad.

    Reverse proxies are left out.
    """
    world = truth.world
    own = [
        truth.removal[hoster.key]
        for hoster in world.hoster
        if (hoster.country == world.home) is at_home and hoster.kind != "proxy" and hoster.key in truth.removal
    ]
    urls = sum(share.urls for share in own)
    return sum(share.removed for share in own) / urls if urls else None


def _displaced(truth: Truth) -> float | None:
    """True share of reported contents that reappeared at another hoster.

    Of contents that left a hoster; the new URL need not be reported.
    """
    reported = {report.url for report in truth.reports}
    left = {e.content_id for e in truth.episodes if e.url in reported and e.end and e.cause != "lineage"}
    again = left & {hop.content_id for hop in truth.hops if not hop.parallel}
    return len(again) / len(left) if left else None


def _exact(number: float) -> Value:
    return Value(estimability="told", estimate=number, low=number, high=number)
