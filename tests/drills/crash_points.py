"""Kills aimed at named points: a write, sync or rename of a chosen file, before or after it, at a chosen count; and a second kill at a
point of the recovery that follows. After each pair everything that was acknowledged is there.

The test of the test: a journal whose end is cut off, and the database of the beginning, must be reported.
"""

import json
import os
import random
import shutil
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, Hub, HubFailed, arguments, person, put_records, workdir
from kill import Worker, own_records
from power import library
from power_loss import look

# What is under way at a point: call and file, and at which call it dies at the latest; which one, chance decides. What is
# done once a second or less dies at its first or second.
POINTS = [
    ("journal written", "write ledger/journal", 11),
    ("journal synced", "sync ledger/journal", 11),
    ("levels written", "write ledger/hashes", 4),
    ("checkpoint written", "write checkpoint", 2),
    ("checkpoint renamed", "rename ledger/checkpoint", 2),
    ("bundle index written", "write bundles", 1),
    ("positions renamed", "rename .position", 1),
    ("WAL written", "write sqlite-wal", 40),
    ("WAL synced", "sync sqlite-wal", 11),
    ("database written", "write heyan.sqlite", 4),
    ("changes renamed", "rename ledger/changes", 1),
]
# These are passed many times a second: a run that strikes none of them has not aimed.
BUSY = ("journal written", "journal synced", "WAL written", "WAL synced")
THREADS = 4


class Place:
    """One data folder that lives on through all kills, and what was acknowledged on it."""

    def __init__(self, work: Path, seed: int):
        self.work, self.data, self.rng = work, work / "data", random.Random(seed)
        self.library = library(work)
        self.acks: list[dict] = []
        self.editions: dict[int, int] = {}
        self.round = 0

    def env(self, point: str, when: str, count: int) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "HEYAN_KILL": f"{point} {when} {count}"} | WRONG_ON_PURPOSE

    def under_load(self, point: str, when: str, count: int, seconds: float) -> tuple[bool, list[dict]]:
        """A hub under load until it dies at its point; whether it did, and what was acknowledged."""
        self.round += 1
        files = [self.work / f"acks-{self.round}-{thread}" for thread in range(THREADS)]
        try:
            hub = Hub(self.data, seed=1, env=self.env(point, when, count), logs=self.work)
        except HubFailed:
            return True, []  # it died while it started
        seeds = [random.Random(self.rng.random()) for _ in range(THREADS)]
        workers = [Worker(own_records(self.round, t), hub, files[t], self.editions, seeds[t]) for t in range(THREADS)]
        for worker in workers:
            worker.start()
        end = time.monotonic() + seconds
        while hub.process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        died = hub.process.poll() is not None
        hub.kill()
        for worker in workers:
            worker.halt.set()
        for worker in workers:
            worker.join(10)
        return died, [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]

    def recovery(self, point: str, when: str, count: int) -> bool:
        """A start that is killed at its point; whether it died."""
        try:
            hub = Hub(self.data, seed=1, env=self.env(point, when, count), logs=self.work)
        except HubFailed:
            return True
        time.sleep(0.3)
        died = hub.process.poll() is not None
        hub.kill()
        return died


def cut_short(folder: Path, pattern: str, share: float) -> None:
    """Cuts the end off the newest file of a pattern."""
    files = sorted(folder.glob(pattern), key=lambda file: file.stat().st_mtime_ns)
    raw = files[-1].read_bytes()
    # A journal is longer than what was written into it: zeroes at its end say nothing.
    used = len(raw.rstrip(b"\0"))
    files[-1].chmod(0o600)
    files[-1].write_bytes(raw[: int(used * share)])


def main() -> None:
    args = arguments(
        __doc__,
        ("--kills", {"type": int, "default": 11, "help": "aimed kills; each is followed by one in the recovery"}),
        ("--seed", {"type": int, "default": 1}),
        ("--minutes", {"type": float, "default": 30}),
    )
    checks, work = Checks("crash_points"), workdir("crash_points")
    stop_at = time.monotonic() + args.minutes * 60
    place = Place(work, args.seed)
    with Hub(place.data, seed=1, env=WRONG_ON_PURPOSE, logs=work) as hub:
        taken, refused = put_records(hub.client("authority"), "natural-person", [person(n) for n in range(50)])
        checks.ok("the common records are in", taken == 50, refused[:2])
    early = work / "early"
    shutil.copytree(place.data, early, ignore=shutil.ignore_patterns("*-shm"))
    struck: dict[str, int] = {}
    kills = doubles = lost = 0
    for at in range(args.kills):
        if time.monotonic() > stop_at:
            break
        name, point, most = POINTS[at % len(POINTS)]
        when, count = place.rng.choice(["before", "after"]), place.rng.randint((most + 1) // 2, most)
        died, acks = place.under_load(point, when, count, 3.0)
        kills, struck[name] = kills + 1, struck.get(name, 0) + died
        again, second = place.rng.choice(POINTS), place.rng.randrange(1, 3)
        doubles += place.recovery(again[1], place.rng.choice(["before", "after"]), second)
        missing = look(place.data, acks, place.editions, place.rng)
        lost += bool(missing)
        checks.ok(f"{name} ({when}, {count}), then {again[0]}: nothing is lost", not missing, missing[:2])
        place.acks += acks
    missed = [name for name in BUSY if struck.get(name, 1) == 0]
    checks.ok("points that are passed often were struck", not missed, struck)
    checks.ok("a third of all points were", sum(struck.values()) * 3 >= kills, struck)
    checks.ok("recoveries were struck too", doubles * 4 >= kills, doubles)
    # All of the run once more: no later recovery undid an earlier one.
    missing = look(place.data, [ack for ack in place.acks if "record" not in ack], {}, place.rng)
    checks.ok("everything of the run is there", not missing, missing[:2])
    found = {}
    for name in ("journal", "database"):
        hurt = work / f"hurt-{name}"
        shutil.copytree(place.data, hurt / "data", ignore=shutil.ignore_patterns("*-shm"))
        # By itself it says already that it is a copy; what is tried here is what it lacks.
        (hurt / "data" / "data" / "serving").unlink(missing_ok=True)
        if name == "journal":
            cut_short(next((hurt / "data").rglob("journal")), "*.log", 0.5)
        else:
            for file in [*(hurt / "data").rglob("heyan.sqlite*")]:
                file.unlink()
            for file in early.rglob("heyan.sqlite*"):
                shutil.copy2(file, hurt / "data" / file.relative_to(early))
        missing = look(hurt / "data", place.acks[-200:], place.editions, place.rng)
        checks.ok(f"with a {name} that lacks its end, loss is found", missing)
        found[f"hurt_{name}"] = len(missing)
    checks.finish(kills=kills, struck=sum(struck.values()), doubles=doubles, acks=len(place.acks), lost=lost, **found)


if __name__ == "__main__":
    os.umask(0o077)
    main()
