"""Tables of AS relations: the same providers from each form, and one sentence for any other file."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.relations import RelationTable, read_relations
from waterbed.model.errors import InputError

CASES = Path(__file__).parent / "relation_cases"
PAIRS = [(64500, 64501, -1), (64500, 64502, -1), (64499, 64501, -1), (64501, 64503, -1), (64502, 64500, 0)]
COMMENT = "# inferred clique: 64499 64500\n"
FIRST = COMMENT + "".join(f"{a}|{b}|{kind}\n" for a, b, kind in PAIRS)
SECOND = COMMENT + "".join(f"{a}|{b}|{kind}|bgp,mlp\n" for a, b, kind in [*PAIRS, PAIRS[0]])
JSON = json.dumps(
    [{"asn1": a, "asn2": b, "paths_count": 3, "peers_count": 2, "rel": -kind} for a, b, kind in PAIRS[:3]]
    + [{"asn1": b, "asn2": a, "paths_count": 3, "peers_count": 2, "rel": kind} for a, b, kind in PAIRS[3:]]
)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (FIRST.encode(), "serial-1"),
        (FIRST.replace("\n", "\r\n").encode(), "serial-1"),
        (SECOND.encode(), "serial-2"),
        (gzip.compress(SECOND.encode(), mtime=0), "serial-2"),
        (JSON.encode(), "as2rel"),
        (b"\xef\xbb\xbf" + JSON.replace(", ", ",\n ").encode(), "as2rel"),
    ],
)
def test_each_form_tells_the_same_providers(tmp_path: Path, data: bytes, form: str) -> None:
    """Text of CAIDA and JSON of BGPKIT give the same table, before and after saving; a pair counts once."""
    path = tmp_path / "relations"
    path.write_bytes(data)
    table = read_relations(path)
    table.save(tmp_path / "saved")
    loaded = RelationTable.load(tmp_path / "saved")
    for one in (table, loaded):
        assert (one.form, len(one), one.peers) == (form, 5, 1)
        assert [one.providers_of(asn) for asn in (64501, 64502, 64503, 64500, 1, -1, 1 << 40)] == [
            *[(64499, 64500), (64500,), (64501,), (), (), (), ()]
        ]
        assert one.above([64503]) == [(64503, 64501), (64501, 64499), (64501, 64500)]
    assert isinstance(loaded.providers.base, np.memmap)


SAYS = {
    **{"empty": "is empty", "binary": "is a binary file", "html": "of no known kind", "commas": "of no known kind"},
    **{"mixed-columns": "line 2 is not AS|AS|-1", "lacks-source": "line 2 is not provider|customer|-1|source"},
    **{
        "no-number": "line 2 is not AS|AS",
        "cut-line": "line 2 is not AS|AS",
        "other-relation": "line 2 has the relation 2",
    },
    **{
        "itself": "line 2 relates an AS to itself",
        "as-too-large": "line 2 names an AS that is not",
        "as-zero": "line 2",
    },
    **{"peers-only": "names no provider: half a file", "cut-json": "near object 2", "more-behind": "near object 1"},
    **{"lacks-rel": "object 1 has no whole numbers", "text-for-as": "object 2 has no whole numbers"},
    **{"truth-for-rel": "object 1 has no whole numbers", "other-rel": "object 1 has a rel that is none of"},
    **{"object": "not a whole list of JSON", "no-rows": "names no provider", "deep": "not a whole list of JSON"},
}


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_any_other_file_is_refused_in_one_sentence(name: str) -> None:
    """Wrong, damaged and half files are told without their text."""
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        read_relations(CASES / name)
    assert SAYS[name] in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    """A kept table that lost a part is not opened."""
    path = tmp_path / "relations"
    path.write_text(FIRST)
    read_relations(path).save(tmp_path / "saved")
    np.save(tmp_path / "saved" / "providers.npy", np.zeros(1, np.uint32))
    with pytest.raises(InputError, match="complete table of relations"):
        RelationTable.load(tmp_path / "saved")


@given(st.sets(st.tuples(st.integers(1, 8), st.integers(1, 8)).filter(lambda pair: pair[0] != pair[1]), min_size=1))
def test_all_above_an_as_are_found_once(tmp_path_factory: pytest.TempPathFactory, pairs: set[tuple[int, int]]) -> None:
    """Pairs up to the top are those of all ASes that can be reached, circles included."""
    path = tmp_path_factory.getbasetemp() / "drawn-relations"
    path.write_text("".join(f"{a}|{b}|-1\n" for a, b in sorted(pairs)))
    found = read_relations(path).above([1])
    reached, before = {1}, set[int]()
    while reached != before:
        before = set(reached)
        reached |= {a for a, b in pairs if b in reached}
    assert sorted(found) == sorted((b, a) for a, b in pairs if b in reached)
