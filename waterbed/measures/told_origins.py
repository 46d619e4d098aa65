"""Answers of an origin service, and their use.

They are used by commands on this machine alone. No publication, export, package or interface calls this.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from waterbed.governance.origin_agreement import require_agreement
from waterbed.model.facts import Origin
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


def hosts_behind(study: Study, conclusions: Conclusions) -> list[str]:
    """The hosts that may be named to the service, sorted.

    Those that a category of `origins.categories` reported, and whose content was last seen up behind the CDN.
    """
    settings, targets = study.config.origins, conclusions.facts.targets
    named = {one.url_id for one in conclusions.facts.reports if one.category in settings.categories}
    up = (one for one in conclusions.episodes if one.first_down is None and one.hoster == settings.proxy)
    return sorted({targets[one.url_id].host_id for one in up if one.url_id in named})


def answers(study: Study) -> list[Origin]:
    """All answers, by host and time."""
    return study.store.all(Origin, order=("host_id", "told_at", "origin_id"))


def answers_of(study: Study, host_id: str) -> list[Origin]:
    """The answers about one host, oldest first."""
    return sorted(study.store.by_ids(Origin, "host_id", [host_id]), key=lambda one: (one.told_at, one.origin_id))


def with_told_origins(study: Study, conclusions: Conclusions) -> Conclusions:
    """The same facts, attributed as the service told.

    InputError unless settings and a decision on record allow it.
    """
    require_agreement(study.folder)
    by_host: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for one in answers(study):
        for address in one.addresses[:1]:
            by_host[one.host_id].append((one.told_at, address))
    told: dict[str, Sequence[tuple[datetime, str]]] = {
        url_id: by_host[target.host_id]
        for url_id, target in conclusions.facts.targets.items()
        if target.host_id in by_host
    }
    return conclusions.with_(told=told)
