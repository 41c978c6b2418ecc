"""A URL -> transactions on its database, one writer at a time, tables up to date, failures as one error of ours.

Knows SQLite from PostgreSQL, so that nothing above it must; knows nothing of reviews.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError

from tagger.errors import StoreUnavailableError

_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_WRITER_LOCK = 7_233_961  # any number, the same in every process: who holds it writes
_WRITES = "tagger_writes"


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
        config = Config()
        config.set_main_option("script_location", "tagger:migrations")
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

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
        except CommandError as error:
            raise StoreUnavailableError(
                f"The review store at {self._where()} cannot be brought up to date ({error}): was it made by a newer tagger?"
            ) from error
        except (DBAPIError, sa.exc.TimeoutError) as error:
            raise StoreUnavailableError(
                f"The review store at {self._where()} does not answer ({self._cause(error)}): try again in a few seconds."
            ) from error

    def _where(self) -> str:
        return self._url.set(query={}).render_as_string(hide_password=True)

    def _cause(self, error: SQLAlchemyError) -> str:
        """Return the first line of what the driver said, without any password of the URL, should it repeat one."""
        text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0].rstrip(".")
        hidden = [self._url.password, *(value for key, value in self._url.query.items() if "password" in key)]
        for password in hidden:
            text = text.replace(str(password), "***") if password else text
        return text


def _usable(url: str) -> URL:
    """Read the URL; what is wrong with it is told without repeating it, for it may hold a password."""
    with contextlib.suppress(ArgumentError, ValueError):
        parsed = make_url(url)
        if parsed.drivername in _DRIVERS and parsed.database not in (None, "", ":memory:"):
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
