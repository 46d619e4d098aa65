"""Older stores are brought forward whole, newer ones are refused, and a kill in the middle changes nothing."""

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import alembic.op
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text

import waterbed.store.schema
from tests.store.schemas import RELEASED, dump, fill, reflected, released
from tests.store.study_folder import made, report, url
from tests.store.test_rotation import after, forked
from waterbed.model.bookkeeping import KeyCheck
from waterbed.model.errors import InputError
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.restore import restore_backup
from waterbed.store.folder import Folder, open_folder
from waterbed.store.schema import revisions
from waterbed.store.store import Store
from waterbed.store.tables import TABLES, metadata

GIVEN_UP = {("due", "leased_until"), ("due", "lease_run_id")}
"""Columns that a later schema has not, or empties: a lease is no fact."""

Rows = dict[str, dict[Any, dict[str, Any]]]


def rows_of(store: Store) -> Rows:
    """Every value of every table, by primary key, as the database has it."""
    found: Rows = {}
    with store.reading() as connection:
        for table in reflected(store):
            keys = [column.name for column in table.primary_key]
            found[table.name] = {
                tuple(row[key] for key in keys): {name: plain(value) for name, value in row.items()}
                for row in connection.execute(select(table)).mappings()
            }
    return found


def plain(value: Any) -> Any:
    """A value in the form that both databases share."""
    return int(value) if isinstance(value, bool) else value


def old_store(url_: str, revision: str) -> Store:
    """A store of an earlier schema with rows: SQLite from the file that was kept, if there is one."""
    store = Store(url_)
    if store.sqlite and revision in released():
        with closing(sqlite3.connect(str(store.url.database))) as opened:
            opened.executescript((RELEASED / f"{revision}.sql").read_text())
    else:
        store.migrate(revision)
        fill(store, revision)
    return store


@pytest.mark.parametrize("revision", released())
def test_a_released_schema_is_what_its_migrations_still_make(revision: str) -> None:
    """Migrations that were released may not change: the file that was kept then is what they make today."""
    assert meaning(dump(revision)) == meaning((RELEASED / f"{revision}.sql").read_text())


def meaning(script: str) -> list[tuple[Any, ...]]:
    """What an SQL script makes: tables and indexes, whatever their white space, and all rows."""
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.executescript(script)
        made_ = opened.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        tables = [name for kind, name, _ in made_ if kind == "table"]
        rows = [(name, *row) for name in tables for row in opened.execute(f'SELECT * FROM "{name}" ORDER BY 1')]
        return [(kind, name, " ".join((sql or "").split())) for kind, name, sql in made_] + rows


@pytest.mark.long
@pytest.mark.parametrize("revision", revisions())
def test_every_fact_of_every_schema_is_there_after_the_upgrade(revision: str, tmp_path: Path) -> None:
    """All values stay, new columns can be read, and the schema is that of a new study."""
    store = old_store(f"sqlite:///{tmp_path / 'store.db'}", revision)
    before = rows_of(store)
    assert all(len(rows) == 3 for rows in before.values())
    waterbed.store.schema.bring_forward(tmp_path, store)
    all_kept(before, rows_of(store))
    as_new(store)
    store.close()


@pytest.mark.long
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_every_step_on_a_server_keeps_every_fact(store_url: str, tmp_path: Path) -> None:
    """One database from the first schema to the last: each step keeps every row of the schema before it."""
    store = Store(store_url)
    steps = revisions()
    store.migrate(steps[0])
    for revision, later in zip(steps, [*steps[1:], None], strict=True):
        assert store.revision() == revision
        with store.writing() as connection:
            for table in reflected(store):
                connection.execute(table.delete())
        fill(store, revision)
        before = rows_of(store)
        assert all(len(rows) == 3 for rows in before.values())
        if later is None:
            waterbed.store.schema.bring_forward(tmp_path, store)
        else:
            store.migrate(later)
        all_kept(before, rows_of(store))
    as_new(store)
    store.close()


def all_kept(before: Rows, after_: Rows) -> None:
    """Each row of each table is there with its values, and no other is."""
    for table, rows in before.items():
        for key, row in rows.items():
            kept = {name: value for name, value in row.items() if (table, name) not in GIVEN_UP}
            assert kept.items() <= after_[table][key].items()
        assert len(after_[table]) == len(rows)


def as_new(store: Store) -> None:
    """Every row can be read, and the schema is that of a new study."""
    rows = rows_of(store)
    assert all(len(store.all(cls)) == len(rows[table.name]) for cls, table in TABLES.items())
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def old_study(path: Path, store_url: str, revision: str) -> tuple[Folder, Rows]:
    """A closed study whose store is of an earlier schema, and its rows."""
    folder = made(path, store=store_url if store_url.startswith("postgresql") else "sqlite")
    checks, where = folder.store.all(KeyCheck), folder.store.url.render_as_string(hide_password=False)
    if folder.store.sqlite:
        folder.store.close()
        for file in path.glob("waterbed.db*"):
            file.unlink()
    else:
        with folder.store.writing() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        folder.store.close()
    store = old_store(where, revision)
    table = TABLES[KeyCheck]
    with store.writing() as connection:
        connection.execute(table.delete())
        connection.execute(
            insert(table),
            [{"key_number": c.key_number, "id_check": c.id_check, "ciphertext": c.ciphertext} for c in checks],
        )
    rows = rows_of(store)
    store.close()
    return folder, rows


def test_an_older_study_is_brought_forward_when_it_is_opened(store_url: str, tmp_path: Path) -> None:
    """No command and no hand is needed: the study opens, and takes in reports as any other."""
    old_study(tmp_path / "s", store_url, revisions()[0])
    folder = open_folder(tmp_path / "s")
    assert folder.store.revision() == revisions()[-1]
    assert report(folder, [url(1)]).imported == 1
    folder.close()


@pytest.mark.long
@pytest.mark.parametrize("step", [1, 3, 7])
def test_an_upgrade_killed_in_the_middle_leaves_the_old_schema(step: int, store_url: str, tmp_path: Path) -> None:
    """Every table and value is as before, and the next command brings the study forward."""
    folder, rows = old_study(tmp_path / "s", store_url, revisions()[0])

    def killed() -> None:
        alembic.op.create_index = after(step, alembic.op.create_index)  # type: ignore[assignment]  # dies behind the n-th call
        open_folder(tmp_path / "s")

    assert forked(killed) == signal.SIGKILL
    store = Store(folder.store.url.render_as_string(hide_password=False))
    assert store.revision() == revisions()[0]
    assert rows_of(store) == rows
    store.close()
    again = open_folder(tmp_path / "s")
    assert again.store.revision() == revisions()[-1]
    again.close()


def test_a_newer_schema_is_refused_and_not_touched(store_url: str, tmp_path: Path) -> None:
    """A store or a backup that a newer version wrote is one sentence with both versions."""
    folder = made(tmp_path / "s", store=store_url if store_url.startswith("postgresql") else "sqlite")
    with folder.store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    folder.close()
    for attempt in refused(tmp_path):
        with pytest.raises(InputError, match=f"schema 9999.*none after {revisions()[-1]}") as told:
            attempt()
        assert "\n" not in str(told.value)
    assert folder.store.revision() == "9999"
    folder.close()


def refused(tmp_path: Path) -> list[Callable[[], object]]:
    """What would open a study."""
    return [lambda: open_folder(tmp_path / "s"), lambda: make_backup(tmp_path / "s", tmp_path / "b")]


def test_a_study_at_work_is_not_brought_forward(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a run of an older version is alive the upgrade waits, then says so; nothing was changed."""
    folder, rows = old_study(tmp_path / "s", store_url, revisions()[1])
    monkeypatch.setattr(waterbed.store.schema, "_WAIT_S", 0.3)
    with waterbed.store.schema.held(folder.path, folder.store, alone=False):
        with pytest.raises(InputError, match="end it first"):
            open_folder(tmp_path / "s")
        assert rows_of(folder.store) == rows
    open_folder(tmp_path / "s").close()
    folder.close()


def test_two_commands_may_bring_a_study_forward_at_once(store_url: str, tmp_path: Path) -> None:
    """One does it, the other waits for it, and both go on."""
    old_study(tmp_path / "s", store_url, revisions()[0])
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(opened_revision, [tmp_path / "s"] * 2) == [revisions()[-1]] * 2


def opened_revision(path: Path) -> str | None:
    """The schema of a study after it was opened."""
    folder = open_folder(path)
    try:
        return folder.store.revision()
    finally:
        folder.close()


def test_a_backup_of_an_older_schema_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that an older version made becomes a study of this one."""
    folder, rows = old_study(tmp_path / "s", "sqlite", revisions()[2])
    with monkeypatch.context() as older:  # as the version of then knew it
        older.setattr(waterbed.store.schema, "revisions", lambda: revisions()[:3])
        older.setattr("waterbed.store.backup.make._record", lambda *_: True)
        older.setattr(Store, "all", lambda *_, **__: [])
        make_backup(tmp_path / "s", tmp_path / "b")
    done = restore_backup(tmp_path / "b", tmp_path / "again", who="me")
    assert done.schema == revisions()[2]
    again = open_folder(tmp_path / "again")
    found = rows_of(again.store)
    assert all(rows[table].keys() == found[table].keys() for table in rows if table != "run_end")
    again.close()
    folder.close()
