"""JSON read value by value: the same values, however the text is cut."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.model.errors import InputError
from waterbed.store.bounded import json_text
from waterbed.store.bounded.json_text import BadJson, JsonText, KeyTwice, json_in

NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(SCALARS, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=12)


def whole(text: JsonText) -> Any:
    """The value that comes next, container by container."""
    kind = text.kind()
    if kind == "[":
        return [whole(text) for _ in text.items()]
    if kind == "{":
        return {key: whole(text) for key in text.members()}
    return text.value()


def cut(text: str, places: list[int]) -> Iterator[str]:
    """The text in pieces."""
    ends = sorted({place % (len(text) + 1) for place in places})
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        yield text[start:end]


@given(VALUES, st.lists(st.integers(0, 10_000), max_size=8), st.sampled_from([None, 1]), st.booleans())
def test_a_text_is_read_as_the_library_reads_it(value: Any, places: list[int], indent: int | None, plain: bool) -> None:
    """Whatever the value, and wherever the pieces end."""
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    read = JsonText(cut(text, places), "r")
    assert whole(read) == value
    read.end()


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "\\u0061": 2}}]', '{"x": [{"a":1,"b":2,"a":1}]}']
)
def test_a_key_that_occurs_twice_is_refused(text: str) -> None:
    """Libraries keep the last one in silence; which of two dates counts, nobody knows."""
    with pytest.raises(KeyTwice):
        json_in(text)
    with pytest.raises(InputError, match="one key twice"):
        JsonText(iter(text), "r").value()
    assert json_in('{"a": {"a": [{"a": "b\\": 1"}, {"a": 2}]}}') == {"a": {"a": [{"a": 'b": 1'}, {"a": 2}]}}


@given(VALUES, st.integers(0, 10_000), st.text(max_size=3))
def test_a_damaged_text_is_read_as_before_or_refused(value: Any, place: int, put: str) -> None:
    """Never another exception than InputError; what is read whole is what the library reads."""
    text = json.dumps(value, ensure_ascii=False)
    at = place % (len(text) + 1)
    damaged = text[:at] + put + text[at + 1 :]
    try:
        read = JsonText(iter(damaged), "r")
        found = whole(read)
        read.end()
    except InputError:
        return
    assert found == json.loads(damaged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[1",
        "[1,",
        "[1 2]",
        "{1: 2}",
        '{"a"}',
        '{"a": 1,}',
        "[NaN]",
        '["\\ud800"]',
        "[1]]",
        "[" * 100_000,
        "nul",
    ],
)
def test_what_is_no_json_is_one_sentence(text: str) -> None:
    """It names the text, the place and a page."""
    read = JsonText([text], "the file")
    with pytest.raises(InputError, match=r"^the file is (not JSON|JSON that is nested).*docs/"):
        whole_or_deep(read)


def whole_or_deep(read: JsonText) -> None:
    """Read all as a format does: lists by their entries, entries whole."""
    if read.kind() == "[":
        for _ in read.items():
            read.value()
    else:
        read.skip()
    read.end()


def test_a_value_is_bounded_and_a_list_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry of a megabyte is refused where a kilobyte is allowed; a million small ones are read."""
    monkeypatch.setattr(json_text, "MOST_JSON", 70_000)
    small = JsonText(['["', *["x" * 1_000] * 69, '"', ', {"a": [1]}' * 40_000, "]"], "r")
    assert sum(1 for _ in small.items() if small.value()) == 40_001
    large = JsonText(['["', *["x" * 1_000] * 500, '"]'], "r")
    with pytest.raises(InputError, match="longer than 70,000 characters"):
        whole(large)


def test_numbers_of_thousands_of_digits_are_texts() -> None:
    """Python reads no such number, and none is meant."""
    text = JsonText(["[", "9" * 10_000, ", 12]"], "r")
    assert [text.value() for _ in text.items()] == ["9" * 10_000, 12]


@pytest.mark.parametrize("text", ["", "{", "[" * 65 + "]" * 65, '["\ud800"]', "[" * 30_000])
def test_a_short_text_is_read_or_refused(text: str) -> None:
    """Broken, or deeper than a real one; brackets in texts do not count."""
    with pytest.raises(BadJson):
        json_in(text)
    assert json_in(json.dumps(["[" * 1_000, '\\"[']).encode()) == ["[" * 1_000, '\\"[']
