"""Second opinions on an address, from MaxMind databases by geoip2."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import geoip2.database
from geoip2.errors import AddressNotFoundError
from maxminddb import InvalidDatabaseError

from waterbed.attribution.lookups.tables.contents import plain_text
from waterbed.model.errors import InputError

SEE: Final = "docs/attribution.md, Explain"
_FLAGS: Final = (
    "is_anonymous",
    "is_anonymous_vpn",
    "is_hosting_provider",
    "is_public_proxy",
    "is_residential_proxy",
    "is_tor_exit_node",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One database's opinion on an address."""

    what: Annotated[str, "country, AS, ISP or use"]
    value: Annotated[str, "its answer in words"]
    source: Annotated[str, "the database's type, as its maker names it"]
    built_at: Annotated[datetime, "when it was built"]


def opinions(path: Path, address: str) -> list[Opinion]:
    """The opinions of a database on an address.

    InputError if it cannot be read, is damaged, or is of no type that is known here.
    """
    try:
        with geoip2.database.Reader(path, ["en"]) as reader:
            about = reader.metadata()
            read_opinions = next((answer for name, answer in _KNOWN.items() if name in about.database_type), None)
            if read_opinions is None:
                raise InputError(
                    f"{path} is an MMDB of type {plain_text(about.database_type)[:60]!r}; one of {', '.join(_KNOWN)} "
                    f"was expected (geoip in waterbed.toml; {SEE})"
                )
            built_at = datetime.fromtimestamp(about.build_epoch, UTC)
            return [
                Opinion(what=topic, value=value, source=plain_text(about.database_type)[:60], built_at=built_at)
                for topic, value in read_opinions(reader, address)
            ]
    except AddressNotFoundError:
        return []
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read ({problem.strerror}); a MaxMind database was expected (geoip in "
            f"waterbed.toml; {SEE})"
        ) from None
    except (InvalidDatabaseError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        raise InputError(
            f"{path} is no MaxMind database, or damaged; get it again (geoip in waterbed.toml; {SEE})"
        ) from None


Said = Iterator[tuple[str, str]]


def _place(answer: Any) -> Said:
    if answer.country.iso_code:
        yield "country", plain_text(answer.country.iso_code)
    if answer.registered_country.iso_code:
        yield "registered country", plain_text(answer.registered_country.iso_code)


def _system(answer: Any) -> Said:
    if answer.autonomous_system_number is not None:
        name = plain_text(answer.autonomous_system_organization or "")
        yield "AS", f"AS{answer.autonomous_system_number}{f' ({name})' if name else ''}"


def _isp(answer: Any) -> Said:
    yield from _system(answer)
    for topic, name in (("ISP", answer.isp), ("organisation", answer.organization)):
        if name:
            yield topic, plain_text(name)


def _use(answer: Any) -> Said:
    flags = [name.removeprefix("is_").replace("_", " ") for name in _FLAGS if getattr(answer, name)]
    yield "use", ", ".join(flags) or "no flag"


_KNOWN: Final[Mapping[str, Callable[[geoip2.database.Reader, str], Said]]] = {
    "Country": lambda reader, address: _place(reader.country(address)),
    "City": lambda reader, address: _place(reader.city(address)),
    "Enterprise": lambda reader, address: _place(reader.enterprise(address)),
    "ISP": lambda reader, address: _isp(reader.isp(address)),
    "ASN": lambda reader, address: _system(reader.asn(address)),
    "Anonymous-IP": lambda reader, address: _use(reader.anonymous_ip(address)),
}
"""How each type of database answers, by a part of its name."""
