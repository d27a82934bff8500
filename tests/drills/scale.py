"""The same hub with 10 thousand, 100 thousand, a million records: what each of them costs, and what stays flat.

For each size a fresh hub takes the records by `heyan import`, beside the store's own bulk rate with equal rows; then it
starts again with them. Uniform keys over all records tell the latency, keys that are all in memory the cost of a hit,
and a walk over all records the bound of the cache.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

from hub import PURPOSE, Checks, Hub, arguments, binary, person_fields, resident_number, workdir
from load import BATCH, line, load, rss, write
from store_base import database_file, grouped, insert, opened

DATASET = "natural-person"
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许", "安宁晨曦思远嘉怡若溪明轩浩然雨桐子墨文博静雅志强丽娟"
WARM = 20_000


def parts(n: int) -> tuple[str, dict]:
    """Number and fields of the n-th person; arithmetic alone, for there are millions."""
    number = resident_number(n)
    name = SURNAMES[n % 20] + GIVEN[n * 7 % 26] + GIVEN[n * 11 % 26]
    return number, person_fields(n, number, name)


def question(n: int) -> dict:
    number, fields = parts(n)
    claims = {name: fields[name] for name in ("name", "birth_date", "domicile_address")}
    return {"dataset": DATASET, "subject": {"id_number": number}, "claims": claims}


def row(n: int) -> tuple:
    """The n-th person as the table of records holds him."""
    number, fields = parts(n)
    subject = hashlib.sha256(number.encode()).digest()[:16]
    return (DATASET, subject, 1, None, None, 1_795_000_000_000_000, None, line({"id_number": number}), line(fields))


def write_rows(file: Path, records: int) -> None:
    with open(file, "w") as f:
        for n in range(records):
            number, fields = parts(n)
            f.write(line({"subject": {"id_number": number}, "fields": fields}) + "\n")


def disk(folder: Path) -> int:
    """Bytes that a folder takes on disk."""
    return sum(p.stat().st_blocks * 512 for p in folder.rglob("*") if p.is_file())


def store_rate(folder: Path, like: str, records: int) -> float:
    """Rows a second of the store alone: the same rows into an equal table, a thousand a commit."""
    file = folder / "base.db"
    db = opened(file, like, ("records",))
    rows = [row(n) for n in range(records)]
    rate = grouped(db, rows, 1000, lambda db, part: db.executemany(insert("records", 9), part))
    db.close()
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    return rate


class Size:
    """One size: its own hub and folder."""

    def __init__(self, args, checks: Checks, folder: Path, records: int):
        self.args, self.checks, self.folder, self.records = args, checks, folder, records
        self.data, self.got = folder / "data", {"records": records}
        folder.mkdir()

    def fill(self) -> None:
        """Imports the records; what they cost on disk and in memory."""
        rows, token = self.folder / "rows.ndjson", self.folder / "token"
        write_rows(rows, self.records)
        with Hub(self.data):
            pass
        empty = disk(self.data)
        with Hub(self.data) as hub:
            token.write_text(hub.tokens["authority"])
            token.chmod(0o600)
            base, used = rss(hub.process.pid), hub.cpu_s()
            command = [binary(), "--output", "json", "import", DATASET, str(rows), "--url", hub.url]
            began = time.monotonic()
            command += ["--token-file", str(token)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.args.timeout_s)
            seconds = time.monotonic() - began
            told = json.loads(done.stdout or "{}")
            whole = done.returncode == 0 and told.get("created") == self.records
            self.checks.ok(f"{self.records} records go in", whole, (done.stdout, done.stderr[-300:]))
            self.got |= {
                "import_s": self.records / seconds,
                "import_cpu_us": (hub.cpu_s() - used) * 1e6 / self.records,
                "import_rss_mb": (rss(hub.process.pid) - base) / 1e6,
            }
        # After the stop, when the write-ahead log is in the database.
        self.got["disk_bytes_each"] = (disk(self.data) - empty) / self.records
        rows.unlink()
        base = min(self.records, self.args.base_max)
        self.got["store_s"] = store_rate(self.folder, database_file(self.data), base)
        self.got["import_ratio"] = self.got["import_s"] / self.got["store_s"]
        what = f"{self.records}: import reaches {self.args.import_min} of the store's bulk rate"
        self.checks.ok(what, self.got["import_ratio"] >= self.args.import_min, f"{self.got['import_ratio']:.2f}")

    def serve(self) -> None:
        """Starts with the records, and asks."""
        args, checks = self.args, self.checks
        with Hub(self.data, ready_within=300) as hub:
            self.hub = hub
            self.got |= {"ready_s": hub.ready_s, "rss_start_mb": rss(hub.process.pid) / 1e6}
            what = f"{self.records}: ready within {args.ready_max_s} s"
            checks.ok(what, hub.ready_s <= args.ready_max_s, hub.ready_s)
            rng = random.Random(self.records)
            chosen = [rng.randrange(self.records) for _ in range(args.sample)]
            bodies = write(self.folder / "uniform", [line(question(n) | {"purpose": PURPOSE}) for n in chosen])
            self.asked("uniform", bodies)
            bodies = write(self.folder / "warm", [line(question(n) | {"purpose": PURPOSE}) for n in chosen[:WARM]])
            # Often enough that the cache prefers them to what is asked once.
            for _ in range(3):
                load(hub, bodies, 64, 30, count=min(WARM, args.sample))
            hits = self.asked("cached", bodies)
            checks.ok(f"{self.records}: what is asked again and again is in memory", hits >= 0.99, hits)
            self.walk()
            self.got["rss_end_mb"] = rss(hub.process.pid) / 1e6

    def hits(self) -> tuple[float, float]:
        return tuple(self.hub.metric("heyan_cache_lookups_total", f'result="{r}"') for r in ("hit", "miss"))

    def asked(self, name: str, bodies: Path) -> float:
        """One load; the share of hits."""
        hit, miss = self.hits()
        got = load(self.hub, bodies, 64, self.args.seconds)
        hit, miss = (now - before for now, before in zip(self.hits(), (hit, miss)))
        fine = set(got["statuses"]) == {"200"} and not got["broken"]
        self.checks.ok(f"{self.records} {name}: every answer is 200", fine, got["statuses"])
        ok = got["ok"]
        self.got[name] = {
            "rate": ok["rate"],
            "p50_us": ok["p50"],
            "p99_us": ok["p99"],
            "cpu_us": got["cpu_us"],
            "hits": hit / max(1, hit + miss),
        }
        return self.got[name]["hits"]

    def walk(self) -> None:
        """Every record once, in batches, up to a limit: the cache keeps its bound, and each is found."""
        count = min(self.records, self.args.walk)
        purpose = line(PURPOSE)
        file = self.folder / "walk"
        with open(file, "w") as f:
            for at in range(0, count, 1000):
                items = ",".join(line({"ref": str(n)} | question(n)) for n in range(at, min(at + 1000, count)))
                f.write(f'{{"purpose":{purpose},"items":[{items}]}}\n')
        verified = self.hub.metric("heyan_verifications_total", 'outcome="verified"')
        bodies = -(-count // 1000)
        got = load(self.hub, file, 4, self.args.timeout_s, path=BATCH, count=bodies)
        found = self.hub.metric("heyan_verifications_total", 'outcome="verified"') - verified
        what = f"{self.records}: each record is found as it was sent"
        self.checks.ok(what, found == count, (found, count, got["statuses"]))
        held, bound = self.hub.metric("heyan_cache_bytes"), self.args.cache_bytes
        grown = rss(self.hub.process.pid) / 1e6 - self.got["rss_start_mb"]
        self.got |= {"cache_bytes": held, "cache_entries": self.hub.metric("heyan_cache_entries"), "walk_rss_mb": grown}
        self.got["rss_a_cache_byte"] = grown * 1e6 / max(1, held)
        self.checks.ok(f"{self.records}: the cache keeps its bound", 0 < held <= 1.02 * bound, (held, bound))


def main() -> None:
    args = arguments(
        __doc__,
        ("--records", {"default": "10000,100000,1000000", "help": "sizes"}),
        ("--seconds", {"type": float, "default": 5, "help": "of each load"}),
        ("--sample", {"type": int, "default": 200_000, "help": "records that are asked about, chosen uniformly"}),
        ("--walk", {"type": int, "default": 1_000_000, "help": "records that are asked about in turn"}),
        ("--base-max", {"type": int, "default": 1_000_000, "help": "rows that the store alone takes"}),
        ("--import-min", {"type": float, "default": 0, "help": "of the store's bulk rate"}),
        ("--flat-max", {"type": float, "default": 1.3, "help": "CPU of a hit, largest to smallest"}),
        ("--ready-max-s", {"type": float, "default": 10}),
        ("--cache-bytes", {"type": int, "default": 536_870_912, "help": "the bound that is configured"}),
        ("--timeout-s", {"type": float, "default": 1800, "help": "of one import"}),
        ("--out", {"help": "write the figures to this file as JSON"}),
    )
    checks, folder, sizes = Checks("scale"), workdir("scale"), []
    for program in ("cc", binary()):
        if not checks.ok(f"{program} is there", shutil.which(program)):
            checks.finish()
    print("| records | import/s | of store | disk B | ready s | uniform p50/p99 us | hit p50/p99 us | hit CPU us | cache MB |")
    for records in map(int, args.records.split(",")):
        size = Size(args, checks, folder / str(records), records)
        size.fill()
        size.serve()
        shutil.rmtree(size.folder, ignore_errors=True)
        got, uniform, cached = size.got, size.got["uniform"], size.got["cached"]
        sizes.append(got)
        print(
            f"| {records} | {got['import_s']:.0f} | {got['import_ratio']:.2f} | {got['disk_bytes_each']:.0f} |"
            f" {got['ready_s']:.2f} | {uniform['p50_us']}/{uniform['p99_us']} | {cached['p50_us']}/{cached['p99_us']} |"
            f" {cached['cpu_us']:.1f} | {got['cache_bytes'] / 1e6:.0f} |",
            flush=True,
        )
    costs = [got["cached"]["cpu_us"] for got in sizes]
    flat = max(costs) / min(costs)
    checks.ok(f"a hit costs the same at every size, within {args.flat_max}", flat <= args.flat_max, costs)
    if args.out:
        Path(args.out).write_text(json.dumps({"sizes": sizes, "flat": flat}, indent=1))
    last = sizes[-1]
    checks.finish(
        flat=round(flat, 2),
        records=last["records"],
        import_s=round(last["import_s"]),
        import_ratio=round(last["import_ratio"], 2),
        disk_bytes_each=round(last["disk_bytes_each"]),
        ready_s=round(last["ready_s"], 2),
        uniform_p99_us=last["uniform"]["p99_us"],
        hit_cpu_us=round(last["cached"]["cpu_us"], 1),
        cache_mb=round(last["cache_bytes"] / 1e6),
    )


if __name__ == "__main__":
    main()
