"""Loses power at many moments under load, and looks for every acknowledged answer afterwards.

`kill -9` keeps what was written and not synced; a power cut does not. All writes and syncs of a hub under load are recorded; for a
moment in the record the folder is made again with only what was synced before it, and a random part of the rest; a hub is started
on it, and everything that clients had been told by then must be there. Then the test of the test: with the syncs of the journal,
and after that of the database's log, left out of the same record, the same look must find loss.
"""

import json
import os
import random
import shutil
import threading
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, Hub, HubFailed, arguments, person, put_records, workdir
from kill import Worker, check_ledger, check_records, own_records
from power import WRITE, Cutter, library, records

THREADS = 4


class TimedWorker(Worker):
    """As in `kill.py`, with the time of each acknowledgement."""

    def verify(self, client):
        ack = super().verify(client)
        return ack and ack | {"at_s": time.monotonic()}

    def put(self, client):
        ack = super().put(client)
        return ack and ack | {"at_s": time.monotonic()}


class Looker:
    """Counts what is lost, without a failed check for each piece."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def ok(self, what: str, holds, detail="") -> bool:
        if not holds:
            self.failures.append(f"{what}: {detail}")
        return bool(holds)


def load(folder: Path, env: dict[str, str], seconds: float, seed: int) -> tuple[list[dict], dict[int, int]]:
    """A hub under load until it is killed; what was acknowledged, and the editions that were sent."""
    editions: dict[int, int] = {}
    hub = Hub(folder / "data", seed=1, env=env)
    files = [folder / f"acks-{thread}" for thread in range(THREADS)]
    rng = random.Random(seed)
    workers = [TimedWorker(own_records(0, t), hub, files[t], editions, random.Random(rng.random())) for t in range(THREADS)]
    for worker in workers:
        worker.start()
    time.sleep(seconds)
    hub.kill()
    for worker in workers:
        worker.halt.set()
    for worker in workers:
        worker.join(10)
    acks = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return sorted(acks, key=lambda ack: ack["at_s"]), editions


def look(data: Path, acks: list[dict], editions: dict[int, int], rng: random.Random) -> list[str]:
    """Starts a hub on a folder; what of the acknowledged answers it lacks, or that it does not start."""
    looker = Looker()
    try:
        hub = Hub(data, seed=1, env=WRONG_ON_PURPOSE, logs=data.parent)
    except HubFailed as failed:
        return [str(failed)[-400:]]
    try:
        newest: dict[int, dict] = {}
        for ack in acks:
            if "record" in ack and ack["edition"] > newest.get(ack["record"], {"edition": -1})["edition"]:
                newest[ack["record"]] = ack
        check_ledger(looker, hub, acks, rng)
        check_records(looker, hub, newest, editions)
    finally:
        hub.kill()
    return looker.failures


def main() -> None:
    args = arguments(
        __doc__,
        ("--points", {"type": int, "default": 8}),
        ("--seconds", {"type": float, "default": 2.0, "help": "load"}),
        ("--seed", {"type": int, "default": 1}),
        ("--minutes", {"type": float, "default": 30, "help": "no more points after so long"}),
    )
    rng, work, checks = random.Random(args.seed), workdir("power_loss"), Checks("power_loss")
    stop_at = time.monotonic() + args.minutes * 60
    with Hub(work / "data", seed=1) as hub:
        taken, refused = put_records(hub.client("authority"), "natural-person", [person(n) for n in range(50)])
        checks.ok("the common records are in", taken == 50, refused[:2])
    base = work / "base"
    shutil.copytree(work / "data", base)
    traced = work.resolve() / "data"
    env = {"LD_PRELOAD": str(library(work)), "HEYAN_TRACE": str(work / "trace"), "HEYAN_TRACED": f"{traced}/"} | WRONG_ON_PURPOSE
    acks, editions = load(work, env, args.seconds, args.seed)
    trace = records(work / "trace")
    checks.ok("the load was recorded", len(acks) > 20 and len(trace) > 100, (len(acks), len(trace)))
    first = next((at for at, record in enumerate(trace) if record.at_s > acks[0]["at_s"]), 0)

    def point(cutter: Cutter, at: int, keeps: float) -> list[str]:
        into = work / "cut" / "data"
        shutil.rmtree(into.parent, ignore_errors=True)
        into.parent.mkdir()
        cutter.cut(at, into, rng, keeps)
        # The folder stands for the same disk after the cut, but its files are made anew: an atomic snapshot.
        (into / "data" / "serving").unlink(missing_ok=True)
        # What was told before the last call that had ended by then.
        told = [ack for ack in acks if ack["at_s"] < trace[at - 1].at_s]
        return look(into, told, editions, rng)

    # The end too: all that was told is then asked for.
    moments = sorted(rng.randrange(first, len(trace)) for _ in range(args.points - 1)) + [len(trace)]
    cutter, done, lost = Cutter(base, traced, trace), 0, 0
    for at in moments:
        if time.monotonic() > stop_at:
            break
        missing = point(cutter, at, rng.choice([0.0, 0.0, 0.5]))
        done, lost = done + 1, lost + bool(missing)
        checks.ok("all that was told is there after a power cut", not missing, (at, missing[:2]))
    found = {}
    for name, part in (("journal", "/ledger/journal/"), ("wal", ".sqlite-wal")):
        assert any(part in record.path for record in trace if record.kind == WRITE), part
        missing = point(Cutter(base, traced, trace, without=part), len(trace), 0.0)
        checks.ok(f"with the syncs of the {name} left out, loss is found", missing)
        found[f"without_{name}"] = len(missing)
    checks.finish(points=done, acks=len(acks), calls=len(trace), lost=lost, **found)


if __name__ == "__main__":
    os.umask(0o077)
    main()
