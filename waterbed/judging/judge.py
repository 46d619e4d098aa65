"""Verdicts of many looks, each URL's looks in time order."""

from collections.abc import Iterable, Mapping, Sequence

from waterbed.judging.canary import CanaryRecord
from waterbed.judging.outcomes import Canary, RuleSet, compare, look_features
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import ControlLook, Observation


def judge(
    looks: Iterable[Observation],
    controls: Mapping[str, ControlLook],
    canaries: Mapping[str, CanaryRecord],
    rules: RuleSet,
) -> list[Verdict]:
    """Judge looks sorted by URL and time; one verdict a look, same order.

    `controls` are by control id, `canaries` by vantage. Pure: the same facts and rules give the same verdicts.
    """
    verdicts: list[Verdict] = []
    url_id, differed = "", False
    for look in looks:
        if look.url_id != url_id:
            url_id, differed = look.url_id, False
        control = controls.get(look.control_id) if look.control_id else None
        record = canaries.get(look.vantage)
        canary: Canary = record.at(look.observed_at) if record else "none"
        verdicts.append(judge_one(look, control, canary=canary, differed_before=differed, rules=rules))
        if look.status is not None and 200 <= look.status < 300 and compare(look, control) == "differs":
            differed = True
    return verdicts


def judge_one(
    look: Observation, control: ControlLook | None, *, canary: Canary, differed_before: bool, rules: RuleSet
) -> Verdict:
    """Judge one look. Without a canary nothing is called down."""
    rule, outcome = rules.decide(look_features(look, control, canary=canary, differed_before=differed_before))
    name = rule.outcome
    rule_id = rule.id
    if outcome.state == "down" and canary != "ok":
        name, outcome, rule_id = "unwatched", rules.outcomes["unwatched"], f"{rule.id}+no-canary"
    return Verdict(
        observation_id=look.observation_id,
        url_id=look.url_id,
        observed_at=look.observed_at,
        ruleset=rules.name,
        rule=rule_id,
        outcome=name,
        state=outcome.state,
        cause=outcome.cause,
        layer=outcome.layer,
    )


def confirmed_down(verdicts: Sequence[Verdict], *, looks: int, over_s: float) -> list[bool]:
    """Which of one URL's verdicts belong to a confirmed absence.

    A run of down verdicts is confirmed when it has at least `looks` of them over at least `over_s` seconds; it is then
    back-dated to the first. Unknown verdicts neither count nor end a run; one up ends it. Unconfirmed runs are flaps.
    """
    confirmed = [False] * len(verdicts)
    run: list[int] = []

    def settle() -> None:
        if len(run) >= looks:
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
