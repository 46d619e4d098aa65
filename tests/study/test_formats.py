"""Exports in three formats, checked against their own schema."""

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.graphs.network.flows import Flow
from waterbed.model.codec import columns, public_name
from waterbed.model.conclusions import Attribution, RankingRow
from waterbed.model.table import TableInfo
from waterbed.store.whole.files import write_whole
from waterbed.study import streams
from waterbed.study.formats import (
    METADATA,
    arrow_schema,
    as_arrow,
    as_csv,
    as_json,
    as_parquet,
    in_every_format,
    row_schema,
    table_schema,
)

ENVELOPE = TableInfo(
    what="ranking",
    by="hoster",
    clock="reported",
    window="2026-03-01/2026-06-01",
    method="interval-censored cumulative incidence",
    data_dates={"routes": "2026-05-31"},
    run="r1",
    version="0.1.0",
)
ROW = RankingRow(
    place=1,
    key="acme",
    name="Acme, “the” host",
    urls=12,
    hosts=11,
    sites=10,
    hosts_fractional=10.5,
    removed_24h=0.5,
    removed_24h_low=0.25,
    removed_24h_high=0.75,
    removed_or_moved_24h=0.6,
    episodes=10,
    unknown=1,
    rank_class="ranked",
)
BARE = replace(
    ROW,
    place=None,
    removed_24h=None,
    removed_24h_low=None,
    removed_24h_high=None,
    removed_or_moved_24h=None,
    rank_class="proxy",
)
FLOW = Flow(
    from_key="a", from_name="A", to_key="b", to_name="B", passage="leaves home", hops=3, certain=2, evidence=("a", "b")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A row with a time and a switch."""

    seen_at: Annotated[datetime | None, "a time"]
    on: Annotated[bool, "a switch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed(Timed):
    """A row with a column of each kind, and a name of its own."""

    PUBLIC: ClassVar = {"kind": "class"}
    kind: Annotated[str, "a text"]
    note: Annotated[str | None, "a text or none"]
    count: Annotated[int | None, "a number"]
    share: Annotated[float | None, "a share"]
    marks: Annotated[tuple[str, ...], "some texts"]


WORDS = st.one_of(st.sampled_from(["", "=1", "-", "a,b", "“a”", 'a"b', "a\\b", "\r\n", "\x07\u2028"]), st.text())
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
MIXED = st.builds(
    Mixed,
    seen_at=st.none() | TIMES | TIMES.map(lambda time: time.replace(microsecond=0)),
    on=st.booleans(),
    kind=st.sampled_from(["a", "b c"]) | WORDS,
    note=st.none() | WORDS,
    count=st.none() | st.integers(-(2**63), 2**63 - 1),
    share=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    marks=st.lists(WORDS, max_size=3).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(MIXED, max_size=12), st.integers(1, 12), st.integers(1, 12))
def test_many_rows_in_tables_make_the_same_files(rows, size, group):
    """CSV, JSON and Parquet of tables are those of the rows, however the tables are cut."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(streams, "IN_GROUP", group)
        tables = [as_arrow(Mixed, rows[start : start + size]) for start in range(0, len(rows), size)]
        assert "".join(streams.csv_pieces(Mixed, tables)) == as_csv(Mixed, rows)
        assert "".join(streams.json_pieces(Mixed, tables, ENVELOPE)) == as_json(Mixed, rows, ENVELOPE)
        written, plain = io.BytesIO(), as_parquet(Mixed, rows, ENVELOPE)
        assert streams.write_parquet(arrow_schema(Mixed, ENVELOPE), tables, written) == len(rows)
        assert pq.read_table(io.BytesIO(written.getvalue())).equals(
            pq.read_table(io.BytesIO(plain)), check_metadata=True
        )
        assert written.getvalue() == plain or len(rows) > group


def exported(folder, cls, rows):
    """The rows as files of every format, by name."""
    contents = in_every_format("table", cls, rows, ENVELOPE)
    return {name: write_whole(folder / name, content) for name, content in contents.items()}


@pytest.mark.parametrize(("cls", "rows"), [(RankingRow, [ROW, BARE]), (Flow, [FLOW]), (RankingRow, [])])
def test_all_formats_hold_the_same_rows_and_json_fits_its_schema(tmp_path, cls, rows):
    """CSV, JSON and Parquet agree, and the written schema accepts the written JSON."""
    import jsonschema

    files = exported(tmp_path, cls, rows)
    assert sorted(files) == ["table.csv", "table.json", "table.parquet", "table.schema.json"]
    whole = json.loads(files["table.json"].read_text())
    schema = json.loads(files["table.schema.json"].read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(whole, schema)
    table = pq.read_table(files["table.parquet"])
    lists = {
        name for name, told in schema["properties"]["rows"]["items"]["properties"].items() if told["type"] == "array"
    }
    assert [
        {name: json.loads(value) if name in lists else value for name, value in row.items()}
        for row in table.to_pylist()
    ] == whole["rows"]
    cells = list(csv.DictReader(io.StringIO(files["table.csv"].read_text(), newline="")))
    assert [row["hops" if cls is Flow else "hosts"] for row in cells] == [
        str(row["hops" if cls is Flow else "hosts"]) for row in whole["rows"]
    ]
    assert json.loads(table.schema.metadata[METADATA]) == {key: whole[key] for key in whole if key != "rows"}


@pytest.mark.parametrize("change", [{"class": "good"}, {"hosts": "eleven"}, {"hosts": None}, {"url": "x"}])
def test_schema_refuses_what_the_dataclass_does_not_allow(change):
    """Unknown classes, wrong types, missing numbers and extra columns do not pass."""
    import jsonschema

    whole = json.loads(as_json(RankingRow, [ROW], ENVELOPE))
    whole["rows"][0].update(change)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, table_schema(TableInfo, RankingRow))


def test_schema_lists_every_column_with_its_meaning():
    """Schema properties are the dataclass's columns in order, described, with allowed values and null."""
    schema = row_schema(RankingRow)
    assert list(schema["properties"]) == [public_name(RankingRow, name) for name in columns(RankingRow)]
    assert all(column["description"] for column in schema["properties"].values())
    assert schema["properties"]["class"]["enum"] == [
        "ranked",
        "too few",
        "too few followed",
        "too few days",
        "views differ",
        "unmeasurable",
        "proxy",
        "no address",
        "changed",
    ]
    assert schema["properties"]["place"]["type"] == ["integer", "null"]
    assert row_schema(Attribution)["properties"]["origins"]["type"] == "array"


def test_times_are_utc_and_switches_words(tmp_path):
    """A time ends with Z in text and is a UTC timestamp in Parquet; null is empty in CSV."""
    import jsonschema

    rows = [Timed(seen_at=datetime(2026, 3, 1, 12, tzinfo=UTC), on=True), Timed(seen_at=None, on=False)]
    assert as_csv(Timed, rows).splitlines()[1:] == ["2026-03-01T12:00:00Z,true", ",false"]
    whole = json.loads(as_json(Timed, rows, ENVELOPE))
    assert whole["rows"][0] == {"seen_at": "2026-03-01T12:00:00Z", "on": True}
    jsonschema.validate(whole, table_schema(TableInfo, Timed))
    assert pq.read_table(exported(tmp_path, Timed, rows)["table.parquet"]).column("seen_at").to_pylist() == [
        rows[0].seen_at,
        None,
    ]


def test_sets_are_lists_in_json_and_json_text_elsewhere(tmp_path):
    """Tuples keep their members in every format."""
    row = Attribution(
        addresses=("192.0.2.1",),
        suffix_id=None,
        day=datetime(2026, 3, 1, tzinfo=UTC),
        origins=(64500, 64501),
        organisations=("Acme",),
        countries=("NL",),
        hosters=("acme",),
        proxy=False,
        rule="r",
        routes_date=None,
        stale=False,
    )
    files = exported(tmp_path, Attribution, [row])
    assert json.loads(files["table.json"].read_text())["rows"][0]["origins"] == [64500, 64501]
    assert json.loads(pq.read_table(files["table.parquet"]).column("origins")[0].as_py()) == [64500, 64501]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_spreadsheets_do_not_run_names(name):
    """A hoster's name that a spreadsheet would take for a formula gets an apostrophe in CSV only."""
    (cells,) = csv.DictReader(io.StringIO(as_csv(RankingRow, [replace(ROW, name=name)]), newline=""))
    assert cells["name"] == f"'{name}"
    assert json.loads(as_json(RankingRow, [replace(ROW, name=name)], ENVELOPE))["rows"][0]["name"] == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_survives_csv_and_json(name):
    """Quotes, commas, line breaks and any script come back as they were."""
    rows = [replace(ROW, name=f"n{name}")]
    (cells,) = csv.DictReader(io.StringIO(as_csv(RankingRow, rows), newline=""))
    assert cells["name"] == f"n{name}"
    assert json.loads(as_json(RankingRow, rows, ENVELOPE))["rows"][0]["name"] == f"n{name}"


def test_not_a_number_is_never_published():
    """JSON has no NaN: writing one fails instead of making a file no other program reads."""
    with pytest.raises(ValueError):
        as_json(RankingRow, [replace(ROW, removed_24h=float("nan"))], ENVELOPE)


def test_file_is_there_whole_or_not_at_all(tmp_path):
    """A write that cannot finish leaves neither a part nor a changed old file."""
    old = write_whole(tmp_path / "f", b"old")
    with pytest.raises(TypeError):
        write_whole(old, "not bytes")
    assert old.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert write_whole(old, b"new").read_bytes() == b"new"
