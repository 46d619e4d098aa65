"""Commands that are printed, as a shell takes them."""

import shlex
import sys
import sysconfig
from pathlib import Path
from shutil import which


def installs(extra: str) -> str:
    """Words that tell what installs an extra.

    A copy may have come from a clone or from a wheel.
    """
    if _is_editable():
        return f"install it in the clone with pip install -e '.[{extra}]'"
    return f"install it with pip install '.[{extra}]' in a clone, or 'FILE.whl[{extra}]' with a wheel"


def _is_editable() -> bool:
    """True if the clone itself is what runs: a copy beside it would not change with it."""
    return not Path(__file__).is_relative_to(sysconfig.get_path("purelib"))


def command(*words: object, study: Path = Path()) -> str:
    """A command of this program, to paste into a shell.

    Its words are quoted. It is called as it was typed where a shell would find nothing or another program by its name.
    """
    typed, found = Path(sys.argv[0]), which("waterbed")
    # without a folder it is no place that a shell could be given: whoever started it set a bare name
    has_place = typed.name == "waterbed" and len(typed.parts) > 1
    is_found = found is not None and Path(found).resolve() == typed.resolve()
    program = str(typed) if has_place and not is_found else "waterbed"
    where = () if study == Path() else ("-C", str(study))
    return shlex.join([program, *where, *map(str, words)])
