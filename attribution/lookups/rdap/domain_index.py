"""Registries' answers on domains, as of a time. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from waterbed.attribution.lookups.rdap.domain_plan import ANSWERS
from waterbed.model.registrations import DomainRegistration


class DomainIndex:
    """All that registries said of each domain, in order.

    By the keyed id of the domain; failed queries say nothing.
    """

    def __init__(self, facts: Iterable[DomainRegistration] = ()) -> None:
        """Take answers in any order."""
        answers: dict[str, list[DomainRegistration]] = defaultdict(list)
        self._tlds: dict[str, str] = {}
        self._names: dict[str, tuple[datetime, str]] = {}
        for fact in facts:
            self._tlds[fact.site_id] = fact.tld
            if fact.status in ANSWERS:
                answers[fact.site_id].append(fact)
            if fact.registrar and fact.registrar_name:
                self._names[fact.registrar] = max(
                    self._names.get(fact.registrar, (fact.fetched_at, "")), (fact.fetched_at, fact.registrar_name)
                )
        for its in answers.values():
            its.sort(key=lambda fact: (fact.fetched_at, fact.answer_id))
        self.answers: Mapping[str, Sequence[DomainRegistration]] = answers
        self._registered = {site_id: [fact for fact in its if fact.status == "ok"] for site_id, its in answers.items()}

    def tld(self, site_id: str) -> str | None:
        """The top-level domain of a domain that was asked for."""
        return self._tlds.get(site_id)

    def registrar(self, site_id: str, when: datetime) -> str | None:
        """The registrar at a time, None where none is known.

        By the newest answer from before it, else by the first one after it.
        """
        answers = self._registered.get(site_id)
        if not answers:
            return None
        place = bisect_right(answers, when, key=lambda fact: fact.fetched_at)
        return answers[max(0, place - 1)].registrar

    def registrars(self, site_id: str) -> tuple[str, ...]:
        """All registrars that a domain is known to have had."""
        return tuple(sorted({fact.registrar for fact in self._registered.get(site_id, ()) if fact.registrar}))

    def name_of(self, registrar: str) -> str:
        """A registrar's name, its key where it has none."""
        return self._names[registrar][1] if registrar in self._names else registrar
