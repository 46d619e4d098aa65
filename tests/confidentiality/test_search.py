"""The search finds a planted name in every format and form, and nothing where there is nothing."""

import base64
import gzip
import json
import sqlite3
import zipfile
from pathlib import Path

import idna
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.confidentiality.names import Secrets
from tests.confidentiality.search import search

HOST = "login.planted-secret.example.com"
UMLAUT = idna.encode("planted-bücher.example").decode()
SECRETS = Secrets([HOST, UMLAUT, "t.co", "28.10.0.1"])


def _sqlite(path: Path, *, deleted: bool = False, wal: bool = False) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA secure_delete=OFF")
    if wal:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute("CREATE TABLE t (a TEXT, b TEXT)")
    database.execute("INSERT INTO t VALUES ('x', ?)", (HOST,))
    if deleted:
        database.execute("DELETE FROM t")
    database.commit()
    if wal:
        # as a killed process leaves it: the WAL is there, the main file has nothing yet
        kept = {name: path.with_name(path.name + name).read_bytes() for name in ("-wal",)}
        database.close()
        path.with_name(path.name + "-wal").write_bytes(kept["-wal"])
        path.unlink()
    else:
        database.close()


def _plant(kind: str, folder: Path) -> None:
    path = folder / "file"
    if kind.startswith("sqlite"):
        _sqlite(path, deleted=kind == "sqlite free page", wal=kind == "sqlite wal")
    elif kind == "parquet":
        pq.write_table(pa.table({"n": [1, 2], "s": ["x", f"see {HOST}"]}), path, compression="zstd")
    elif kind == "parquet metadata":
        pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({"note": HOST}), path)
    elif kind == "arrow":
        table = pa.table({"s": pa.array([[HOST]])})
        with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as out:
            out.write_table(table)
    elif kind == "gzip":
        path.write_bytes(gzip.compress(f"line {HOST}\n".encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("inner.txt", HOST)
    elif kind == "zip in gzip":
        _plant("zip", folder)
        path.write_bytes(gzip.compress(path.read_bytes()))
    elif kind == "npy":
        with path.open("wb") as out:
            np.save(out, np.array([HOST]))
    elif kind == "json escapes":
        path.write_text(json.dumps({"u": "".join(f"\\u{ord(c):04x}" for c in HOST)}).replace("\\\\", "\\"))
    else:
        path.write_text(f"2026-01-05 INFO looked at http://{HOST}/x\n")


FORMATS = [
    "log",
    "sqlite",
    "sqlite free page",
    "sqlite wal",
    "parquet",
    "parquet metadata",
    "arrow",
    "gzip",
    "zip",
    "zip in gzip",
    "npy",
    "json escapes",
]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_planted_in_each_format_is_found(kind: str, tmp_path: Path) -> None:
    """Text, databases with their leftovers, columnar files, archives: a name in any of them is found."""
    _plant(kind, tmp_path)
    assert search([tmp_path], SECRETS).hits


FORMS = {
    "upper case": HOST.upper().encode(),
    "utf-16-le": HOST.encode("utf-16-le"),
    "utf-16-be": HOST.encode("utf-16-be"),
    "hex": HOST.encode().hex().upper().encode(),
    "base64 0": base64.b64encode(f"{HOST}xx".encode()),
    "base64 1": base64.b64encode(f"a{HOST}yy".encode()),
    "base64 2": base64.b64encode(f"ab{HOST}zz".encode()),
    "base64 urlsafe": base64.urlsafe_b64encode(f"http://{HOST}/?>".encode()),
    "percent": "".join(f"%{b:02X}" for b in HOST.encode()).encode(),
    "percent dots": HOST.replace(".", "%2E").encode(),
    "dns wire": b"\x05login\x0eplanted-secret\x07example\x03com\x00",
    "idna": "planted-bücher.example".encode(),
    "registrable domain": b"mail.planted-secret.example.com"[5:],
    "label": b"name=planted-secret;",
    "without boundary": f"abc{HOST}def".encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_name_in_each_form_is_found(form: str, tmp_path: Path) -> None:
    """Letter case, UTF-16, hex, base64 at any alignment, percent, DNS wire, IDNA, site and label are found."""
    secrets = Secrets([HOST, UMLAUT, "www.planted-secret.com"]) if form == "label" else SECRETS
    (tmp_path / "file").write_bytes(b"\x00\x01 before " + FORMS[form] + b" after")
    assert search([tmp_path], secrets).hits


def test_a_short_name_must_stand_alone(tmp_path: Path) -> None:
    """`t.co` is found as itself, not inside other words."""
    (tmp_path / "a").write_text("chart.com, at.co-op, t.county")
    assert search([tmp_path], SECRETS).hits == []
    (tmp_path / "a").write_text("see t.co now")
    assert [hit.form for hit in search([tmp_path], SECRETS).hits] == ["plain"]


def test_other_names_and_noise_are_no_hit(tmp_path: Path) -> None:
    """Clean files of every format give nothing."""
    (tmp_path / "a").write_bytes(np.random.default_rng(3).bytes(2_000_000))
    (tmp_path / "b").write_text("login.other-name.example.org " * 1000)
    pq.write_table(pa.table({"s": ["clean"] * 100}), tmp_path / "c")
    found = search([tmp_path], SECRETS)
    assert (found.files, found.hits) == (3, [])
    assert found.bytes_read > 2_000_000


def test_names_in_public_reference_data_are_left_out_and_counted(tmp_path: Path) -> None:
    """A name that a public table holds anyway tells nothing by being there."""
    secrets = Secrets([HOST, "www.big-company.com"])
    secrets.without([b'1.0.0.0,1.0.0.255,64500,"big-company"\n'])
    assert secrets.left_out["found in the reference"] == 1
    (tmp_path / "a").write_text("organisation big-company")
    assert search([tmp_path], secrets).hits == []


def test_a_hit_never_says_the_name() -> None:
    """Hits name file, place, form and a number."""
    hits = list(SECRETS.search(HOST.encode(), "f", "raw"))
    assert hits
    assert "planted" not in repr(hits)
