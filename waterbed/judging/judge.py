"""Verdicts of many looks, each URL's looks in time order."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from waterbed.judging.features import Canary, Past, answer_of, look_features
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.model.urls import network_of


def _usable(control: ControlLook) -> bool:
    return control.failure is None and control.status is not None and "status" not in control.unstable


class AnswersOfHosts:
    """Each host's status classes for random paths, over time."""

    def __init__(self, controls: Iterable[ControlLook]) -> None:
        """Sort all control looks."""
        self._times: dict[str, list[datetime]] = defaultdict(list)
        self._classes: dict[str, list[int]] = defaultdict(list)
        for control in sorted(controls, key=lambda control: (control.observed_at, control.control_id)):
            if _usable(control) and control.status is not None:
                self._times[control.host_id].append(control.observed_at)
                self._classes[control.host_id].append(control.status // 100)

    def last_class(self, host_id: str, before: datetime) -> int | None:
        """Status class of the host's last usable control."""
        if host_id not in self._times:
            return None
        count = bisect_right(self._times[host_id], before)
        return self._classes[host_id][count - 1] if count else None


LEAST_NEIGHBOURS = 3
"""Hosts of a network with a control that are needed to infer another host's answer."""


class AnswersOfAddresses:
    """Majority status class for random paths, by address and network.

    The strict profile requests no random path, so a server that answers every path would seem up for ever. Hosts that
    share its address are mostly served alike, those in its network often, and some of them have a control.
    """

    def __init__(self, looks: Iterable[Observation], controls: Mapping[str, ControlLook]) -> None:
        """Take all looks, which tell each control's address, and all controls."""
        newest: dict[str, dict[str, ControlLook]] = defaultdict(dict)
        for look in looks:
            control = controls.get(look.control_id) if look.control_id else None
            if control is None or look.address is None or not _usable(control):
                continue
            for network in (look.address, network_of(look.address)):
                known = newest[network].get(control.host_id)
                if known is None or (known.observed_at, known.control_id) < (control.observed_at, control.control_id):
                    newest[network][control.host_id] = control
        self._majority: dict[str, int] = {}
        for network, of_host in newest.items():
            status_class, count = Counter((c.status or 0) // 100 for c in of_host.values()).most_common(1)[0]
            if 2 * count > len(of_host) and ("/" not in network or len(of_host) >= LEAST_NEIGHBOURS):
                self._majority[network] = status_class

    def majority_class(self, address: str | None) -> int | None:
        """Status class of most hosts at the address, else network.

        None without a majority of more than half.
        """
        if address is None:
            return None
        return self._majority.get(address) or self._majority.get(network_of(address))


class CanaryRecord:
    """Canary results of one vantage over time."""

    def __init__(self, looks: Iterable[CanaryLook], *, within_s: float, need: float) -> None:
        """Take the canary looks of one vantage; a look is healthy if `need` of its targets answered."""
        ordered = sorted(looks, key=lambda look: look.observed_at)
        self._times = [look.observed_at for look in ordered]
        self._healthy = [look.targets > 0 and look.reached >= need * look.targets for look in ordered]
        self._within = timedelta(seconds=within_s)

    def at(self, moment: datetime) -> Canary:
        """Return `ok` if the canary was healthy before and after.

        The nearest looks on both sides must be, at most twice `within_s` apart. `failed` if one of them within
        `within_s` was not healthy, else `none`: a pass that was killed took no last look.
        """
        first = bisect_left(self._times, moment - self._within)
        last = bisect_right(self._times, moment + self._within)
        if first == last:
            return "none"
        at = bisect_right(self._times, moment)
        same = bisect_left(self._times, moment)
        if not all(self._healthy[max(first, min(same, at - 1)) : min(last, at + 1)]):
            return "failed"
        if at == 0 or same == len(self._times) or self._times[same] - self._times[at - 1] > 2 * self._within:
            return "none"
        return "ok" if self._healthy[at - 1] and self._healthy[same] else "none"


def judge(
    looks: Iterable[Observation],
    controls: Mapping[str, ControlLook],
    canaries: Mapping[str, CanaryRecord],
    rules: RuleSet,
    *,
    resolutions: Mapping[str, Resolution] | None = None,
    hosts: Mapping[str, str] | None = None,
    features: MutableMapping[str, dict[str, Any]] | None = None,
) -> list[Verdict]:
    """Judge looks sorted by URL and time, one by one.

    Verdicts are in the order of the looks. `controls` are by control id, `canaries` by vantage, `resolutions` by id
    (their tags tell parking). `hosts` gives the host of each URL: with it, controls of other URLs of the host count
    too. A host without a control gets the answer of its address, since hosts there share a server. Each look is judged
    alone: several vantages (`waterbed.judging.vantages`) come after. Pure: same facts and rules, same verdicts. For
    each look id that is a key of `features`, its value is set to the features that the rules tested.
    """
    verdicts: list[Verdict] = []
    url_id, past = "", Past()
    looks = list(looks)
    answered, neighbours = AnswersOfHosts(controls.values()), AnswersOfAddresses(looks, controls)
    for look in looks:
        if look.url_id != url_id:
            url_id, past = look.url_id, Past()
        control = controls.get(look.control_id) if look.control_id else None
        record = canaries.get(look.vantage)
        canary: Canary = record.at(look.observed_at) if record else "none"
        host = hosts.get(look.url_id) if hosts else None
        resolution = resolutions.get(look.resolution_id or "") if resolutions else None
        beside = Beside(
            control=control,
            control_answer=answer_of(control),
            canary=canary,
            tags=resolution.tags if resolution else (),
            host_class=answered.last_class(host, look.observed_at) if host else None,
            neighbour_class=neighbours.majority_class(look.address),
        )
        if features is not None and look.observation_id in features:
            beside.enter(past)
            features[look.observation_id] = look_features(
                look,
                control,
                canary=canary,
                differed_before=past.differed(look, control),
                past=past,
                tags=beside.tags,
            )
        verdicts.append(judge_next(look, beside, past, rules))
    return verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Inputs of a verdict beside look and past."""

    control: ControlLook | None
    canary: Canary
    control_answer: Hashable = None
    """See `waterbed.judging.features.answer_of`; any value that tells these apart."""
    tags: tuple[str, ...] = ()
    """Tags of its resolution."""
    host_class: int | None = None
    """Status class of its host's last usable control."""
    neighbour_class: int | None = None
    """Status class of most hosts at its address, else in its network."""

    def enter(self, past: Past) -> None:
        """Tell the past what the host answers to random paths.

        A host without a control gets the answer of its address.
        """
        past.control_answer = self.control_answer
        past.control_class = self.host_class or past.control_class
        if self.control is None and past.control_class is None:
            past.control_class = self.neighbour_class


def judge_next(look: Observation, beside: Beside, past: Past, rules: RuleSet) -> Verdict:
    """Judge a URL's next look; add it to the past."""
    beside.enter(past)
    control = beside.control
    verdict = judge_one(
        look,
        control,
        canary=beside.canary,
        differed_before=past.differed(look, control),
        rules=rules,
        past=past,
        tags=beside.tags,
    )
    past.see(look, control, verdict.state)
    return verdict


def judge_one(
    look: Observation,
    control: ControlLook | None,
    *,
    canary: Canary,
    differed_before: bool,
    rules: RuleSet,
    past: Past | None = None,
    tags: tuple[str, ...] = (),
) -> Verdict:
    """Judge one look; without a canary never as down.

    A look that is `unreachable` here stays down only if other networks agree (`waterbed.judging.vantages`).
    """
    rule, outcome = rules.decide(
        look_features(look, control, canary=canary, differed_before=differed_before, past=past, tags=tags)
    )
    verdict = Verdict(
        observation_id=look.observation_id,
        url_id=look.url_id,
        observed_at=look.observed_at,
        ruleset=rules.name,
        rule=rule.id,
        outcome=rule.outcome,
        state=outcome.state,
        cause=outcome.cause,
        layer=outcome.layer,
    )
    return restated(verdict, "unwatched", rules, "no-canary") if outcome.state == "down" and canary != "ok" else verdict


def restated(verdict: Verdict, name: str, rules: RuleSet, why: str) -> Verdict:
    """The verdict with another outcome, `+why` added to its rule."""
    outcome = rules.outcomes[name]
    return replace(
        verdict,
        rule=f"{verdict.rule}+{why}",
        outcome=name,
        state=outcome.state,
        cause=outcome.cause,
        layer=outcome.layer,
    )
