"""Fuzzes one target with Atheris: `python -m tests.fuzz TARGET FOLDER... [options of libFuzzer]`."""

import sys
from shlex import quote

import atheris

_INSTRUMENTED = [
    "waterbed.crawler.net",
    "waterbed.attribution.lookups",
    "tests.fuzz",
    "h11",
    "dns.message",
    "dns.wire",
    "whoisit.parser",
]
"""Code whose branches count as coverage: ours and the peers'."""


def main() -> None:
    """Run until libFuzzer ends."""
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.corpus import TARGETS
    # to merge, libFuzzer starts itself again: by a shell, from the first word on
    atheris.Setup(
        [f"{quote(sys.executable)} -W ignore -m tests.fuzz {sys.argv[1]}", *sys.argv[2:]], TARGETS[sys.argv[1]]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
