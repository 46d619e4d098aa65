"""Plug-ins: the example installed from its own folder, and packages that fail in every way."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

from tests.docs.markdown import ROOT
from tests.publish.study import small_study
from waterbed.crawler.probe.link_checks import read_link_checks
from waterbed.intake.csv_reports import ReportLine, Sighting
from waterbed.intake.csv_table import Rejected
from waterbed.intake.formats import Reading, read_reports
from waterbed.measures.keys import ranking_kind
from waterbed.model.bookkeeping import Delivery
from waterbed.model.errors import InputError
from waterbed.study.study import open_study

EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed from a copy of its folder."""
    folder = tmp_path_factory.mktemp("plugin")
    copytree(EXAMPLE, folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", folder / "site", folder / "source"], check=True, timeout=300)
    return folder / "site"


@pytest.fixture(scope="module")
def publishing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study whose publications use a plug-in `odd`."""
    folder = tmp_path_factory.mktemp("publishing")
    with small_study(folder, plugins=("odd",)):
        return folder


def started(site: Path, *words: object, **more: str) -> tuple[int, str, str]:
    """A command of Waterbed with a folder of packages: exit code, standard output and standard error."""
    path = os.pathsep.join(filter(None, (str(site), str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "waterbed", *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "160", **more},
    )
    return done.returncode, done.stdout, done.stderr


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Forget what a test's packages brought into this process."""

    def forget() -> None:
        ranking_kind.cache_clear()
        for name in ("odd", "other"):
            sys.modules.pop(name, None)

    forget()
    yield
    forget()


@pytest.fixture
def called(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in this process, without what goes to the log."""

    def these(site: Path, *words: object, **more: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "path", [str(site), *sys.path])
            for name, value in {"COLUMNS": "160", **more}.items():
                patched.setenv(name, value)
            return run(*words)

    return these


def package(site: Path, kind: str, code: str, name: str = "odd") -> Path:
    """A package in a folder whose entry point `odd` is `VALUE` of this code."""
    (site / f"{name}-1.dist-info").mkdir(parents=True)
    (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (site / f"{name}-1.dist-info" / "entry_points.txt").write_text(f"[waterbed.{kind}]\nodd = {name}:VALUE\n")
    (site / f"{name}.py").write_text(code)
    return site


@pytest.mark.long
def test_the_example_adds_a_form_a_ranking_an_export_and_a_page(tmp_path: Path, installed: Path) -> None:
    """Nothing of the project changes: the form is told, the ranking asked for, and a publication has both files."""
    code, out, err = started(installed, "plugins")
    assert (code, err) == (0, "")
    assert out.count("waterbed-example 1.0") == 5
    with small_study(tmp_path / "s", plugins=("slowest",)):
        config = str(tmp_path / "s" / "config")
    at = ("-C", tmp_path / "s" / "study")
    (tmp_path / "feed.txt").write_text("#pipes 1\n2026-01-07T10:00:00Z|malware|http://lab-example.com/x\nno|text\n")
    code, out, err = started(installed, *at, "import", tmp_path / "feed.txt", XDG_CONFIG_HOME=config)
    assert (code, "1 report imported" in out, "line 3: time|category|url was expected" in out) == (1, True, True), err
    code, out, _ = started(installed, *at, "rank", "--by", "union", "--format", "csv", XDG_CONFIG_HOME=config)
    keys = [line.split(",")[1] for line in out.splitlines()[1:]]
    assert (code, keys) == (0, ["in the EU", "unknown"])
    code, out, err = started(installed, *at, "attributed", XDG_CONFIG_HOME=config)
    assert (code, err) == (0, "")
    assert re.fullmatch(r"\d+ of \d+ episodes are at a hoster that is known\.\n", out)
    code, _, err = started(installed, *at, "publish", tmp_path / "out", XDG_CONFIG_HOME=config)
    assert (code, err) == (0, "")
    text = (tmp_path / "out" / "plugins" / "slowest-slowest.md").read_text()
    assert text.startswith("| hoster | removed within 24 h | 95% |")
    told = (tmp_path / "out" / "README.txt").read_text()
    assert "plugins/slowest-slowest.md   hosters by speed of removal, as Markdown" in told
    page = (tmp_path / "out" / "plugins" / "slowest.html").read_text()
    assert "slowest first" in page
    assert 'href="plugins/slowest.html"' in (tmp_path / "out" / "index.html").read_text()
    code, _, err = started(tmp_path, *at, "publish", tmp_path / "out", XDG_CONFIG_HOME=config)
    assert (code, "'slowest', which no package adds" in err) == (2, True)


def test_the_tests_of_the_example_pass(installed: Path) -> None:
    """They run where it is installed, as its author would run them."""
    path = os.pathsep.join((str(installed), str(ROOT)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", EXAMPLE, EXAMPLE / "tests"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


FORM = "from waterbed.intake.formats import ReportForm\nVALUE = "
BROKEN: Mapping[str, tuple[str, str, str]] = {
    "does not load": ("reports", "raise RuntimeError('odd')", "it does not load: RuntimeError: odd"),
    "ends the program": ("reports", "raise SystemExit(0)", "it does not load: SystemExit: 0"),
    "other class": ("reports", "VALUE = 3", "odd:VALUE is a int, not a ReportForm"),
    "other interface": ("reports", f"{FORM}ReportForm(parse=None, interface=2)", "made for interface 2, this is 1"),
    "missing": ("exports", "", "it does not load: AttributeError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_plug_in_that_cannot_be_used_is_named_and_left_out(called: Run, tmp_path: Path, case: str) -> None:
    """The list says why, with exit code 1."""
    kind, code, said = BROKEN[case]
    result, out, err = called(package(tmp_path / "site", kind, code), "plugins")
    assert (result, said in err, "left out" in out) == (1, True, True), err


KEYS = "from waterbed.measures.keys import RankingKind\ndef keys(answer):\n    {}\n{}\n"
KIND = "VALUE = RankingKind(keys=keys)"


QUESTION = """
from waterbed.shown.question import Command, Question
VALUE = Question(commands={name: Command("odd:answer", "Answer.", "Added") for name in ("answer", "rank")})
def answer() -> None:
    print("42")
"""


def test_a_question_brings_a_command_and_takes_none_of_ours(tmp_path: Path) -> None:
    """Its command runs once it is installed; a built-in command of the same name stays, and other words are refused."""
    site = package(tmp_path / "site", "questions", QUESTION)
    assert started(site, "answer") == (0, "42\n", "")
    code, out, _ = started(site, "rank", "--help")
    assert (code, "Rank hosters" in out) == (0, True)
    for words in (("answre",), ("answer", "--strange")):
        code, out, err = started(site, *words)
        assert (code, out) == (2, ""), err
    assert started(tmp_path, "answer")[0] == 2


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("print('said'); return ('k',)", 0, "said"),
        ("raise SystemExit(0)", 2, "the plug-in odd failed with SystemExit"),
        ("raise BaseException", 2, "the plug-in odd failed with BaseException"),
        (
            "from waterbed.model.errors import InputError; raise InputError('http://said-lab.com/x is odd')",
            2,
            "the plug-in odd says: [redacted] is odd",
        ),
        (
            "from waterbed.model.errors import InputError; raise InputError('192.0.2.1 said.example is odd')",
            2,
            "the plug-in odd says: [redacted] [redacted] is odd",
        ),
        ("return ('a\\x1b[2J',)", 2, "the plug-in odd gave keys that are no texts on one line"),
    ],
)
def test_a_ranking_keeps_our_output_as_it_is(
    called: Run, tmp_path: Path, publishing: Path, body: str, code: int, said: str
) -> None:
    """What it prints is not in a table, it cannot end the program as if all were well, and its keys are texts."""
    site = package(tmp_path / "site", "rankings", KEYS.format(body, f"print('said at import')\n{KIND}"))
    words = ("-C", publishing / "study", "rank", "--by", "odd", "--format", "csv")
    result, out, err = called(site, *words, XDG_CONFIG_HOME=str(publishing / "config"))
    assert (result, said in err, "said at import" in err, "said" in out) == (code, True, True, False)
    assert [line.split(",")[1] for line in out.splitlines()] == (["key", "k"] if code == 0 else [])


def test_two_plug_ins_of_one_name(called: Run, tmp_path: Path) -> None:
    """The first by package is used, the second named and left out; so is one with a name that is built in."""
    code = f"{FORM}ReportForm(parse=lambda lines, name: ())"
    site = package(tmp_path / "site", "reports", code)
    package(site, "reports", code, "other")
    names = ("odd", "csv", "../x y")
    lines = "".join(f"{name} = odd:VALUE\n" for name in names)
    (site / "odd-1.dist-info" / "entry_points.txt").write_text(f"[waterbed.reports]\n{lines}")
    result, out, err = called(site, "plugins")
    assert (result, err.count("the name is taken"), out.count("left out")) == (1, 2, 3)
    assert "../x y of odd 1 is left out: its name has other characters" in err
    assert "csv of odd 1 is left out" in err
    assert "odd of other 1 is left out" in err


def test_a_command_names_a_plug_in_that_is_left_out_once(tmp_path: Path, publishing: Path) -> None:
    """However often plug-ins are looked for."""
    site = package(tmp_path / "site", "reports", "VALUE = 3")
    (tmp_path / "feed").write_text("no report\n")
    words = ("-C", publishing / "study", "import", tmp_path / "feed")
    err = started(site, *words, XDG_CONFIG_HOME=str(publishing / "config"))[2]
    assert err.count("odd of odd 1 is left out") == 1, err


READ = """
from dataclasses import fields, replace
from datetime import datetime
from waterbed.measures.keys import ranking_kind
from waterbed.intake.csv_reports import Sighting, checked_report
from waterbed.intake.csv_table import Rejected
from waterbed.intake.formats import ReportForm
from waterbed.model.errors import InputError
SEEN = {field.name: None for field in fields(Sighting)} | {"observer": "x", "gone": False}
def parse(lines, name):
    line = next(iter(lines)).strip()
    made = checked_report(1, {"url": line})
"""
Read = Callable[[str], list[ReportLine | Rejected]]
FORM_END = "\nVALUE = ReportForm(parse=parse)\n"
SECRET = "http://secret-lab.com/deep\n"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """What a plug-in's form reads of a file with one URL."""

    def these(code: str) -> list[ReportLine | Rejected]:
        monkeypatch.syspath_prepend(str(package(tmp_path / "site", "reports", code)))
        (tmp_path / "feed").write_text(SECRET)
        return list(read_reports(tmp_path / "feed", Reading(form="odd")))

    return these


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError(line); yield", "the plug-in odd failed with ValueError"),
        ("yield line", "the plug-in odd read a str, not a report"),
        ("raise ValueError(line)", "the plug-in odd failed with ValueError"),
        ("return None", "the plug-in odd failed with TypeError"),
        ("raise InputError(f'cannot read {line}')", "the plug-in odd says: cannot read [redacted]"),
        ("raise BaseException(line)", "the plug-in odd failed with BaseException"),
        ("raise GeneratorExit(line)", "the plug-in odd failed with GeneratorExit"),
        ("yield Rejected(line=line, reason='')", "the plug-in odd read a report whose line is no number"),
        ("yield replace(made, category=3)", "the plug-in odd failed with TypeError"),
        ("yield replace(made, content_id=chr(0xD800))", "the plug-in odd failed with UnicodeEncodeError"),
    ],
)
def test_a_form_that_fails_tells_nothing_of_what_it_read(read: Read, body: str, said: str) -> None:
    """One sentence without a line of the file."""
    with pytest.raises(InputError) as failed:
        read(f"{READ}    {body}{FORM_END}")
    assert (said in str(failed.value), "secret" in str(failed.value)) == (True, False)


@pytest.mark.parametrize("body", ["raise ValueError(line)", "raise InputError(line)", "raise BaseException(line)"])
def test_an_import_ends_with_a_form_that_fails(tmp_path: Path, publishing: Path, body: str) -> None:
    """Exit code 2, no line of the file anywhere, and nothing is imported; prints go to standard error."""
    site = package(tmp_path / "site", "reports", f"{READ}    print('said')\n    {body}{FORM_END}")
    (tmp_path / "feed").write_text(SECRET)
    config = str(publishing / "config")
    words = ("-C", publishing / "study", "import", "--format", "odd", tmp_path / "feed")
    result, out, err = started(site, *words, XDG_CONFIG_HOME=config)
    assert (result, out, "said" in err, "secret" in err, "Traceback" in err) == (2, "", True, False, False), err
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", config)
        with open_study(publishing / "study") as study:
            assert study.folder.store.count(Delivery) == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("replace(made, category=line)", "category must be 1 to 64"),
        ("replace(made, source=line)", "source must be 1 to 64"),
        ("replace(made, site_type=line)", "site_type must be 1 to 64"),
        ("replace(made, origin_address=line)", "origin_address must be an IP address"),
        ("replace(made, reported_at=datetime(1970, 1, 1))", "reported_at must lie in the years"),
        ("replace(made, sighting=Sighting(**{**SEEN, 'status': line}))", "status must be 1 to 64"),
        ("replace(made, sighting=Sighting(**{**SEEN, 'observer': line}))", "observer must be 1 to 64"),
        ("replace(made, sighting=Sighting(**{**SEEN, 'looks': -1}))", "looks must be a number below"),
        ("Rejected(line=1, reason=f'no report: {line}')", "no report: [redacted]"),
    ],
)
def test_what_a_form_reads_is_checked_as_any_report(read: Read, body: str, said: str) -> None:
    """No URL is read in another field than that of the URL, or in the reason of a rejected line."""
    (line,) = read(f"{READ}    return [{body}]{FORM_END}")
    assert isinstance(line, Rejected)
    assert (said in line.reason, "secret" in line.reason) == (True, False)


def test_what_a_form_reads_well_stays_as_it_is(read: Read) -> None:
    """All fields are kept; a time without a zone is UTC, as in files."""
    seen = "Sighting(**{**SEEN, 'first_seen': when, 'status': 'up', 'looks': 3, 'address': '192.0.2.1'})"
    told = "reported_at=when, commercial=False, category='x', content_id='a b', supplement=True, parent=other"
    (line,) = read(
        f"{READ}    when, other = datetime(2026, 1, 7, 10, 0, 0, 5), checked_report(1, {{'url': 'http://b.lab/'}}).canonical\n"
        f"    return [replace(made, line=7, {told}, sighting={seen})]{FORM_END}"
    )
    assert isinstance(line, ReportLine)
    when = datetime(2026, 1, 7, 10, 0, 0, 5, UTC)
    assert (line.line, line.canonical.url, line.parent and line.parent.url) == (7, SECRET.strip(), "http://b.lab/")
    assert (line.reported_at, line.commercial, line.category) == (when, False, "x")
    assert (line.content_id, line.supplement, line.assessed_illegal) == ("a b", True, None)
    assert line.sighting == Sighting(
        observer="x",
        reference=None,
        first_seen=when,
        last_seen=None,
        status="up",
        gone=False,
        since=None,
        address="192.0.2.1",
        looks=3,
    )


def test_a_form_whose_category_cannot_be_stored_is_named(read: Read) -> None:
    """The sentence names the plug-in, and no option that nobody gave."""
    end = FORM_END.replace("parse=parse", "parse=parse, category='http://secret-lab.com/'")
    with pytest.raises(InputError, match=r"^the plug-in odd has a category that is not 1 to 64 letters"):
        read(f"{READ}    return [made]{end}")


def test_a_table_form_a_rule_file_and_link_checks(called: Run, tmp_path: Path) -> None:
    """Tables in a form of one's own are rows as any; rules and link checks are files that a package brings."""
    code = (
        "from pathlib import Path\n"
        "from waterbed.attribution.lookups.tables.contents import lines_of\n"
        "from waterbed.attribution.lookups.tables.table_files import TableForm, csv_rows\n"
        "from waterbed.model.plugins import DataFile\n"
        "def read(pieces, sample, path):\n"
        "    rows = (line.replace(' to ', ',').replace(': ', ',') for line in lines_of(pieces, path) if ': ' in line)\n"
        "    return csv_rows(rows, path, 'places')\n"
        "VALUE = TableForm(kind='places', is_head=lambda head: ' to ' in head[0], read=read)\n"
        "FILE = DataFile(path=Path(__file__).with_name('checks.toml'))\n"
    )
    site = package(tmp_path / "site", "tables", code)
    (site / "odd-1.dist-info" / "entry_points.txt").write_text(
        "[waterbed.tables]\nodd = odd:VALUE\n"
        "[waterbed.link_checks]\npictures = odd:FILE\n"
        "[waterbed.rules]\nmine = odd:FILE\n"
    )
    (site / "checks.toml").write_text(
        '[[link_check]]\nname = "pictures"\nsuffix = "pictures.example"\npath = "^/i/(.+)"\nask = "/exists/{1}"\n'
    )
    (tmp_path / "places.txt").write_text("28.9.0.0 to 28.9.255.255: DE\n28.8.0.0 to 28.8.0.255: FR\n")
    with small_study(tmp_path / "s") as study:
        (study.path / "link-checks.toml").write_text('plugins = ["pictures"]\n')
    config = str(tmp_path / "s" / "config")
    at = ("-C", tmp_path / "s" / "study")
    words = ("tables", "add", "--kind", "places", "--date", "2026-01-05", tmp_path / "places.txt")
    result, _, err = called(site, *at, *words, XDG_CONFIG_HOME=config)
    assert (result, "Traceback" in err) == (0, False), err
    result, _, err = called(site, *at, "rejudge", "--rules", "mine", XDG_CONFIG_HOME=config)
    assert (result, "checks.toml" in err) == (2, True), err  # it is found, and is no file of rules
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(site))
        assert [check.name for check in read_link_checks(tmp_path / "s" / "study")] == ["pictures"]
    with pytest.raises(InputError, match="plugins 'pictures' is not known"):
        read_link_checks(tmp_path / "s" / "study")


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("exports", "Export(write=lambda p: None, files={})", "wrote a NoneType; files by name were expected"),
        ("exports", "Export(write=lambda p: {3: ''}, files={})", "wrote int; a text or bytes by a name"),
        ("exports", "Export(write=lambda p: {'x': chr(0xD800)}, files={})", "wrote 'x'; a text or bytes"),
        ("pages", "AddedPage(title='odd', body=lambda p: chr(0xD800))", "made a str, not a text of HTML"),
        ("pages", "AddedPage(title=3, body=lambda p: '')", "made a title, not a text of HTML"),
        ("exports", "Export(write=lambda p: {'../x': ''}, files={})", "wrote '../x'; a text or bytes"),
        ("exports", "Export(write=lambda p: {'x': 3}, files={})", "wrote 'x'; a text or bytes"),
        ("exports", "Export(write=lambda p: {'x': ''}, files={'x': 3})", "has `files` with a int; texts by the files'"),
        ("exports", "Export(write=lambda p: 1 / 0, files={})", "failed with ZeroDivisionError"),
        ("pages", "AddedPage(title='odd', body=lambda p: None)", "made a NoneType, not a text of HTML"),
    ],
)
def test_an_export_or_page_that_fails_ends_the_publication(
    called: Run, tmp_path: Path, publishing: Path, kind: str, code: str, said: str
) -> None:
    """One sentence, exit code 2, and nothing is published."""
    imports = "from waterbed.publish.exports import Export\nfrom waterbed.publish.site.added import AddedPage\nVALUE = "
    site = package(tmp_path / "site", kind, imports + code)
    words = ("-C", publishing / "study", "publish", tmp_path / "out")
    result, _, err = called(site, *words, XDG_CONFIG_HOME=str(publishing / "config"))
    assert (result, said in err, (tmp_path / "out").exists()) == (2, True, False), err


def test_an_export_or_page_of_a_taken_name_is_refused(called: Run, tmp_path: Path, publishing: Path) -> None:
    """A built-in name is left out and named; two plug-ins of one file end the publication, with nothing published."""
    code = (
        "from waterbed.publish.exports import Export\n"
        "from waterbed.publish.site.added import AddedPage\n"
        "ONE = Export(write=lambda p: {'b-c.html': ''}, files={})\n"
        "TWO = Export(write=lambda p: {'c.html': ''}, files={})\n"
        "PAGE = AddedPage(title='x', body=lambda p: '')\n"
    )
    site = package(tmp_path / "site", "exports", code)
    entries = site / "odd-1.dist-info" / "entry_points.txt"
    entries.write_text("[waterbed.exports]\nstix = odd:ONE\n")
    result, _, err = called(site, "plugins")
    assert (result, "stix of odd 1 is left out: the name is taken" in err) == (1, True), err
    copytree(publishing, tmp_path / "s")
    settings = tmp_path / "s" / "study" / "waterbed.toml"
    for names, added, said in (
        (("a", "a-b"), "[waterbed.exports]\na = odd:ONE\na-b = odd:TWO\n", "the plug-in a-b wrote plugins/a-b-c.html"),
        (("a", "a-b-c"), "[waterbed.exports]\na = odd:ONE\n[waterbed.pages]\na-b-c = odd:PAGE\n", "plugins/a-b-c.html"),
    ):
        entries.write_text(added)
        text = settings.read_text()
        settings.write_text(re.sub(r"(?m)^plugins = .*$", f"plugins = {json.dumps(names)}", text))
        words = ("-C", tmp_path / "s" / "study", "publish", tmp_path / "out")
        result, _, err = called(site, *words, XDG_CONFIG_HOME=str(tmp_path / "s" / "config"))
        assert (result, said in err, (tmp_path / "out").exists()) == (2, True, False), err
