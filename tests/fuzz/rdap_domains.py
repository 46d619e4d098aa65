"""RDAP answers on domains, as we and as whoisit read them: one registrar, one expiry, the same holds."""

from datetime import UTC, datetime
from typing import Any

from whoisit.parser import ParseDomain

from tests.fuzz.finding import expect
from tests.fuzz.rdap_answers import document, theirs
from waterbed.attribution.lookups.rdap.answers import BadAnswer
from waterbed.attribution.lookups.rdap.domains import RegisteredDomain, epp_states, read_domain


def check_domain(data: bytes, name: str | None = None) -> RegisteredDomain | BadAnswer:
    """Read an answer on a domain, by ourselves and by whoisit; return ours."""
    found = document(data)
    said = found.get("ldhName") if found else None
    asked = name or (said.rstrip(".").lower() if isinstance(said, str) else "a.example")
    ours = read_domain(data, asked)
    if isinstance(ours, BadAnswer) or found is None or not (peer := theirs(ParseDomain, "domain", found)):
        return ours
    if isinstance(found.get("status"), list):
        expect(ours.states == epp_states(peer["status"]), f"{ours.states}, by whoisit {peer['status']}")
    for mine, key, actions in (
        (ours.created_on, "registration_date", ("registration", "reregistration")),
        (ours.expires_on, "expiration_date", ("expiration",)),
    ):
        dates = _dates(found, actions)
        if len(dates) == 1 and _is_rfc3339(dates[0]) and isinstance(peer[key], datetime):
            expect(mine == _day(peer[key]), f"{mine}, by whoisit {peer[key]}")
    registrars = [one for one in peer["entities"].get("registrar", ()) if _iana(one)]
    if ours.registrar and ours.registrar.startswith("iana:") and len(registrars) == 1:
        expect(ours.registrar == f"iana:{_iana(registrars[0])}", "another registrar, by whoisit")
    return ours


def _iana(entity: dict[str, Any]) -> str | None:
    known = entity.get("public_ids", ())
    return next((one["identifier"] for one in known if one["type"].lower() == "iana registrar id"), None)


def _dates(found: dict[str, Any], actions: tuple[str, ...]) -> list[Any]:
    events = [one for one in found.get("events") or () if isinstance(one, dict)]
    return [one.get("eventDate") for one in events if str(one.get("eventAction")).strip().lower() in actions]


def _is_rfc3339(given: Any) -> bool:
    try:
        return isinstance(given, str) and 1970 <= datetime.strptime(given, "%Y-%m-%dT%H:%M:%SZ").year <= 2200
    except ValueError:
        return False


def _day(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
