"""A URL -> transactions on its database, one writer at a time, tables up to date, failures as one error of ours.

Knows SQLite from PostgreSQL, so that nothing above it must; knows nothing of reviews.
"""

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError

from tagger.errors import StoreUnavailableError

if TYPE_CHECKING:
    from alembic.config import Config

_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_WRITER_LOCK = 7_233_961  # any number, the same in every process: who holds it writes
_WRITES = "tagger_writes"

# The last of tagger/migrations/versions, which Alembic would have to be imported to find; tests/test_check.py compares them.
_NEWEST = "0001"
# Of the tables: none yet, to be migrated when a service starts, up to date.
State = Literal["new", "older", "current"]


class Database:
    """A SQLite file or a PostgreSQL database, one writer at a time; may be used by any number of threads.

    url: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`. wait_seconds: how long to wait for another
    writer, or for a connection, before giving up. Whatever the database does not answer is a `StoreUnavailableError`.
    """

    def __init__(self, url: str, wait_seconds: float) -> None:
        self._url = _usable(url)
        self._wait = wait_seconds
        self.engine = _engine(self._url, wait_seconds)

    def migrate(self) -> None:
        """Bring the tables up to date, in one transaction; processes that do so at once wait for each other."""
        with self.writing() as connection:
            if _versions(connection) != {_NEWEST}:
                self._upgrade(connection)

    def _upgrade(self, connection: Connection) -> None:
        # Importing Alembic takes 0.1 s and 12 MB, which a worker whose tables are up to date, nearly every one, need not pay.
        from alembic import command  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = _alembic()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise self._too_new(error) from error

    def state(self) -> State:
        """Tell whether the tables are there and up to date, and that they can be written to, without changing any."""
        if self._is_missing_file():
            return "new"
        with self.writing() as connection:
            versions = _versions(connection)
        if not versions:
            return "new"
        if versions == {_NEWEST}:
            return "current"
        self._check_known(versions)
        return "older"

    def _check_known(self, versions: Collection[str]) -> None:
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above
        from alembic.util import CommandError  # noqa: PLC0415

        scripts = ScriptDirectory.from_config(_alembic())
        try:
            for version in versions:
                scripts.get_revision(version)
        except CommandError as error:
            raise self._too_new(error) from error

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that only reads."""
        with self._answering(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Begin as the only writer: SQLite by BEGIN IMMEDIATE, PostgreSQL by a lock that ends with the transaction.

        A transaction that reads first and asks to write later fails in SQLite whenever another one wrote in between.
        In PostgreSQL a sequence would show number 5 before number 4 is committed, and a reader would never see 4.
        """
        with (
            self._answering(),
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                milliseconds = str(int(self._wait * 1000))
                connection.execute(sa.select(sa.func.set_config("lock_timeout", milliseconds, sa.true())))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError):
            raise
        except (DBAPIError, sa.exc.TimeoutError) as error:
            raise StoreUnavailableError(
                f"The review store at {self._where()} does not answer ({self._cause(error)}): try again in a few seconds."
            ) from error

    def _too_new(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The review store at {self._where()} cannot be brought up to date ({error}): was it made by a newer tagger?"
        )

    def _is_missing_file(self) -> bool:
        """Tell whether SQLite would make a new file: opening it to look would do so."""
        if self._url.get_backend_name() != "sqlite" or (file := Path(self._url.database or "")).exists():
            return False
        if not os.access(file.parent, os.W_OK | os.X_OK):
            raise StoreUnavailableError(
                f"The review store {file} cannot be made: {file.parent} is no folder that can be written to."
            )
        return True

    def _where(self) -> str:
        return self._url.set(query={}).render_as_string(hide_password=True)

    def _cause(self, error: SQLAlchemyError) -> str:
        """Return the first line of what the driver said, without any password of the URL, should it repeat one."""
        text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0].rstrip(".")
        hidden = [self._url.password, *(value for key, value in self._url.query.items() if "password" in key)]
        for password in hidden:
            text = text.replace(str(password), "***") if password else text
        return text


def _versions(connection: Connection) -> set[str]:
    """Return what Alembic noted of the tables; nothing where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def _alembic() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "tagger.reviews:migrations")
    return config


def _usable(url: str) -> URL:
    """Read the URL; what is wrong with it is told without repeating it, for it may hold a password."""
    with contextlib.suppress(ArgumentError, ValueError):
        parsed = make_url(url)
        # sqlite://FOLDER/FILE, with a slash too few, names a host.
        of_a_host = parsed.get_backend_name() == "sqlite" and parsed.host
        if parsed.drivername in _DRIVERS and parsed.database not in (None, "", ":memory:") and not of_a_host:
            return parsed
    raise StoreUnavailableError(
        "The URL of the review store cannot be used: give sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
    )


def _engine(url: URL, wait_seconds: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        arguments: dict[str, Any] = {"timeout": wait_seconds}
    else:
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": max(2, int(wait_seconds))}
    # A file is opened for each use: that costs little, leaves nothing open, and finds a file that was put back.
    pool: dict[str, Any] = {"pool_pre_ping": True, "pool_timeout": wait_seconds}
    pool = {"poolclass": sa.pool.NullPool} if url.get_backend_name() == "sqlite" else pool
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Leave BEGIN to us, keep readers out of the writer's way, and have a commit wait for the disk."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
