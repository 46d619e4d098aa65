"""The way in: init asks and tells, status names what blocks and the next command, reports come by standard input."""

import io
import json
import os
import pty
import select
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.publish.study import small_study
from tests.study.copies import copied, kept
from tests.study.rig import Run
from waterbed.cli.app import app
from waterbed.service import status
from waterbed.store.config import read_config
from waterbed.study.study import open_study

CSV = b"link,when,url\nhttp://c.example.com/x,2026-11-01,7\nhttp://d.example.com/y,2026-11-02,8\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty study with canaries."""
    canaries = ("--canary", "https://example.org/", "--canary", "https://example.net/")
    words = ("--contact", "a@example.org", *canaries, "--resolver", "127.0.0.1:1")
    return kept(
        tmp_path_factory.mktemp("empty"),
        lambda folder: CliRunner().invoke(app, ["init", str(folder / "study"), *words], catch_exceptions=False),
    )


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What a command reads from standard input."""
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    return content


def test_status_names_what_blocks_and_one_next_command(run: Run, study: Path, tmp_path: Path) -> None:
    """An empty study wants reports; with reports the resolver and the tables are named; no look is taken for it."""
    code, out, _ = run("-C", study, "status")
    assert (code, "no report yet" in out, out.count("Next:")) == (0, True, 1)
    assert f"Next: waterbed -C {study} import reports.csv" in out.replace("\n", "")
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    assert run("-C", study, "import", tmp_path / "r.csv")[0] == 0
    (row,) = json.loads(run("-C", study, "status", "--format", "json")[1])["rows"]
    assert (row["phase"], row["reports"], row["due"], row["last_pass_at"], row["ranking_at"]) == (
        "reported", 1, 1, None, None,
    )  # fmt: skip
    assert [block.split(":")[0] for block in row["blocks"]] == ["the resolver 127.0.0.1", "no table of routes"]
    assert row["next"].startswith("waterbed data fetch")
    assert "example.com" not in json.dumps(row)


@pytest.mark.parametrize(("day", "begins"), [("2026-06-17", "waterbed recheck"), ("2026-06-16", "waterbed data fetch")])
def test_a_stale_table_is_fetched_anew_if_a_newer_one_is_known(
    run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, begins: str
) -> None:
    """Status proposes no fetch that brings the same table again, but the ordinary next command."""
    monkeypatch.setattr(status, "resolver_silent", lambda _: False)
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    (tmp_path / "routes.csv").write_text("192.0.2.0,192.0.2.255,64500,Example\n")
    assert run("-C", study, "import", tmp_path / "r.csv")[0] == 0
    assert run("-C", study, "tables", "add", tmp_path / "routes.csv", "--date", day)[0] == 0
    (row,) = json.loads(run("-C", study, "status", "--format", "json")[1])["rows"]
    assert f"the newest table of routes is of {day}" in row["blocks"][0]
    assert row["next"].startswith(begins)


@pytest.mark.long
def test_without_a_command_a_study_says_where_it_stands(
    run: Run, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a study's folder, or with options alone, the status; elsewhere the overview, and why if one is meant."""
    told = run("-C", study, "status")
    assert run("-C", study) == told
    monkeypatch.chdir(study)
    assert run()[1].startswith("unnamed study: no report yet")
    for words in ((f"--study={study}",), (f"-C{study}",), ("-C", study, "--quiet"), ("--quiet",)):
        code, out, err = run(*words)
        assert (code, out.startswith("unnamed study: no report yet"), err) == (0, True, "")
    monkeypatch.chdir(tmp_path)
    code, out, err = run()
    assert (code, out.startswith("Usage:"), err) == (2, True, "")
    monkeypatch.setenv("WATERBED_STUDY", str(tmp_path / "none"))
    code, out, err = run()
    assert (code, out.startswith("Usage:"), f"no study in {tmp_path / 'none'}" in err) == (2, True, True)
    monkeypatch.delenv("WATERBED_STUDY")
    (tmp_path / "waterbed.toml").mkdir()
    assert "waterbed.toml is no file" in run()[2]


def test_on_a_terminal_init_asks_for_what_no_option_says(tmp_path: Path) -> None:
    """Answers stand in the settings; what an option gave is not asked for."""
    study = tmp_path / "s"
    answers = b"My study\nme@example.org\n127.0.0.1:1\nhttps://example.org/ https://example.net/\nn\n"
    code, said = _asked(tmp_path, study, answers, "--home", "BE")
    assert code == 0, said
    made = read_config(study / "waterbed.toml")[0]
    assert (made.name, made.home, made.contact, made.names.resolver) == (
        "My study", "BE", "me@example.org", "127.0.0.1:1",
    )  # fmt: skip
    assert made.canary.targets == ("https://example.org/", "https://example.net/")
    assert b"Home country" not in said


def _asked(tmp_path: Path, study: Path, answers: bytes, *words: str) -> tuple[int, bytes]:
    """What `init` on a terminal says to these answers, and its exit code."""
    child, terminal = pty.fork()
    if not child:
        program = "import sys; from waterbed.cli.main import main; sys.argv[0] = 'waterbed'; main()"
        home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
        os.execve(sys.executable, [sys.executable, "-c", program, "init", str(study), *words], home)
    os.write(terminal, answers)
    said = b""
    while piece := _piece(terminal):
        said += piece
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def test_a_useless_answer_is_asked_for_again(tmp_path: Path) -> None:
    """At its own question, and no other answer is lost; a country may be in small letters."""
    given = b"Mine\nGermany\nde\nGermany\nme@example.org\nde\n127.0.0.1:1\nhttp://127.0.0.1/\nhttps://example.org/\nn\n"
    code, said = _asked(tmp_path, tmp_path / "s", given)
    assert code == 0, said
    made = read_config(tmp_path / "s" / "waterbed.toml")[0]
    assert (made.name, made.home, made.contact, made.names.resolver, made.canary.targets) == (
        "Mine", "DE", "me@example.org", "127.0.0.1:1", ("https://example.org/",),
    )  # fmt: skip
    assert said.count(b"waterbed: ") == 4, said
    assert b"only one canary is configured" in said


def test_a_third_useless_answer_ends_init(tmp_path: Path) -> None:
    """With exit code 2, and without a folder."""
    code, said = _asked(tmp_path, tmp_path / "s", b"Mine\nGermany\nFrance\nSpain\n")
    assert (code, said.count(b"no country code"), (tmp_path / "s").exists()) == (2, 3, False), said


def _piece(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


def _stop(child: int, terminal: int) -> None:
    """Press Ctrl-C until an answer comes: one that comes just before a program waits is met at the next key."""
    for _ in range(60):
        os.kill(child, signal.SIGINT)
        if select.select([terminal], [], [], 1.0)[0]:
            return
    os.kill(child, signal.SIGKILL)


def test_units_are_written_on_demand(run: Run, tmp_path: Path) -> None:
    """Init can write the units of systemd that keep the study going."""
    code, out, _ = run("init", tmp_path / "s", "--units", tmp_path / "units", "--resolver", "127.0.0.1:1")
    assert (code, out.count("wrote ")) == (0, len(list((tmp_path / "units").iterdir())))


def test_reports_come_by_standard_input_and_under_their_own_names(run: Run, study: Path, given: io.BytesIO) -> None:
    """A file of other column names is read as told; a source must be named, and nothing lies on the disk."""
    given.write(CSV)
    given.seek(0)
    code, out, _ = run(
        "-C", study, "import", "-", "--source", "me", "--column", "url=link", "--column", "reported_at=when"
    )
    assert (code, "standard input: 2 reports imported" in out) == (0, True)
    with open_study(study) as opened:
        found = sorted(one.reported_at for one in opened.conclude().facts.reports)
        assert [f"{when:%Y-%m-%d}" for when in found] == ["2026-11-01", "2026-11-02"]
    given.seek(0)
    code, _, said = run("-C", study, "import", "-", "--column", "url=link")
    assert (code, "--source" in said) == (2, True)
    given.seek(0)
    code, _, said = run("-C", study, "import", "-", "--source", "me", "--column", "url=gone")
    assert (code, "standard input lacks a column named gone" in said) == (2, True)


@pytest.mark.parametrize(
    ("word", "told"), [("link", "not FIELD=HEADER"), ("ur=link", "the fields are url"), ("url=", "not FIELD=HEADER")]
)
def test_a_column_that_is_none_is_told(run: Run, study: Path, tmp_path: Path, word: str, told: str) -> None:
    """A word without a field or a header is named with the fields that there are."""
    (tmp_path / "r.csv").write_bytes(CSV)
    code, _, said = run("-C", study, "import", tmp_path / "r.csv", "--column", word)
    assert (code, word in said, told in said) == (2, True, True)


def test_a_case_is_found_by_its_url_on_standard_input(run: Run, study: Path, given: io.BytesIO, tmp_path: Path) -> None:
    """The chain of the case is shown, the question is on record, and what is of no case is not repeated."""
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    assert run("-C", study, "import", tmp_path / "r.csv")[0] == 0
    given.write(b"hxxp://c[.]example.com/x\n")
    given.seek(0)
    code, out, said = run("-C", study, "explain", "-", "--format", "json")
    (url_id,) = {row["about"] for row in json.loads(out)["rows"] if row["step"] == "report"}
    assert (code, "example.com" in out + said) == (0, False)
    rows = json.loads(run("-C", study, "audit", "--format", "json")[1])["rows"]
    assert [(row["action"], row["subject_id"], row["reason"]) for row in rows] == [
        ("explain", url_id, "asked for by its URL")
    ]
    for text in (b"http://other.example.com/\n", b"REF-7\n"):
        given.seek(0)
        given.truncate()
        given.write(text)
        given.seek(0)
        code, out, said = run("-C", study, "explain", "-")
        assert (code, "of no case" in said, text.strip().decode() in out + said) == (2, True, False)


def test_a_study_that_never_checked_says_so(run: Run, study: Path, tmp_path: Path) -> None:
    """`publish` without a report is refused; `rank` without a check points to `status`."""
    code, _, err = run("-C", study, "publish", tmp_path / "out")
    assert (code, f"waterbed -C {study} import reports.csv" in err, (tmp_path / "out").exists()) == (2, True, False)
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    run("-C", study, "import", tmp_path / "r.csv")
    out = " ".join(run("-C", study, "rank")[1].split())
    assert "No URL was checked yet; waterbed" in out
    assert "status says what comes next" in out
    assert "tells the hoster" not in out


def test_a_publication_stands_apart(run: Run, tmp_path: Path) -> None:
    """Files that no publication wrote are told of once; a study is not begun among published files."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with small_study(tmp_path) as study:
        said = [run("-C", study.folder.path, "publish", out) for _ in range(2)]
    told = "had 1 other files or folders: they stay"
    assert [(code, told in " ".join(text.split())) for code, text, _ in said] == [(0, True), (0, False)]
    assert (out / "mine.txt").read_text() == "mine"
    code, _, err = run("init", out)
    assert (code, "holds a publication" in err, (out / "waterbed.db").exists()) == (2, True, False)


def test_units_that_cannot_be_written_make_no_study(run: Run, tmp_path: Path) -> None:
    """They are tried first; a study that fails leaves no folder of theirs."""
    (tmp_path / "file").touch()
    bad = ("--store", "postgresql://u:p@127.0.0.1:1/x")
    for words, expected in ((("--units", tmp_path / "file" / "units"), 2), (("--units", tmp_path / "units", *bad), 3)):
        code, out, err = run("init", tmp_path / "s", *words)
        assert (code, out, err.count("\n")) == (expected, "", 1)
        assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_study_whose_tables_cannot_be_fetched_is_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Init says so with the commands that fetch them later, and names the next step; exit code 1."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = run("init", tmp_path / "s", "--fetch", "--resolver", "127.0.0.1:1")
    assert (code, "Next:" in out, "npm is not on this machine" in err) == (1, True, True)
    for name in ("ip-location-asn", "ip-location-country"):
        assert f"waterbed -C {tmp_path / 's'} data fetch {name} --add" in err


def test_init_says_that_it_closes_a_folder(run: Run, tmp_path: Path) -> None:
    """A folder that others could look into is its owner's alone, and told of."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s").chmod(0o755)
    code, out, _ = run("init", tmp_path / "s", "--resolver", "127.0.0.1:1")
    assert (code, "mode    700, 755 before" in out) == (0, True)


def test_a_signal_after_the_study_is_made_says_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while init asks the resolver leaves a study, which is said."""

    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "standing", stopped)
    _, _, err = run("init", tmp_path / "s")
    assert "stopped; the study is made" in err
    assert (tmp_path / "s" / "waterbed.toml").is_file()


@pytest.mark.parametrize("there", [False, True])
def test_ctrl_c_at_a_question_and_a_study_that_is_there(there: bool, tmp_path: Path, run: Run) -> None:
    """The first is told in a sentence, with code 130; the second before any question."""
    if there:
        assert run("init", tmp_path / "s", "--resolver", "127.0.0.1:1")[0] == 0
    child, terminal = pty.fork()
    if not child:
        program = "import sys; from waterbed.cli.main import main; sys.argv[0] = 'waterbed'; main()"
        os.execv(sys.executable, [sys.executable, "-c", program, "init", str(tmp_path / "s")])
    said, asked = b"", False
    while piece := _piece(terminal):
        said += piece
        if not asked and b"unnamed study]" in said:
            asked = True
            _stop(child, terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told = b"holds a study already" if there else b"waterbed: stopped"
    assert (code, told in said, b"Name of" in said) == (2 if there else 130, True, not there)


def test_lost_settings_are_not_begun_anew(run: Run, study: Path, tmp_path: Path) -> None:
    """A study without its settings, a link to nothing and a store of others are named with a remedy that helps."""
    settings = (study / "waterbed.toml").read_bytes()
    (study / "waterbed.toml").unlink()
    assert "waterbed.toml is missing; restore that from a backup" in run("-C", study, "status")[2]
    (study / "waterbed.toml").mkdir()
    assert "waterbed.toml is no file" in run("-C", study, "status")[2]
    (study / "waterbed.toml").rmdir()
    (study / "waterbed.toml").write_bytes(settings)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "a link to a place that is not there" in run("-C", tmp_path / "link", "status")[2]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "waterbed.db").write_text("no database" * 99)
    code, _, err = run("init", tmp_path / "own")
    assert (code, "or move it away" in err, "[store]" in err) == (2, True, False)


def test_a_study_with_facts_and_no_settings_is_no_place_for_another(run: Run, study: Path, tmp_path: Path) -> None:
    """Init there names the missing settings."""
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    assert run("-C", study, "import", tmp_path / "r.csv")[0] == 0
    (study / "waterbed.toml").unlink()
    code, _, err = run("init", study)
    assert (code, "restore its waterbed.toml from a backup" in err) == (2, True)


def test_empty_names_and_empty_input_are_told(run: Run, study: Path, given: io.BytesIO, tmp_path: Path) -> None:
    """An empty --source or --sender is refused, and `explain -` says that nothing came."""
    (tmp_path / "r.csv").write_text("url\nhttp://c.example.com/x\n")
    for words in (("import", tmp_path / "r.csv", "--source", ""), ("notices", tmp_path / "r.csv", "--sender", " ")):
        code, _, err = run("-C", study, *words)
        assert (code, "is empty, as an unset variable" in err) == (2, True)
    given.seek(0)
    code, _, err = run("-C", study, "explain", "-")
    assert (code, "standard input was empty" in err) == (2, True)


@pytest.mark.parametrize("table", ["places", "actors", "sources"])
def test_a_clock_of_the_settings_that_a_table_lacks_is_told_with_a_remedy(run: Run, study: Path, table: str) -> None:
    """The option that helps is named, and with it no clock stands in the way."""
    settings = study / "waterbed.toml"
    settings.write_text(settings.read_text().replace('\nclock = "reported"', '\nclock = "notice_delivered"'))
    code, _, err = run("-C", study, "rank", "--table", table)
    assert (code, "which the settings name; add --clock reported" in err) == (2, True)
    assert "clock" not in run("-C", study, "rank", "--table", table, "--clock", "reported")[2]
