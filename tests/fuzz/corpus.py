"""The corpus that is kept: a file for each target, an input in each line, escaped so that it can be read."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.fuzz import dns_replies, heads, rdap_answers, records

TARGETS: dict[str, Callable[[bytes], None]] = {
    "records": records.check,
    "heads": heads.check,
    "dns_replies": dns_replies.check,
    "rdap_answers": rdap_answers.check,
}
"""Each reads any bytes by ourselves and by a peer, and raises a Finding where the two may not differ."""

MOST_INPUT = 4_096
"""Longest input that is tried, bytes."""

MOST_KEPT = 98_304
"""Most bytes of the file of one target."""

_FOLDER = Path(__file__).parent / "inputs"


def file_of(target: str) -> Path:
    """The file that has a target's inputs."""
    return _FOLDER / f"{target}.txt"


def kept(target: str) -> list[bytes]:
    """The inputs of a target."""
    lines = file_of(target).read_text("ascii").splitlines()
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def keep(target: str, *inputs: Iterable[bytes]) -> None:
    """Write a target's inputs: the first ones for certain, then others, shortest first, while there is room."""
    text, seen = "", set[bytes]()
    for some in inputs:
        for each in sorted({*some} - seen, key=lambda data: (len(data), data)):
            line = each.decode("latin-1").encode("unicode_escape").decode() + "\n"
            if each and (some is inputs[0] or len(text) + len(line) <= MOST_KEPT):
                text += line
                seen.add(each)
    file_of(target).write_text(text, "ascii")
