"""The kept inputs of every target: we and the peer agree, and a reader that errs is found out."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.corpus import MOST_INPUT, MOST_KEPT, TARGETS, file_of, keep, kept
from tests.fuzz.edits import edited, edits
from tests.fuzz.finding import Finding
from waterbed.attribution.lookups.dns import messages
from waterbed.attribution.lookups.rdap import answers
from waterbed.crawler.net import response, tls

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def replay(target: str) -> int:
    """Read all kept inputs; give how many there are."""
    inputs = kept(target)
    for data in inputs:
        TARGETS[target](data)
    return len(inputs)


@pytest.mark.parametrize("target", TARGETS)
def test_no_kept_input_is_read_in_two_ways(target: str) -> None:
    """Each input that ever reached new code is read as the peer reads it."""
    assert replay(target) > 50


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
@settings(max_examples=100)
def test_no_changed_input_is_read_in_two_ways(target: str, data: st.DataObject) -> None:
    """Kept inputs with a few bytes changed are read as the peer reads them."""
    TARGETS[target](edited(data.draw(st.sampled_from(kept(target))), data.draw(edits))[:MOST_INPUT])


@pytest.mark.parametrize(
    ("target", "room", "name", "errs"),
    [
        ("records", tls, "HEAD_END", re.compile(b"never")),
        ("records", tls, "_PADDED", re.compile(b"never")),
        ("heads", response, "_lowered", lambda name: name.decode("latin-1")),
        ("dns_replies", messages, "true_ttl", lambda value: value + 1),
        ("rdap_answers", answers, "plain", lambda _: None),
    ],
)
def test_a_reader_that_errs_is_found_out(
    target: str, room: ModuleType, name: str, errs: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a reader is broken on purpose, the kept inputs show it."""
    monkeypatch.setattr(room, name, errs)
    with pytest.raises(Finding):
        replay(target)


def test_a_corpus_is_small_and_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any bytes are kept as a line of text, the first ones for certain, others while there is room."""
    assert all(file_of(target).stat().st_size <= MOST_KEPT for target in TARGETS)
    monkeypatch.setattr(corpus, "_FOLDER", tmp_path)
    finding, others = bytes(range(256)) * 3, [b"\n\r\\x41\x85", b"a" * MOST_KEPT]
    keep("heads", [finding], [*others, finding])
    assert kept("heads") == [finding, others[0]]
