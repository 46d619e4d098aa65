"""Shows that two versions of the code make the same bytes of the same studies: outputs, files, answers over HTTP.

Usage:
    python benchmarks/same_bytes.py make STUDIES            # studies for all versions, made with this one
    python benchmarks/same_bytes.py record STUDIES OUT      # every command line of same_bytes_lines.py, by this version
    python benchmarks/same_bytes.py compare OUT OTHER       # what differs; exit 1 if anything does

`record --program "PYTHON -m waterbed.cli"` records an installation that is not this one.
"""

import argparse
import contextlib
import difflib
import fnmatch
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from same_bytes_lines import ANSWERS, FEW, FOR_TOOLS, PRINTED, SERVE, TABLES, WITHOUT_STUDY, WRITTEN, Words
from same_bytes_studies import STORE, make, served

DRIVER: Final = Path(__file__).with_name("same_bytes_driver.py")
OUTSIDE: Final = "outside"
"""What needs no study is recorded under this name."""
WHOLE: Final = "demo"
"""The study of which every form is recorded."""
SHOWN: Final = 12
"""Lines of a difference that are shown, and files of one recording alone."""
_UNKNOWN: Final = ("No such option", "No such command")
"""What a program says that spells a command line otherwise."""
_LOGGER: Final = re.compile(r"(?<=^WARNING )[\w.]+ ", re.MULTILINE)
"""Names of modules in the log: a module may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One command line to record."""

    name: str
    """Of the file, or folder, that it is recorded as."""
    words: Words
    columns: int
    also: tuple[str, ...] = ()
    writes: bool = False


def lines_of(study: str) -> Iterator[Line]:
    """All lines of one study; those of 80 columns and of 160 run at the same time, on a copy each.

    CSV and narrow tables are of the demo's study alone: what is in them is in the JSON of every study.
    """
    if study == OUTSIDE:
        for name, words in WITHOUT_STUDY.items():
            for columns in (80, 160) if name.startswith("help") else (80 if name == "lab-power" else 160,):
                yield Line(name=f"{name}.{columns}", words=words, columns=columns)
        return
    for name, words in {**TABLES, **ANSWERS, **PRINTED}.items():
        for columns in (80, 160) if study == WHOLE else (160,):
            yield Line(name=f"{name}.{columns}", words=words, columns=columns)
    tables = {**TABLES, **FOR_TOOLS}
    for name, words in {**tables, **ANSWERS}.items():
        yield Line(name=f"{name}.json", words=words, columns=160 if study == WHOLE else 80, also=("--format", "json"))
    for name, words in tables.items() if study == WHOLE else ():
        yield Line(name=f"{name}.csv", words=words, columns=80, also=("--format", "csv"))
    for number, (name, words) in enumerate(WRITTEN.items()):
        yield Line(name=name, words=words, columns=(80, 160)[number % 2], writes=True)


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Runs lines on one copy of a study, in children of one warm process."""

    program: list[str]
    work: Path
    out: Path
    columns: int
    values: Mapping[str, str]
    environment: dict[str, str]
    _driver: "subprocess.Popen[str]" = field(init=False)

    def record(self, lines: list[Line]) -> None:
        """Record each line that the study has the values for."""
        python, module = self.program
        self._driver = subprocess.Popen(
            [python, DRIVER, module],
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with self._driver:
            for line in lines:
                self._record(line)
            assert self._driver.stdin is not None
            self._driver.stdin.close()

    def _record(self, line: Line) -> None:
        place = self.work / "written" / line.name if line.writes else self.work / "beside" / line.name
        place.parent.mkdir(exist_ok=True)
        values = {**self.values, "out": str(place.relative_to(self.work))}
        for words in (line.words,) if isinstance(line.words, str) else line.words:
            try:
                asked = [word.format_map(values) for word in words.split()]
            except KeyError:
                return
            status, said, problem = self._run([*asked, *line.also])
            if status != 2 or not any(one in problem for one in _UNKNOWN):
                break
        target = self.out / line.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(f"{target.name}.out").write_text(self._plain(said))
        if status or problem:
            target.with_name(f"{target.name}.err").write_text(f"exit {status}\n{_LOGGER.sub('', self._plain(problem))}")
        for path in sorted((self.work / "written").glob(f"{line.name}*")) if line.writes else ():
            shutil.move(path, self.out / path.name)

    def _run(self, words: list[str]) -> tuple[int, str, str]:
        study = ["-C", "study"] if (self.work / "study").is_dir() else []
        paths = {name: str(self.work / f".{name}") for name in ("stdout", "stderr")}
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({"words": [*study, *words], **paths}) + "\n")
        self._driver.stdin.flush()
        answer = self._driver.stdout.readline()
        if not answer:
            raise SystemExit(f"the recording process ended at: {' '.join(words)}")
        said, problem = (Path(path).read_text(errors="surrogateescape") for path in paths.values())
        return int(answer), said, problem

    def _plain(self, text: str) -> str:
        return text.replace(str(self.work), "WORK").encode(errors="surrogateescape").decode(errors="replace")

    def answers(self) -> None:
        """Ask the interface for everything that it has."""
        python, module = self.program
        words = SERVE if isinstance(SERVE, str) else SERVE[0]
        said = self.work / ".serving"
        with said.open("w") as stream:
            server = subprocess.Popen(
                [python, DRIVER, module, "--here", "-C", "study", *words.split()],
                cwd=self.work,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            _ask(_port(said, server), self.out / "serve")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


def _port(said: Path, server: "subprocess.Popen[bytes]") -> int:
    for _ in range(3000):
        if found := re.search(r":(\d+)/", said.read_text()):
            return int(found[1])
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the server did not start: {said.read_text()}")


def _until_made(port: int) -> None:
    """Wait for the server's first edition."""
    for _ in range(3000):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=300)) as connection:
            connection.request("GET", "/health")
            if connection.getresponse().status != 503:
                return
        time.sleep(0.1)


def _ask(port: int, out: Path) -> None:
    out.mkdir(parents=True)

    def get(path: str) -> bytes:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=300)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read().replace(f"127.0.0.1:{port}".encode(), b"SERVER")
        headers = "".join(f"{name}: {value}\n" for name, value in answer.getheaders() if name.lower() != "date")
        name = path.strip("/").replace("/", "+") or "start"
        (out / name).write_bytes(f"{answer.status}\n{headers}\n".encode() + content)
        return content

    _until_made(port)
    for path in ("/health", "/openapi.json", "/docs", "/v1", "/v1/cases", "/nothing"):
        get(path)
    listed: list[dict[str, Any]] = json.loads(get("/v1/tables"))["tables"]
    for table in listed:
        get(f"/v1/tables/{table['name']}")
    for by in ("hoster", "asn", "country"):
        get(f"/v1/rankings/{by}")
    for case in ("episodes", "hops"):
        get(f"/v1/cases/{case}")
    links = set(re.findall(rb'href="([\w./-]+\.html)"', get("/")))
    for link in sorted(links):
        get(f"/{link.decode().lstrip('./')}")


def _half(program: list[str], studies: Path, study: str, out: Path, columns: int, chosen: str) -> None:
    """Record one study at one width, on a copy of its own."""
    few = FEW.get(study, ("*",))
    lines = [
        one
        for one in lines_of(study)
        if one.columns == columns
        and fnmatch.fnmatch(one.name, chosen)
        and any(fnmatch.fnmatch(one.name, pattern) for pattern in few)
    ]
    with tempfile.TemporaryDirectory(prefix="waterbed-same-") as name, contextlib.ExitStack() as stack:
        work = Path(name).resolve() / "work"
        values: dict[str, str] = {}
        if study == OUTSIDE:
            work.mkdir()
        else:
            subprocess.run(["cp", "-a", studies / study, work], check=True)
            values = json.loads((work / "values.json").read_text())
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WATERBED_")}
        environment = {**kept, "XDG_CONFIG_HOME": str(work / "keys"), "COLUMNS": str(columns), "TZ": "UTC"}
        if (work / STORE).is_dir():
            Path(name).chmod(0o755)
            environment["WATERBED_STORE"] = stack.enter_context(served(work / STORE))
        recorder = Recorder(
            program=program, work=work, out=out / study, columns=columns, values=values, environment=environment
        )
        if study not in (OUTSIDE, *FEW) and columns == 160 and fnmatch.fnmatch("serve", chosen):
            recorder.answers()
        recorder.record(lines)


def record(studies: Path, out: Path, program: list[str], only: list[str], chosen: str) -> None:
    """Record all studies, or those chosen, two halves at a time; none that is recorded there already."""
    names = [OUTSIDE, *sorted(path.parent.name for path in studies.glob("*/values.json"))]
    began = time.monotonic()
    for study in (name for name in names if not only or name in only):
        (out / study).mkdir(parents=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda columns: _half(program, studies, study, out, columns, chosen), (80, 160)))  # noqa: B023
        files = sum(path.is_file() for path in (out / study).rglob("*"))
        print(f"{study}: {files:,} files, {time.monotonic() - began:,.0f} s since the start", flush=True)


def compare(one: Path, other: Path) -> int:
    """Print what differs between two recordings; how many files do."""
    ours, theirs = ({str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()} for top in (one, other))
    for top, alone in ((one, ours - theirs), (other, theirs - ours)):
        for name in sorted(alone):
            print(f"only in {top}: {name}")
    differing = [name for name in sorted(ours & theirs) if (one / name).read_bytes() != (other / name).read_bytes()]
    for name in differing:
        print(f"DIFFERS {name}")
        texts = [(top / name).read_text(errors="replace").splitlines() for top in (one, other)]
        found = [line[:300] for line in difflib.unified_diff(*texts, n=0, lineterm="")][2:]
        print("".join(f"    {line}\n" for line in found[:SHOWN]), end="")
    print(
        f"{len(ours & theirs) - len(differing):,} files are equal, {len(differing):,} differ, "
        f"{len(ours ^ theirs):,} are in one recording alone"
    )
    return len(differing) + len(ours ^ theirs)


def _program(said: str | None) -> list[str]:
    if said is None:
        return [sys.executable, "waterbed.cli"]
    words = said.split()
    if len(words) != 3 or words[1] != "-m":
        raise SystemExit('--program is to be "PYTHON -m MODULE"')
    return [words[0], words[2]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, dest="verb")
    for verb, folders in (("make", ("studies",)), ("record", ("studies", "out")), ("compare", ("one", "other"))):
        told = verbs.add_parser(verb)
        for folder in folders:
            told.add_argument(folder, type=lambda text: Path(text).absolute())
        if verb == "record":
            told.add_argument("--program", help='"PYTHON -m MODULE"; else this one\'s own waterbed.cli')
            told.add_argument("--only", nargs="*", default=[], help="these studies alone")
            told.add_argument("--lines", default="*", help="lines whose names fit this pattern alone")
    options = parser.parse_args()
    if options.verb == "make":
        make(options.studies)
    elif options.verb == "record":
        record(options.studies, options.out, _program(options.program), options.only, options.lines)
    else:
        return 1 if compare(options.one, options.other) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
