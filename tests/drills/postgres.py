"""Starts a throw-away PostgreSQL on loopback, runs a command with its URL in `HEYAN_TEST_POSTGRES`, and ends it again.

    python tests/drills/postgres.py cargo test --test it
    python tests/drills/postgres.py python tests/drills/loop.py

Hubs of the tests and of the drills then keep their data there, each in a database of its own. The server syncs for real: what is
told about durability holds for it too. `--in-memory` keeps the folder in /dev/shm where that is large: for many small databases, whose
files a disk takes minutes to delete. Exits with the command's code; without PostgreSQL's programs it exits 3.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOBODY = 65534
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 8 << 30
URL = "HEYAN_TEST_POSTGRES"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    """One server in a temporary folder, run as a user who may do nothing else."""

    def __init__(self, in_memory: bool = False) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            sys.exit("PostgreSQL is missing: install postgresql")
        self.bin = found[-1].parent
        is_large = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
        self.folder = Path(tempfile.mkdtemp(prefix="heyan-postgres-", dir=MEMORY if in_memory and is_large else None))
        atexit.register(self.stop)
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        make = ["-D", "data", "-U", "heyan", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(self._humble("initdb", *make), cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        self.start()

    @property
    def url(self) -> str:
        return f"postgres://heyan@127.0.0.1:{self.port}"

    def _humble(self, program: str, *args: str) -> list[str]:
        command = [str(self.bin / program), *args]
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *command]

    def is_ready(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def start(self, within_s: float = 60) -> float:
        """Starts the server, again if it was killed: processes of the old one may live a moment longer. Seconds that it took."""
        began = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - began > within_s:
                sys.exit("PostgreSQL did not start")
            if self.process is None or self.process.poll() is not None:
                options = ["-D", "data", "-p", str(self.port), "-h", "127.0.0.1", "-c", "unix_socket_directories="]
                options += ["-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"]
                log = open(self.folder / "server.log", "ab")
                self.process = subprocess.Popen(
                    self._humble("postgres", *options), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            time.sleep(0.05)
        return time.monotonic() - began

    def kill(self) -> None:
        """`kill -9` of the server; its own processes see that their parent is gone and end too."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """A quick orderly stop, and a start."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)
        self.start()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text: str, database: str = "postgres") -> str:
        """Runs statements; what they gave, unaligned and without headings."""
        command = [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", f"{self.url}/{database}", "-c", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def url_file(data: Path) -> Path:
    """A file with the URL of a database for the hub whose data lies in `data`, on the server that the environment names."""
    file = data.parent / f"{data.name}.postgres-url"
    if not file.exists():
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        database = f"d_{os.getpid()}_{time.monotonic_ns()}"
        server = os.environ[URL]
        subprocess.run([psql, "-X", "-q", f"{server}/postgres", "-c", f"CREATE DATABASE {database}"], check=True)
        file.touch(mode=0o600)
        file.write_text(f"{server}/{database}\n")
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    server = Postgres(args.in_memory)
    return subprocess.run(args.command, env={**os.environ, URL: server.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
