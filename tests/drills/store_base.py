"""What the store itself can do, in the same run and on the same disk: Python's sqlite3 with the hub's tables and pragmas."""

from __future__ import annotations

import itertools
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from hub import ROOT


def statements(*names: str) -> list[str]:
    """The statements of the hub's own schema that make these tables and their indexes, without what they refer to."""
    text = "".join(p.read_text() for p in sorted((ROOT / "schemas/sql/sqlite").glob("*.sql")))
    text = re.sub(r" REFERENCES \w+ \(\w+\)", "", re.sub(r"^\s*--.*$", "", text, flags=re.M))
    wanted = re.compile(rf"CREATE (TABLE|(UNIQUE )?INDEX \w+ ON) ({'|'.join(names)})\s*\(")
    return [s.strip() for s in text.split(";") if wanted.match(s.strip())]


def opened(file: Path, tables: tuple[str, ...], cache_kib: int = 65536) -> sqlite3.Connection:
    """A fresh database with these tables: WAL, every commit on disk, the page cache of the hub's writer."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA cache_size = -{cache_kib}")
    for statement in statements(*tables):
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
