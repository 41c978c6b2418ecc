"""A PostgreSQL server in a temporary folder, reached by a socket in it, for as long as the tests run."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Server:
    """A server whose binaries lie in `binaries` and whose data and socket lie in `folder`."""

    binaries: Path
    folder: Path

    def initialise(self) -> None:
        """Make the data folder."""
        # PostgreSQL refuses to run as root, and its user must own the folder.
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--no-sync", "--auth=trust", "--username=tagger", "--encoding=UTF8")

    def start(self) -> None:
        """Start, and return when it takes connections."""
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=50"
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", f"--options={options}", "start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def new_database(self, name: str) -> str:
        """Return the URL of a new, empty database."""
        with psycopg.connect(host=str(self.folder), user="tagger", dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://tagger@/{name}?host={quote(str(self.folder), safe='')}"

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [self.binaries / command, f"--pgdata={self.folder / 'data'}", *arguments],
            user="postgres" if os.geteuid() == 0 else None,
            group="postgres" if os.geteuid() == 0 else None,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,  # not a pipe: the server inherits it and would hold it open
            check=True,
        )


def find_binaries() -> Path | None:
    """Return the folder of initdb and pg_ctl: of PATH, or of the newest version that Debian installs beside it."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


def temporary_folder() -> Path:
    """Return a new folder, open to other users as pytest's are not, with room for a socket's name in its path."""
    return Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
