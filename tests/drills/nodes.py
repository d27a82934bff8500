"""Two nodes on one PostgreSQL, hurt in every way that a drill can: what was acknowledged is never lost, and no answer rests on a
version that was replaced longer ago than the promise (a second in normal running, the lease otherwise).

    python tests/drills/nodes.py                       all of it, short
    python tests/drills/nodes.py --part fresh --long   one part, as long as an acceptance wants

fresh: the line is cut, a node is stopped for a while (SIGSTOP), the database restarts. faults: the database is killed and restarted
under load, and a node is killed. rolling: nodes are restarted in turn under load, each call repeated once at most. scale: what a
verification costs on one node of one core and on two.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from hub import Checks, Client, Hub, arguments, find, person, put_records, verification, workdir
from postgres import URL, Postgres
from second_node import SecondNode

PROMISE_S, LEASE_S = 1.0, 5.0


class Cluster:
    """A demo hub, a second node and the database that they share, which the drill may hurt."""

    def __init__(self, name: str):
        self.server = Postgres()
        os.environ[URL] = self.server.url
        self.folder = workdir(name)
        self.hub = Hub(self.folder / "data", persons=0)
        self.two = SecondNode(self.hub.data, self.folder, {"HEYAN__HTTP__DRAIN_MS": "300"})

    def client(self, node: int, role: str, timeout: float = 10) -> Client:
        return Client(self.hub.url if node == 0 else self.two.url, self.hub.tokens[role], timeout)

    def stop(self) -> None:
        self.two.stop()
        self.hub.stop()
        self.server.stop()


class Writer(threading.Thread):
    """Writes one new version of a few records after another, and remembers when each was acknowledged."""

    def __init__(self, cluster: Cluster, records: range, every_s: float = 0.005):
        super().__init__(daemon=True)
        self.cluster, self.records, self.every_s = cluster, records, every_s
        self.halt = threading.Event()
        self.acked: dict[int, list[tuple[float, int]]] = {n: [] for n in records}
        self.editions = {n: 0 for n in records}
        self.refused = 0

    def run(self) -> None:
        client, at = self.cluster.client(0, "authority", 15), 0
        while not self.halt.wait(self.every_s):
            n = self.records[at % len(self.records)]
            at += 1
            self.editions[n] += 1
            edition = self.editions[n]
            answer = client.attempt("PUT", "/v1/datasets/natural-person/records", person(n, edition) | {"source_version": edition})
            version = find(answer.json(), "version") if answer is not None and answer.status in (200, 201) else None
            if version is None:
                self.refused += 1
            else:
                self.acked[n].append((time.monotonic(), int(version)))


class Reader(threading.Thread):
    """Asks one node about the records again and again, and holds every answer against what had been acknowledged."""

    def __init__(self, cluster: Cluster, node: int, writer: Writer):
        super().__init__(daemon=True)
        self.cluster, self.node, self.writer = cluster, node, writer
        self.halt = threading.Event()
        self.answers = self.refused = 0
        self.seen: list[tuple[float, int, int]] = []

    def run(self) -> None:
        client = self.cluster.client(self.node, "agency", 60)
        records = self.writer.records
        while not self.halt.is_set():
            n = records[self.answers % len(records)]
            sent = time.monotonic()
            # Always the same wrong name: it costs the budget of guesses once, and the answer names its version.
            answer = client.attempt("POST", "/v1/verifications", verification(person(n), name="卜相合"))
            record = (answer.json() or {}).get("record") if answer is not None and answer.status == 200 else None
            if record is None:
                self.refused += 1
                time.sleep(0.005)
                continue
            self.answers += 1
            self.seen.append((sent, n, record["version"]))

    def stale(self, allowed_s: float) -> tuple[int, float]:
        """Answers that rest on a version replaced more than `allowed_s` before they were asked for, and the oldest of all, seconds."""
        worst, count = 0.0, 0
        for sent, n, version in self.seen:
            newer = [at for at, acked in self.writer.acked[n] if acked > version]
            if newer and sent > newer[0]:
                worst = max(worst, sent - newer[0])
                count += sent - newer[0] > allowed_s
        return count, worst


def fresh(checks: Checks, long: bool) -> dict:
    figures = {}
    cluster = Cluster("fresh")
    bypasses = lambda: sum(metric(url, "heyan_cache_lookups_total", 'result="bypass"') for url in (cluster.hub.admin_url, cluster.two.admin_url))
    put_records(cluster.client(0, "authority"), "natural-person", [person(n) for n in range(8)])

    def run(name: str, seconds: float, allowed_s: float, hurt) -> None:
        writer = Writer(cluster, range(8))
        readers = [Reader(cluster, node, writer) for node in (0, 1)]
        before = bypasses()
        for thread in (writer, *readers):
            thread.start()
        hurt(seconds)
        for thread in (writer, *readers):
            thread.halt.set()
        for thread in (writer, *readers):
            thread.join(70)
        answers = sum(reader.answers for reader in readers)
        stale = [reader.stale(allowed_s) for reader in readers]
        count, worst = sum(count for count, _ in stale), max(worst for _, worst in stale)
        bypassed = bypasses() - before
        checks.ok(f"{name}: no answer is older than {allowed_s} s", count == 0, f"{count} of {answers}, the oldest {worst:.3f} s")
        checks.ok(f"{name}: there were answers", answers > 100, answers)
        figures[name] = f"{answers}/{worst * 1000:.0f}ms/{100 * bypassed / max(answers, 1):.1f}%"

    def calm(seconds: float) -> None:
        time.sleep(seconds)

    def cut(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.5)
            cluster.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")

    def stopped(seconds: float) -> None:
        time.sleep(1)
        cluster.two.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        cluster.two.process.send_signal(signal.SIGCONT)
        time.sleep(4)

    def restarted(seconds: float) -> None:
        time.sleep(1)
        cluster.server.restart()
        time.sleep(seconds)

    run("calm", 20 if long else 5, PROMISE_S, calm)
    run("cut", 30 if long else 5, PROMISE_S, cut)
    run("stopped", 30 if long else 7, LEASE_S, stopped)
    run("restarted", 15 if long else 5, LEASE_S, restarted)
    cluster.stop()
    return figures


def metric(admin_url: str, name: str, labels: str) -> float:
    answer = Client(admin_url, timeout=5).attempt("GET", "/metrics")
    lines = answer.body.decode().splitlines() if answer is not None else []
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name) and labels in line)


def faults(checks: Checks, long: bool) -> dict:
    """Every acknowledged record is there, in its version, after the database and a node were killed again and again."""
    cluster = Cluster("faults")
    put_records(cluster.client(0, "authority"), "natural-person", [person(n) for n in range(16)])
    writer = Writer(cluster, range(16), 0.002)
    # The second node answers meanwhile, so that mismatches, guesses and entries are committed from both sides.
    reader = Reader(cluster, 1, writer)
    writer.start()
    reader.start()
    recoveries: dict[str, list[float]] = {"killed": [], "restarted": [], "node": []}

    def back() -> float:
        began = time.monotonic()
        ask = verification(person(0), name="卜相合")
        while time.monotonic() - began < 30:
            answers = [cluster.client(node, "agency", 10).attempt("POST", "/v1/verifications", ask) for node in (0, 1)]
            if all(answer is not None and answer.status == 200 for answer in answers):
                return time.monotonic() - began
            time.sleep(0.02)
        return 30.0

    for _ in range(10 if long else 3):
        time.sleep(0.7)
        cluster.server.kill()
        cluster.server.start()
        recoveries["killed"].append(back())
        time.sleep(0.7)
        cluster.server.restart()
        recoveries["restarted"].append(back())
        cluster.two.kill()
        recoveries["node"].append(cluster.two.start() + back())
    for thread in (writer, reader):
        thread.halt.set()
        thread.join(70)
    acked = sum(len(acks) for acks in writer.acked.values())
    lost = 0
    for n, acks in writer.acked.items():
        newest = max((version for _, version in acks), default=1)
        answer = cluster.client(1, "agency").post("/v1/verifications", verification(person(n), name="卜相合"))
        version = (answer.json() or {}).get("record", {}).get("version", 0)
        lost += version < newest
    checks.ok("no acknowledged version is lost", lost == 0, lost)
    checks.ok("versions were acknowledged", acked > 100, acked)
    wait_empty = time.monotonic() + 20
    database = (cluster.folder / "data.postgres-url").read_text().strip().rsplit("/", 1)[1]
    left = lambda: int(cluster.server.sql("SELECT count(*) FROM ledger_outbox", database))
    while left() and time.monotonic() < wait_empty:
        time.sleep(0.2)
    orphans = int(
        cluster.server.sql(
            "SELECT count(*) FROM (SELECT subject, dataset, version FROM record_versions GROUP BY 1, 2, 3 HAVING count(*) > 1) AS d", database
        )
    )
    checks.ok("no version stands twice", orphans == 0, orphans)
    open_twice = "SELECT count(*) FROM (SELECT subject, matter, fields FROM mismatches WHERE is_final = 0 GROUP BY 1, 2, 3 HAVING count(*) > 1) AS d"
    checks.ok("no mismatch is open twice", cluster.server.sql(open_twice, database) == "0")
    # What a restart of the hubs leaves in the outbox is appended at the next start.
    cluster.two.stop()
    cluster.hub.stop()
    for ledger in (cluster.hub.ledger_dir, cluster.two.ledger_dir):
        verified = subprocess.run([os.environ.get("HEYAN_BIN", "target/release/heyan"), "ledger", "verify", str(ledger)], capture_output=True, check=False)
        checks.ok("each ledger is whole", verified.returncode == 0, verified.stderr[-200:])
    cluster.server.stop()
    worst = {name: f"{max(times):.2f}s" for name, times in recoveries.items()}
    return {"acked": acked, "refused": writer.refused + reader.refused, "lost": lost, **{f"back_{k}": v for k, v in worst.items()}}


def rolling(checks: Checks, long: bool) -> dict:
    """Nodes restarted in turn: a caller who repeats a call once, at the other node, loses none."""
    cluster = Cluster("rolling")
    put_records(cluster.client(0, "authority"), "natural-person", [person(n) for n in range(50)])
    three = SecondNode(cluster.hub.data, cluster.folder, {"HEYAN__HTTP__DRAIN_MS": "300"}, number=3)
    nodes, halt, lock = [cluster.two, three], threading.Event(), threading.Lock()
    count = {"calls": 0, "repeated": 0, "failed": 0}
    odd: list[str] = []

    def caller(at: int) -> None:
        clients = [Client(node.url, cluster.hub.tokens["agency"], 10) for node in nodes]
        while not halt.is_set():
            at += 1
            body = verification(person(at % 50), "name")
            answer = clients[at % 2].attempt("POST", "/v1/verifications", body)
            repeated = answer is None or answer.status != 200
            if repeated:
                answer = clients[(at + 1) % 2].attempt("POST", "/v1/verifications", body)
            with lock:
                count["calls"] += 1
                count["repeated"] += repeated
                if answer is None or answer.status != 200:
                    count["failed"] += 1
                    odd.append(repr(answer))

    threads = [threading.Thread(target=caller, args=(at,), daemon=True) for at in range(8)]
    for thread in threads:
        thread.start()
    for nth in range(20 if long else 4):
        time.sleep(0.5)
        checks.ok("a node ends by itself", nodes[nth % 2].stop() == 0)
        nodes[nth % 2].start()
    time.sleep(0.5)
    halt.set()
    for thread in threads:
        thread.join(20)
    checks.ok("no call failed twice", count["failed"] == 0, odd[:3])
    three.stop()
    cluster.stop()
    return count


def scale(checks: Checks, long: bool) -> dict:
    """Verifications for each second of a node's CPU: a second node that slowed the first down would show here.

    The load itself needs the same two cores, so rates of wall time cannot be held against each other; CPU of the nodes can.
    """
    cluster = Cluster("scale")
    put_records(cluster.client(0, "authority"), "natural-person", [person(n) for n in range(200)])
    seconds = 8 if long else 3
    script = Path(__file__).with_name("wrk.lua")
    bodies = cluster.folder / "bodies"
    bodies.write_text("".join(json.dumps(verification(person(n), "name"), ensure_ascii=False) + "\n" for n in range(200)))

    def cost(urls: list[tuple[str, int]]) -> tuple[float, float]:
        token = cluster.hub.tokens["agency"]
        env = {**os.environ, "WRK_TOKEN": token, "WRK_BODIES": str(bodies), "WRK_PATH": "/v1/verifications"}
        before = [cpu(pid) for _, pid in urls]
        began = time.monotonic()
        runs = [
            subprocess.Popen(["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(script), url], env=env, stdout=subprocess.PIPE, text=True)
            for url, _ in urls
        ]
        outputs = [run.communicate(timeout=seconds + 30)[0] for run in runs]
        took = time.monotonic() - began
        used = sum(cpu(pid) for _, pid in urls) - sum(before)
        done = sum(int(line.split()[1]) for out in outputs for line in out.splitlines() if line.startswith("RESULT"))
        return done / used, done / took

    one = [(cluster.hub.url, cluster.hub.process.pid)]
    two = [*one, (cluster.two.url, cluster.two.process.pid)]
    cost(two)
    rounds = [(cost(one), cost(two)) for _ in range(5 if long else 2)]
    ratios = sorted(2 * both[0] / alone[0] for alone, both in rounds)
    median = ratios[len(ratios) // 2]
    # The short form only guards against a fall: on a machine that does other work the two cores are not two.
    wanted = 1.8 if long else 1.5
    checks.ok(f"two nodes do at least {wanted} times the work of one for the same CPU each", median >= wanted, [f"{r:.2f}" for r in ratios])
    cluster.stop()
    alone, both = rounds[-1]
    return {"ratio": f"{median:.2f}", "one_per_cpu_s": round(alone[0]), "two_per_cpu_s": round(both[0]), "wall": f"{alone[1]:.0f}/{both[1]:.0f}"}


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


PARTS = {"fresh": fresh, "faults": faults, "rolling": rolling, "scale": scale}


def main() -> None:
    args = arguments(__doc__, ("--part", {"choices": PARTS, "default": None}), ("--long", {"action": "store_true"}))
    checks, figures = Checks("nodes"), {}
    for name, part in PARTS.items():
        if args.part in (None, name):
            told = part(checks, args.long)
            print(f"{name}: " + " ".join(f"{key}={value}" for key, value in told.items()), flush=True)
            figures |= {f"{name}.{key}": value for key, value in told.items()}
    checks.finish(**figures)


if __name__ == "__main__":
    main()
