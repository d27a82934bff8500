"""What a mismatch costs: one that touches a case that is known, and one that opens a case, beside the store's own commits.

Each opening is about another subject and another application. Both are asked by an agency that nobody pushes to, and the
openings also by one whose pushes are delivered while they are made. What they are held against is Python's sqlite3 on the
same disk: 64 cases a commit, each with the very rows that the hub wrote for one, every commit synced.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, Hub, arguments, binary, person, put_records, verification, workdir
from load import BATCH, batches, line, load, write
from store_base import database_file, grouped, insert, opened

TABLES = ("mismatches", "mismatch_steps", "events", "guesses")
GROUP = 64
KNOWN = 2000
ENTRY_BYTES = 300  # of a ledger entry in the outbox; the hub deletes them once they are in the ledger


def wrong(n: int, matter: str) -> dict:
    """A verification whose name is another one's."""
    record = person(n)
    name = "欧阳" + record["fields"]["name"][0] + "明"
    body = verification(record, "birth_date", name=name)
    body["purpose"]["application_no"] = matter
    return body


class Drill:
    def __init__(self, args, checks: Checks, hub: Hub, folder: Path):
        self.args, self.checks, self.hub, self.folder = args, checks, hub, folder
        self.rounds: dict[str, list[dict]] = {}
        self.next, self.file = KNOWN, database_file(folder / "data")
        records = KNOWN + 2 * args.rounds * args.openings
        taken, refused = put_records(hub.client("authority", 60), "natural-person", [person(n) for n in range(records)])
        checks.ok("the records are in", taken == records, refused[:2])
        known = [line(wrong(n, "KNOWN")) for n in range(KNOWN)]
        right = [line(verification(person(n), "birth_date", "name")) for n in range(KNOWN)]
        self.known, self.right = write(folder / "known", known), write(folder / "right", right)
        # In batches: every record is in memory, and every known case is open.
        for n, bodies in enumerate((known, [line(verification(person(n), "birth_date")) for n in range(records)])):
            file = write(folder / f"first-{n}", batches(bodies, 100))
            got = self.load(file, 8, len(bodies) // 100, path=BATCH)
            checks.ok("the first answers are 200", set(got["statuses"]) == {"200"}, got["statuses"])
        checks.ok("each known case is open", self.cases() == KNOWN, self.cases())

    def load(self, bodies: Path, connections: int, count: int, role: str = "agency2", **kw) -> dict:
        return load(self.hub, bodies, connections, 60, count=count, token=self.hub.tokens[role], **kw)

    def cases(self) -> int:
        """Cases in the store, whatever their state."""
        db = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        try:
            return db.execute("SELECT count(*) FROM mismatches").fetchone()[0]
        finally:
            db.close()

    def run(self, name: str, bodies: Path, count: int, opened_max: int, role: str = "agency2") -> None:
        """One round: as many answers, and as many new cases as it should bring."""
        before = self.cases()
        got = self.load(bodies, self.args.connections, count, role)
        grown = self.cases() - before
        fine = got["statuses"] == {"200": count} and not got["broken"]
        self.checks.ok(f"{name}: every answer is 200", fine, (got["statuses"], got["broken"]))
        self.checks.ok(f"{name}: {opened_max} cases are opened", grown == opened_max, grown)
        self.rounds.setdefault(name, []).append(got)
        ok = got["ok"]
        print(f"{name:16} {ok['rate']:8.0f}/s p50 {ok['p50'] / 1000:6.2f} ms p99 {ok['p99'] / 1000:7.2f} ms"
              f" cpu {got['cpu_us']:.0f} us", flush=True)  # fmt: skip

    def quiet(self, within_s: float = 120) -> bool:
        """Waits until no delivery is pending."""
        client, deadline = self.hub.client("operator"), time.monotonic() + within_s
        while time.monotonic() < deadline:
            answer = client.get("/v1/deliveries?state=pending&limit=1")
            if (answer.json() or {}).get("deliveries") == []:
                return True
            time.sleep(0.2)
        return False

    def openings(self, name: str, role: str) -> None:
        count = self.args.openings
        numbers = range(self.next, self.next + count)
        self.next += count
        bodies = write(self.folder / "new", [line(wrong(n, f"NEW-{n}")) for n in numbers])
        self.run(name, bodies, count, count, role)
        self.checks.ok(f"{name}: what is to be pushed is pushed", self.quiet(), "still pending after 120 s")


def store_rate(folder: Path, file: str, seconds: float) -> tuple[float, int]:
    """Cases a second of the store alone, and bytes of the rows of one, with the rows that the hub wrote."""
    hub = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    cases = hub.execute("SELECT * FROM mismatches").fetchall()
    columns = [len(hub.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()) for table in TABLES]
    steps = {row[0]: row for row in hub.execute("SELECT * FROM mismatch_steps WHERE seq = 1")}
    named = [d[0] for d in hub.execute("SELECT * FROM events LIMIT 1").description].index("mismatch")
    told = hub.execute("SELECT * FROM events WHERE kind = 'mismatch' ORDER BY seq DESC")
    events = {row[named]: row for row in told}
    guesses = {row[0]: row for row in hub.execute("SELECT * FROM guesses")}
    hub.close()
    whole = [
        (case, steps[case[0]], events[case[0]], guesses[case[2]])
        for case in cases
        if case[0] in steps and case[0] in events and case[2] in guesses
    ]
    entry = bytes(range(256)) + bytes(ENTRY_BYTES - 256)
    size = sum(len(str(v)) if not isinstance(v, bytes) else len(v) for row in whole[0] for v in row) + 2 * ENTRY_BYTES
    db = opened(folder / "base.db", file, (*TABLES, "ledger_outbox"))
    sql = [insert(table, count) for table, count in zip(TABLES, columns)]

    def write_group(db: sqlite3.Connection, part: list) -> None:
        for at, statement in enumerate(sql):
            db.executemany(statement, [case[at] for case in part])
        db.execute("DELETE FROM ledger_outbox")
        db.executemany("INSERT INTO ledger_outbox (entry) VALUES (?)", [(entry,)] * (2 * len(part)))

    rate = grouped(db, whole, GROUP, write_group, seconds)
    db.close()
    return rate, size


def main() -> None:
    args = arguments(
        __doc__,
        ("--rounds", {"type": int, "default": 3}),
        ("--openings", {"type": int, "default": 5000, "help": "of each round"}),
        ("--touches", {"type": int, "default": 40_000, "help": "of each round"}),
        ("--connections", {"type": int, "default": 64}),
        ("--touch-min", {"type": float, "default": 0.5, "help": "touches, of the store's own cases"}),
        ("--open-min", {"type": float, "default": 0.5, "help": "openings, of the store's own cases"}),
        ("--seconds", {"type": float, "default": 5, "help": "longest time of the store alone"}),
        ("--out", {"help": "write the figures to this file as JSON"}),
    )
    checks, folder = Checks("mismatch_load"), workdir("mismatch_load")
    for program in ("cc", binary()):
        if not checks.ok(f"{program} is there", shutil.which(program)):
            checks.finish()
    stores = []
    with Hub(folder / "data", env=WRONG_ON_PURPOSE) as hub:
        drill = Drill(args, checks, hub, folder)
        file = drill.file
        for n in range(args.rounds):
            drill.run("right", drill.right, args.touches, 0)
            drill.run("touch", drill.known, args.touches, 0)
            drill.openings("open", "agency2")
            drill.openings("open and push", "agency")
            (folder / str(n)).mkdir()
            rate, size = store_rate(folder / str(n), file, args.seconds)
            stores.append(rate)
            print(f"{'store':16} {rate:8.0f} cases/s, {size} bytes each, {GROUP} a commit", flush=True)
        checks.ok("the hub ends well", hub.stop(60) == 0)
    rate = {name: statistics.median(got["ok"]["rate"] for got in rounds) for name, rounds in drill.rounds.items()}
    ratios = {
        name: statistics.median(got["ok"]["rate"] / store for got, store in zip(drill.rounds[name], stores))
        for name in ("touch", "open", "open and push")
    }
    for name, least in (("touch", args.touch_min), ("open", args.open_min)):
        what = f"{name}: at least {least} of what the store does alone"
        checks.ok(what, ratios[name] >= least, f"{ratios[name]:.2f}")
    cpu = {name: statistics.median(got["cpu_us"] for got in rounds) for name, rounds in drill.rounds.items()}
    p99 = {name: statistics.median(got["ok"]["p99"] for got in rounds) / 1000 for name, rounds in drill.rounds.items()}
    if args.out:
        figures = {"rounds": drill.rounds, "store_cases_s": stores, "case_bytes": size, "ratios": ratios}
        Path(args.out).write_text(json.dumps(figures, indent=1))
    told = {}
    for name in rate:
        key = name.replace(" ", "_")
        told |= {f"{key}_s": round(rate[name]), f"{key}_cpu_us": round(cpu[name]), f"{key}_p99_ms": round(p99[name], 1)}
    checks.finish(
        store_cases_s=round(statistics.median(stores)),
        **{f"{name.replace(' ', '_')}_ratio": round(ratio, 2) for name, ratio in ratios.items()},
        touch_of_right=round(rate["touch"] / rate["right"], 2),
        **told,
    )


if __name__ == "__main__":
    main()
