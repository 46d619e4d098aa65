"""Names of AS holders, saved beside a table and read when asked for."""

import json
from pathlib import Path

import pytest

from waterbed.attribution.lookups.tables.routes import AsNames, RouteTables, read_routes
from waterbed.model.errors import InputError

CSV = '192.0.2.0,192.0.2.255,64501,"Grün, Ltd"\n198.51.100.0,198.51.100.255,64500,A\n203.0.113.0,203.0.113.255,64502,\n'


def test_names_come_back_as_they_were(tmp_path: Path) -> None:
    """Any spelling is kept, an AS without a name has none, and the file about the table stays small."""
    (tmp_path / "csv").write_text(CSV)
    read_routes(tmp_path / "csv").save(tmp_path / "saved")
    names = RouteTables.load(tmp_path / "saved").organisations
    assert isinstance(names, AsNames)
    assert len(names) == 2
    assert dict(names) == {64500: "A", 64501: "Grün, Ltd"}
    assert (list(names), names.get(64502), names[64500]) == ([64500, 64501], None, "A")
    assert (tmp_path / "saved" / "about.json").stat().st_size < 1000


def test_a_table_without_names_is_saved_and_loaded(tmp_path: Path) -> None:
    """A file of prefixes names nobody."""
    (tmp_path / "dat").write_text("192.0.2.0/24\t64500\n")
    read_routes(tmp_path / "dat").save(tmp_path / "saved")
    assert dict(RouteTables.load(tmp_path / "saved").organisations) == {}


def test_an_older_folder_still_opens(tmp_path: Path) -> None:
    """Folders that hold the names in about.json are read as before."""
    (tmp_path / "csv").write_text(CSV)
    read_routes(tmp_path / "csv").save(tmp_path / "saved")
    about = tmp_path / "saved" / "about.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "organisations": {"64500": "Old"}}))
    assert RouteTables.load(tmp_path / "saved").organisations == {64500: "Old"}


def test_damaged_names_are_refused(tmp_path: Path) -> None:
    """Names that are cut off are noticed when the table is opened."""
    (tmp_path / "csv").write_text(CSV)
    read_routes(tmp_path / "csv").save(tmp_path / "saved")
    text = tmp_path / "saved" / "name_text.npy"
    text.write_bytes(text.read_bytes()[:-1])
    with pytest.raises(InputError, match="import its file again"):
        RouteTables.load(tmp_path / "saved")
