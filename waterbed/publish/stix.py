"""Rankings as a STIX 2.1 bundle.

It holds autonomous systems, infrastructure and observed data, with the ranking as an extension.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from stix2 import v21

from waterbed.model.codec import columns
from waterbed.model.conclusions import RankingRow
from waterbed.publish.policy import Publication, provenance_text
from waterbed.study.formats import records, row_schema


def stable_id(space: UUID, text: str) -> UUID:
    """A deterministic id in the form of a random UUID.

    STIX 2.1, 2.9 asks for that form.
    """
    return UUID(bytes=sha256(space.bytes + text.encode()).digest()[:16], version=4)


_SPACE: Final = UUID("9a1b0a5c-6a3a-5e0f-8f53-0f5d3a7a2c11")
"""Namespace of the ids made here."""
SCHEMA: Final = "https://waterbed.invalid/schemas/hosting-ranking-1.json"
"""Name of the extension's schema; the schema itself is published beside the bundle."""
EXTENSION: Final = f"extension-definition--{stable_id(_SPACE, 'hosting-ranking-1')}"
_MARKS: Final = {
    "clear": v21.TLP_WHITE,
    "green": v21.TLP_GREEN,
    "amber": v21.TLP_AMBER,
    "amber+strict": v21.TLP_AMBER,
    "red": v21.TLP_RED,
}
"""STIX 2.1 knows TLP 1; a statement gives the TLP 2 name."""
_SINCE: Final = datetime(2026, 11, 25, tzinfo=UTC)
"""Time of the extension's definition; all publishers share this object."""
AUTHOR: Final = v21.Identity(
    id=f"identity--{stable_id(_SPACE, 'waterbed')}",
    name="Waterbed",
    description="The program whose extension this is.",
    identity_class="system",
    created=_SINCE,
    modified=_SINCE,
)
EXTENDED: Final = v21.ExtensionDefinition(
    id=EXTENSION,
    name="hosting ranking",
    description="One row of a ranking of hosters or autonomous systems by reported content.",
    created_by_ref=AUTHOR.id,
    created=_SINCE,
    modified=_SINCE,
    schema=SCHEMA,
    version="1.0.0",
    extension_types=["property-extension"],
)
_MOST: Final = 999_999_999
"""Largest number_observed (STIX 2.1, 4.13)."""


def stix_bundle(publication: Publication) -> str:
    """Serialise the rankings by AS and hoster as one bundle.

    Ids are made from study and key, so publishing again gives the same objects with a later `modified`.
    """
    maker = _Maker(publication)
    objects = [AUTHOR, EXTENDED, maker.identity, *maker.markings]
    systems: dict[int, Any] = {}
    for row in publication.table("ranking-asn").rows:
        number = int(row.key.removeprefix("AS")) if row.key.startswith("AS") else None
        if number is not None:
            systems[number] = maker.system(number, row.name)
            objects += [systems[number], maker.observed(row, [systems[number].id])]
    for row in publication.table("ranking-hoster").rows:
        if row.place is not None:
            objects += maker.hoster(row, [systems[n] for n in publication.origins.get(row.key, ()) if n in systems])
    objects.append(maker.report(objects))
    bundle = v21.Bundle(
        objects, id=f"bundle--{stable_id(maker.space, publication.made_at.isoformat())}", allow_custom=True
    )
    return json.dumps(json.loads(bundle.serialize()), indent=1, ensure_ascii=False) + "\n"


class _Maker:
    """Builds a bundle's objects with the same markings and dates."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.space = stable_id(_SPACE, publication.policy.namespace)
        self.created = publication.first or publication.made_at
        self.identity = v21.Identity(
            id=f"identity--{stable_id(self.space, 'publisher')}",
            name=publication.policy.publisher,
            identity_class="organization",
            created=self.created,
            modified=publication.made_at,
        )
        self.markings = list(self._markings())
        self._common: dict[str, Any] = {
            "created_by_ref": self.identity.id,
            "created": self.created,
            "modified": publication.made_at,
            "object_marking_refs": [marking.id for marking in self.markings],
        }

    def _markings(self) -> Iterator[Any]:
        policy = self.publication.policy
        yield _MARKS[policy.tlp]
        sources = "; ".join(f"{name}: {description}" for name, description in sorted(self.publication.sources.items()))
        caveat = self.publication.table("ranking-hoster").envelope.caveat
        statement = f"{caveat}. " if caveat else ""
        statement += f"TLP:{policy.tlp.upper()}. Licence: {policy.licence}. Data: {sources or 'none'}"
        yield v21.MarkingDefinition(
            id=f"marking-definition--{stable_id(self.space, statement)}",
            created=self.created,
            definition_type="statement",
            definition=v21.StatementMarking(statement=statement),
        )

    def report(self, objects: list[Any]) -> Any:
        """The report on the ranking, with its sources and objects."""
        about = [stix_object.id for stix_object in objects if stix_object.id not in self._common["object_marking_refs"]]
        return v21.Report(
            id=f"report--{stable_id(self.space, 'ranking')}",
            name=f"{self.publication.title}: hosting of reported content",
            description=provenance_text(self.publication, self.publication.table("ranking-hoster").envelope),
            report_types=["observed-data"],
            published=self.publication.made_at,
            object_refs=about,
            **self._common,
        )

    def system(self, number: int, name: str) -> Any:
        """An AS, identified by its number (STIX 2.1, 2.9)."""
        return v21.AutonomousSystem(number=number, name=name)

    def observed(self, row: RankingRow, refs: list[str]) -> Any:
        """Observed data of a key, with its ranking row."""
        return v21.ObservedData(
            id=f"observed-data--{stable_id(self.space, row.key)}",
            first_observed=self.created,
            last_observed=self.publication.last or self.created,
            number_observed=max(1, min(row.urls, _MOST)),
            object_refs=refs,
            extensions={EXTENSION: ranked(row)},
            **self._common,
        )

    def hoster(self, row: RankingRow, systems: list[Any]) -> Iterator[Any]:
        """A hoster as infrastructure, with its members."""
        infrastructure = v21.Infrastructure(
            id=f"infrastructure--{stable_id(self.space, row.key)}",
            name=row.name,
            description="A hosting provider at which reported content was measured. The ranking accuses nobody.",
            infrastructure_types=["unknown"],
            first_seen=self.created,
            last_seen=self.publication.last or self.created,
            extensions={EXTENSION: ranked(row)},
            **self._common,
        )
        yield infrastructure
        for system in systems:
            yield v21.Relationship(
                id=f"relationship--{stable_id(self.space, f'{row.key} {system.id}')}",
                relationship_type="consists-of",
                source_ref=infrastructure.id,
                target_ref=system.id,
                **self._common,
            )


def ranked(row: RankingRow) -> dict[str, Any]:
    """A row as extension properties; unknown values are left out.

    STIX has no null.
    """
    record = records(RankingRow, [row])[0]
    return {
        "extension_type": "property-extension",
        **{name: value for name, value in record.items() if value is not None},
    }


def extension_schema() -> str:
    """The JSON Schema of the extension's properties, as text."""
    schema = row_schema(RankingRow)
    nullable = {name for name, (_, null, _) in columns(RankingRow).items() if null}
    public = getattr(RankingRow, "PUBLIC", {})
    schema["required"] = [name for name in schema["required"] if name not in {public.get(n, n) for n in nullable}]
    schema["properties"]["extension_type"] = {"const": "property-extension"}
    schema["$id"] = SCHEMA
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1) + "\n"
