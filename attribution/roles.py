"""Roles of companies to one address on one day. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waterbed.attribution.hosters.members import holder_key
from waterbed.attribution.lookups.tables.relations import RelationTable
from waterbed.model.registrations import Registration


class Book(Protocol):
    """The hoster entities of one day."""

    def key_of_as(self, asn: int) -> str:
        """The hoster's key for an AS; `AS64500` if unclaimed."""
        ...

    def key_of_holder(self, holder: str) -> str | None:
        """The hoster that claims a registrant's handle."""
        ...

    def key_of_address(self, address: str) -> str | None:
        """The hoster that claims the smallest range around an address."""
        ...

    def key_of_suffix(self, suffix: str) -> str | None:
        """The hoster that claims a suffix."""
        ...

    def kind(self, key: str) -> str:
        """`hoster`, `proxy` or `platform`."""
        ...

    def country(self, key: str) -> str | None:
        """The country of its legal seat."""
        ...

    def unreviewed(self, key: str) -> bool:
        """True if a decision behind it lacks a second person."""
        ...


class Chain(Protocol):
    """Registrations around an address, the smallest network first."""

    @property
    def levels(self) -> tuple[Registration, ...]:
        """The networks that enclose it."""
        ...

    @property
    def fetched_at(self) -> datetime:
        """Time of the query."""
        ...

    @property
    def stale(self) -> bool:
        """True if the query is too long before the day."""
        ...

    @property
    def early(self) -> bool:
        """True if the query was after the day."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRoles:
    """The roles of companies to one address on one day.

    Roles are hoster keys: of the book, `AS64500` for an AS and `registry:HANDLE` for a registrant that nobody claims.
    """

    address: str
    prefix: str
    """The smallest routed range around it, else empty."""
    origins: tuple[int, ...]
    as_holders: tuple[str, ...]
    claimed: str | None
    """Hoster that claims its range, whatever AS announces it."""
    operator: str | None
    """The holder of the smallest registration around it, if known."""
    upstreams: tuple[str, ...]
    """Other holders: of the networks above and the ASes."""
    above: tuple[str, ...]
    """Holders of the networks above the smallest, from below, each once; none of them answers for it."""
    proxy: bool
    registered_country: str | None
    chain: Chain | None

    @property
    def answers(self) -> tuple[str, ...]:
        """Responsible: the range's owner, operator or else AS holders.

        The first of these that is known counts.
        """
        best = self.claimed or self.operator
        return (best,) if best else self.as_holders


def roles_of(
    address: str,
    *,
    prefix: str,
    origins: tuple[int, ...],
    chain: Chain | None,
    book: Book,
    holder_of_as: Callable[[int], str | None],
    behind_cdn: bool = False,
) -> AddressRoles:
    """The roles of one address.

    `holder_of_as` gives the registrant's handle of an AS, if known.

    `behind_cdn`: its name leads through a known CDN, so whoever announces it is a reverse proxy here.
    """
    as_holders = tuple(sorted({book.key_of_as(asn) for asn in origins}))
    claimed = book.key_of_address(address)
    levels = chain.levels if chain else ()
    operator = _operator(levels, origins, book, holder_of_as)
    answers = (claimed,) if claimed else (operator, *as_holders)
    holders = [key for level in levels[1:] if (key := _key(level, origins, book, holder_of_as))]
    above = tuple(dict.fromkeys(key for key in holders if key not in (answers if claimed or operator else as_holders)))
    return AddressRoles(
        address=address,
        prefix=prefix,
        origins=origins,
        as_holders=as_holders,
        claimed=claimed,
        operator=operator,
        upstreams=tuple(sorted({*holders, *as_holders} - {claimed, operator})) if claimed or operator else (),
        above=above,
        proxy=behind_cdn or any(key is not None and book.kind(key) == "proxy" for key in answers),
        registered_country=next((level.country for level in levels if level.country), None),
        chain=chain,
    )


def transits_of(origins: Collection[int], relations: RelationTable | None, book: Book) -> tuple[str, ...]:
    """Companies that carry ASes as their customers, sorted.

    Those that hold one of the ASes are left out; none without a table of relations.
    """
    if relations is None:
        return ()
    own_companies = {book.key_of_as(asn) for asn in origins}
    carriers = {book.key_of_as(provider) for asn in origins for provider in relations.providers_of(asn)}
    return tuple(sorted(carriers - own_companies))


def _operator(
    levels: Sequence[Registration], origins: tuple[int, ...], book: Book, holder_of_as: Callable[[int], str | None]
) -> str | None:
    """The holder of the smallest network, if that tells more than the AS does.

    Where the AS's registrant is not known, a network directly below the registry may well be the AS's own; one that
    lies in another holder's network is a customer's for sure.
    """
    if not levels or not levels[0].holder:
        return None
    key = _key(levels[0], origins, book, holder_of_as)
    if key != holder_key(levels[0].holder) or all(holder_of_as(asn) for asn in origins):
        return key
    above = next((holder_key(level.holder) for level in levels[1:] if level.holder), None)
    return key if above and above != key else None


def _key(
    level: Registration, origins: tuple[int, ...], book: Book, holder_of_as: Callable[[int], str | None]
) -> str | None:
    """The hoster of a registration: who claims its holder, else the origin AS of the same holder, else the handle."""
    if level.holder is None:
        return None
    claimed = book.key_of_holder(level.holder)
    if claimed:
        return claimed
    holder = holder_key(level.holder)
    same = next((asn for asn in origins if _handle_of_as(asn, holder_of_as) == holder), None)
    return holder if same is None else book.key_of_as(same)


def _handle_of_as(asn: int, holder_of_as: Callable[[int], str | None]) -> str | None:
    holder = holder_of_as(asn)
    return holder_key(holder) if holder else None
