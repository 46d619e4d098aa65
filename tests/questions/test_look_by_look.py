"""What is told of looks block by block is what they tell one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.conclude import Reference
from tests.study.random_studies import Drawn
from tests.study.test_look_by_look import in_blocks
from waterbed.judging import doubtful
from waterbed.model.conclusions import ChainLink
from waterbed.model.results import SharedLook
from waterbed.publish.sharing.share import choose
from waterbed.publish.sharing.shared_looks import prefix_of
from waterbed.questions.explain.hoster import _ROLES, _looks, _seen
from waterbed.record.coding.cases import _roles, _roles_of_companies
from waterbed.record.coding.doubts import all_cases
from waterbed.record.coding.effect import _touched
from waterbed.record.rejudge import Change, _changes, _full
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import arrow_schema, as_arrow


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(500_000, 1 << 20), (7, 0)]), st.integers(1, 3))
def test_blocks_tell_what_looks_tell(seed: int, size: tuple[int, int], least: int) -> None:
    """Cases, roles, chains, changes and what partners get are those of single looks, whatever the size of blocks."""
    with in_blocks(*size):
        conclusions = Drawn(seed).conclusions()
        plain = Reference(conclusions)
        cases = [case for its in all_cases(conclusions) for case in its.cases(np.arange(len(its.first)))]
        assert cases == list(doubtful.cases(plain.facts.looks, plain._believed[0]))
        assert _touched(conclusions, cases) == touched(plain, cases)
        assert {key: of_company(one) for key, one in _roles_of_companies(conclusions).items()} == roles(plain)
        for key in ("first", "AS64501", "nobody"):
            for day in (None, date(2026, 1, 6)):
                assert list(_seen(conclusions, key, day)) == list(chain(plain, key, day))
        rules = conclusions.rules
        fewer = replace(rules, rules=rules.rules[seed % 9 :], _decided={})
        other = Conclusions(conclusions.all_facts, conclusions.attributor, fewer, conclusions.config)
        assert _changes(conclusions.judged, other.judged) == changes(plain, Reference(other))
        compare_shared(conclusions, plain, least)


def touched(plain: Reference, cases: list[doubtful.Case]) -> Counter[str]:
    """Cases by hoster."""
    return Counter(
        key
        for case in cases
        for key in {key for one in plain.attributions[case.first : case.last + 1] if one for key in one.hosters}
    )


def of_company(one: Any) -> dict[str, Any]:
    """All that is known of it."""
    return {name: getattr(one, name) for name in one.__slots__}


def roles(plain: Reference) -> dict[str, Any]:
    """What each company is, look by look."""
    found: dict[str, Any] = defaultdict(
        lambda: {"urls": defaultdict(set), "confidence": Counter(), "beneath": set(), "prefixes": set()}
    )
    for look, answer in zip(plain.facts.looks, plain.attributions, strict=True):
        for role, keys in _roles(answer) if answer else ():
            for key in keys:
                found[key]["urls"][role].add(look.url_id)
                if role == "upstream":
                    found[key]["beneath"].update(set(answer.hosters) - {key})
        for key in answer.hosters if answer else ():
            found[key]["confidence"][answer.confidence] += 1
            found[key]["prefixes"].update(prefix for prefix in answer.prefixes if prefix)
    return found


def chain(plain: Reference, key: str, day: date | None) -> Iterator[ChainLink]:
    """The looks that name a hoster, by role."""
    pairs = zip(plain.facts.looks, plain.attributions, strict=True)
    seen = [(look, made) for look, made in pairs if made and (day is None or look.observed_at.date() == day)]
    mine = [(look, made) for look, made in seen if key in made.hosters]
    if mine:
        first, last = min(look.observed_at for look, _ in mine), max(look.observed_at for look, _ in mine)
        urls = len({look.url_id for look, _ in mine})
        value = f"{urls:,} URL{'' if urls == 1 else 's'} in {_looks(len(mine))}"
        yield ChainLink(about=key, step="seen", value=value, source="looks", data_date=last, since=first, until=last)
    for (rule, ruleset), count in sorted(Counter((made.rule, made.ruleset) for _, made in mine).items()):
        yield ChainLink(about=key, step="chosen by rule", value=_looks(count), source=ruleset, rule=rule)
    for role, called in _ROLES.items():
        count = sum(key in getattr(made, role) for _, made in seen)
        if count:
            yield ChainLink(about=key, step=called, value=f"of {_looks(count)}", source="looks")
    platform = sum(key == made.platform for _, made in seen)
    if platform:
        yield ChainLink(about=key, step="platform", value=f"of {_looks(platform)}", source="looks")


def changes(before: Reference, after: Reference) -> list[Change]:
    """The looks of which two sets of rules say another thing."""
    looks: Counter[tuple[str, str]] = Counter()
    urls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for old, new in zip(before.verdicts, after.verdicts, strict=True):
        if (old.outcome, old.state, old.cause) != (new.outcome, new.state, new.cause):
            pair = (old.outcome, new.outcome) if old.outcome != new.outcome else (_full(old), _full(new))
            looks[pair] += 1
            urls[pair].add(old.url_id)
    ordered = sorted(looks, key=lambda pair: (-looks[pair], pair))
    return [Change(old=pair[0], new=pair[1], looks=looks[pair], urls=len(urls[pair])) for pair in ordered]


def compare_shared(conclusions: Conclusions, plain: Reference, least: int) -> None:
    """The rows for a partner, counted look by look."""
    made = choose(conclusions, renamed, least)
    targets = plain.facts.targets
    judged = list(zip(plain.facts.looks, plain.verdicts, plain.attributions, strict=True))
    hosters, prefixes = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    keys = [tuple(sorted(set(answer.hosters))) if answer and answer.hosters else ("",) for _, _, answer in judged]
    for (look, _, _), own in zip(judged, keys, strict=True):
        for key in own:
            hosters[key].add(targets[look.url_id].site_id)
        if look.address:
            prefixes[prefix_of(look.address)].add(targets[look.url_id].site_id)
    for episode in plain.episodes:
        hosters[episode.hoster].add(episode.site_id)
    enough = {key for key, sites in hosters.items() if len(sites) >= least}
    shown = {key for key, sites in prefixes.items() if len(sites) >= least}
    rows: Counter[SharedLook] = Counter()
    for (look, verdict, _), own in zip(judged, keys, strict=True):
        if set(own) <= enough:
            prefix = prefix_of(look.address) if look.address else None
            row = SharedLook(
                url_id=renamed(look.url_id),
                site_id=renamed(targets[look.url_id].site_id),
                day=look.observed_at.date().isoformat(),
                prefix=prefix if prefix in shown else None,
                hosters=own if own != ("",) else (),
                state=verdict.state,
                outcome=verdict.outcome,
                looks=0,
            )
            rows[row] += 1
    expected = [replace(row, looks=count) for row, count in rows.items()]
    expected.sort(key=lambda row: [str(value) for value in asdict(row).values()])
    tables = [arrow_schema(SharedLook).empty_table(), *made.tables("looks")]
    assert pa.concat_tables(tables).equals(as_arrow(SharedLook, expected))
    left = sum(one.hoster not in enough for one in plain.episodes)
    assert made.left_out == len(judged) - sum(rows.values()) + left
    assert made.hidden == len(prefixes) - len(shown)
    assert made.looks.days == ((min(row.day for row in rows), max(row.day for row in rows)) if rows else None)
    assert made.looks.rows == len(rows)


def renamed(text: str) -> str:
    """Another id, in another order."""
    return text[::-1]
