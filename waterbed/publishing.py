"""Writes what a study publishes: tables, bundles, feeds, graph and page, and nothing that is held back."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from graphs.graph_files import gexf, graphml
from graphs.network import flow_graph
from waterbed.conclude import Conclusions
from waterbed.publication import hoster_names, last_seen, publication_of
from waterbed.publish.data_package import data_package
from waterbed.publish.exports import in_every_format, write_whole
from waterbed.publish.intelmq_events import address_events, intelmq_events
from waterbed.publish.misp_feed import misp_feed
from waterbed.publish.page import render_page
from waterbed.publish.publication import Publication, publishable, told
from waterbed.publish.readme import readme
from waterbed.publish.stix_bundle import extension_schema, stix_bundle
from waterbed.report import page_view
from waterbed.study import Study

SUMS: Final = "SHA256SUMS"
"""Name of the file of checksums: it tells the next time which files are ours."""
PAGE: Final = "index.html"
_SUM: Final = re.compile(r"([0-9a-f]{64})  ([\w-]+(?:/[\w-]+)?\.\w+(?:\.\w+)?)")


def publish_all(study: Study, out: Path, conclusions: Conclusions | None = None) -> list[Path]:
    """Write all that may be published into a folder; returns the files, the page last.

    Files that an earlier publication wrote there and this one does not are removed, unless somebody changed them.
    """
    done = conclusions or study.conclude()
    publication = publishable(publication_of(study, done))
    contents = dict(_contents(study, done, publication))
    contents["README.txt"] = readme(publication, [*contents, PAGE, SUMS]).encode()
    contents[PAGE] = render_page(page_view(study, done, publication)).encode()
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
    _remove_old(out, contents)
    for folder in {(out / name).parent for name in contents}:
        folder.mkdir(parents=True, exist_ok=True)
    first = write_whole(out / SUMS, sums.encode())
    return [first, *(write_whole(out / name, content) for name, content in contents.items())]


def _contents(study: Study, done: Conclusions, publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Every file but the page and the README, by name."""
    tables: dict[str, bytes] = {}
    for table in publication.tables:
        tables |= in_every_format(table.name, table.cls, table.rows, table.envelope)
    yield from tables.items()
    version = publication.table("ranking-hoster").envelope.version
    yield "datapackage.json", data_package(publication, tables, version).encode()
    yield "stix.json", stix_bundle(publication).encode()
    yield "stix-extension.schema.json", extension_schema().encode()
    for name, text in misp_feed(publication).items():
        yield f"misp/{name}", text.encode()
    yield "intelmq.jsonl", intelmq_events(publication).encode()
    if publication.policy.addresses:
        yield "intelmq-addresses.jsonl", address_events(publication, last_seen(done)).encode()
    flows = publication.table("flow-shares-hoster")
    graph = flow_graph(
        done.hops,
        {(row.from_key, row.to_key) for row in flows.rows},
        names=hoster_names(done),
        seats=done.seats,
        home=study.folder.config.home,
        told=told(publication, flows.envelope),
    )
    yield "hops.gexf", gexf(graph)
    yield "hops.graphml", graphml(graph)


def _remove_old(out: Path, contents: Mapping[str, bytes]) -> None:
    """Remove what an earlier publication left that is not published any more."""
    sums = out / SUMS
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _SUM.fullmatch(line)
        if found is None or found[2] in contents:
            continue
        path = out / found[2]
        if path.is_file() and sha256(path.read_bytes()).hexdigest() == found[1]:
            path.unlink()
