"""Every file of a publication: tables, bundles, feeds, graph, pages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from waterbed.graphs.network.graph import flow_graph, gexf, graphml
from waterbed.model.errors import InputError
from waterbed.model.governance import Edition, EditionRow
from waterbed.model.plugins import SEE
from waterbed.model.progress import staged
from waterbed.model.redaction import redact
from waterbed.publish.build_publication import hoster_names, last_seen
from waterbed.publish.data_package import data_package
from waterbed.publish.exports import EXPORTS, chosen, described, exported
from waterbed.publish.hop_tables import timed_flows
from waterbed.publish.intelmq import address_events
from waterbed.publish.policy import Publication, provenance_text
from waterbed.publish.site.build import site_of
from waterbed.shown.layout import START, UNLICENSED, File, Site, media_of
from waterbed.store.whole.replacing import SUMS, sums_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import in_every_format
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

EDITIONS: Final = "editions"
_README: Final = "README.txt"
_ADDRESSES: Final = "intelmq-addresses.jsonl"


def tables_of(study: Study, conclusions: Conclusions, publication: Publication) -> dict[str, bytes]:
    """Every file but pages, editions and README, by path."""
    return dict(staged("files", _contents(study, conclusions, publication)))


def edition_files(study: Study, made: Sequence[Edition]) -> dict[str, bytes]:
    """The table of a public study's editions; empty without one."""
    return in_every_format(EDITIONS, EditionRow, made, table_info(study, EDITIONS, by="edition")) if made else {}


def site_files(
    study: Study, conclusions: Conclusions, publication: Publication, tables: Mapping[str, bytes]
) -> dict[str, File]:
    """All files, as written and as served, by path.

    `tables` are the files of `tables_of` and `edition_files`. README.txt is among them, SHA256SUMS is not. The first
    page is the last.
    """
    endings = ("csv", "json", "parquet", "schema.json")
    cases = {f"{table.name}.{ending}" for table in publication.tables if table.case_level for ending in endings}
    files = {
        path: File(
            content=content,
            media=media_of(path),
            cases=path == _ADDRESSES or path in cases,
        )
        for path, content in tables.items()
    }
    pages = site_of(study, conclusions, publication)
    if both := files.keys() & pages.keys():  # names of plug-ins begin with each other
        raise InputError(
            f"an export and a page of two plug-ins are both {redact(min(both))}; leave one out of publish.plugins "
            f"({SEE})"
        )
    files |= pages
    told = described(chosen(study.config.publish.plugins).exports)
    text = readme(publication, [*files, _README, SUMS], told)
    files[_README] = File(content=text.encode(), media=media_of(_README))
    files[START] = files.pop(START)
    return files


def with_sums(files: Site) -> Site:
    """The same files with their checksums."""
    sums = sums_of({path: file.content for path, file in files.items()})
    return {**files, SUMS: File(content=sums, media=media_of(SUMS))}


def _contents(study: Study, conclusions: Conclusions, publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Tables, bundles, feeds and graph, by path."""
    tables: dict[str, bytes] = {}
    for table in publication.tables:
        tables |= in_every_format(table.name, table.cls, table.rows, table.envelope)
    yield from tables.items()
    version = publication.table("ranking-hoster").envelope.version
    yield "datapackage.json", data_package(publication, tables, version).encode()
    yield from exported(publication, chosen(study.config.publish.plugins).exports)
    if publication.policy.addresses:
        yield _ADDRESSES, address_events(publication, last_seen(conclusions)).encode()
    flows = publication.table("flow-shares-hoster")
    graph = flow_graph(
        timed_flows(publication.cells),
        names=hoster_names(conclusions),
        seats=conclusions.seats,
        home=study.config.home,
        name=provenance_text(publication, flows.envelope),
    )
    yield "hops.gexf", gexf(graph)
    yield "hops.graphml", graphml(graph)


KINDS: Final = {
    "datapackage.json": "Frictionless data package: what each column of the CSV files means",
    **{name: what for export in EXPORTS.values() for name, what in export.files.items()},
    "intelmq-addresses.jsonl": "IntelMQ events, one line for each address and category",
    "hops.gexf": "flows between hosters for Gephi and graphology",
    "hops.graphml": "the same for NetworkX, igraph and yEd",
    "index.html": "the pages, all .html, begin here; none asks anything of any network",
    "data/": "rows behind figures and tables of the pages, as CSV and JSON",
    "hosters/": "pages: a sheet for each hoster, with its rows as CSV and JSON",
    "interventions/": "pages: what each event did, with its rows as CSV and JSON",
    "assets/": "style and scripts of the pages",
    "plugins/": "what plug-ins add, by their names",
    "SHA256SUMS": "checksum of each file: sha256sum -c SHA256SUMS",
}
"""Description of each file that is not a table."""


def readme(publication: Publication, names: Sequence[str], told: Mapping[str, str]) -> str:
    """The text of README.txt; `names` are the other files.

    They lie in a folder or not. `told` is what plug-ins say of theirs, by path.
    """
    policy = publication.policy
    folders = {f"{name.partition('/')[0]}/" if "/" in name else name for name in names}
    licence = "No licence is given." if policy.licence == UNLICENSED else f"Licence: {policy.licence}."
    lines = [
        publication.title,
        "=" * len(publication.title),
        "",
        *((f"{caveat}.", "") if (caveat := publication.table("ranking-hoster").envelope.caveat) else ()),
        f"Published by {policy.publisher} on {publication.made_at:%Y-%m-%d %H:%M} UTC. "
        f"TLP:{policy.tlp.upper()}. {licence}",
        f"Rows about fewer than {policy.least} sites are left out, and so are rows from which such a row would follow. "
        "No file holds a URL or a host name.",
        "",
        "Tables, each as .csv, .json (with .schema.json) and .parquet:",
        *(
            f"  {table.name:24} {table.title}; {len(table.rows):,} rows, at least {table.envelope.left_out:,} left out"
            for table in publication.tables
        ),
        "",
        "Other files:",
        *(f"  {name:28} {what}" for name, what in KINDS.items() if name in folders),
        *(f"  {name:28} {what}" for name, what in told.items() if name in names),
        "",
        "What they rest on",
        "-----------------",
        "",
    ]
    methods: dict[str, list[str]] = {}
    for table in publication.tables:
        methods.setdefault(table.envelope.method, []).append(table.name)
    for method, of in methods.items():
        lines += [f"{', '.join(of)}: {method}", ""]
    info = publication.table("ranking-hoster").envelope
    lines += ["Ranking by hoster:", *(f"  {status}" for status in info.remarks)]
    lines += ["", f"Checks of {info.window}. Run {info.run}, Waterbed {info.version}.", "", "Data used:"]
    lines += [f"  {name}: {words}" for name, words in sorted(publication.sources.items())] or ["  none"]
    return "\n".join(lines) + "\n"
