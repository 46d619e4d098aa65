"""Messages: what no name, number or language may do to a sentence."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.model.formatter import ENGLISH, OWN, Catalogue, Disclosure, Formatter
from waterbed.model.message import (
    Argument,
    Code,
    Count,
    Counted,
    Date,
    Hours,
    Listed,
    Measured,
    Message,
    Moment,
    Name,
    Number,
    PValue,
    Refusal,
    Sentence,
    Share,
    Span,
    Term,
)

LEAST = 5
OUTSIDE = Formatter(disclosure=Disclosure(least=LEAST))
TRICKY = [
    "Level 3",
    "3 sites",
    "fewer than 5",
    "100% Host",
    "2026-03-05",
    "a {b} c",
    "p = 0.03",
    "1&1, 2 of 3",
    "held back",
]
names = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(TRICKY)
shares = st.floats(0, 1)
plain = st.text(st.characters(exclude_characters="{}", codec="utf-8"), max_size=12)
leaves = st.one_of(
    st.builds(Count, st.integers(0, 10**9), st.sampled_from(get_args(Counted))),
    st.builds(Share, shares, st.integers(0, 2), st.sampled_from(["nearest", "down", "up"])),
    st.builds(lambda one, other: Span(min(one, other), max(one, other)), shares, shares),
    st.builds(
        Number,
        st.floats(-1e12, 1e12) | st.integers(0, 10**9),
        st.sampled_from(get_args(Measured)),
        st.none() | st.integers(0, 3),
        st.booleans(),
    ),
    st.builds(Name, names, names, st.booleans()),
    st.builds(Date, st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.booleans()),
    st.builds(Moment, st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))),
    st.builds(Hours, st.floats(0, 1e6)),
    st.builds(PValue, shares),
    st.builds(Term, plain),
    st.builds(Code, plain),
)


def message_of(pieces: list[tuple[str, Argument]], end: str) -> Message:
    """A message whose template is the texts, with a field behind each."""
    template = "".join(f"{text}{{f{at}}}" for at, (text, _) in enumerate(pieces)) + end
    return Message.of(template, **{f"f{at}": one for at, (_, one) in enumerate(pieces)})


def within(arguments: st.SearchStrategy[Argument]) -> st.SearchStrategy[Argument]:
    """Lists and messages of arguments."""
    lists = st.builds(
        Listed,
        st.lists(arguments, max_size=4).map(tuple),
        st.sampled_from(["comma", "semicolon", "and", "sentence"]),
    )
    clauses = st.builds(message_of, st.lists(st.tuples(plain, arguments), max_size=4), plain)
    return lists | clauses | st.builds(Sentence, clauses)


messages = st.builds(
    message_of, st.lists(st.tuples(plain, st.recursive(leaves, within, max_leaves=8)), max_size=5), plain
)


def changed(one: Any, change: Callable[[Any], Any]) -> Any:
    """A message with each of its arguments changed."""
    match one:
        case Message():
            return Message(one.template, tuple((name, changed(part, change)) for name, part in one.arguments))
        case Sentence():
            return Sentence(changed(one.clause, change))
        case Listed():
            return Listed(tuple(changed(part, change) for part in one.items), one.by)
    return change(one)


@given(messages)
def test_a_message_comes_back_from_both_codecs(one: Message) -> None:
    """JSON, MessagePack and pickle give an equal message with an equal hash back."""
    for there, back in (
        (msgspec.json.encode, lambda data: msgspec.json.decode(data, type=Message)),
        (msgspec.msgpack.encode, lambda data: msgspec.msgpack.decode(data, type=Message)),
        (pickle.dumps, pickle.loads),
    ):
        again = back(there(one))
        assert again == one
        assert hash(again) == hash(one)
        assert OUTSIDE.text(again) == OUTSIDE.text(one)


@given(messages, st.integers(1, LEAST - 1))
def test_readers_cannot_tell_one_small_count_from_another(one: Message, small: int) -> None:
    """A sentence is the same whatever its small counts are, so that it tells none of them."""

    def other(part: Argument) -> Argument:
        return Count(small, part.noun) if isinstance(part, Count) and 0 < part.n < LEAST else part

    assert OUTSIDE.text(one) == OUTSIDE.text(changed(one, other))


@given(messages)
def test_readers_cannot_tell_one_withheld_name_from_another(one: Message) -> None:
    """A sentence is the same whatever the names of places that may not be named."""
    rules = Formatter(disclosure=Disclosure(least=LEAST, named=["named"]))

    def other(part: Argument) -> Argument:
        return Name("another") if isinstance(part, Name) and not part.public and part.key != "named" else part

    assert rules.text(one) == rules.text(changed(one, other))


@given(st.lists(names, min_size=1, max_size=5), st.integers(1, LEAST - 1))
def test_no_rule_alters_a_name(given_names: list[str], small: int) -> None:
    """Numbers, percents, dates and braces in the name of a company or a feed stay as they are."""
    for rules in (OWN, OUTSIDE):
        count = "fewer than 5 sites" if rules is OUTSIDE else f"{small} site{'s' * (small > 1)}"
        for at, name in enumerate(given_names):
            said = Message.of(
                "{who} holds {count} of {others}",
                who=Name(name, key=str(at)),
                count=Count(small, "site"),
                others=Listed(tuple(map(Name, given_names)), "comma"),
            )
            assert rules.text(said) == f"{name} holds {count} of {', '.join(given_names)}"
            assert rules.sentence(said) == f"{rules.text(said)}."


@given(messages)
def test_a_message_is_no_text(one: Message) -> None:
    """No f-string, format, percent or join turns a message or an argument into text."""
    for part in (one, Refusal(one), *(argument for _, argument in one.arguments)):
        for spell in (str, format, "{}".format, "%s".__mod__, lambda value: f"{value}", lambda value: "".join([value])):
            with pytest.raises(TypeError):
                spell(part)


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        ("{n} of many", {}),
        ("of many", {"n": Count(3)}),
        ("{n} of {m}", {"n": Count(3)}),
        ("{n:d}", {"n": Count(3)}),
        ("{n!r}", {"n": Count(3)}),
        ("{}", {"": Count(3)}),
        ("{n.n}", {"n.n": Count(3)}),
    ],
)
def test_fields_are_the_arguments(template: str, arguments: dict[str, Argument]) -> None:
    """A template with a field more or less, or with a field that does something, is refused."""
    with pytest.raises(ValueError, match="field"):
        Message.of(template, **arguments)


def test_no_number_is_infinite() -> None:
    """A sentence cannot say a number that there is not."""
    for made in (Share, Number, Hours, PValue):
        for value in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match="not finite"):
                made(value)


@pytest.mark.parametrize(
    ("one", "own", "outside"),
    [
        (Count(1, "site"), "1 site", "fewer than 5 sites"),
        (Count(0, "site"), "0 sites", "0 sites"),
        (Count(18, "site"), "18 sites", "20 sites"),
        (Count(18, "site", least=True), "18 sites", "15 sites"),
        (Count(3, "site", least=True), "3 sites", "fewer than 5 sites"),
        (Count(1234, "change of site"), "1,234 changes of site", "1,235 changes of site"),
        (Count(3), "3", "fewer than 5"),
        (Share(0.1234, 1), "12.3%", "12%"),
        (Share(0.004), "<1%", "<1%"),
        (Share(0.124, rounding="up"), "13%", "13%"),
        (Share(0.58, rounding="down"), "58%", "58%"),
        (Span(0.091, 0.481), "9 to 49%", "9 to 49%"),
        (Span(0.5, 0.5), "50%", "50%"),
        (Number(1, "period"), "1 period", "1 period"),
        (Number(2.5, "day"), "2.5 days", "2.5 days"),
        (Number(-0.346, decimals=2, signed=True), "-0.35", "-0.35"),
        (Number(12345), "12,345", "12,345"),
        (Hours(72), "3 days", "3 days"),
        (Hours(24), "24 hours", "24 hours"),
        (Date(date(2026, 3, 5)), "2026-03-05", "2026-03-05"),
        (Date(date(2026, 3, 5), words=True), "5 March 2026", "5 March 2026"),
        (Moment(datetime(2026, 3, 5, 14, 0, 59, tzinfo=UTC)), "2026-03-05 14:00", "2026-03-05 14:00"),
        (PValue(0.9414), "p = 0.942", "p = 0.942"),
        (PValue(0.00012), "p below 0.001", "p below 0.001"),
        (Listed((Count(1), Term("b"), Name("c")), "and"), "1, b and c", "fewer than 5, b and c"),
        (Listed((Name("c"),), "and"), "c", "c"),
    ],
)
def test_each_argument_has_one_spelling(one: Argument, own: str, outside: str) -> None:
    """Counts are withheld or rounded, shares in whole percent, what is of the design stays."""
    said = Message.of("{it}", it=one)
    assert (OWN.text(said), OUTSIDE.text(said)) == (own, outside)


def test_a_clause_becomes_a_sentence() -> None:
    """A capital and a full stop, but a name stays as its company writes it."""
    count = Message.of("{n} came from {who}", n=Count(2), who=Name("eBay"))
    assert OUTSIDE.sentence(count) == "Fewer than 5 came from eBay."
    assert OWN.sentence(Message.of("{who} is the target", who=Name("eBay"))) == "eBay is the target."
    assert OWN.sentence(Message.of("{what}: why", what=Message.of("no feed"))) == "No feed: why."


DUTCH = replace(
    ENGLISH,
    language="nl",
    nouns={noun: (noun, f"{noun}en") for noun in ENGLISH.nouns},
    fewer="minder dan {least}",
    span="{low} tot {high}",
    marks=(".", ","),
    phrases={"{n} at {who}, {part} of all": "van alle is {part} bij {who}: {n}", "abroad": "in het buitenland"},
)


def test_another_language_turns_the_sentence_round() -> None:
    """A translated template has its own order, nouns, marks and terms; what is not translated stays English."""
    said = Message.of("{n} at {who}, {part} of all", n=Count(1234, "site"), who=Name("Host 1.5"), part=Share(0.125, 1))
    dutch = Formatter(catalogue=DUTCH)
    assert dutch.text(said) == "van alle is 12,5% bij Host 1.5: 1.234 siteen"
    assert dutch.text(Message.of("{where}, {n}", where=Term("abroad"), n=Count(1))) == "in het buitenland, 1"


@pytest.mark.parametrize("phrases", [{"{n} sites": "sites"}, {"sites": "{n} sites"}, {"{n} sites": "{m} sites"}])
def test_a_translation_has_the_fields_of_its_template(phrases: dict[str, str]) -> None:
    """A catalogue whose translation lacks a field, or has another, is refused."""
    with pytest.raises(ValueError, match="no translation fits"):
        replace(ENGLISH, phrases=phrases)


def test_every_noun_has_its_forms() -> None:
    """A catalogue without a noun is refused."""
    with pytest.raises(ValueError, match="no translation fits"):
        Catalogue(**{**{name: getattr(ENGLISH, name) for name in ENGLISH.__slots__}, "nouns": {}})


def test_a_refusal_gives_a_message() -> None:
    """The reason of a refusal is no text."""
    with pytest.raises(TypeError, match="message"):
        Refusal("too few")  # type: ignore[arg-type]  # that is what is refused
