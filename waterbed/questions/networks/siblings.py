"""Hosters that tables say are one company: private proposals."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final

from waterbed.attribution.hosters.members import as_of_key
from waterbed.attribution.lookups.tables.organisations import AsOrganisations
from waterbed.attribution.lookups.tables.siblings import SiblingTable
from waterbed.attribution.snapshots import latest
from waterbed.governance import hosters
from waterbed.governance.keys import stated_reason
from waterbed.measures.carriers import hosts_of
from waterbed.model.decisions import HosterChange
from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.table import TableInfo
from waterbed.questions.networks.successions import NEW, REASON_WORDS, decided
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

SEE: Final = "docs/hosters.md, Siblings"
METHOD: Final = f"ASes of one holder, or of one group, by the tables of organisations and siblings of the day: {SEE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Two hosters, and the tables that say they are one."""

    key: Annotated[str, "the hoster with fewer reported hosts"]
    into: Annotated[str, "the other one"]
    hosts: Annotated[int, "reported hosts of the first"]
    into_hosts: Annotated[int, "reported hosts of the other"]
    sources: Annotated[tuple[str, ...], "forms and days of the tables that say so"]
    ases: Annotated[tuple[str, ...], "their ASes that these tables put together"]
    queue: Annotated[str, "new, or the status of an earlier decision about the two"]


@stage("hosters that may be one company")
def siblings(study: Study, conclusions: Conclusions, day: date) -> tuple[list[Siblings], TableInfo]:
    """Pairs of the study's hosters, those of most hosts first.

    InputError where the study has no table that could tell.
    """
    tables = [*_tables(study, "organisations", day), *_tables(study, "siblings", day)]
    if not tables:
        raise InputError(
            f"there is no table of organisations or siblings; add one with waterbed tables add --kind siblings ({SEE})"
        )
    book = conclusions.attributor.book.on(day)
    hosts = hosts_of(conclusions)
    ases = {asn: key for key in hosts for what in book.members(key) if (asn := as_of_key(what)) is not None}
    said: dict[tuple[str, str], tuple[set[str], set[int]]] = defaultdict(lambda: (set(), set()))
    for source, groups in ((source, _groups(table, ases)) for source, table in tables):
        for members in groups:
            companies = sorted({ases[asn] for asn in members}, key=lambda key: (-hosts[key], key))
            for key in companies[1:]:
                sources, numbers = said[key, companies[0]]
                sources.add(source)
                numbers.update(asn for asn in members if ases[asn] in (key, companies[0]))
    known = decided(conclusions.attributor.book, list(said), day)
    rows = [
        Siblings(
            key=key,
            into=into,
            hosts=hosts[key],
            into_hosts=hosts[into],
            sources=tuple(sorted(sources)),
            ases=tuple(f"AS{asn}" for asn in sorted(numbers)),
            queue=known.get(f"{key} {into}", NEW),
        )
        for (key, into), (sources, numbers) in said.items()
    ]
    rows.sort(key=lambda row: (-row.hosts, row.key, row.into))
    info = replace(
        table_info(study, "siblings", by="pair of hosters"), clock="data date", window=str(day), method=METHOD
    )
    return rows, info


def propose(study: Study, rows: Sequence[Siblings], reason: str) -> list[HosterChange]:
    """Put new pairs before the coders.

    None of them has an effect until two people accept it, each with a public source.
    """
    stated_reason(reason, "--propose", most=REASON_WORDS, see=SEE)
    made, taken = [], set[str]()
    for row in rows:
        if row.queue == NEW and row.key not in taken:  # one company at a time: a second change would contradict it
            taken.add(row.key)
            why = f"{reason} (by {', '.join(row.sources)}: {', '.join(row.ases[:_SHOWN])})"
            made.append(hosters.decide(study.folder, "proposal", row.key, into=row.into, reason=why))
    return made


_SHOWN: Final = 6


_Table = AsOrganisations | SiblingTable


def _tables(study: Study, kind: str, day: date) -> Iterator[tuple[str, _Table]]:
    """The latest table of each form, not after a day."""
    by_form: dict[str, list[tuple[date, tuple[date, _Table]]]] = defaultdict(list)
    for on, table in study.tables(kind):
        by_form[table.form].append((on, (on, table)))
    for form, dated in sorted(by_form.items()):
        found = latest(dated, day)
        if found is not None:
            yield f"{form} of {found[0]}", found[1]


def _groups(table: _Table, ases: Mapping[int, str]) -> Iterator[list[int]]:
    """ASes of the study that a table puts together."""
    found: dict[object, list[int]] = defaultdict(list)
    for asn in sorted(ases):
        if isinstance(table, SiblingTable):
            group: object = table.group_of(asn)
        else:
            group = holder.holder if (holder := table.of(asn)) else None
        if group is not None:
            found[group].append(asn)
    return (members for members in found.values() if len({ases[asn] for asn in members}) > 1)
