"""What a power cut leaves of a folder: made from the record of all its writes and syncs; see `power.c`."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("power.c")
HEAD = struct.Struct("<QQQQII")
WRITE, CUT, SYNC_BEGINS, SYNC_ENDS, RENAME, REMOVE = range(1, 7)


def library(work: Path) -> Path:
    """Builds the library that is preloaded."""
    made = work / "power.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", made, SOURCE, "-ldl"], check=True)
    return made


@dataclass
class Record:
    """One call, in the order in which the calls ended."""

    at_s: float  # on the monotonic clock, which the clients of the drill read too
    number: int
    kind: int
    path: str
    offset: int  # of a sync's end: the number of its begin
    data: bytes


def records(trace: Path) -> list[Record]:
    raw, at, found = trace.read_bytes(), 0, []
    while at + HEAD.size <= len(raw):
        at_ns, number, offset, length, kind, path_length = HEAD.unpack_from(raw, at)
        path_at = at + HEAD.size
        data_at = path_at + path_length
        data_length = length if kind in (WRITE, RENAME) else 0
        if data_at + data_length > len(raw):
            break
        path = raw[path_at:data_at].decode()
        found.append(Record(at_ns / 1e9, number, kind, path, offset, raw[data_at : data_at + data_length]))
        at = data_at + data_length
    return found


@dataclass
class Disk:
    """Files as the disk has them, and what is written but not synced."""

    files: dict[str, bytearray] = field(default_factory=dict)
    waiting: list[Record] = field(default_factory=list)

    def apply(self, record: Record) -> None:
        if record.kind == REMOVE:
            self.files.pop(record.path, None)
            return
        if record.kind == RENAME:
            old = self.files.pop(record.data.decode(), None)
            if old is not None:
                self.files[record.path] = old
            return
        content = self.files.setdefault(record.path, bytearray())
        end = record.offset + len(record.data)
        if record.kind == CUT:
            del content[record.offset :]
            content.extend(bytes(record.offset - len(content)))
            return
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        content[record.offset : end] = record.data

    def take(self, record: Record, without: str) -> None:
        """One record more; syncs of files whose path contains `without` are passed over."""
        if record.kind == SYNC_BEGINS:
            return
        if record.kind != SYNC_ENDS:
            self.waiting.append(record)
            return
        if without and without in record.path:
            return
        # A sync makes durable what was written to its file before it began; of a folder, its names.
        left = []
        for waiting in self.waiting:
            of_file = waiting.path == record.path
            of_folder = waiting.kind in (RENAME, REMOVE) and str(Path(waiting.path).parent) == record.path
            moved = waiting.kind == RENAME and waiting.data.decode() == record.path
            if waiting.number < record.offset and (of_file or of_folder or moved):
                self.apply(waiting)
            else:
                left.append(waiting)
        self.waiting = left

    def lose_power(self, rng: random.Random, keeps: float) -> None:
        """What was not synced is lost, but for a random part: a disk may have written any of it."""
        for waiting in self.waiting:
            if rng.random() < keeps:
                self.apply(waiting)
        self.waiting = []


class Cutter:
    """Makes folders as power cuts at rising moments leave them."""

    def __init__(self, base: Path, traced: Path, trace: list[Record], without: str = ""):
        self.base, self.traced, self.trace, self.without = base, traced, trace, without
        self.disk, self.next = Disk(), 0
        for file in base.rglob("*"):
            if file.is_file() and not file.name.endswith("-shm"):
                self.disk.files[str(traced / file.relative_to(base))] = bytearray(file.read_bytes())

    def cut(self, at: int, into: Path, rng: random.Random, keeps: float) -> None:
        """The folder after the first `at` records, at `into`."""
        while self.next < at:
            self.disk.take(self.trace[self.next], self.without)
            self.next += 1
        left = Disk({path: bytearray(content) for path, content in self.disk.files.items()}, list(self.disk.waiting))
        left.lose_power(rng, keeps)
        shutil.copytree(self.base, into)
        for file in into.rglob("*"):
            if file.is_file() and str(self.traced / file.relative_to(into)) not in left.files:
                file.unlink()
        for path, content in left.files.items():
            file = into / Path(path).relative_to(self.traced)
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() or file.read_bytes() != content:
                mode = file.stat().st_mode if file.exists() else 0o600
                file.unlink(missing_ok=True)
                file.write_bytes(content)
                file.chmod(mode & 0o777)
