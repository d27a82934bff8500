"""What a miss costs: the same questions with `max_age_s` 0, so that each goes to the store, and without it, all hits.

Rounds alternate; single verifications at 64 and 256 connections, and batches of 100. Then 200 callers who miss one key
at the same moment, held back together by stopping the hub: the store is asked as often as for one. Last, a heavy import
beside hits and beside misses: nobody who reads waits for the writer.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections import Counter
from pathlib import Path

from crowd import connected, whole
from hub import Checks, Hub, arguments, binary, person, put_records, read_answer, verification, workdir
from load import BATCH, SINGLE, Load, batches, line, load, write

FIELDS = ("name", "birth_date", "domicile_address")
IMPORTED = 5_000_000  # numbers of the people that are imported begin here
BURST = 200
BATCHES = 64  # connections that send batches
# What a connection of SQLite does for each query in WAL mode, whatever its page cache holds: it locks, it reads.
CALLS = ("fcntl", "pread64")


class Drill:
    def __init__(self, args, checks: Checks, hub: Hub, folder: Path):
        self.args, self.checks, self.hub, self.folder = args, checks, hub, folder
        self.figures: dict = {}
        people = [person(n) for n in range(args.records)]
        taken, refused = put_records(hub.client("authority"), "natural-person", people)
        checks.ok("the records are in", taken == args.records, refused[:2])
        questions = [verification(p, *FIELDS) for p in people]
        hits = [line(q) for q in questions]
        misses = [line(q | {"max_age_s": 0}) for q in questions]
        self.bodies = {
            ("single", "hit"): write(folder / "hit", hits),
            ("single", "miss"): write(folder / "miss", misses),
            ("batch", "hit"): write(folder / "batch-hit", batches(hits, 100)),
            ("batch", "miss"): write(folder / "batch-miss", batches(misses, 100)),
        }

    def lookups(self) -> dict[str, float]:
        return {r: self.hub.metric("heyan_cache_lookups_total", f'result="{r}"') for r in ("hit", "miss")}

    def settled(self) -> dict[str, float]:
        """Look-ups, once what an earlier load left behind is done: a round ends in the middle of its last requests."""
        now, before = self.lookups(), None
        while now != before:
            time.sleep(0.1)
            now, before = self.lookups(), now
        return now

    def run(self, kind: str, way: str, connections: int) -> dict:
        """One round; every look-up must have gone where the round says."""
        before = self.settled()
        path = BATCH if kind == "batch" else SINGLE
        got = load(self.hub, self.bodies[kind, way], connections, self.args.seconds, path=path)
        went = {r: n - before[r] for r, n in self.settled().items()}
        self.checks.ok(f"{kind} {way}: every look-up is a {way}", went[way] >= 0.99 * sum(went.values()), went)
        strange = {k: n for k, n in got["statuses"].items() if k != "200"}
        fine = not strange and not got["broken"]
        self.checks.ok(f"{kind} {way}: every answer is 200", fine, (strange, got["broken"]))
        return got

    def ratio(self, kind: str, connections: int) -> None:
        """Misses against hits, each round beside its neighbour."""
        pairs = []
        for n in range(self.args.rounds):
            order = ("hit", "miss") if n % 2 else ("miss", "hit")
            got = {way: self.run(kind, way, connections) for way in order}
            pairs.append(got)
            for way, g in got.items():
                rate, p99 = g["ok"]["rate"], g["ok"]["p99"] / 1000
                cpu = g["cpu_us"]
                print(f"{kind} x {connections} {way:4} {rate:8.0f}/s p99 {p99:.2f} ms cpu {cpu:.1f} us", flush=True)
        ratio = statistics.median(p["miss"]["ok"]["rate"] / p["hit"]["ok"]["rate"] for p in pairs)
        cpu = statistics.median(p["hit"]["cpu_us"] / p["miss"]["cpu_us"] for p in pairs)
        name = f"{kind}_{connections}"
        self.figures[name] = {"ratio": ratio, "cpu_ratio": cpu, "rounds": pairs}
        least = self.args.ratio_min
        self.checks.ok(f"{kind} x {connections}: misses reach {least} of hits", ratio >= least, f"{ratio:.3f}")

    def asked(self, request: bytes, callers: int) -> int:
        """System calls of the store's reading threads while so many callers ask at the same moment."""
        pid, out = self.hub.process.pid, self.folder / f"strace-{callers}"
        names = {p.name: (p / "comm").read_text().strip() for p in Path(f"/proc/{pid}/task").iterdir()}
        readers = {tid for tid, name in names.items() if name.startswith("heyan-db-read")}
        threads = [f"-p{tid}" for tid in sorted(readers)]
        tracer = subprocess.Popen(
            ["strace", "-qq", "-e", f"trace={','.join(CALLS)}", "-o", out, *threads],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        socks, stood = connected(self.hub, callers, 5)
        time.sleep(0.5)
        os.kill(pid, signal.SIGSTOP)
        try:
            for sock in socks:
                sock.setblocking(True)
                sock.settimeout(10)
                sock.sendall(request)
        finally:
            os.kill(pid, signal.SIGCONT)
        answers = Counter(answer.status if (answer := read_answer(sock)) else 0 for sock in socks)
        for sock in socks:
            sock.close()
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        self.checks.ok(f"{callers} callers of one key are answered", answers == {200: callers}, (stood, answers))
        return sum(f" {call}(" in text for text in out.read_text().splitlines() for call in CALLS)

    def burst(self) -> None:
        """A crowd that misses one key asks the store as often as a single caller does."""
        people = [person(self.args.records + n) for n in range(3)]
        put_records(self.hub.client("authority"), "natural-person", people)
        requests = [whole(self.hub, line(verification(p, *FIELDS))) for p in people]
        self.asked(requests[0], 1)  # the first time, pages that all share are read
        alone = self.asked(requests[1], 1)
        before = self.lookups()
        crowd = self.asked(requests[2], BURST)
        missed = self.lookups()["miss"] - before["miss"]
        # Not all of them: the answer is there before the workers have read every request.
        self.checks.ok("some of the crowd missed together", missed > 1, missed)
        # Two: who came after the first answer was on its way may have begun a second load.
        fine = 0 < alone and crowd <= 2 * alone + 4
        self.checks.ok(f"{BURST} callers who miss one key ask the store once", fine, (alone, crowd))
        self.figures["burst"] = {"missed": missed, "calls_alone": alone, "calls_crowd": crowd}

    def import_beside(self, way: str, begin: int) -> dict:
        """An open load of hits or misses without an import, and the same while one runs."""
        kw = {"rate": self.args.rate}
        bodies = self.bodies["single", way]
        calm = load(self.hub, bodies, 64, self.args.seconds, **kw)
        rows = self.folder / "rows.ndjson"
        people = (person(n) for n in range(begin, begin + self.args.imported))
        rows.write_text("".join(line(p) + "\n" for p in people))
        token = self.folder / "token"
        token.write_text(self.hub.tokens["authority"])
        token.chmod(0o600)
        command = [binary(), "--output", "json", "import", "natural-person", str(rows), "--url", self.hub.url]
        beside = Load(self.hub, bodies, 64, 120, **kw)
        began = time.monotonic()
        done = subprocess.run([*command, "--token-file", str(token)], capture_output=True, text=True, timeout=110)
        seconds = time.monotonic() - began
        busy = beside.stop()
        told = json.loads(done.stdout or "{}")
        fine = done.returncode == 0 and told.get("created") == self.args.imported
        self.checks.ok(f"the import beside {way}s is complete", fine, (done.returncode, done.stdout, done.stderr[-300:]))
        for name, got in (("calm", calm), ("busy", busy)):
            strange = {k: n for k, n in got["statuses"].items() if k != "200"}
            self.checks.ok(f"{way} {name}: every answer is 200", not strange and not got["broken"], strange)
        figures = {"calm": calm["ok"], "busy": busy["ok"], "import_s": seconds, "rows_s": self.args.imported / seconds}
        print(
            f"{way}: p99 {calm['ok']['p99'] / 1000:.2f} ms, beside an import of {figures['rows_s']:.0f} rows/s"
            f" {busy['ok']['p99'] / 1000:.2f} ms (max {busy['ok']['max'] / 1000:.1f}, {busy['ok']['rate']:.0f}/s)",
            flush=True,
        )
        self.figures[f"import_{way}"] = figures
        return figures

    def writer(self) -> None:
        """Reads beside a heavy import. Misses and hits share the cores with it alike: what a miss waits beyond a hit is
        the writer's."""
        hit = self.import_beside("hit", IMPORTED)
        miss = self.import_beside("miss", IMPORTED + self.args.imported)
        limit, p99 = self.args.p99_max_ms, hit["busy"]["p99"] / 1000
        self.checks.ok(f"beside an import p99 of a hit is at most {limit} ms", p99 <= limit, p99)
        limit = max(3 * p99, p99 + self.args.slack_ms)
        p99 = miss["busy"]["p99"] / 1000
        self.checks.ok("beside an import a miss does not wait for the writer", p99 <= limit, (p99, limit))


def main() -> None:
    args = arguments(
        __doc__,
        ("--seconds", {"type": float, "default": 3, "help": "of each round"}),
        ("--rounds", {"type": int, "default": 3}),
        ("--connections", {"default": "64,256"}),
        ("--records", {"type": int, "default": 20_000}),
        ("--ratio-min", {"type": float, "default": 0.6}),
        ("--parts", {"default": "ratio,burst,import"}),
        ("--imported", {"type": int, "default": 50_000, "help": "records of each import"}),
        ("--rate", {"type": float, "default": 2000, "help": "requests a second beside the import"}),
        ("--p99-max-ms", {"type": float, "default": 100, "help": "of a hit beside the import"}),
        ("--slack-ms", {"type": float, "default": 20, "help": "by which a miss may be later than a hit"}),
        ("--out", {"help": "write the figures to this file as JSON"}),
    )
    checks, folder, parts = Checks("cold"), workdir("cold"), args.parts.split(",")
    for program in ("cc", "strace", binary()):
        if not checks.ok(f"{program} is there", shutil.which(program)):
            checks.finish()
    with Hub(folder / "data") as hub:
        drill = Drill(args, checks, hub, folder)
        if "ratio" in parts:
            drill.run("single", "miss", 64)
            load(hub, drill.bodies["single", "hit"], 64, 1)
            for connections in args.connections.split(","):
                drill.ratio("single", int(connections))
            # More batches at once than these are more than one agency may have under way.
            drill.ratio("batch", BATCHES)
        if "burst" in parts:
            drill.burst()
        if "import" in parts:
            drill.writer()
    figures = drill.figures
    if args.out:
        Path(args.out).write_text(json.dumps(figures, indent=1))
    told = {}
    for name, found in figures.items():
        if "ratio" in found:
            told |= {f"{name}_ratio": round(found["ratio"], 3), f"{name}_cpu_ratio": round(found["cpu_ratio"], 3)}
    for way in ("hit", "miss"):
        if found := figures.get(f"import_{way}"):
            told |= {f"{way}_p99_ms": found["calm"]["p99"] / 1000, f"{way}_p99_import_ms": found["busy"]["p99"] / 1000}
            told["import_rows_s"] = round(found["rows_s"])
    if "burst" in figures:
        told |= {k: int(v) for k, v in figures["burst"].items()}
    checks.finish(**told)


if __name__ == "__main__":
    main()
