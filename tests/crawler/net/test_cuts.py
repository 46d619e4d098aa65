"""A response cut into records in every way: status as with OpenSSL alone, and no body behind the head."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crawler.net.cuts import (
    BODY,
    FOUND,
    HEAD,
    KINDS,
    MOST_TEXT,
    OLD,
    OLDEST,
    Bit,
    alone,
    alone_text,
    every_way,
    first_status,
    look,
    ways,
    wrong,
)
from tests.crawler.records import ALERT, HANDSHAKE, TEXT, Kind, ticket
from waterbed.crawler.net.connection import FINISHED, PIECE

SAMPLED = 151
"""Every which way is tried; all of them by `benchmarks/cuts.py`."""

SUITES = [
    f"{exchange}{rest}"
    for exchange in ("ECDHE-ECDSA-", "ECDHE-RSA-", "")
    for rest in (
        *("AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"),
        *(("CHACHA20-POLY1305", "AES256-SHA384") if exchange else ("AES256-SHA256",)),
    )
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_cut_of_a_response_gives_its_status_and_no_body(kind: Kind) -> None:
    """Wherever a head is cut, whatever stands between its parts: the status of OpenSSL alone, and no body."""
    found = [wrong(look(kind, bits), alone(kind, bits)) for _, bits in every_way()[::SAMPLED]]
    assert set(found) == {None}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_head_in_records_of_one_byte_is_read(kind: Kind) -> None:
    """Each byte of a head in a record of its own is a head like any other."""
    seen = look(kind, [(TEXT, HEAD[at : at + 1], 0) for at in range(len(HEAD))] + [(TEXT, BODY, 0)])
    assert (seen.status, seen.authenticated, seen.past <= PIECE + FINISHED) == (404, True, True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_that_is_offered_can_be_read_early(suite: str) -> None:
    """The same sample of cuts with each suite of the crawler that a server with a plain certificate can choose."""
    versions = [OLD] if "GCM" in suite or "CHACHA" in suite or suite.endswith(("256", "384")) else [OLD, OLDEST]
    for kind in (Kind(version=v, suite=suite, mac_last=last) for v in versions for last in (False, True)):
        sample = [bits for _, bits in ways((0, 30), ("nothing", "empty"), (0,))]
        assert {wrong(look(kind, bits), alone(kind, bits)) for bits in sample} == {None}
        assert {look(kind, bits).status for bits in sample} == {404}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_record_that_its_header_makes_invalid_gives_no_status(kind: Kind) -> None:
    """Too long a record, or one of another version, is refused as by OpenSSL alone; the longest that may be is read."""
    longest = MOST_TEXT - len(FOUND)
    sizes = [(longest, 0), (longest, 239), (16_000, 623 - len(FOUND)), (16_000, 624 - len(FOUND)), (16_000, 1_400)]
    sizes += [(longest + 300, 0)]
    found = {}
    for size, padding in sizes:
        bits = [(TEXT, (FOUND + BODY + BODY)[: len(FOUND) + size], padding)]
        assert wrong(look(kind, bits, FOUND), alone(kind, bits)) is None, (size, padding)
        found[size, padding] = look(kind, bits, FOUND).status
    assert (found[longest, 0], found[longest + 300, 0]) == (200, "bad_record")
    flips = [(at, 1 << bit) for at in (1, 2) for bit in range(8)]
    assert {look(kind, [(TEXT, FOUND + BODY, 0)], FOUND, flip=flip).status for flip in flips} == {"bad_record"}


def test_a_forged_record_is_not_believed() -> None:
    """Whoever turns 200 into 404 without the key is found out, or is told apart, at every length of the record."""
    for kind in KINDS[:3]:
        for size in (0, 300, FINISHED - 100, 4_000, 16_000):
            for longer in (0, 1, 700, 15_000):
                seen = look(kind, [(TEXT, FOUND + BODY[:size], 0)], FOUND, forge=longer)
                assert seen.status == "bad_record" or seen.authenticated is False, (kind, size, longer, seen)
                assert seen.past <= PIECE + FINISHED


PIECES = st.sampled_from(
    [
        HEAD,
        FOUND,
        HEAD[:-2],
        b"\r\n",
        b"\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 ",
        b"\0" * 40,
        b"\x17",
        BODY[:900],
    ]
)
TEXTS = st.one_of(PIECES, st.tuples(PIECES, PIECES).map(b"".join), st.binary(max_size=40))
MESSAGES = st.one_of(
    st.sampled_from([ticket(), ticket(2_000), b"\x18\0\0\x01\0", bytes(4), b"\x0d\0\0\x03\0\0\0", ticket()[:50]]),
    st.binary(max_size=40),
)
ALERTS = st.one_of(st.sampled_from([b"\x01\0", b"\x01\x5a", b"\x01\x64", b"\x02\x28"]), st.binary(max_size=3))
PADDING = st.sampled_from([0, 0, 1, 17, 300, 5_000])
OTHERS = st.one_of(
    st.tuples(st.just(HANDSHAKE), MESSAGES, PADDING),
    st.tuples(st.just(ALERT), ALERTS, PADDING),
    st.tuples(st.just(TEXT), st.just(b""), PADDING),
    st.tuples(st.just(0), st.just(b""), PADDING),
)


@st.composite
def cut_heads(draw: st.DrawFn) -> list[Bit]:
    """A head and a body cut anywhere, with records of other kinds between the parts."""
    text = (
        draw(st.sampled_from([HEAD, FOUND, b"HTTP/1.1 100 Continue\r\n\r\n" + FOUND]))
        + BODY[: draw(st.integers(0, 900))]
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    bits: list[Bit] = []
    for start, end in pairwise([0, *cuts, len(text)]):
        bits += draw(st.lists(OTHERS, max_size=2))
        bits.append((TEXT, text[start:end], draw(PADDING)))
    return bits


BITS = st.one_of(
    cut_heads(), cut_heads(), st.lists(st.one_of(st.tuples(st.just(TEXT), TEXTS, PADDING), OTHERS), max_size=7)
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(kind=st.sampled_from(KINDS), bits=BITS, piece=st.integers(1, 2_048))
@settings(max_examples=150)
def test_no_records_give_another_status_than_openssl_alone(kind: Kind, bits: list[Bit], piece: int) -> None:
    """Whatever records come, in whatever pieces: a status is the one that OpenSSL alone sees, or there is none."""
    seen = look(kind, bits, b"", piece=piece)
    text = alone_text(kind, bits)
    expected = first_status(text)
    assert seen.status == expected or not isinstance(seen.status, int), (seen, expected)
    assert isinstance(seen.status, int) or expected is None or hangs_up(bits), (seen, expected)


def hangs_up(bits: Sequence[Bit]) -> bool:
    """True if a response may be given up that OpenSSL alone reads: too much in it is no text."""
    return sum(padding + len(data) for kind, data, padding in bits if kind != TEXT or not data) > 1_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(kind=st.sampled_from(KINDS), cut=st.integers(0, len(HEAD)), at=st.integers(0, 400), bit=st.integers(0, 7))
@settings(max_examples=150)
def test_no_flipped_bit_gives_an_authenticated_status(kind: Kind, cut: int, at: int, bit: int) -> None:
    """Whoever changes one bit on the way changes no status that counts as authenticated."""
    bits: list[Bit] = [(TEXT, HEAD[:cut], 0), (TEXT, HEAD[cut:] + BODY[:200], 0)]
    seen = look(kind, bits, flip=(at, 1 << bit))
    assert seen.status == 404 or not seen.authenticated
