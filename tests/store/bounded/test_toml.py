"""TOML that others wrote: whatever is wrong with it is one kind of error."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from waterbed.attribution.hosters.book import read_hosters
from waterbed.governance.protocol.file import read_protocol
from waterbed.graphs.displacement.event import read_event
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


def test_the_mark_that_some_editors_begin_a_file_with_is_no_text() -> None:
    """A byte-order mark is passed over."""
    assert decode(b"\xef\xbb\xbfa = 1\n") == decode("\ufeffa = 1\n") == {"a": 1}


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


SETTINGS = {
    "home = NL": 'a text needs quotes, as in home = "..."',
    "home = 15 March": 'a text needs quotes, as in home = "..."',
    "probe.controls = yes": "yes is none of true and false",
    "name = '''\nhome = 1\n'''\nhome = 'NL'\nhome = 'BE'": "'home' stands twice (at lines 5 and 6)",
    "[probe]\ntimeout_s = 1\ntimeout_s = 2": "'probe.timeout_s' stands twice (at lines 3 and 4)",
    "routes_max_age_days = '31'": "routes_max_age_days '31': a number without quotes was expected",
    "routes_max_age_days = 'www.forgetme-example.com'": "routes_max_age_days [not shown]: a number",
    "processes = -1": "processes -1: a whole number from 0 was expected",
    "canary.within_s = 0,5": "0,5 is no number; a point was expected, as in 0.5",
    "clock = 'www.forgetme-example.com'": "clock [not shown]: one of first_seen, reported",
    "[canary]\ntargets = 'x'": "canary.targets 'x': a list in [ ] was expected",
}


@pytest.mark.parametrize(("text", "told"), SETTINGS.items(), ids=SETTINGS)
def test_settings_that_are_wrong_are_told_in_plain_words(text: str, told: str, tmp_path: Path) -> None:
    """The setting, its value unless it may be a host, and what was expected, also where a text lacks its quotes."""
    path = tmp_path / "waterbed.toml"
    path.write_text(f"study = 'x'\n{text}\n")
    with pytest.raises(InputError) as problem:
        read_config(path)
    assert told in str(problem.value)


EVENTS = {
    "date = 2026-13-45": "2026-13-45 is no date or time; one like 2026-03-15 was expected",
    "date = 15.03.2026": "15.03.2026 is no date; one like 2026-03-15 was expected",
    "date = 2026-03-02\nprimary = 'excess'": "primary 'excess': one of \"",
    "date = '15 March'": "date '15 March': a date or time, such as 2026-03-15, without quotes was expected",
    "date = 2026-03-02\nbefor = 9": "unknown field 'befor' (at line 5) (did you mean before?)",
}


@pytest.mark.parametrize(("text", "told"), EVENTS.items(), ids=EVENTS)
def test_event_files_that_are_wrong_are_told_likewise(text: str, told: str, tmp_path: Path) -> None:
    """Days that are none, days in quotes and fields that do not exist."""
    path = tmp_path / "event.toml"
    path.write_text(f"target = 'a'\nchosen_until = 2026-03-01\ncontrols = ['b']\n{text}\n")
    with pytest.raises(InputError) as problem:
        read_event(path)
    assert told in str(problem.value)
