"""The command line: what it prints, and how it fails."""

import gzip
import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.study.copies import copied, kept
from tests.study.rig import Run, feed, lab_study, reports_csv
from waterbed.cli.app import app
from waterbed.model.bookkeeping import Delivery
from waterbed.model.facts import Report, Snapshot
from waterbed.study.study import open_study

ADDRESS = "https://a.example.com/feed.csv"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty study."""
    return kept(
        tmp_path_factory.mktemp("empty"),
        lambda folder: CliRunner().invoke(app, ["init", str(folder / "study")], catch_exceptions=False),
    )


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


def one_sentence(said: tuple[int, str, str], *parts: str, code: int = 2) -> None:
    """An exit code, one line on stderr that has these parts, no traceback."""
    ended, _, err = said
    assert ended == code, said
    assert err.startswith("waterbed: ")
    assert err.strip().count("\n") == 0
    assert "Traceback" not in err
    for part in parts:
        assert part in err, err


def test_init_says_where_study_and_keys_are(run: Run, tmp_path: Path) -> None:
    """A new study tells where its keys lie, outside the folder, and how to keep them."""
    code, out, _ = run("init", tmp_path / "s", "--name", "x", "--home", "BE")
    assert code == 0
    keys = next(line for line in out.splitlines() if line.startswith("keys")).split()[1]
    assert Path(keys).is_file()
    assert not Path(keys).is_relative_to(tmp_path / "s")
    assert Path(keys).stat().st_mode & 0o077 == 0
    assert "canary" in out


def test_a_second_init_changes_nothing(run: Run, study: Path) -> None:
    """A folder that holds a study is left alone."""
    before = (study / "waterbed.toml").read_bytes()
    one_sentence(run("init", study), "holds a study already")
    assert (study / "waterbed.toml").read_bytes() == before


def test_an_unreachable_database_leaves_no_folder(run: Run, tmp_path: Path) -> None:
    """A study whose store cannot be opened is not half made."""
    url = "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2"
    one_sentence(run("init", tmp_path / "s", "--store", url), "cannot be opened now", code=3)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("words", [["recheck"], ["recheck", "--processes", "2"], ["status"], ["rank"]])
def test_a_database_that_is_away_is_no_mistake(
    words: list[str], run: Run, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command ends at once with code 3, after which a supervisor tries again; for an address that is none, with 2."""
    monkeypatch.setenv("WATERBED_STORE", "postgresql://nobody@127.0.0.1:9/none")
    one_sentence(run("-C", study, *words), "cannot be opened now", code=3)
    monkeypatch.setenv("WATERBED_STORE", "postgresql://nobody@127.0.0.1:none/none")
    one_sentence(run("-C", study, *words), "docs/operations.md")
    monkeypatch.setenv("WATERBED_STORE", "postgresql://nobody@127.0.0.1:9/none?sslmode=odd")
    one_sentence(run("-C", study, *words), "cannot be opened (", "odd")


def test_a_missing_study_is_named(run: Run, tmp_path: Path) -> None:
    """Every command on a folder without a study says so, and how to make one."""
    for words in (["rank"], ["recheck"], ["hops"], ["import", "x.csv"], ["publish", "out"], ["tables", "list"]):
        one_sentence(run("-C", tmp_path / "none", *words), "no study in", "waterbed init")
    assert not (tmp_path / "none").exists()


def test_missing_keys_are_named(run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its keys a study does not open, and the place they should be is named."""
    monkeypatch.setenv("WATERBED_KEY_FILE", str(tmp_path / "nowhere"))
    one_sentence(run("-C", study, "rank"), "no readable key file", "nowhere")


def test_another_studys_keys_are_refused(
    run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id key of another study is known by the stored check."""
    _, out, _ = run("init", tmp_path / "other")
    other = next(line for line in out.splitlines() if line.startswith("keys")).split()[1]
    monkeypatch.setenv("WATERBED_KEY_FILE", other)
    one_sentence(run("-C", study, "rank"), "not this study's")


def test_bad_lines_are_listed_and_good_ones_kept(run: Run, study: Path, tmp_path: Path) -> None:
    """Each bad line comes with its number and reason, never with its text; exit code 1."""
    path = tmp_path / "r.csv"
    lines = [
        b"url,reported_at",
        b"http://good-one.example.com/a,2026-01-01",
        b"",
        b"# a comment",
        b"not a url,2026-01-01",
        b"http://good-two.example.com/b,2026-01-02T03:04:05+01:00",
        b"ftp://secret-host.example.com/,2026-01-01",
        b'"http://secret-quote.example.com/,2026-01-01',
        b"http://secret-date.example.com/,9999-12-31T23:59:59-12:00",
        b"http://secret-short.example.com/",
        b"http://secret-\xff.example.com/,2026-01-01",
        b"http://secret-nul.example.com/\x00,2026-01-01",
        b"http://" + b"a" * 70_000 + b",2026-01-01",
        b"hxxps://good-three[.]example[.]com/c,",
    ]
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    code, out, err = run("-C", study, "import", path)
    assert code == 1
    assert "3 reports imported, 0 already known, 8 lines rejected" in out
    assert [int(line.split()[1].rstrip(":")) for line in out.splitlines() if line.startswith("  line")] == [
        5, 7, 8, 9, 10, 11, 12, 13,
    ]  # fmt: skip
    assert "secret" not in out + err
    with open_study(study) as opened:
        assert opened.folder.store.count(Report) == 3


@pytest.mark.parametrize("content", [b"", b"\n\n# only comments\n", b"url,source\n"])
def test_an_empty_file_is_a_delivery_without_reports(content: bytes, run: Run, study: Path, tmp_path: Path) -> None:
    """A feed that came empty is on record, a finding, and no error: the cycle guard must know of it."""
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    code, out, err = run("-C", study, "import", "--source", "feed", path)
    assert (code, err) == (1, "")
    assert "recorded as an empty delivery, which waterbed doctor names" in out.replace("\n", " ")
    with open_study(study) as opened:
        (delivery,) = opened.folder.store.all(Delivery)
        assert (delivery.source, delivery.reports) == ("feed", 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!doctype html><html>blocked</html>", "is HTML or JSON"),
        (b'{"page": "http://secret.example.com/"}', "without an array of reports"),
        (b"http://secret.example.com/,2026-01-05\nhttp://secret2.example.com/,\n", "lacks a column named url"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "lacks a column named url"),
        (gzip.compress(b"url\nhttp://secret.example.com/\n", mtime=0)[:-9], "breaks off"),
    ],
)
def test_a_file_of_the_wrong_kind_changes_nothing(
    content: bytes, says: str, run: Run, study: Path, tmp_path: Path
) -> None:
    """HTML, JSON, header-less, binary and damaged files are one sentence, and nothing is imported."""
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    said = run("-C", study, "import", path)
    one_sentence(said, says, str(path))
    assert "secret" not in said[2]
    with open_study(study) as opened:
        assert opened.folder.store.count(Report) == 0


def test_no_host_name_gets_in_by_another_column(run: Run, study: Path, tmp_path: Path) -> None:
    """Source, category and site type are kept in the clear: only short plain words are taken."""
    path = tmp_path / "r.csv"
    path.write_text(
        "url,source,category,site_type\n"
        "http://a.example.com/,Hot line-1,phishing,image host\n"
        "http://b.example.com/,secret.example.com,phishing,\n"
        "http://c.example.com/,x,http://secret.example.com/,\n"
        f"http://d.example.com/,x,phishing,{'w' * 80}\n"
    )
    code, out, _ = run("-C", study, "import", path)
    assert (code, "1 report imported" in out, "3 lines rejected" in out) == (1, True, True)
    assert "secret" not in out


@pytest.mark.parametrize("encode", ["utf-8-sig", "utf-16", "gzip", "cr"])
def test_encodings_that_exports_have_are_understood(encode: str, run: Run, study: Path, tmp_path: Path) -> None:
    """A byte-order mark, UTF-16, gzip and old line ends do not matter."""
    text = "url,date\nhttp://a.example.com/,2026-01-01\nhttp://b.example.com/,2026-01-02\n"
    if encode == "gzip":
        data = gzip.compress(text.encode(), mtime=0)
    elif encode == "cr":
        data = text.replace("\n", "\r").encode()
    else:
        data = text.encode(encode)
    (tmp_path / "r.csv").write_bytes(data)
    code, out, _ = run("-C", study, "import", tmp_path / "r.csv")
    assert (code, "2 reports imported" in out) == (0, True)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"url,date\nx,y\n", b"1.0.0.0,1.0.0.255,AU\n", b"\x00\x01\x02", b"{}"]
)
def test_a_routing_file_of_the_wrong_kind_changes_nothing(
    content: bytes, run: Run, study: Path, tmp_path: Path
) -> None:
    """What is no table of routes is one sentence, and no snapshot is added."""
    path = tmp_path / "routes.csv"
    path.write_bytes(content)
    one_sentence(run("-C", study, "tables", "add", path, "--date", "2026-01-01"), str(path))
    with open_study(study) as opened:
        assert opened.folder.store.count(Snapshot) == 0
        assert list(opened.folder.tables.iterdir()) == []


def test_wrong_words_are_usage_errors(run: Run, study: Path) -> None:
    """Unknown commands, options and values exit with 2."""
    for words in (
        ["fly"],
        ["rank", "--by", "colour"],
        ["recheck", "--limit", "0"],
        ["tables", "add", "x", "--date", "soon"],
    ):
        assert run("-C", study, *words)[0] == 2
    one_sentence(run("-C", study, "tables", "add", "x", "--date", "2026-01-01", "--kind", "sizes"), "sizes")
    one_sentence(run("-C", study, "event", "init", "x", "--date", "15-03-2026"), "--date '15-03-2026' is not a date")
    code, out, err = run("-C", study, "import", "https://a.example.com/feed.csv")
    assert (code, out, "a.example" in err, "download it first" in err) == (2, "", False, True)


@pytest.mark.parametrize(
    "words",
    [
        ("-C", ADDRESS, "status"),
        ("init", ADDRESS),
        ("reproduce", ADDRESS, "new"),
        ("-C", "STUDY", "publish", ADDRESS),
        ("-C", "STUDY", "freeze", ADDRESS),
        ("-C", "STUDY", "backup", ADDRESS),
        ("-C", "STUDY", "tables", "add", ADDRESS, "--date", "2026-01-01"),
        ("-C", "STUDY", "notices", ADDRESS),
        ("-C", "STUDY", "overdue", "--csv", ADDRESS),
        ("-C", "STUDY", "report", "--month", "2026-01", "--out", ADDRESS),
    ],
)
def test_an_address_in_place_of_a_path_is_not_repeated(
    words: tuple[str, ...], run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pastes a URL where a file or folder is wanted reads it in no message, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    code, out, err = run(*(str(study) if word == "STUDY" else word for word in words))
    assert (code, out, "a.example" in err, err.count("\n")) == (2, "", False, 1), err
    assert sorted(tmp_path.iterdir()) == before


def test_words_that_would_be_silently_wrong_are_refused(run: Run, study: Path, tmp_path: Path) -> None:
    """No country code, control characters, other databases, options that do nothing, places that cannot be written."""
    one_sentence(run("init", tmp_path / "x", "--home", "nl"), "home 'nl'")
    one_sentence(run("init", tmp_path / "x", "--contact", "a\nX-Evil: 1"), "control characters")
    one_sentence(
        run("init", tmp_path / "x", "--contact", "not an address"), "'not an address' is neither a mail address"
    )
    one_sentence(run("init", tmp_path / "x", "--contact", "www.forgetme-example.com"), "contact [not shown] is neither")
    one_sentence(run("init", tmp_path / "x", "--contact", "ftp://example.org/"), "https://example.org/")
    one_sentence(run("init", tmp_path / "x", "--name", " "), "name ' ' is empty")
    one_sentence(run("init", tmp_path / "x", "--store", "mysql://u:secret@h/x"), "neither sqlite nor")
    assert not (tmp_path / "x").exists()
    good = tmp_path / "r.csv"
    good.write_text("url\nhttp://a.example.com/\n")
    one_sentence(run("-C", study, "import", good, "--source", "secret.example.com"), "--source")
    one_sentence(run("-C", study, "import", good, "--category", "secret.example.com"), "--category")
    one_sentence(run("-C", study, "attribute", "--out", tmp_path / "o"), "belong to --csv")
    one_sentence(run("-C", study, "publish", good), "cannot be written")
    named = tmp_path / "=secret.example.com.csv"
    good.rename(named)
    one_sentence(run("-C", study, "import", named), "--source")
    with open_study(study) as opened:
        assert opened.folder.store.all(Report) == []


def test_broken_settings_are_named(run: Run, study: Path) -> None:
    """A mistake in waterbed.toml is named with its place."""
    path = study / "waterbed.toml"
    good = path.read_text()
    for text, says in (
        (good + "\n[probee]\nx = 1\n", "probee"),
        (good.replace("timeout_s = 20.0", 'timeout_s = "soon"'), "timeout_s"),
        ("study = ", "waterbed.toml"),
    ):
        path.write_text(text)
        one_sentence(run("-C", study, "rank"), says)


def test_a_damaged_store_is_named(run: Run, study: Path) -> None:
    """A store that is no database, or is missing, is one sentence."""
    for leftover in study.glob("waterbed.db-*"):
        leftover.unlink()
    (study / "waterbed.db").write_bytes(b"this is not a database" * 500)
    one_sentence(run("-C", study, "rank"), "cannot be opened")
    (study / "waterbed.db").unlink()
    one_sentence(run("-C", study, "rank"), "is missing")


def test_an_unexpected_failure_shows_no_value(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug exits with 3 and names the place in the code, never the values."""

    def bug(*_: object) -> None:
        raise RuntimeError("http://secret.example.com/")

    monkeypatch.setattr("waterbed.study.study.open_study", bug)
    code, out, err = run("-C", study, "episodes")
    assert code == 3
    assert "secret" not in out + err
    assert "RuntimeError at test_messages.py" in err


def test_the_tools_formats_of_a_ranking(run: Run, tmp_path: Path) -> None:
    """JSON rows of a ranking have the promised keys; csv and json have the same rows; parquet is Parquet."""
    pairs = feed(12)
    routes = tmp_path / "routes.csv"
    routes.write_text("28.10.0.0,28.10.255.255,64500,Example Hosting\n")
    with lab_study(pairs, tmp_path) as (study, _):
        folder = study.folder.path
        reports = reports_csv(pairs, tmp_path)
        assert run("-C", folder, "import", reports)[0] == 0
        assert run("-C", folder, "tables", "add", routes, "--date", "2026-01-01")[0] == 0
        code, out, _ = run("-C", folder, "recheck")
        assert (code, "12 of 12 due checks recorded" in out) == (0, True)
    code, out, _ = run("-C", folder, "rank", "--by", "asn", "--format", "json")
    read = json.loads(out)
    assert code == 0
    assert read["rows"][0] | {"removed_24h": None} == {
        "place": 1,
        "key": "AS64500",
        "name": "Example Hosting",
        "urls": 12,
        "hosts": 12,
        "sites": 7,
        "hosts_fractional": 12.0,
        "removed_24h": None,
        "removed_24h_low": None,
        "removed_24h_high": None,
        "removed_or_moved_24h": None,
        "removed_24h_worst": None,
        "removed_24h_best": None,
        "removed_24h_if_hiding": None,
        "removed_24h_before": None,
        "removed_24h_before_low": None,
        "removed_24h_before_high": None,
        "removed_24h_overall": None,
        "removed_24h_overall_worst": None,
        "removed_24h_overall_best": None,
        "changed_after": None,
        "changed_before": None,
        "changed_sites": None,
        "constancy_p": None,
        "spans_change": False,
        "median_h": None,
        "median_h_low": None,
        "median_h_high": None,
        "episodes": 12,
        "first_down": 0,
        "removals": 0,
        "batches": 0,
        "dependence": None,
        "regimes": None,
        "unknown": 0,
        "class": "too few",
    }
    assert run("-C", folder, "rank", "--by", "asn", "--format", "csv")[1].splitlines()[1].startswith("1,AS64500,")
    assert "AS64500" in run("-C", folder, "rank", "--by", "asn")[1]
    for what in ("verdicts", "episodes", "hops", "attribute"):
        assert run("-C", folder, what)[0] == 0
        assert run("-C", folder, what, "--format", "json")[0] == 0
    code, out, _ = run("-C", folder, "publish", tmp_path / "out")
    assert code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"index.html", "hops.gexf", "ranking-hoster.csv", "ranking-asn.json", "flows.parquet", "stix.json"} <= names
    assert "episodes.parquet" not in names
    page = (tmp_path / "out" / "index.html").read_text()
    assert "-example.com" not in page


def test_attribute_counts_the_rows_of_any_table(run: Run, study: Path, tmp_path: Path) -> None:
    """Rows are counted by origin AS of the given column; what has none is unknown."""
    (tmp_path / "routes.csv").write_text("28.10.0.0,28.10.0.255,64500,One\n2d00::,2d00::ffff,64501,Two\n")
    (tmp_path / "t.csv").write_text("name,IP\na,28.10.0.1\nb,28.10.0.2\nc,2d00::5\nd,1.2.3.4\ne,\n")
    run("-C", study, "tables", "add", tmp_path / "routes.csv", "--date", "2026-01-01")
    words = ["-C", study, "attribute", "--csv", tmp_path / "t.csv", "--as-of", "2026-01-02"]
    code, out, _ = run(*words, "--address-column", "IP", "--format", "csv", "--out", tmp_path / "o.csv")
    assert code == 0
    assert out.splitlines()[-4:] == ["key,name,rows", "AS64500,One,2", "AS64501,Two,1", "unknown,no route,2"]
    assert (tmp_path / "o.csv").read_text().splitlines()[1] == "1,28.10.0.1,AS64500"
    one_sentence(run(*words, "--address-column", "address"), "lacks a column 'address'")
    one_sentence(run("-C", study, "attribute", "--csv", tmp_path / "none.csv"), "cannot be read")
    for text, said in (
        ("name,ip\na,b,28.10.0.1\n", "row 1 has 3 columns, the header 2"),
        ('ip,asn\n28.10.0.1,1\n28.10.0.2,"x\n28.10.0.3,"y"\n', "cannot be read as CSV"),
        ('ip,asn\n28.10.0.1,1\n28.10.0.2,"x\n28.10.0.3,y"\n', "row 2 has a cell with a line break"),
        ('ip,asn\n28.10.0.1,"x\n28.10.0.2,y\n', "cannot be read as CSV"),
    ):
        (tmp_path / "t.csv").write_text(text)
        one_sentence(run("-C", study, "attribute", "--csv", tmp_path / "t.csv"), said)


def test_no_terminal_obeys_what_a_message_quotes(run: Run, study: Path) -> None:
    """Control characters and line ends of a file's name are shown, never sent."""
    code, _, err = run("-C", study, "import", "a\x1b[31mb\nc\u202ed\udcff.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(r"waterbed: a\x1b[31mb c\u202ed\udcff.csv cannot be read")


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("explain", "-"), b"\xff\xfe\n", "is not UTF-8"),
        (("explain", "-"), None, "is closed"),
        (("import", "-", "--source", "hotline"), None, "is closed"),
    ],
)
def test_standard_input_that_cannot_be_read_is_one_sentence(
    run: Run, study: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], typed: bytes | None, said: str
) -> None:
    """Bytes that are no text, and no standard input at all."""
    stream = None if typed is None else TextIOWrapper(BytesIO(typed), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stream)
    one_sentence(run("-C", study, *words), f"standard input {said}")


def test_a_study_is_made_without_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed one is no terminal: nothing is asked."""
    monkeypatch.setattr("sys.stdin", None)
    assert run("init", tmp_path / "s")[0] == 0


def test_a_message_names_the_way(run: Run, tmp_path: Path) -> None:
    """An address comes by standard input, a column has its header; a setting is named with its line and a guess."""
    study = tmp_path / "s"
    run("init", study)
    one_sentence(run("-C", study, "explain", "http://secret.example.com/x"), "explain -, press Enter")
    feed = tmp_path / "feed.csv"
    feed.write_text("link,when\nhttp://secret.example.com/x,2026-01-05\n")
    one_sentence(run("-C", study, "import", feed), "(2 columns there: link, when)", "--column url=HEADER")
    feed.write_text("link\n")
    one_sentence(run("-C", study, "import", feed), "(1 column there: link)")
    one_sentence(run("-C", study, "reveal", "628db3", "--reason", "test"), "at least its first 8")
    one_sentence(
        run("lab", "run", feed, "--out", tmp_path / "l"), f"{feed}: ", "; a world file was expected (docs/lab.md"
    )
    settings = (study / "waterbed.toml").read_text()
    (study / "waterbed.toml").write_text(settings.replace("[canary]", "[canry]"))
    one_sentence(run("-C", study, "status"), "unknown field 'canry' (at line ", "did you mean canary?")
    (study / "waterbed.toml").write_text(settings + "\n[canary]\n")
    one_sentence(run("-C", study, "status"), "the table 'canary' stands twice (at line ")
    (study / "waterbed.toml").write_text(settings + '\n[x."shop.example.com"]\n[x."shop.example.com"]\n')
    one_sentence(run("-C", study, "status"), "the table [not shown] stands twice (at line ")


def test_parquet_is_not_written_to_a_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused with the way out; into a pipe or file it is written."""
    study = tmp_path / "s"
    run("init", study)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    one_sentence(run("-C", study, "rank", "--format", "parquet"), "> FILE.parquet")
    one_sentence(run("-C", study, "tables", "list", "--format", "parquet"), "> FILE.parquet")
