"""Opens what attribution needs from a study's folder: dated tables, registrations, the book of hosters."""

from datetime import date

from attribution.attribute import Attributor
from attribution.hosters.book import HosterBook
from attribution.hosters.members import holder_key
from attribution.lookups.rdap.registrations import RegistrationIndex
from attribution.lookups.tables.countries import PlaceTables
from attribution.lookups.tables.organisations_part import AsOrganisations
from attribution.lookups.tables.routes import RouteTables
from waterbed.model.facts import Registration
from waterbed.store.folder import Folder
from waterbed.study.tables import opened


def attributor_of(folder: Folder, book: HosterBook) -> Attributor:
    """Everything that says who answers for an address on a day."""
    registrations = folder.store.all(Registration, order=("fetched_at", "registration_id"))
    routes: list[tuple[date, RouteTables]] = opened(folder, "routes")
    places: list[tuple[date, PlaceTables]] = opened(folder, "places")
    organisations: list[tuple[date, AsOrganisations]] = opened(folder, "organisations")
    return Attributor(
        routes=routes,
        places=places,
        organisations=organisations,
        registered=RegistrationIndex(registrations, fresh_days=folder.config.registry.fresh_days),
        holder_names={
            holder_key(one.holder): one.holder_name for one in registrations if one.holder and one.holder_name
        },
        book=book,
        suffixes=suffixes_of(folder, book),
        max_age_days=folder.config.routes_max_age_days,
    )


def suffixes_of(folder: Folder, book: HosterBook) -> dict[str, str]:
    """The suffixes of platforms by their keyed ids; of a study that was reproduced, those of its package."""
    if folder.frozen:
        return dict(folder.frozen.suffixes)
    return {folder.vault.keyed_id("suffix", suffix): suffix for suffix in book.suffixes()}
