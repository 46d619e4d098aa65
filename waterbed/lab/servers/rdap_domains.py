"""Records of the lab's registries of names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

_ICANN = "https://icann.org/epp#"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrueDomain:
    """One registered domain.

    `spelling` is how its registry writes statuses: as RDAP does, as EPP does, or so with a link behind.
    """

    name: str
    registrar: int | None = 9001
    registrar_name: str = "Lab Registrar B.V."
    created: datetime | None = None
    expires: datetime | None = None
    states: tuple[str, ...] = ("active",)
    spelling: Literal["rdap", "epp", "linked"] = "rdap"
    rotten: str | None = None
    """A fault that every answer about it has."""

    @property
    def registry(self) -> str:
        """The registry of its top-level domain."""
        return self.name.rpartition(".")[2]

    def __repr__(self) -> str:
        """Say nothing of the name."""
        return "<TrueDomain>"


def domain_object(one: TrueDomain, base: str) -> dict[str, Any]:
    """The RDAP object of a domain, registrar linked."""
    registrar: dict[str, Any] = {
        "objectClassName": "entity",
        "handle": str(one.registrar) if one.registrar else "LAB-REGISTRAR",
        "roles": ["registrar"],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", one.registrar_name]]],
        "entities": [
            {"objectClassName": "entity", "roles": ["abuse"], "vcardArray": ["vcard", [["fn", {}, "text", ""]]]}
        ],
    }
    if one.registrar:
        registrar["publicIds"] = [{"type": "IANA Registrar ID", "identifier": str(one.registrar)}]
    else:
        registrar["vcardArray"][1].append(["kind", {}, "text", "org"])
    dates = {"registration": one.created, "expiration": one.expires}
    return {
        "objectClassName": "domain",
        "handle": f"LAB-{one.registry.upper()}",
        "ldhName": one.name.upper(),
        "status": [_spelled(state, one.spelling) for state in one.states],
        "events": [
            {"eventAction": what, "eventDate": f"{when:%Y-%m-%dT%H:%M:%SZ}"} for what, when in dates.items() if when
        ],
        "entities": [registrar],
        "links": [
            {"rel": "self", "type": "application/rdap+json", "href": f"{base}domain/{one.name}"},
            {
                "rel": "related",
                "type": "application/rdap+json",
                "href": f"https://rdap.registrar.invalid/domain/{one.name}",
            },
        ],
    }


def _spelled(state: str, spelling: str) -> str:
    if spelling == "rdap":
        return state
    first, *others = state.split(" ")
    epp = first + "".join(map(str.capitalize, others))
    return f"{epp} {_ICANN}{epp}" if spelling == "linked" else epp
