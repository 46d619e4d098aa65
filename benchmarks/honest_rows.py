"""What one version of the code says of drawn studies: rows, ranks and names, as plain values.

Started as a program, with the tree of that version on PYTHONPATH, it reads the names of study files from standard input
and answers each with a line of JSON. Imported, it does the same for the tree that imports it.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

import numpy as np
from honest_child import answer_lines
from honest_judged import SEEN, attributor, meanings

from waterbed.judging.confirmation import STATES, confirmed
from waterbed.judging.rules import read_rules
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.bookkeeping import Delivery
from waterbed.model.codec import microseconds, moment
from waterbed.model.conclusions import Attribution
from waterbed.model.facts import Report, Target
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.store.settings import Judge, Norm, Schedule
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts

try:
    from waterbed.graphs.linking.clusters import Clusters
    from waterbed.graphs.runs import Run
except ImportError:  # up to version 0.2.0 they lay beside the package
    from graphs.linking.clusters import Clusters
    from graphs.runs import Run

Columns = Mapping[str, Any]
"""The columns of a study (`waterbed.lab.simulate.grammar_study.Study.columns`)."""
UP = SEEN.index("up")
BLOCK = 64
"""Addresses of a block that is registered for a customer (`waterbed.lab.simulate.grammar_study.BLOCK`)."""
DAY_US = 1_743_465_600_000_000
"""The day before the study's start, of which attributions and registrations are."""


def said(study: Columns) -> list[dict[str, Any]]:
    """What is said of each hoster, by number."""
    tables = RankingTables(conclusions=concluded(study), kind="hoster")
    rows = {row.key: row for row in tables.rows}
    ranks = {row.key: row for row in tables.places(10)}
    found = []
    for number in range(int(study["hosters"])):
        key = key_of(number)
        if (row := rows.get(key)) is None:
            found.append({"rank_class": "none"})
            continue
        together = _together(tables, key, float(study["together"][number]))
        found.append(_plain(row, ranks[key]) | _since(row, study, number) | together)
    return found


def _together(tables: RankingTables, key: str, sites: float) -> dict[str, float | None]:
    """The interval of one row if decisions are made for so many sites at once; nan: it is not asked for."""
    if np.isnan(sites) or "together" not in {field.name for field in fields(RankingTables)}:
        return {}
    other = RankingTables(conclusions=tables.conclusions, kind=tables.kind, together=sites)
    other.__dict__.update(
        appearances=[one for one in tables.appearances if key in one.keys],
        groups={key: tables.groups.get(key, ())},
        differing=tables.differing,
    )
    (row,) = (one for one in other.rows if one.key == key)
    return {"together_low": row.removed_24h_low, "together_high": row.removed_24h_high}


def _since(row: Any, study: Columns, hoster: int) -> dict[str, float]:
    """From when on the reports are that a row speaks of, if its share changed: a change without a date halves them."""
    if row.rank_class != "changed":
        return {}
    if row.changed_before is not None:
        at = microseconds(row.changed_before)
    else:
        own = np.sort(study["reported"][study["hoster"] == hoster])
        at = int(own[own.size // 2])
    return {"since_h": (at - int(study["start"])) / 3.6e9}


def _plain(row: Any, rank: Any) -> dict[str, Any]:
    return {
        "rank_class": row.rank_class,
        "low": row.removed_24h_low,
        "high": row.removed_24h_high,
        "worst": row.removed_24h_worst,
        "best": row.removed_24h_best,
        "first": _either(rank, "speed_rank_low", "place_low"),
        "last": _either(rank, "speed_rank_high", "place_high"),
        "slower_than": [number_of(key) for key in getattr(rank, "slower_than", ())],
        "below_norm": rank.below_norm,
    }


def _either(row: Any, name: str, before: str) -> Any:
    """A field by its name, or by the one that it had up to version 0.2.0."""
    return getattr(row, name) if hasattr(row, name) else getattr(row, before)


def concluded(study: Columns) -> Conclusions:
    """The conclusions of a study whose checks are judged already."""
    config = Config(
        study="drawn",
        schedule=Schedule(
            young_interval_s=3600.0 * float(study["every_h"]),
            interval_s=3600.0 * float(study["later_h"]),
            young_hours=float(study["young_h"]),
            rare_share=float(study["rare_share"]),
        ),
        norm=Norm(share=float(study["norm"])),
    )
    known = attributor(_registrations(study))
    conclusions, at = Conclusions(facts_of(study), known, read_rules(), config), study["check_at"]
    conclusions.__dict__.update(
        runs=runs_of(study, config.judge),
        links=Clusters(),
        hosters=[key_of(number) for number in range(int(study["hosters"]))],
        _extent=(len(at), (int(at.min()), int(at.max()))),
    )
    return conclusions


def key_of(hoster: int) -> str:
    """The key of a hoster."""
    return f"hoster-{hoster}"


def number_of(key: str) -> int:
    """The hoster with a key."""
    return int(key.removeprefix("hoster-"))


def facts_of(study: Columns) -> Facts:
    """Reports, their URLs and deliveries, in this version's schema."""
    names = ("url_id", "site", "source", "content", "delivery", "reported", "received", "verified", "assessed")
    columns = [study[name].tolist() for name in names]
    targets, reports = {}, []
    for one, site, source, content, delivery, reported, received, verified, assessed in sorted(
        zip(*columns, strict=True), key=lambda row: (row[6], row[0])
    ):
        came = moment(received)
        targets[one] = _made(
            Target,
            url_id=one,
            host_id=f"host-{site}",
            site_id=f"site-{site}",
            label_id=f"label-{site}",
            path_id=one,
            suffix_id=None,
            spelling="drawn",
            suffix_list="drawn",
            added_at=came,
        )
        reports.append(
            _made(
                Report,
                report_id=f"report-{one}",
                url_id=one,
                source=f"source-{source}",
                category=("phishing", "malware")[source],
                site_type=None,
                commercial=None,
                assessed_illegal=True if assessed else None,
                verified_at=None if verified < 0 else moment(verified),
                content_id=None if content < 0 else f"content-{content}",
                reported_at=moment(reported),
                received_at=came,
                delivery_id=None if delivery < 0 else f"delivery-{delivery}",
            )
        )
    return Facts(
        targets=targets,
        reports=reports,
        looks=(),
        resolutions={},
        controls={},
        canaries=(),
        deliveries=list(_deliveries(study)),
    )


def _deliveries(study: Columns) -> Iterator[Delivery]:
    numbers, first, counts = np.unique(study["delivery"], return_index=True, return_counts=True)
    for number, at, reports in zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True):
        if number >= 0:
            yield _made(
                Delivery,
                delivery_id=f"delivery-{number}",
                source=f"source-{study['source'][at]}",
                run_id=f"run-{number}",
                received_at=moment(int(study["received"][at])),
                reports=reports,
                new=reports,
                rejected=0,
            )


def _registrations(study: Columns) -> Iterator[Registration]:
    """What a registry says of the blocks of customers, where it says anything."""
    columns = (study[name] for name in ("hoster", "address", "registration"))
    own = zip(*(column[study["registration"] >= 0].tolist() for column in columns), strict=True)
    blocks = {(hoster, address // BLOCK): customer for hoster, address, customer in own}
    for (hoster, block), customer in sorted(blocks.items()):
        first, last = (_text(hoster, block * BLOCK + place) for place in (0, BLOCK - 1))
        yield _made(
            Registration,
            registration_id=f"registration-{customer}",
            asked=first,
            kind="network",
            level=0,
            status="ok",
            reason=None,
            registry="ripe",
            first=first,
            last=last,
            handle=f"NET-{customer}",
            parent_handle=None,
            name=f"NET-{customer}",
            allocation="ASSIGNED PA",
            country="NL",
            holder=f"ripe:CUSTOMER-{customer}",
            holder_name=None,
            abuse_id=None,
            etag=None,
            source="rdap",
            fetched_at=moment(DAY_US),
        )


def _text(hoster: int, address: int) -> str:
    return f"28.{hoster + 1}.{address >> 8}.{address & 255}"


def _made(cls: type, **values: Any) -> Any:
    """A fact in this version's schema: fields that it does not have are left out."""
    known = {field.name for field in fields(cls)}
    return cls(**{name: value for name, value in values.items() if name in known})


def runs_of(study: Columns, judge: Judge) -> dict[str, list[Run]]:
    """The runs of each URL's checks, judged and confirmed by this version's rules."""
    url, at, seen, second = (study[f"check_{name}"] for name in ("url", "at", "seen", "second"))
    told = [meanings()[kind, before] for before in (False, True) for kind in SEEN]
    kind = seen + len(SEEN) * _seen_up_before(url, seen)
    state = np.array([STATES.index(one) for one, _ in told], np.int8)[kind]
    one_place = np.zeros(url.size, np.int32)
    down = confirmed(
        url, at, state, one_place, looks=judge.confirm_looks, over_s=judge.confirm_s, within_s=judge.vantage_within_s
    )
    changed = url[1:] != url[:-1]
    for column in (kind, down, second):
        changed |= column[1:] != column[:-1]
    starts = np.flatnonzero(np.append(True, changed))
    ids, answers, times = study["url_id"].tolist(), _answers(study), at.tolist()
    found: dict[str, list[Run]] = {one: [] for one in sorted({ids[n] for n in url[starts].tolist()})}
    columns = (url[starts], kind[starts], down[starts], second[starts].astype(np.int8))
    bounds = pairwise([*starts.tolist(), url.size])
    for (begin, end), one, what, absent, place in zip(bounds, *(column.tolist() for column in columns), strict=True):
        answer = answers[place][one]
        found[ids[one]].append(
            Run(
                state=told[what][0],
                cause=told[what][1],
                down=absent,
                answered=True,
                hosters=answer.hosters,
                at=tuple(times[begin:end]),
                answer=partial(_nth, answer),
                answers=partial(_each, answer),
            )
        )
    return found


def _seen_up_before(url: Any, seen: Any) -> Any:
    """True for each check whose URL an earlier check saw up."""
    ups = np.cumsum(seen == UP) - (seen == UP)
    of_first = ups[np.searchsorted(url, url)]
    return ups > of_first


def _nth(answer: Attribution, _: int) -> Attribution:
    return answer


def _each(answer: Attribution, first: int, last: int) -> Sequence[Attribution]:
    return (answer,) if last > first else ()


def _answers(study: Columns) -> tuple[list[Attribution], list[Attribution]]:
    """The attribution of each URL at its first and at its second hoster."""
    own = zip(*(study[name].tolist() for name in ("hoster", "address")), strict=True)
    other = zip(*(study[name].tolist() for name in ("second", "second_address")), strict=True)
    return [_attribution(*one) for one in own], [_attribution(*one) for one in other]


@cache
def _attribution(hoster: int, address: int) -> Attribution:
    key, day = key_of(hoster), moment(DAY_US)
    found: Attribution = _made(
        Attribution,
        addresses=(_text(hoster, address),),
        suffix_id=None,
        day=day,
        origins=(64_500 + hoster,),
        organisations=(),
        countries=("NL",),
        hosters=(key,),
        proxy=False,
        rule="drawn",
        routes_date=None,
        stale=False,
        address_hosters=(key,),
        prefixes=(f"28.{hoster + 1}.0.0/16",),
    )
    return found


def said_of_file(path: Path) -> list[dict[str, Any]]:
    """The same of a study in a file."""
    with np.load(path) as study:
        return said(dict(study))


if __name__ == "__main__":
    answer_lines(said_of_file)
