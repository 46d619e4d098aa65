"""Writes a publication: tables, bundles, feeds, graph and pages."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from waterbed.governance.reply import PUBLIC, add_edition, next_edition, record, refuse_unheard
from waterbed.model.collector import collector_paused
from waterbed.model.errors import InputError
from waterbed.model.governance import Edition
from waterbed.publish.build_publication import publication_of, with_changes
from waterbed.publish.contents import edition_files, site_files, tables_of
from waterbed.publish.edition import LastEdition, edition_before, editions, remember
from waterbed.publish.exports import refuse_loss
from waterbed.publish.named import named_hosters
from waterbed.publish.policy import Publication, publishable
from waterbed.store.config import read_config
from waterbed.store.own_files import SETTINGS
from waterbed.store.whole.replacing import PUBLISHED, SUMS, replace_files
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


@collector_paused()
def publish_all(
    study: Study,
    out: Path,
    conclusions: Conclusions | None = None,
    *,
    override: str = "",
    errata: str = "",
    written: Callable[[Publication], None] | None = None,
) -> list[Path]:
    """Write everything publishable; return the files, first page last.

    Files that an earlier publication wrote there and this one does not are removed, before any is replaced. InputError,
    and nothing is changed, if the folder holds a file of the same name that no publication left like that, or a feed
    whose library this installation lacks.
    What is public (TLP:CLEAR) is an edition: InputError while a hoster that it names could still answer, unless
    `override` says why. `errata` is what is corrected against the edition before, beside what rulings corrected.
    `written` is called with the publication once it is there.
    """
    refuse_loss(out)
    conclusions = conclusions or study.conclude()
    past_editions = editions(study.folder)
    publication = publishable(publication_of(study, conclusions, past_editions), past_editions)
    earlier = edition_before(study.folder, "publish", publication.window, publication.last)
    publication = with_changes(publication, earlier)
    named = named_hosters(publication)
    reason = refuse_unheard(study.folder, named, override)
    tables = tables_of(study, conclusions, publication)
    edition = _edition(study, tables, reason, errata)
    if edition:
        tables |= edition_files(study, [*record(study.folder).editions, edition])
    files = site_files(study, conclusions, publication, tables)
    contents = {path: file.content for path, file in files.items()}
    last_edition = publication.edition
    if edition and last_edition:
        last_edition = replace(last_edition, number=edition.number, named=tuple(named))
    replace_files(
        out,
        contents,
        marks=PUBLISHED,
        study=study.folder.path,
        ready=lambda: _put_on_record(study, edition, last_edition, past_editions),
    )
    if written:
        written(publication)
    return [out / name for name in (SUMS, *contents)]


def _put_on_record(
    study: Study, edition: Edition | None, last_edition: LastEdition | None, past_editions: Sequence[LastEdition]
) -> None:
    """Record the edition and what it tells; InputError if another policy holds by now, or another edition has left."""
    if read_config(study.folder.path / SETTINGS)[1] != study.folder.config_hash:
        raise InputError(
            f"{SETTINGS} was changed while the publication was made, so it was not written; publish again "
            "(docs/publishing.md, Policy)"
        )
    remember(study.folder, last_edition, "publish", past_editions)
    if edition:
        add_edition(study.folder, edition)


def _edition(study: Study, tables: dict[str, bytes], override: str, errata: str) -> Edition | None:
    """The edition that these tables are; None if not public."""
    if study.config.publish.tlp != PUBLIC:
        return None
    csv = b"".join(content for name, content in sorted(tables.items()) if name.endswith(".csv"))
    return next_edition(study.folder, override=override, more=errata, tables=csv)
