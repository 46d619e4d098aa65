"""The origin ASes of a study's addresses, by its newest tables of routes."""

from ipaddress import ip_address

from waterbed.model.facts import Snapshot
from waterbed.store.folder import Folder


def newest_origins(folder: Folder, addresses: list[str]) -> set[int]:
    """The origin ASes of addresses, by the newest table of each family; none without a table."""
    newest = {
        snapshot.family: snapshot.snapshot_id.rpartition("-v")[0]
        for snapshot in folder.store.all(Snapshot, order=("data_date", "imported_at", "snapshot_id"))
        if snapshot.kind == "routes"
    }
    if not newest or not addresses:
        return set()
    from attribution.lookups.tables.routes import RouteTables  # noqa: PLC0415 (numpy, only where there are tables)

    found: set[int] = set()
    for family, name in newest.items():
        ours = [address for address in addresses if ip_address(address).version == family]
        for origins in RouteTables.load(folder.tables / name).origins_of(ours):
            found.update(origins)
    return found
