"""Features that rules used of single looks, judged one by one."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from waterbed.judging.judge import CanaryRecord, judge
from waterbed.judging.rules import RuleSet
from waterbed.model.facts import CanaryLook
from waterbed.store.config import Config
from waterbed.study.facts import Facts


def features_of(facts: Facts, config: Config, rules: RuleSet, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the features that rules used, by observation id.

    All observations are judged one by one, for the past of those asked for.
    """
    features: dict[str, dict[str, Any]] = {look: {} for look in looks}
    if not features:
        return features
    by_vantage: dict[str, list[CanaryLook]] = defaultdict(list)
    for canary in facts.canaries:
        by_vantage[canary.vantage].append(canary)
    within_s, need = config.judge.canary_within_s, config.canary.need
    judge(
        facts.looks,
        facts.controls,
        {vantage: CanaryRecord(own, within_s=within_s, need=need) for vantage, own in by_vantage.items()},
        rules,
        resolutions=facts.resolutions,
        hosts={url_id: target.host_id for url_id, target in facts.targets.items()},
        features=features,
    )
    return features
