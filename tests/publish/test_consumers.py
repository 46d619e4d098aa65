"""What is published, read by the programs that it is for."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import networkx as nx
import pyarrow.parquet as pq
import pytest
from pymisp import MISPEvent

ROOT = Path(__file__).parents[2]
INTELMQ = ROOT / ".venv-intelmq" / "bin" / "python"
GRAPHOLOGY = ROOT / "tests" / "graphology"


@pytest.fixture(params=["published", "everything"])
def folder(request: pytest.FixtureRequest) -> Path:
    """What is published by default, and with all that can be allowed."""
    found: Path = request.getfixturevalue(request.param)
    return found


def test_stix_validator_accepts_the_bundle(folder: Path) -> None:
    """OASIS's validator finds neither an error nor, in strict mode, a departure from recommended practice."""
    from stix2validator import ValidationOptions, validate_file

    result = validate_file(folder / "stix.json", ValidationOptions(strict=True, version="2.1"))
    assert [str(error) for one in result.object_results for error in one.errors] == []
    assert result.is_valid


def test_stix_extensions_fit_their_published_schema(folder: Path) -> None:
    """Each row of the ranking in the bundle fits the schema beside it; ASes and hosters are all there."""
    import jsonschema

    objects = json.loads((folder / "stix.json").read_text())["objects"]
    schema = json.loads((folder / "stix-extension.schema.json").read_text())
    (defined,) = [one for one in objects if one["type"] == "extension-definition"]
    assert defined["schema"] == schema["$id"]
    for kind, table in (("observed-data", "ranking-asn"), ("infrastructure", "ranking-hoster")):
        rows = [one["extensions"][defined["id"]] for one in objects if one["type"] == kind]
        for row in rows:
            jsonschema.validate(row, schema)
        told = json.loads((folder / f"{table}.json").read_text())["rows"]
        assert {row["key"]: row["hosts"] for row in rows} == {row["key"]: row["hosts"] for row in told}


def test_every_json_table_fits_its_schema_and_parquet_agrees(folder: Path) -> None:
    """Each table's JSON fits the schema beside it, and Parquet holds the same number of rows."""
    import jsonschema

    schemas = sorted(folder.glob("*.schema.json"))
    tables = [path.name.removesuffix(".schema.json") for path in schemas if not path.name.startswith("stix")]
    assert len(tables) > 20
    for name in tables:
        whole = json.loads((folder / f"{name}.json").read_text())
        jsonschema.validate(whole, json.loads((folder / f"{name}.schema.json").read_text()))
        assert pq.read_metadata(folder / f"{name}.parquet").num_rows == len(whole["rows"])
        assert whole["run"]
        assert whole["method"]


def test_frictionless_accepts_the_data_package(folder: Path) -> None:
    """Frictionless finds every CSV file as its descriptor says: columns, types, size and checksum."""
    from frictionless import Package

    package = Package(str(folder / "datapackage.json"))
    report = package.validate()
    assert report.flatten(["name", "title", "message"]) == []
    assert {resource.path for resource in package.resources} == {path.name for path in folder.glob("*.csv")}


def test_frictionless_notices_a_changed_cell(published: Path, tmp_path: Path) -> None:
    """A number that somebody turned into a word is found."""
    from frictionless import Package

    copy = tmp_path / "copy"
    shutil.copytree(published, copy)
    changed = (copy / "ranking-asn.csv").read_text().replace("1,AS64500", "first,AS64500")
    (copy / "ranking-asn.csv").write_text(changed)
    assert not Package(str(copy / "datapackage.json")).validate().valid


def test_pymisp_loads_the_feed(folder: Path) -> None:
    """The manifest leads to the event; PyMISP loads it, and each object fits its template strictly."""
    feed = folder / "misp"
    manifest = json.loads((feed / "manifest.json").read_text())
    (uuid,) = manifest
    event = MISPEvent(strict_validation=True)
    event.load_file(feed / f"{uuid}.json")
    assert event.uuid == uuid
    assert event.info == manifest[uuid]["info"]
    ranked = [row for row in json.loads((folder / "ranking-asn.json").read_text())["rows"] if row["place"]]
    assert len(event.objects) == 2 * len(ranked)
    for one in event.objects:
        assert one._known_template  # strict: checked against the template of MISP itself
        assert one.to_dict()
    places = [one.get_attributes_by_relation("position")[0].value for one in event.get_objects_by_name("bgp-ranking")]
    assert [float(place) for place in places] == [row["place"] for row in ranked]
    systems = [one.get_attributes_by_relation("asn")[0].value for one in event.get_objects_by_name("asn")]
    assert [f"AS{number}" for number in systems] == [row["key"] for row in ranked]


def test_misp_hashes_are_those_of_the_event(published: Path) -> None:
    """Each line of hashes.csv is the MD5 of a value in the event, and its uuid."""
    feed = published / "misp"
    (uuid,) = json.loads((feed / "manifest.json").read_text())
    event = MISPEvent()
    event.load_file(feed / f"{uuid}.json")
    lines = (feed / "hashes.csv").read_text().splitlines()
    assert sorted(lines) == sorted(f"{each},{uuid}" for each in event.attributes_hashes("md5"))
    assert len(lines) > 5


def intelmq(path: Path) -> list[dict[str, object]]:
    """The events of a file as IntelMQ holds them."""
    assert INTELMQ.exists(), "IntelMQ has an environment of its own: make .venv-intelmq/installed"
    done = subprocess.run(
        [INTELMQ, "-W", "ignore", ROOT / "tests" / "intelmq" / "accept.py"],
        input=path.read_text(),
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(path.parent)},
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.long
def test_intelmq_takes_every_event(folder: Path) -> None:
    """IntelMQ's own Event class takes each line with all its fields, for ASes and where allowed for addresses."""
    rows = json.loads((folder / "ranking-asn.json").read_text())["rows"]
    events = intelmq(folder / "intelmq.jsonl")
    assert [event["source.asn"] for event in events] == [int(row["key"][2:]) for row in rows if row["place"]]
    assert {event["classification.type"] for event in events} == {"other"}
    assert {event["tlp"] for event in events} == {"AMBER"}
    single = folder / "intelmq-addresses.jsonl"
    assert single.exists() == (folder / "episodes.csv").exists()
    if single.exists():
        seen = intelmq(single)
        assert len({event["source.ip"] for event in seen}) == 28
        assert {event["classification.type"] for event in seen} == {"phishing", "malware-distribution"}


def test_networkx_reads_both_graphs(folder: Path) -> None:
    """NetworkX reads GEXF and GraphML to the same flows as the table's."""
    rows = json.loads((folder / "flow-shares-hoster.json").read_text())["rows"]
    wanted = {(row["from_key"], row["to_key"]): row["hops"] for row in rows if row["to_key"] != "others"}
    for graph in (nx.read_gexf(folder / "hops.gexf"), nx.read_graphml(folder / "hops.graphml")):
        assert {(a, b): told["hops"] for a, b, told in graph.edges(data=True)} == wanted
        assert all(told["start"] <= told["end"] for _, _, told in graph.edges(data=True))


def test_graphology_reads_the_gexf(folder: Path) -> None:
    """The GEXF parser of graphology reads nodes, labels and flows as NetworkX does."""
    node = shutil.which("node")
    assert node, "no Node.js found; get it with: make tools"
    assert (GRAPHOLOGY / "node_modules").exists(), "make tests/graphology/node_modules/installed"
    done = subprocess.run(
        [node, GRAPHOLOGY / "read.js", folder / "hops.gexf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    read = json.loads(done.stdout)
    graph = nx.read_gexf(io.BytesIO((folder / "hops.gexf").read_bytes()))
    assert read["nodes"] == {key: told["label"] for key, told in graph.nodes(data=True)}
    assert sorted(read["edges"]) == sorted([a, b, told["hops"]] for a, b, told in graph.edges(data=True))
