"""Settings as people read them: comments, and the JSON Schema for editors."""

import json
import re
from pathlib import Path
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.study.facts import config
from waterbed.model.conclusions import EvidenceKind
from waterbed.store.config import Chore, Citation, Config, Creator, Linking, Publish, Service, Vantage, read_config
from waterbed.store.described import SCHEMA, commented, described, schema, settings_of
from waterbed.study.study import create_study

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).filter(str.isprintable)
KINDS = st.sampled_from(get_args(EvidenceKind))


@given(TEXT, TEXT, st.floats(0, 5), st.booleans(), st.dictionaries(KINDS, st.floats(-9, 9), max_size=3))
def test_commented_settings_are_the_settings(
    name: str, publisher: str, weak: float, several: bool, weights: dict[EvidenceKind, float]
) -> None:
    """Whatever is set comes back as it was, with lists of tables filled or empty."""
    there = (Vantage(name="there", network="n", address="192.0.2.1"),) if several else ()
    chores = (Chore(command="lake seal"), Chore(command="enrich", every_hours=3.5)) if several else ()
    made = Config(
        study="x",
        name=name,
        vantages=there,
        publish=Publish(publisher=publisher),
        linking=Linking(weak=weak, weights=weights),
        service=Service(chores=chores),
        citation=Citation(creators=(Creator(name="A B"),) if several else ()),
    )
    assert msgspec.toml.decode(commented(made), type=Config) == made


def test_every_setting_stands_below_its_words() -> None:
    """Each key, given or left out, is preceded by a comment with its unit, and no link of Markdown is left."""
    text = commented(Config(study="x")).decode()
    keys = re.findall(r"^# \S.*\n(?:# )?([a-z_0-9]+) = ", text, re.MULTILINE)
    assert len(keys) == len(list(settings_of()))
    assert "# [seconds] between two requests to one address\ndelay_s = 0.5\n" in text
    assert "](" not in text


def test_a_new_study_has_its_schema(tmp_path: Path) -> None:
    """The file names the schema beside it, in which every setting has its words."""
    with create_study(tmp_path / "study", config()) as study:
        path = study.folder.path
    assert (path / "waterbed.toml").read_text().startswith(f"#:schema ./{SCHEMA}\n")
    assert read_config(path / "waterbed.toml")[0] == config(study=study.config.study)
    kept = json.loads((path / SCHEMA).read_text())
    assert kept == json.loads(json.dumps(schema()))
    told = [
        one["description"]
        for cls in kept["$defs"].values()
        for one in cls["properties"].values()
        if "description" in one
    ]
    assert sorted(told) == sorted(one.plain for one in described().values())
