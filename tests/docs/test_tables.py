"""Tables in the pages, against the code that they describe."""

import re
from typing import Any

import msgspec
import pytest

from tests.docs.markdown import page, rows, section
from tests.docs.schema import CONCLUSIONS, PAGES, schema_text
from tests.docs.settings import settings_page
from waterbed.attribution.hosters.files import Hoster as HosterEntity
from waterbed.attribution.rules import standard_rules
from waterbed.intake.csv_reports import COLUMNS
from waterbed.judging.rules import read_rules
from waterbed.lab.world.file import World
from waterbed.model.bookkeeping import STORED
from waterbed.model.codec import columns, public_name
from waterbed.shown.options import TABLE_KINDS
from waterbed.store.described import described, settings_of, spelled
from waterbed.store.tables import table_name


def _settings(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Each key of a settings class with its default, nested tables opened."""
    return {
        name: "required" if value is msgspec.NODEFAULT else "None" if value is None else spelled(value)
        for name, value in settings_of(cls)
    }


def _documented(text: str) -> dict[str, str]:
    """Keys and defaults as a page gives them."""
    return {cells[0].strip("`"): cells[1].strip("`") for cells in rows(text)}


def test_schema_is_what_its_generator_writes() -> None:
    """docs/schema.md is up to date: python -m tests.docs.schema > docs/schema.md."""
    assert page("schema.md") == schema_text()


def test_every_table_of_the_schema_names_all_of_its_columns() -> None:
    """A column that many tables share is described once, and named in each."""
    sections = re.findall(r"^### `(.+?)`\n(.*?)(?=^##|\Z)", page("schema.md"), re.MULTILINE | re.DOTALL)
    named = {title: set(re.findall(r"`(\w+)`", text)) for title, text in sections}
    named |= {
        title: named[title] | named[base[1]]
        for title, text in sections
        if (base := re.search(r"Columns of \[(\w+)\]\(#\w+\)", text))
    }
    tables = {table_name(cls): cls for cls in STORED} | {cls.__name__: cls for cls in CONCLUSIONS} | PAGES
    assert set(named) == set(tables)
    assert {
        title for title, cls in tables.items() if {public_name(cls, one) for one in columns(cls)} - named[title]
    } == set()


def test_every_setting_is_documented_with_its_default() -> None:
    """The table is made of the settings and their words: python -m tests.docs.settings; no word is of another key."""
    assert settings_page(page("operations.md")) == page("operations.md")
    assert list(described()) == [one.name for one in settings_of()]


def test_every_key_of_a_world_file_is_documented_with_its_default() -> None:
    """The tables of world files have exactly the keys of the world, each with its default."""
    documented = _documented(section(page("lab.md"), "World files"))
    expected = _settings(World)
    expected["sites.reported_over_days"] = "start to 3 days before the end"
    assert documented == expected


def test_every_outcome_is_documented() -> None:
    """The outcome table gives state, cause and layer of every outcome, in order."""
    found = [cells[:4] for cells in rows(section(page("method.md"), "Outcomes")) if len(cells) == 5]
    rules = read_rules()
    assert found == [
        [f"`{name}`", outcome.state, outcome.cause or "", outcome.layer.removeprefix("-")]
        for name, outcome in rules.outcomes.items()
    ]


def test_every_rule_is_documented() -> None:
    """The rule table gives conditions and outcome of every rule, in order."""
    found = [cells for cells in rows(section(page("method.md"), "Outcomes")) if len(cells) == 3]
    outcomes = (f"`{r.outcome}`" + (f"; alone: `{r.alone}`" if r.alone else "") for r in read_rules().rules)
    assert found == [
        [f"`{r.id}`", _conditions(r.when), outcome] for r, outcome in zip(read_rules().rules, outcomes, strict=True)
    ]


def _conditions(when: dict[str, Any]) -> str:
    options = {key: wanted if isinstance(wanted, list) else [wanted] for key, wanted in when.items()}
    return "; ".join(
        f"{key}: {', '.join(spelled(value).strip(chr(34)) for value in values)}" for key, values in options.items()
    )


def test_every_attribution_rule_is_documented() -> None:
    """The rules that choose hosters are listed with needs and choice, in order."""
    found = [cells[:3] for cells in rows(section(page("attribution.md"), "Rules"))]
    rules = standard_rules()
    assert found == [[f"`{r.id}`", ", ".join(r.needs), r.chooses or ""] for r in rules.rule]
    assert f"`{rules.name}`" in page("attribution.md")


def test_every_field_of_a_hoster_is_documented() -> None:
    """The table of hoster entities has exactly the fields of the file."""
    documented = _documented(section(page("hosters.md"), "The file"))
    expected = {
        name: "none" if default in ("[]", "None") else default for name, default in _settings(HosterEntity).items()
    }
    assert documented == expected


def test_every_kind_of_table_is_documented() -> None:
    """The page of dated tables has exactly the kinds that can be added."""
    found = [cells[0].strip("`") for cells in rows(section(page("tables.md"), "Kinds and forms"))]
    assert sorted(found) == sorted(TABLE_KINDS)


def test_every_column_of_a_reports_file_is_documented() -> None:
    """The intake table has every field with all names that it may have."""
    found = {cells[0].strip("`"): cells[1] for cells in rows(section(page("intake.md"), "Columns"))}
    assert found == {field: ", ".join(f"`{name}`" for name in names) for field, names in COLUMNS.items()}


@pytest.mark.parametrize("name", ["WATERBED_STUDY", "WATERBED_KEYS", "WATERBED_KEY_FILE", "WATERBED_STORE"])
def test_every_environment_variable_is_documented(name: str) -> None:
    """The variables that the program reads are in the settings."""
    assert f"`{name}`" in section(page("operations.md"), "Settings")
