"""Looks and verdicts of tests as columns, and what the product makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from waterbed.judging.columns import NOTHING, Columns
from waterbed.judging.confirmation import STATES, confirmed
from waterbed.judging.last_known import GuardLooks
from waterbed.judging.mass_flips import NOT_SEEN, guard_flips
from waterbed.judging.quarantines import Decisions, GuardRules
from waterbed.judging.rules import RuleSet
from waterbed.judging.vantages import combine
from waterbed.judging.walk import EPOCH, Walk
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Quarantine, Verdict
from waterbed.model.facts import Observation
from waterbed.model.urls import network_of


def numbers(values: Sequence[object]) -> np.ndarray:
    """The same number for the same value."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int32)


def columns_of(looks: Sequence[Observation]) -> Columns:
    """What vantages and guard see of looks."""
    none = np.zeros(len(looks), np.int64)
    return Columns(
        url=numbers([look.url_id for look in looks]),
        host=none,
        at=np.array([microseconds(look.observed_at) for look in looks], np.int64),
        vantage=numbers([look.vantage for look in looks]),
        network=numbers([look.network for look in looks]),
        agent=numbers([look.agent_id for look in looks]),
        address=none,
        addresses=none,
        tags=none,
        name_servers=none,
        seen=none,
        length=none,
        etag=none,
        key=none,
        control_answer=none,
        id=None,
    )


def combined(
    looks: Sequence[Observation], verdicts: Sequence[Verdict], rules: RuleSet, *, networks: int, within_s: float
) -> list[Verdict]:
    """Verdicts combined over vantages."""
    walk = Walk(rules)
    bare = [replace(one, observation_id="", url_id="", observed_at=EPOCH) for one in verdicts]
    given = np.array([walk.number(one) for one in bare], np.int32)
    answered = np.array([look.status is not None or look.head_status is not None for look in looks], bool)
    found = combine(columns_of(looks), given, walk, answered, networks=networks, within_s=within_s)
    return [
        replace(
            walk.verdicts[number],
            observation_id=one.observation_id,
            url_id=one.url_id,
            observed_at=one.observed_at,
        )
        for number, one in zip(found.tolist(), verdicts, strict=True)
    ]


def guarded(
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    hosters: Sequence[tuple[str, ...]],
    sites: Mapping[str, str],
    rules: GuardRules,
    decisions: Decisions,
) -> tuple[list[Quarantine], list[bool]]:
    """Quarantines, and the looks that they hold."""
    columns = columns_of(looks)
    sets: dict[tuple[str, ...], int] = {(): 0}
    of_looks = [sets.setdefault(keys, len(sets)) for keys in hosters]
    prefixes: dict[str, int] = {}
    of_address = [
        NOTHING if look.address is None else prefixes.setdefault(network_of(look.address), len(prefixes))
        for look in looks
    ]
    given = GuardLooks(
        row=np.arange(len(columns)),
        url=columns.url,
        at=columns.at,
        state=np.array([STATES.index(one.state) for one in verdicts], np.int8),
        unseen=np.array([one.outcome in NOT_SEEN for one in verdicts], bool),
        hosters=np.array(of_looks, np.int32),
        prefix=np.array(of_address, np.int32),
        site=numbers([sites.get(look.url_id, look.url_id) for look in looks]),
    )
    urls = int(columns.url.max(initial=-1)) + 1
    found, held = guard_flips([given], urls, list(sets), list(prefixes), rules, decisions)
    return found, np.isin(given.row, held).tolist()


def confirmed_in(
    verdicts: Sequence[Verdict],
    *,
    looks: int,
    over_s: float,
    vantages: Sequence[str] | None = None,
    within_s: float = 0.0,
) -> list[bool]:
    """Which verdicts of one URL are part of a confirmed absence."""
    found = confirmed(
        np.zeros(len(verdicts), np.int32),
        np.array([microseconds(one.observed_at) for one in verdicts], np.int64),
        np.array([STATES.index(one.state) for one in verdicts], np.int8),
        numbers(vantages) if vantages else np.zeros(len(verdicts), np.int32),
        looks=looks,
        over_s=over_s,
        within_s=within_s,
    )
    return found.tolist()
