"""TOML that others wrote: whatever is wrong with it is one kind of error."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from attribution.hosters.book import read_hosters
from graphs.displacement.event import read_event
from waterbed.governance.protocol.file import read_protocol
from waterbed.judging.rules import read_rules
from waterbed.lab.world.reading import read_world
from waterbed.model.errors import InputError
from waterbed.store.bounded.toml import decode
from waterbed.store.config import read_config

BAD = {
    "deep": "a = " + "[" * 100_000,
    "digits": "a = " + "9" * 10_000,
    "parts": "a" + ".a" * 50_000 + " = 1",
    "quoted parts": '"a b"' + '."a b"' * 50_000 + " = 1",
    "a time that is none": "a = 2026-99-99T99:99:99Z",
    "no TOML": "<html>",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_text_that_is_wrong_is_a_decode_error(text: str) -> None:
    """No recursion, no number, no key of thousands of parts goes past it."""
    with pytest.raises(msgspec.DecodeError):
        decode(text)
    with pytest.raises(msgspec.DecodeError):
        decode(b"a = '\xff'")


def test_dots_in_texts_and_comments_are_no_parts() -> None:
    """Only a key is bounded in its parts."""
    dotted = ".".join("abcdefghijklmnop")
    text = f'# {dotted}\na.b.c = \'{dotted}\' # "{dotted}\nd = """\n\'{dotted}\n"""\n'
    assert decode(text) == {"a": {"b": {"c": dotted}}, "d": f"'{dotted}\n"}


@pytest.mark.parametrize("read", [read_rules, read_hosters, read_event, read_protocol, read_world, read_config])
def test_each_kind_of_file_is_read_within_bounds(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """Rules, hosters, events, protocols, worlds and settings: one sentence with the file, whatever it is."""
    path = tmp_path / "file.toml"
    for text in BAD.values():
        path.write_text(text)
        with pytest.raises(InputError, match=r"file\.toml.*docs/"):
            read(path)
    with path.open("wb") as file:
        file.truncate(4 << 30)
    with pytest.raises(InputError, match="more than 1,048,576 bytes"):
        read(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="pipe or a device"):
        read(path)
