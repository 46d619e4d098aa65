"""The search finds a planted name in every format and every form, and nothing else."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leaks.__main__ import main
from tests.leaks.forms import readings
from tests.leaks.names import dns_wire, names_of
from tests.leaks.search import _AT_ONCE, Found, Search

HOST = "login.quarzfelsen-bank.com"
DOMAIN = "quarzfelsen-bank.com"
IDNA = "xn--bcherquarz-q9a.net"
"""A name with an umlaut."""
SHOWN = IDNA.encode().decode("idna")
SHORT, SIX, SEVEN = "t.co", "abc.co", "abcd.co"

SEARCH = Search(names_of([HOST, IDNA, SHORT, SIX, SEVEN, "28.0.0.1"]))
LINE = f"GET http://{HOST}/login took 3 ms\n"


def found_in(path: Path) -> Found:
    """What a file or folder holds; everything must have been readable."""
    found = SEARCH.over([path])
    assert found.unread == []
    return found


def forms_of(data: bytes) -> set[str]:
    """The forms in which any name stands in some bytes."""
    return {form for _, form, _ in SEARCH.in_bytes(data)}


def _table(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA secure_delete = OFF")
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE look (id INTEGER PRIMARY KEY, note TEXT, host, more TEXT)")
    return connection


def _sqlite_row(path: Path) -> None:
    with _table(path) as connection:
        connection.execute("INSERT INTO look VALUES (1, 'x', ?, 'NL')", (HOST,))


def _sqlite_blob(path: Path) -> None:
    with _table(path) as connection:
        connection.execute("INSERT INTO look VALUES (1, 'x', ?, 'NL')", (gzip.compress(LINE.encode(), mtime=0),))


def _sqlite_free_page(path: Path) -> None:
    """Enough rows for many pages, all deleted: the name stands on free pages alone."""
    with _table(path) as connection:
        rows = [(n, "x" * 300, HOST, "NL") for n in range(200)]
        connection.executemany("INSERT INTO look VALUES (?, ?, ?, ?)", rows)
        connection.execute("DELETE FROM look")
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] > 5


def _sqlite_wal(path: Path) -> None:
    """A write-ahead log as a killed process leaves it, moved away from its database."""
    with _table(path, wal=True) as connection:
        connection.execute("INSERT INTO look VALUES (1, 'x', ?, 'NL')", (HOST,))
        log = path.with_name(path.name + "-wal").read_bytes()
        connection.execute("DELETE FROM look")
    connection.close()
    path.unlink()
    path.with_name(path.name + "-wal").write_bytes(log)


def _parquet(path: Path) -> None:
    lines = pa.table({"n": list(range(500)), "text": [f"x{n}" for n in range(499)] + [HOST]})
    pa.parquet.write_table(lines, path, compression="zstd", write_statistics=False)


def _parquet_deep(path: Path) -> None:
    column = pa.array([{"in": ["a", HOST]}, None], pa.struct([("in", pa.list_(pa.string()))]))
    pa.parquet.write_table(pa.table({"deep": column}), path, compression="gzip", write_statistics=False)


def _parquet_bytes(path: Path) -> None:
    column = pa.array([list(LINE.encode())], pa.list_(pa.uint8()))
    pa.parquet.write_table(pa.table({"numbers": column}), path, compression="zstd")


def _parquet_metadata(path: Path) -> None:
    schema = pa.schema([pa.field("n", pa.int64(), metadata={"seen": "x"})], metadata={"from": HOST})
    pa.parquet.write_table(pa.table({"n": [1]}, schema=schema), path)


def _feather(path: Path) -> None:
    column = pa.array(["a", HOST, "a"] * 300).dictionary_encode()
    pa.feather.write_feather(pa.table({"text": column}), path, compression="zstd")


def _arrow_stream(path: Path) -> None:
    table = pa.table({"text": pa.array([HOST], pa.string_view())})
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.txt", "x" * 5_000 + "\n" + LINE)


def _zip_in_gzip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.txt", LINE * 20)
    path.write_bytes(gzip.compress(inner.getvalue(), mtime=0))


def _gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"first member\n", mtime=0) + gzip.compress(("x" * 5_000 + LINE).encode(), mtime=0))


FORMATS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text(f"a\n{HOST}\nb\n"),
    "log": lambda path: path.write_text(f"DEBUG crawler {LINE}" * 3),
    "sqlite row": _sqlite_row,
    "sqlite packed blob": _sqlite_blob,
    "sqlite free page": _sqlite_free_page,
    "sqlite write-ahead log": _sqlite_wal,
    "parquet": _parquet,
    "parquet, nested": _parquet_deep,
    "parquet, lists of bytes": _parquet_bytes,
    "parquet metadata": _parquet_metadata,
    "arrow file": _feather,
    "arrow stream": _arrow_stream,
    "gzip": _gzip,
    "bzip2": lambda path: path.write_bytes(bz2.compress(LINE.encode() * 50)),
    "xz": lambda path: path.write_bytes(lzma.compress(LINE.encode() * 50)),
    "zip": _zip,
    "zip in gzip": _zip_in_gzip,
    "npy of texts": lambda path: np.save(path, np.array(["a", HOST])),
    "npy of bytes": lambda path: np.save(path, np.frombuffer(LINE.encode(), np.uint8)),
    "json": lambda path: path.write_text('{"u": "' + "".join(f"\\u{ord(c):04x}" for c in HOST) + '"}'),
    "html": lambda path: path.write_text("<p>" + "".join(f"&#{ord(c)};" for c in HOST)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_is_found_in_each_format(name: str, tmp_path: Path) -> None:
    """A name planted in a file of each format is found, and the finding does not repeat it."""
    FORMATS[name](tmp_path / "planted.npy")
    found = found_in(tmp_path)
    assert found.hits
    assert {SEARCH.names.texts[hit.number] for hit in found.hits} <= {HOST, DOMAIN, "quarzfelsen-bank"}
    assert "quarzfelsen" not in repr(found)


def test_a_name_on_a_free_page_is_found_in_raw_bytes_alone(tmp_path: Path) -> None:
    """The driver sees no deleted row; the search reads the file's pages as they are."""
    _sqlite_free_page(tmp_path / "a.db")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM look").fetchone() == (0,)
    assert {Path(hit.where).name for hit in found_in(tmp_path).hits} == {"a.db"}


def test_a_database_is_left_as_it_was(tmp_path: Path) -> None:
    """Cells are read from a copy, the write-ahead log's too: nothing in the folder changes."""
    connection = _table(tmp_path / "a.db", wal=True)
    connection.execute("INSERT INTO look VALUES (1, 'x', ?, 'NL')", ("a" + gzip.compress(b"", mtime=0).hex(),))
    connection.execute("INSERT INTO look VALUES (2, 'x', ?, 'NL')", (gzip.compress(LINE.encode(), mtime=0),))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    found = found_in(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert any("!look.host[1]!gzip" in hit.where for hit in found.hits)
    connection.close()


FORMS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "plain": ("plain", str.encode),
    "upper case": ("plain", lambda text: text.upper().encode()),
    "mixed case": ("plain", lambda text: text.title().encode()),
    "utf-16 le": ("utf-16", lambda text: text.encode("utf-16-le")),
    "utf-16 be": ("utf-16", lambda text: text.encode("utf-16-be")),
    "hex": ("hex", lambda text: text.encode().hex().encode()),
    "hex, odd place": ("hex", lambda text: b"7" + text.encode().hex().encode()),
    "hex of upper case, upper": ("hex", lambda text: text.upper().encode().hex().upper().encode()),
    "base64, 1st place": ("base64", lambda text: base64.b64encode(text.encode())),
    "base64, 2nd place": ("base64", lambda text: base64.b64encode(b"/" + text.encode() + b"?x=\xff\xfe")),
    "base64, 3rd place": ("base64", lambda text: base64.b64encode(b"//" + text.encode() + b"?")),
    "base64 for URLs": ("base64", lambda text: base64.urlsafe_b64encode(b"\xff\xfe?" + text.encode() + b"?\xff\xff")),
    "base64 in lines": ("folded base64", lambda text: base64.encodebytes(b"?" * 42 + text.encode() + b"?" * 90)),
    "base64 of utf-16": ("base64 utf-16", lambda text: base64.b64encode(text.encode("utf-16-le"))),
    "percent, all": ("percent", lambda text: "".join(f"%{ord(c):02x}" for c in text).encode()),
    "percent, upper": ("percent", lambda text: "".join(f"%{ord(c):02X}" for c in text).encode()),
    "percent, dots": ("percent", lambda text: text.replace(".", "%2E").encode()),
    "percent, whole URL": ("percent", lambda text: quote(f"http://{text}/", safe="").encode()),
    "percent, twice": ("percent percent", lambda text: quote(text.replace(".", "%2E")).encode()),
    "json": ("escaped", lambda text: "".join(f"\\u{ord(c):04X}" for c in text).encode()),
    "repr of bytes": ("escaped", lambda text: repr(b"\r\n" + text.encode()).encode()),
    "entities": ("entities", lambda text: "".join(f"&#x{ord(c):x};" for c in text).encode()),
    "coloured": ("coloured", lambda text: f"\x1b[1;31m{text}\x1b[0m".encode()),
    "defanged": ("defanged", lambda text: text.replace(".", "[.]").encode()),
    "reversed": ("reversed", lambda text: text[::-1].encode()),
    "labels reversed": ("labels reversed", lambda text: ".".join(text.upper().split(".")[::-1]).encode()),
    "reversed, in base64": ("base64 reversed", lambda text: base64.b64encode(text[::-1].encode())),
    "dns": ("dns", lambda text: b"\x12\x34" + dns_wire(text) + b"\0\0\x01"),
    "dns, in hex": ("hex dns", lambda text: (dns_wire(text) + b"\0").hex().encode()),
    "dns, behind a letter": ("dns", lambda text: b"a" + dns_wire(text.upper()) + b"a"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_name_is_found_in_each_form(name: str) -> None:
    """A name written in each form is found, in the midst of text and of random bytes."""
    form, write = FORMS[name]
    for before, behind in ((b"", b""), (b"a = '", b"' b\n")):
        data = before + write(HOST) + behind
        hits = {(form, SEARCH.names.texts[number]) for _, form, number in SEARCH.in_bytes(data)}
        assert (form, HOST) in hits
    data = random.Random(name).randbytes(999) + b"\0\n" + write(HOST) + b"\n\0\xff"
    assert HOST in {SEARCH.names.texts[number] for _, _, number in SEARCH.in_bytes(data)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_a_name_is_found_as_people_read_it(encoding: str, change: Callable[[str], str]) -> None:
    """The IDNA name is found as letters, not only as punycode, and with its letters escaped."""
    assert SHOWN != IDNA
    assert {"unicode", "utf-16 unicode"} & forms_of(f"at {change(SHOWN)} ".encode(encoding))
    assert "escaped unicode" in forms_of(json.dumps(SHOWN).encode())
    assert "percent unicode" in forms_of(quote(SHOWN).encode())


@given(st.binary(max_size=40), st.integers(0, 3), st.binary(max_size=40))
def test_hex_and_base64_are_undone_wherever_they_begin(before: bytes, shift: int, behind: bytes) -> None:
    """Whatever stands around it, one of the readings holds the encoded bytes, at the place it tells."""
    secret = b"_" * shift + HOST.encode()
    for encoded in (secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)):
        data = before + b"\n" + encoded.rstrip(b"=") + b"\n" + behind
        places = [
            reading.place(reading.data.index(HOST.encode()))
            for reading in readings(data)
            if HOST.encode() in reading.data
        ]
        assert places
        assert any(len(before) < place <= len(before) + 1 + 2 * shift + 2 for place in places)


def test_a_hit_tells_its_place(tmp_path: Path) -> None:
    """The offset is that of the first byte in the file, in whatever form."""
    for data, offset in (
        (b"x " + HOST.encode(), 2),
        (b"x%20" + HOST.replace(".", "%2e").encode(), 4),
        (b"\\u0020 " * 3_000 + HOST.replace("b", "\\u0062").encode(), 21_000),
        (b"\n" * 400 + HOST.encode().hex().encode(), 400),
    ):
        (tmp_path / "a").write_bytes(data)
        assert {hit.offset for hit in found_in(tmp_path).hits} == {offset}


@pytest.mark.long
def test_a_name_across_two_parts_of_a_large_file_is_found_once() -> None:
    """Large files are searched in parts that overlap."""
    data = bytearray(b"\n") * (_AT_ONCE + 9_000)
    texts = (HOST.encode(), HOST.encode().hex().encode(), quote(f"/{HOST}/".replace(".", "%2e"), safe="").encode())
    for number, text in enumerate(texts):
        for at in (_AT_ONCE - 9, _AT_ONCE - 3_000, _AT_ONCE + 2_000):
            data[at + 500 * number : at + 500 * number + len(text)] = text
    hits = [at for at, _, number in SEARCH.in_bytes(bytes(data)) if SEARCH.names.texts[number] == HOST]
    assert len(hits) == 9


def test_clean_files_give_no_hit(tmp_path: Path) -> None:
    """Random bytes, their encodings, and words of another language hold no name."""
    noise = random.Random(7).randbytes(1_000_000)
    (tmp_path / "noise").write_bytes(noise)
    (tmp_path / "hex").write_text(noise.hex())
    (tmp_path / "base64").write_bytes(base64.b64encode(noise))
    (tmp_path / "words.json").write_text(json.dumps({"bank": "com", "login": [DOMAIN.replace(".", " ")], "é": "ü"}))
    np.save(tmp_path / "a.npy", np.arange(9))
    with _table(tmp_path / "a.db") as connection:
        connection.executemany("INSERT INTO look VALUES (?, 'x', ?, 'NL')", [(n, noise[n : n + 9]) for n in range(99)])
    found = found_in(tmp_path)
    assert [hit for hit in found.hits if hit.kind != "label"] == []
    assert (found.files, found.size) == (6, sum(path.stat().st_size for path in tmp_path.iterdir()))


@pytest.mark.parametrize(
    "text",
    [
        "reddit.co", "t.com", "t.co.uk", "at-t.co", "a.t.co", "t.colour", "let.cost()",
        "xabc.co", "abc.com", "abc.co.uk", "abc-abc.co", "abc.co-op", "abcd.co.uk", "1abcd.co",
        f"x{DOMAIN}", f"not-{DOMAIN}", f"{DOMAIN}e", f"{DOMAIN}.br", "myquarzfelsen-bank", "quarzfelsen_bank",
    ],
)  # fmt: skip
def test_another_name_that_holds_a_secret_one_is_no_hit(text: str) -> None:
    """A near miss in text is another name."""
    for spelled in (text, f"http://{text}/", f'["{text}"]'):
        kinds = {SEARCH.names.kinds[number] for _, _, number in SEARCH.in_bytes(spelled.encode())}
        assert kinds == ({"label"} if text.startswith(DOMAIN) else set()), spelled


@pytest.mark.parametrize(
    "text",
    [
        "t.co", "http://t.co/x", "t.co:443", "abc.co", "www.abc.co", "abc.co.", "abc.co.log", "abc.co.evil.org",
        "x_abcd.co_1", f"a.b.{DOMAIN}", f"{DOMAIN}.", f"{DOMAIN}.json", f"run_{DOMAIN}",
    ],
)  # fmt: skip
def test_a_name_within_its_surroundings_is_a_hit(text: str) -> None:
    """Names below it, file names made of it and sentences that end with it give it away."""
    for spelled in (text, f"'{text}'", f"x {text}, y"):
        assert "plain" in forms_of(spelled.encode()), spelled
        assert "utf-16" in forms_of(spelled.encode("utf-16")), spelled


def test_a_row_without_delimiters_gives_its_name_away() -> None:
    """In packed bytes names of some length are found whatever stands beside them; shorter ones are not guessed."""
    assert forms_of(b"\0NL" + DOMAIN.encode() + b"x") == {"plain"}
    assert forms_of(b"\0NL" + SEVEN.encode() + b"x") == set()
    assert forms_of(base64.b64encode(f"NL{DOMAIN}x".encode())) == {"base64"}
    assert forms_of(base64.b64encode(b" t.co ")) == set()


def test_names_are_counted_and_what_is_left_out_too() -> None:
    """Addresses, lone labels and short labels are left out, each with its count."""
    names = names_of([HOST, f"www.{DOMAIN}", "t.co", "28.0.0.1", "2d00::1", "localhost"])
    assert (names.count("host"), names.count("domain"), names.count("label")) == (3, 1, 1)
    assert sorted(names.left_out.values()) == [1, 1, 2]
    assert DOMAIN not in repr(names)


def test_names_of_public_reference_files_are_counted_apart(tmp_path: Path) -> None:
    """A label that the public routing table's companies have is no leak; the host is one all the same."""
    reference = tmp_path / "reference.csv"
    reference.write_text("28.0.0.0,28.0.0.255,64500,QUARZFELSEN-BANK Inc\n")
    (tmp_path / "out.json").write_text(json.dumps(["Quarzfelsen-Bank", HOST]))
    search = Search(names_of([HOST]))
    assert {hit.kind for hit in search.over([tmp_path / "out.json"]).hits} == {"host", "label"}
    search.learn_public([reference])
    found = search.over([tmp_path / "out.json"])
    assert ({hit.kind for hit in found.hits}, found.public) == ({"host"}, 1)


def test_a_file_named_by_a_secret_is_found_and_not_named(tmp_path: Path) -> None:
    """File names, folders and link targets are searched; a path that holds a secret is not shown."""
    (tmp_path / f"{HOST}.log").write_text(LINE)
    (tmp_path / "link").symlink_to(f"/nowhere/{HOST}/x")
    found = found_in(tmp_path)
    assert len(found.hits) == 3
    assert "quarzfelsen" not in repr(found)


def test_what_cannot_be_unpacked_is_told(tmp_path: Path) -> None:
    """A damaged archive is counted as unread, and its raw bytes are searched all the same."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(random.Random(1).randbytes(5_000), mtime=0)[:-900])
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + LINE.encode())
    (tmp_path / "c.db").write_bytes(b"SQLite format 3\x00" + b"\0" * 200 + LINE.encode())
    found = SEARCH.over([tmp_path])
    assert [Path(where).name for where, _ in found.unread] == ["a.gz", "b.parquet", "c.db"]
    assert {Path(hit.where).name for hit in found.hits} == {"b.parquet", "c.db"}


def test_the_command_counts_and_never_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 on hits, 0 on none, 2 if something could not be read; numbers and places, no name."""
    feed = tmp_path / "feed.csv"
    feed.write_text(f"Date,Score,URL,IP\n2026-01-01,1,http://{HOST}/x,28.0.0.1\n2026-01-01,1,nonsense,\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.log").write_text("nothing\n")
    words = ["--feed", str(feed), str(tmp_path / "out")]
    assert main(words) == 0
    (tmp_path / "out" / "b.gz").write_bytes(gzip.compress(bytes(999), mtime=0)[:-5])
    assert main(words) == 2
    (tmp_path / "out" / "c.log").write_text(LINE)
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "1 hosts, 1 more registrable domains, 1 second-level labels" in said
    assert "left out: 1 lines without a usable URL" in said
    assert "1 host, plain" in said
    assert "quarzfelsen" not in said
    (tmp_path / "out" / "c.log").unlink()
    (tmp_path / "out" / "b.gz").unlink()
    (tmp_path / "out" / "label.log").write_text("quarzfelsen-bank\n")
    assert main([*words, "--reference", str(feed)]) == 0
