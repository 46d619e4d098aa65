"""Verdicts of many looks, each URL's looks in time order."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from waterbed.judging.features import Canary, Past, look_features
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.model.urls import network_of


def _usable(control: ControlLook) -> bool:
    return control.failure is None and control.status is not None and "status" not in control.unstable


class AnswersOfHosts:
    """The status classes with which each host answered random paths over time."""

    def __init__(self, controls: Iterable[ControlLook]) -> None:
        """Take all control looks."""
        self._times: dict[str, list[datetime]] = defaultdict(list)
        self._classes: dict[str, list[int]] = defaultdict(list)
        for control in sorted(controls, key=lambda control: control.observed_at):
            if _usable(control) and control.status is not None:
                self._times[control.host_id].append(control.observed_at)
                self._classes[control.host_id].append(control.status // 100)

    def last_class(self, host_id: str, before: datetime) -> int | None:
        """The status class of the host's last usable control up to a time."""
        if host_id not in self._times:
            return None
        place = bisect_right(self._times[host_id], before)
        return self._classes[host_id][place - 1] if place else None


_NEIGHBOURS = 3
"""Hosts of a network that must have been asked before it says something of one that was not."""


class AnswersOfAddresses:
    """The status class with which most hosts at an address, or in its network, answer random paths.

    In the strict profile no random path is asked, and a server that answers everything would look up for ever. Hosts
    that share its address are mostly served alike, those in its network often, and some of them were asked.
    """

    def __init__(self, looks: Iterable[Observation], controls: Mapping[str, ControlLook]) -> None:
        """Take all looks, for where each control was asked, and all control looks."""
        newest: dict[str, dict[str, ControlLook]] = defaultdict(dict)
        for look in looks:
            control = controls.get(look.control_id) if look.control_id else None
            if control is None or look.address is None or not _usable(control):
                continue
            for place in (look.address, network_of(look.address)):
                known = newest[place].get(control.host_id)
                if known is None or known.observed_at < control.observed_at:
                    newest[place][control.host_id] = control
        self._usual: dict[str, int] = {}
        for place, of_host in newest.items():
            found, count = Counter((c.status or 0) // 100 for c in of_host.values()).most_common(1)[0]
            if 2 * count > len(of_host) and ("/" not in place or len(of_host) >= _NEIGHBOURS):
                self._usual[place] = found

    def usual_class(self, address: str | None) -> int | None:
        """The class of more than half of the hosts at the address, else in its network; None if there is none."""
        if address is None:
            return None
        return self._usual.get(address) or self._usual.get(network_of(address))


class CanaryRecord:
    """What the canary saw over time, for one vantage."""

    def __init__(self, looks: Iterable[CanaryLook], *, within_s: float, need: float) -> None:
        """Take the canary looks of one vantage; a look is healthy if `need` of its targets answered."""
        ordered = sorted(looks, key=lambda look: look.observed_at)
        self._times = [look.observed_at for look in ordered]
        self._healthy = [look.targets > 0 and look.reached >= need * look.targets for look in ordered]
        self._within = timedelta(seconds=within_s)

    def at(self, moment: datetime) -> Canary:
        """`ok` if the nearest canary looks before and after were healthy.

        `failed` if one of them was not, `none` if there is none within reach on either side.
        """
        first = bisect_left(self._times, moment - self._within)
        last = bisect_right(self._times, moment + self._within)
        if first == last:
            return "none"
        at = bisect_right(self._times, moment)
        same = bisect_left(self._times, moment)
        near = self._healthy[max(first, min(same, at - 1)) : min(last, at + 1)]
        return "ok" if all(near) else "failed"


def judge(
    looks: Iterable[Observation],
    controls: Mapping[str, ControlLook],
    canaries: Mapping[str, CanaryRecord],
    rules: RuleSet,
    *,
    resolutions: Mapping[str, Resolution] | None = None,
    hosts: Mapping[str, str] | None = None,
    told: MutableMapping[str, dict[str, Any]] | None = None,
) -> list[Verdict]:
    """Judge looks sorted by URL and time; one verdict a look, same order.

    `controls` are by control id, `canaries` by vantage, `resolutions` by id (their tags tell parking), `hosts` gives
    the host of each URL: with it, what other URLs of a host showed of its random paths counts too. What nobody asked a
    host is taken from its address: hosts there share a server. Each look is judged alone: several vantages
    (`waterbed.judging.vantages`) come after. Pure: same facts and rules, same verdicts. Of the looks that are keys of
    `told`, it is given the features that rules asked about.
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
        if hosts and look.url_id in hosts:
            past.control_class = answered.last_class(hosts[look.url_id], look.observed_at) or past.control_class
        if control is None and past.control_class is None:
            past.control_class = neighbours.usual_class(look.address)
        resolution = resolutions.get(look.resolution_id or "") if resolutions else None
        differed, tags = past.differed(look, control), resolution.tags if resolution else ()
        if told is not None and look.observation_id in told:
            told[look.observation_id] = look_features(
                look, control, canary=canary, differed_before=differed, past=past, tags=tags
            )
        verdict = judge_one(look, control, canary=canary, differed_before=differed, rules=rules, past=past, tags=tags)
        verdicts.append(verdict)
        past.see(look, control, verdict.state)
    return verdicts


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
    """Judge one look by itself. Without a canary nothing is called down.

    What is `unreachable` here is down only if the panel finds that other networks agree.
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
    """The verdict with another outcome; its rule id says what overruled it, after a plus sign."""
    outcome = rules.outcomes[name]
    return replace(
        verdict,
        rule=f"{verdict.rule}+{why}",
        outcome=name,
        state=outcome.state,
        cause=outcome.cause,
        layer=outcome.layer,
    )


def confirmed_down(
    verdicts: Sequence[Verdict],
    *,
    looks: int,
    over_s: float,
    vantages: Sequence[str] | None = None,
    within_s: float = 0.0,
) -> list[bool]:
    """Which of one URL's verdicts belong to a confirmed absence.

    A run of down verdicts is confirmed when it has at least `looks` of them over at least `over_s` seconds; it is then
    back-dated to the first. Unknown verdicts neither count nor end a run; one up ends it. Unconfirmed runs are flaps.
    With `vantages`, one for each verdict, looks from several of them within `within_s` seconds count once.
    """
    confirmed = [False] * len(verdicts)
    run: list[int] = []

    def settle() -> None:
        if _counted(run, verdicts, vantages, timedelta(seconds=within_s)) >= looks:
            span = verdicts[run[-1]].observed_at - verdicts[run[0]].observed_at
            if span.total_seconds() >= over_s:
                for index in run:
                    confirmed[index] = True

    for index, verdict in enumerate(verdicts):
        if verdict.state == "down":
            run.append(index)
        elif verdict.state == "up":
            settle()
            run = []
    settle()
    return confirmed


def _counted(run: Sequence[int], verdicts: Sequence[Verdict], vantages: Sequence[str] | None, within: timedelta) -> int:
    if vantages is None or not run:
        return len(run)
    count, last = 1, run[0]
    for index in run[1:]:
        apart = verdicts[index].observed_at - verdicts[last].observed_at
        if vantages[index] == vantages[last] or apart > within:
            count, last = count + 1, index
    return count
