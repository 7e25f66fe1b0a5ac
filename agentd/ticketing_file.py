"""The store's file: who may write it, whether it is sound, what shape it has, how it is opened."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from sqlalchemy import URL, AsyncAdaptedQueuePool, Connection, NullPool, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from agentd.errors import AgentdError
from agentd.ticketing_schema import HEAD_REVISION, metadata
from agentd.ticketing_tables import EXTRAS, UNIQUE_INDEXES

BUSY_MAX_MS = 1_000
"""How long one statement waits for another process's lock before the transaction is tried anew."""
SYNCHRONOUS = "agentd_synchronous"
"""Key of a connection's ``info``: ``FULL`` or ``NORMAL`` for the transactions begun from now on."""
READERS = 3
"""How many questions are answered at a time, beside the writer."""
CHECK_MAX_BYTES = 512 << 20
"""Up to this size the file's pages are checked at every start (about 1 s per GB when cached)."""


class StoreError(AgentdError):
    """The store cannot be opened or read; nothing in it was changed."""


class DaemonRunningError(StoreError):
    """Another process holds the database. ``pid`` is None when it has not said who it is."""

    def __init__(self, path: Path, pid: int | None) -> None:
        self.pid = pid
        who = "another agentd" if pid is None else f"another agentd (pid {pid})"
        super().__init__(f"{who} is running on {path}; stop it first, or name another database")


# --- one process at a time -------------------------------------------------------------------


class FileLock:
    """The right to write one database; the kernel takes it back when the process dies."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock and write our pid into its file, or raise :class:`DaemonRunningError`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot create {self._path}: {error.strerror}; the database needs a directory "
                f"that agentd may write to"
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            pid = int(said) if said.isascii() and said.isdecimal() else None
            raise DaemonRunningError(self._database, pid) from None
        self._fd = fd
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            # A full disk: the lock holds all the same, only our name is missing from it.
            return

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with the next owner."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


# --- words for SQLite's errors ---------------------------------------------------------------

_WORDS: dict[str, str] = {
    "SQLITE_FULL": "the disk is full; free some space",
    "SQLITE_BUSY": "another process holds a lock on it; end whatever else has it open",
    "SQLITE_LOCKED": "another process holds a lock on it; end whatever else has it open",
    "SQLITE_READONLY": "it cannot be written; check the owner and mode of the file, of its "
    "directory and of the file system",
    "SQLITE_PERM": "it cannot be written; check the owner and mode of the file and its directory",
    "SQLITE_CANTOPEN": "it cannot be opened; check that its directory exists and may be written to",
    "SQLITE_IOERR": "the disk reports an error; check its space and its health",
    "SQLITE_CORRUPT": "it is damaged; stop agentd, keep the file, and put a backup in its place",
    "SQLITE_NOTADB": "it is not an SQLite database, or it is damaged; keep the file, and put a "
    "backup in its place",
}


def trouble_code(error: BaseException) -> str:
    """SQLite's name for what went wrong, without extension (``SQLITE_FULL``), or ``UNKNOWN``."""
    name = getattr(error, "sqlite_errorname", None)
    if not isinstance(name, str):
        return "UNKNOWN"
    return "_".join(name.split("_")[:2])


def trouble_words(error: BaseException) -> str:
    """What is wrong with the file and what would mend it, in one sentence part."""
    words = _WORDS.get(trouble_code(error))
    return f"{words} ({error})" if words else str(error)


def is_trouble(error: DBAPIError) -> bool:
    """Whether the surroundings are to blame (to be tried again), not the statement (our bug)."""
    cause = error.orig
    return isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError


# --- opening ---------------------------------------------------------------------------------


def make_engine(path: Path | None) -> AsyncEngine:
    """An engine for an existing file, or with None for a private one that vanishes when closed.

    Transactions are begun by us (``BEGIN IMMEDIATE``), so that a transaction that cannot have the
    write lock fails before it wrote anything, and so that DDL can be rolled back.
    """
    # An empty name is SQLite's own temporary database: in memory until it outgrows the cache.
    name = "file:" if path is None else f"file:{quote(str(path.absolute()))}"
    query = {"uri": "true"} if path is None else {"uri": "true", "mode": "rw"}
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=name, query=query),
        poolclass=NullPool,
        connect_args={"timeout": BUSY_MAX_MS / 1_000},
    )
    pragmas = (
        ("journal_mode=MEMORY", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536")
        if path is None
        else ("journal_mode=WAL", "synchronous=FULL", f"journal_size_limit={64 << 20}")
    )

    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        # Cannot be changed inside a transaction.
        wanted = connection.info.get(SYNCHRONOUS)
        if wanted is not None and wanted != connection.info.get("agentd_synchronous_now"):
            connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
            connection.info["agentd_synchronous_now"] = wanted
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine


def make_tables(connection: Connection) -> None:
    """The tables of a throw-away store: no indexes beside the unique ones, no migrations."""
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
    for index in UNIQUE_INDEXES:
        connection.execute(CreateIndex(index))
    for statement in EXTRAS:
        connection.exec_driver_sql(statement)


def make_read_engine(path: Path) -> AsyncEngine:
    """A few connections that read beside the writer, each question as of one moment."""
    engine = create_async_engine(
        URL.create(
            "sqlite+aiosqlite",
            database=f"file:{quote(str(path.absolute()))}",
            query={"uri": "true", "mode": "ro"},
        ),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        connect_args={"timeout": BUSY_MAX_MS / 1_000},
    )

    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine


def touch(path: Path) -> None:
    """Make an empty file where there is none, for the owner's eyes only."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot open the database {path}: {error.strerror}; check the owner and mode of the "
            f"file and its directory"
        ) from error


def revision_of(connection: sqlite3.Connection) -> str | None:
    """The migration that a database is at; None for an empty one. Raises ``sqlite3.Error``.

    Raises :class:`StoreError` when the tables are not agentd's.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    if not {"alembic_version", "work_order"} <= tables:
        raise StoreError("it is an SQLite database, but not one of agentd's; name another file")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise StoreError("it does not say which version of agentd it belongs to")
    return str(row[0])


def inspect(path: Path) -> str | None:
    """Check a database before anything is written to it; its revision, or None when it is empty.

    Raises :class:`StoreError` with plain words when it is damaged, locked or not agentd's.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            revision = revision_of(connection)
            if path.stat().st_size <= CHECK_MAX_BYTES:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    where = " ".join(str(verdict).split())
                    raise StoreError(f"{_WORDS['SQLITE_CORRUPT']} ({where})")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"cannot open the database {path}: {trouble_words(error)}") from error
    except StoreError as error:
        raise StoreError(f"cannot open the database {path}: {error}") from error
    return revision


# --- migrations ------------------------------------------------------------------------------


class Log(Protocol):
    """What is told while a database is opened."""

    def info(self, event: str, **fields: Any) -> Any:
        """Log one event."""
        ...


def back_up(path: Path, revision: str) -> Path:
    """A copy of the database as it stands, beside it; never over an older copy."""
    number = 1
    while True:
        copy = path.with_name(f"{path.name}.{revision}.{number}.bak")
        if not copy.exists():
            break
        number += 1
    unfinished = copy.with_name(copy.name + ".tmp")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=5.0)
        try:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        finally:
            connection.close()
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        words = trouble_words(error) if isinstance(error, sqlite3.Error) else str(error)
        raise StoreError(
            f"the database {path} was not upgraded, since no backup could be made: {words}"
        ) from error
    return copy


def _migrations() -> Any:
    # Late: Alembic is needed only when there is something to migrate.
    from alembic.config import Config

    config = Config()
    here = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(here).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def known_revisions() -> list[str]:
    """All migrations of this agentd, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_migrations())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest shape, in the connection's transaction or not at all."""
    from alembic import command

    config = _migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


Opening = Literal["found", "created", "upgraded"]


async def prepare(path: Path, engine: AsyncEngine, log: Log) -> Opening:
    """Check the file and bring it to the newest shape, after a backup when it holds something."""
    await asyncio.to_thread(touch, path)
    revision = await asyncio.to_thread(inspect, path)
    if revision == HEAD_REVISION:
        return "found"
    if revision is not None:
        if revision not in await asyncio.to_thread(known_revisions):
            raise StoreError(
                f"the database {path} was written by a newer agentd (its revision {revision}, "
                f"ours {HEAD_REVISION}); install that agentd, or put the backup from before its "
                f"upgrade in the file's place"
            )
        copy = await asyncio.to_thread(back_up, path, revision)
        log.info("store_upgrading", path=str(path), was=revision, backup=str(copy))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    except DBAPIError as error:
        if not is_trouble(error):
            raise
        raise StoreError(
            f"cannot prepare the database {path}: {trouble_words(error.orig or error)}"
        ) from error
    if revision is None:
        log.info("store_created", path=str(path), revision=HEAD_REVISION)
        return "created"
    log.info("store_upgraded", path=str(path), was=revision, revision=HEAD_REVISION)
    return "upgraded"
