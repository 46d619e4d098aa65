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
        for one in facts:
            self._tlds[one.site_id] = one.tld
            if one.status in ANSWERS:
                answers[one.site_id].append(one)
            if one.registrar and one.registrar_name:
                self._names[one.registrar] = max(
                    self._names.get(one.registrar, (one.fetched_at, "")), (one.fetched_at, one.registrar_name)
                )
        for its in answers.values():
            its.sort(key=lambda one: (one.fetched_at, one.answer_id))
        self.answers: Mapping[str, Sequence[DomainRegistration]] = answers
        self._registered = {site_id: [one for one in its if one.status == "ok"] for site_id, its in answers.items()}

    def tld(self, site_id: str) -> str | None:
        """The top-level domain of a domain that was asked for."""
        return self._tlds.get(site_id)

    def registrar(self, site_id: str, when: datetime) -> str | None:
        """The registrar at a time, None where none is known.

        By the newest answer from before it, else by the first one after it.
        """
        known = self._registered.get(site_id)
        if not known:
            return None
        place = bisect_right(known, when, key=lambda one: one.fetched_at)
        return known[max(0, place - 1)].registrar

    def registrars(self, site_id: str) -> tuple[str, ...]:
        """All registrars that a domain is known to have had."""
        return tuple(sorted({one.registrar for one in self._registered.get(site_id, ()) if one.registrar}))

    def name_of(self, registrar: str) -> str:
        """A registrar's name, its key where it has none."""
        return self._names[registrar][1] if registrar in self._names else registrar
