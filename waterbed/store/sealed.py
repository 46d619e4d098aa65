"""Reseals, shreds and wipes sealed entries."""

import base64
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.exc import DatabaseError

from waterbed.model.bookkeeping import Audit, Due, Forgotten, KeyCheck, Sealed
from waterbed.model.errors import InputError, KeyProblem, OwnFailure, StoreFailure
from waterbed.model.facts import Target
from waterbed.model.progress import stage
from waterbed.model.redaction import place_told
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.store import Store
from waterbed.store.tables import TABLES, table_name
from waterbed.store.vault import Keys

_BATCH = 1_000
"""Entries sealed anew in one transaction."""
_AT_ONCE = 500
"""Ids in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredded:
    """The number of shredded entries."""

    urls: int
    hosts: int


def numbers(store: Store) -> set[int]:
    """Return the numbers of keys that sealed any entry.

    One reading of the table.
    """
    column = TABLES[Sealed].c.key_number
    with store.reading() as connection:
        return set(connection.scalars(select(column).distinct()))


def one_of_each_number(store: Store) -> list[Sealed]:
    """Return one entry for each number of a key."""
    table = TABLES[Sealed]
    firsts = select(func.min(table.c.entry_id)).group_by(table.c.key_number)
    return store.all(Sealed, table.c.entry_id.in_(firsts), order=("key_number",))


def reseal(store: Store, anew: Callable[[Sealed], Sealed], number: int) -> int:
    """Reseal entries of keys other than `number`; return their number.

    In the order of their ids, each batch a transaction that begins where the last one ended. What was done stays done.
    """
    table = TABLES[Sealed]
    old = table.c.key_number != number
    last = ""
    change = (
        update(table)
        .where(table.c.entry_id == bindparam("of_entry"))
        .values(ciphertext=bindparam("fresh"), key_number=number)
    )
    with stage("entries encrypted", store.count(Sealed, old)) as advance:
        while True:
            with store.writing() as connection:
                query = select(table).where(table.c.entry_id > last, old).order_by(table.c.entry_id).limit(_BATCH)
                batch = [Sealed(**row._mapping) for row in connection.execute(query)]
                if not batch:
                    return advance.done
                fresh = map(anew, batch)
                connection.execute(change, [{"of_entry": entry.entry_id, "fresh": entry.ciphertext} for entry in fresh])
            last = batch[-1].entry_id
            advance(len(batch))


def set_check(store: Store, check: KeyCheck, audit: Audit) -> None:
    """Replace all key checks by one, with an audit entry.

    One that is there already stays, with its entry: a rotation that was killed afterwards goes on.
    """
    table = TABLES[KeyCheck]
    with store.writing() as connection:
        if connection.scalar(select(table.c.key_number).where(table.c.key_number == check.key_number)) is not None:
            return
        store.add([check, audit], connection)
        connection.execute(delete(table).where(table.c.key_number != check.key_number))


def urls_of_host(store: Store, host_id: str) -> set[str]:
    """Return the ids of all URLs reported on a host."""
    table = TABLES[Target]
    with store.reading() as connection:
        return set(connection.scalars(select(table.c.url_id).where(table.c.host_id == host_id)))


def unreported(store: Store) -> list[Sealed]:
    """The sealed URLs that nobody reported: targets of redirects."""
    table = TABLES[Sealed]
    return store.all(Sealed, table.c.kind == "url", table.c.entry_id.not_in(select(TABLES[Target].c.url_id)))


def shred(store: Store, url_ids: Iterable[str], *, host_id: str | None, now: datetime, audit: Audit) -> Shredded:
    """Forget entries: remove them, leave tombstones, record who did it.

    All or nothing; their schedule goes too.

    With `host_id` the host itself is forgotten too. Without, a host that is left with no sealed URL is shredded but
    bears no tombstone: a later report of another URL there is taken in.
    """
    wanted = sorted(set(url_ids))
    sealed = TABLES[Sealed]
    with store.writing() as connection:
        hosts = {host_id} if host_id else _left_without(wanted, connection)
        urls = _remove(Sealed, "entry_id", wanted, connection)
        gone = _remove(Sealed, "entry_id", sorted(hosts), connection)
        _remove(Due, "url_id", wanted, connection)
        stones = [Forgotten(entry_id=url_id, kind="url", forgotten_at=now) for url_id in wanted]
        if host_id:
            stones.append(Forgotten(entry_id=host_id, kind="host", forgotten_at=now))
        store.add([*stones, audit], connection)
        left = (
            select(func.count()).select_from(sealed).where(sealed.c.entry_id.in_(select(TABLES[Forgotten].c.entry_id)))
        )
        if connection.scalar(left):
            raise OwnFailure("a forgotten entry is still sealed; nothing was changed")
    return Shredded(urls=urls, hosts=gone)


def _left_without(url_ids: Sequence[str], connection: Connection) -> set[str]:
    """Return hosts of these URLs without any other sealed URL."""
    target, sealed = TABLES[Target], TABLES[Sealed]
    hosts = set(connection.scalars(select(target.c.host_id).where(target.c.url_id.in_(url_ids))))
    others = (
        select(target.c.host_id)
        .join(sealed, sealed.c.entry_id == target.c.url_id)
        .where(target.c.host_id.in_(hosts), target.c.url_id.not_in(url_ids))
    )
    return hosts - set(connection.scalars(others.distinct()))


def _remove(cls: type, column: str, ids: Sequence[str], connection: Connection) -> int:
    table, removed = TABLES[cls], 0
    for start in range(0, len(ids), _AT_ONCE):
        removed += connection.execute(delete(table).where(table.c[column].in_(ids[start : start + _AT_ONCE]))).rowcount
    return removed


_ANEW = (
    "CREATE TABLE written_anew AS SELECT * FROM {table}",
    "DELETE FROM {table}",
    "INSERT INTO {table} SELECT * FROM written_anew",
    "DROP TABLE written_anew",
)
"""Leaves a table's rows on fresh pages: SQLite overwrites a page that it frees, whole."""


def wipe(store: Store) -> bool:
    """Overwrite remains of removed entries; False if a reader interfered.

    Those of changed entries too. StoreFailure if the disk fails.

    The tables are written anew without their dead rows. SQLite: removed bytes are overwritten when they are removed,
    but a page that was split keeps copies of what moved to another; and the write-ahead log holds pages as they were,
    so it is emptied. PostgreSQL: the server's own log is not ours.
    """
    tables = [table_name(one) for one in (Sealed, KeyCheck)]
    try:
        if store.sqlite:
            with store.writing() as connection:
                for table in tables:
                    for statement in _ANEW:
                        connection.exec_driver_sql(statement.format(table=table))
            with closing(store.engine.raw_connection()) as pooled:
                answer = pooled.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return bool(answer) and not answer[0]
        with store.engine.connect() as connection:
            plain = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in tables:  # it waits for readers
                plain.exec_driver_sql(f"VACUUM (FULL) {table}")
    except (sqlite3.Error, DatabaseError, StoreFailure) as problem:
        raise StoreFailure(
            f"what was removed could not be wiped from the store's files ({type(problem).__name__}): the disk is full "
            "or failed; look after it, then run waterbed key rotate, which leaves nothing to read in what is still "
            "there (docs/operations.md, Full disk)"
        ) from None
    return True


_COST = 2**17
"""Scrypt's cost: 128 MiB and some tenths of a second for each guess (RFC 7914, r = 8, p = 1)."""


def to_escrow(keys: Keys, passphrase: str | None) -> str:
    """The text of an escrow file."""
    if passphrase is None:
        return keys.to_toml()
    if not passphrase:
        raise KeyProblem("the passphrase is empty; leave --passphrase out to write the keys in the clear")
    salt = secrets.token_bytes(16)
    sealed = _cipher(passphrase, salt, _COST).encrypt(keys.to_toml().encode()).decode()
    said = "# Waterbed keys, sealed with a passphrase (Scrypt, Fernet)."
    return f'{said}\ncost = {_COST}\nsalt = "{base64.b64encode(salt).decode()}"\nsealed = "{sealed}"\n'


def from_escrow(path: Path, ask: Callable[[], str]) -> Keys:
    """Read keys from an escrow file.

    `ask` is called for the passphrase if the file has one.
    """
    try:
        text = toml_bytes(path, "an escrow file", "docs/operations.md, Keys").decode()
    except (InputError, UnicodeDecodeError):
        told = place_told(path)
        raise KeyProblem(f"{told} cannot be read; an escrow file was expected (docs/operations.md, Keys)") from None
    try:
        read = decode(text)
        if "sealed" in read:
            cost, salt, sealed = int(read["cost"]), base64.b64decode(read["salt"], validate=True), read["sealed"]
            if not 1 < cost <= 2**20:
                raise ValueError
            text = _cipher(ask(), salt, cost).decrypt(sealed).decode()
    except InvalidToken:
        raise KeyProblem(f"the passphrase does not open {path}, or the file is damaged") from None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise KeyProblem(f"{path} is not an escrow file of Waterbed (docs/operations.md, Keys)") from None
    return Keys.from_toml(text, str(path))


def _cipher(passphrase: str, salt: bytes, cost: int) -> Fernet:
    derived = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
