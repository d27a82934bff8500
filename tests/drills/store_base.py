"""What the store itself can do, in the same run and on the same disk: Python's sqlite3 with the hub's tables and pragmas."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from parties import database


def database_file(data: Path) -> str:
    """The hub's database below a data directory."""
    with contextlib.closing(database(data)) as db:
        return db.execute("PRAGMA database_list").fetchone()[2]


def opened(file: Path, like: str, tables: tuple[str, ...], cache_kib: int = 65536) -> sqlite3.Connection:
    """A fresh database with these tables and their indexes as the hub's has them: WAL, every commit on disk, the page
    cache of the hub's writer. What the tables refer to is not there, and not looked for."""
    with contextlib.closing(sqlite3.connect(f"file:{like}?mode=ro", uri=True)) as hub:
        schema = hub.execute("SELECT sql, tbl_name FROM sqlite_schema ORDER BY type DESC").fetchall()
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA cache_size = -{cache_kib}")
    for statement, table in schema:
        if statement and table in tables:
            db.execute(statement)
    return db


def insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"


def grouped(db: sqlite3.Connection, rows: Iterable, group: int, write: Callable, seconds: float = 1e9) -> float:
    """Commits of `group` rows each, until the rows or the time are over; rows a second."""
    done, began, rows = 0, time.perf_counter(), iter(rows)
    while time.perf_counter() - began < seconds and (part := list(itertools.islice(rows, group))):
        db.execute("BEGIN IMMEDIATE")
        write(db, part)
        db.execute("COMMIT")
        done += len(part)
    return done / (time.perf_counter() - began)
