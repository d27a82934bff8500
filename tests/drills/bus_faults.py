"""Two nodes on one PostgreSQL and a Kafka of three brokers, under load, while brokers and nodes are killed and the whole bus stands
still: everything that was acknowledged must stand on its topic in the end.

    python tests/drills/bus_faults.py                short
    python tests/drills/bus_faults.py --long         10 brokers killed, the bus stopped for 60 s three times and paused once,
                                                     100 nodes killed

A caller that got no answer knows nothing, so only acknowledged calls count: each verification on `verification.completed`, each new
version on `record.changed`, each mismatch on `mismatch`. An event may stand twice under one id; what it says must then be the same.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time

from hub import Checks, Client, Hub, HubFailed, arguments, binary, find, person, put_records, verification, workdir
from kafka import OUTBOUND, Broker, header, missing, schemas
from postgres import URL, Postgres
from second_node import SecondNode

PEOPLE = 64
COMPLETED, CHANGED, MISMATCH = "heyan.verification.completed.v1", "heyan.record.changed.v1", "heyan.mismatch.v1"


class Load:
    """Callers that verify at both nodes in turn, and an authority that makes new versions; what was acknowledged is kept."""

    def __init__(self, urls: list[str], tokens: dict[str, str]):
        self.urls, self.tokens = urls, tokens
        self.halt, self.lock = threading.Event(), threading.Lock()
        self.answers: set[str] = set()
        self.mismatches: set[str] = set()
        self.versions: dict[int, set[int]] = {n: set() for n in range(PEOPLE)}
        self.unknown = self.longest_ms = 0
        self.threads = [threading.Thread(target=self.ask, args=(at,), daemon=True) for at in range(4)]
        self.threads.append(threading.Thread(target=self.write, daemon=True))

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.halt.set()
        for thread in self.threads:
            thread.join(60)

    def ask(self, at: int) -> None:
        clients = [Client(url, self.tokens["agency"], 20) for url in self.urls]
        rng = random.Random(at)
        while not self.halt.wait(0.004):
            at += 1
            n = rng.randrange(PEOPLE)
            # Each caller has a wrong name of its own, always the same one: it costs the budget of guesses once a record.
            wrong = {"name": "卜相合"} if rng.random() < 0.05 else {}
            body = verification(person(n), "sex", "birth_date", **wrong)
            body["purpose"]["application_no"] = f"BUS-{at}"
            client, began = clients[at % len(clients)], time.monotonic()
            answer = client.attempt("POST", "/v1/verifications", body)
            if answer is None or answer.status != 200:
                with self.lock:
                    self.unknown += 1
                time.sleep(0.05)
                continue
            told = answer.json()
            with self.lock:
                self.answers.add(told["id"])
                self.longest_ms = max(self.longest_ms, int((time.monotonic() - began) * 1000))
                if "mismatch" in told:
                    self.mismatches.add(told["mismatch"]["id"])

    def write(self) -> None:
        clients, edition = [Client(url, self.tokens["authority"], 20) for url in self.urls], 0
        while not self.halt.wait(0.02):
            edition += 1
            n = edition % PEOPLE
            fields = person(n)
            # Only the address changes: what callers ask about stays right.
            fields["fields"]["domicile_address"] = f"安徽省芜湖市镜湖区中山路{edition}号"
            answer = clients[edition % 2].attempt("PUT", "/v1/datasets/natural-person/records", fields | {"source_version": edition + 1})
            version = find(answer.json(), "version") if answer is not None and answer.status in (200, 201) else None
            if version is None:
                time.sleep(0.05)
            else:
                self.versions[n].add(int(version))


def wait_published(hub: Hub, two: SecondNode, within_s: float) -> bool:
    """Waits until neither node has anything left to publish, twice in a row."""
    quiet, until = 0, time.monotonic() + within_s
    while time.monotonic() < until:
        lag = 0.0
        for url in (hub.admin_url, two.admin_url):
            answer = Client(url, timeout=5).attempt("GET", "/metrics")
            lines = answer.body.decode().splitlines() if answer is not None else ["heyan_kafka_lag{} 1"]
            lag += sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(("heyan_kafka_lag{", "heyan_outbox_depth ")))
        quiet = quiet + 1 if lag == 0 else 0
        if quiet >= 4:
            return True
        time.sleep(0.5)
    return False


def main() -> None:
    args = arguments(__doc__, ("--long", {"action": "store_true"}), ("--seed", {"type": int, "default": 1}))
    checks, rng = Checks("bus_faults"), random.Random(args.seed)
    if lacks := missing():
        print(f"SKIPPED: {lacks} missing")
        sys.exit(3)
    kills, stops, stop_s, node_kills = (10, 3, 60, 100) if args.long else (1, 1, 4, 2)
    server, broker, folder = Postgres(), Broker(3), workdir("bus_faults")
    os.environ[URL] = server.url
    env = broker.env(replicas=3, min_insync_replicas=2)
    hub = Hub(folder / "data", persons=0, env=env)
    two = SecondNode(hub.data, folder, env)
    broker.wait_topics()
    put_records(Client(hub.url, hub.tokens["authority"]), "natural-person", [person(n) for n in range(PEOPLE)])
    load = Load([hub.url, two.url], hub.tokens)
    load.start()
    time.sleep(2)

    recoveries: dict[str, list[float]] = {"broker": [], "bus": [], "node": []}

    def published_again() -> float:
        """Seconds until an answer of now stands on its topic."""
        began = time.monotonic()
        while time.monotonic() - began < 120:
            lag = [hub.metric("heyan_kafka_lag", topic) for topic in ("verification.completed", "record.changed")]
            if max(lag) < 200:
                return time.monotonic() - began
            time.sleep(0.1)
        return 120.0

    for nth in range(kills):
        which = 1 + nth % 3
        broker.command("kill", which)
        time.sleep(1.5 + rng.random())
        recoveries["broker"].append(published_again())
        broker.command("resume", which)
        time.sleep(2)
    for _ in range(stops):
        before = len(load.answers)
        broker.command("stop")
        time.sleep(stop_s)
        checks.ok("verifications go on without a bus", len(load.answers) > before + 20 * stop_s, len(load.answers) - before)
        # The client library tells that its brokers are gone after it has tried them again, which takes a while.
        until = time.monotonic() + 20
        while (ready := Client(hub.admin_url).get("/readyz")).status == 200 and time.monotonic() < until:
            if find(ready.json(), "bus") == "degraded":
                break
            time.sleep(0.2)
        checks.ok("a node without its bus is ready, and says so", ready.status == 200 and find(ready.json(), "bus") == "degraded", ready)
        broker.command("resume")
        recoveries["bus"].append(published_again())
    if args.long:
        # Stopped as by SIGSTOP: the brokers are there, take connections, and say nothing.
        before = len(load.answers)
        broker.command("pause")
        time.sleep(60)
        checks.ok("verifications go on while the brokers stand still", len(load.answers) > before + 20 * 60, len(load.answers) - before)
        broker.command("cont")
        recoveries["still"] = [published_again()]
    for _ in range(node_kills):
        time.sleep(0.2 + rng.random() / 2)
        two.kill()
        try:
            recoveries["node"].append(two.start())
        except HubFailed as failed:
            checks.ok("a killed node starts again", False, str(failed)[-400:])
            break
    time.sleep(1)
    load.stop()
    checks.ok("all is published in time", wait_published(hub, two, 180))
    validators, found = schemas(), {topic: broker.read(topic) for topic in OUTBOUND}
    for topic, messages in found.items():
        bad = [m.value() for m in messages if not validators[topic].is_valid(json.loads(m.value()))]
        checks.ok(f"{topic} is of its schema", not bad, bad[:1])
    said: dict[str, bytes] = {}
    twice, other = 0, []
    for message in (m for messages in found.values() for m in messages):
        own = f"{message.topic()} {header(message, 'ce_id')}"
        twice += own in said
        if said.setdefault(own, message.value()) != message.value():
            other.append((own, said[own], message.value()))
    checks.ok("what stands twice says the same", not other, f"{len(other)}: {other[:1]}")
    completed = {header(m, "ce_id") for m in found[COMPLETED]}
    lost = load.answers - completed
    checks.ok("every acknowledged answer is told as completed", not lost, f"{len(lost)} of {len(load.answers)}: {sorted(lost)[:3]}")
    opened = {find(json.loads(m.value()), "mismatch") or find(json.loads(m.value()), "id") for m in found[MISMATCH]}
    silent = load.mismatches - opened
    checks.ok("every mismatch is told", not silent, f"{len(silent)} of {len(load.mismatches)}: {sorted(silent)[:3]}")
    told: dict[str, set[int]] = {}
    for message in found[CHANGED]:
        change = json.loads(message.value())
        told.setdefault(change["record"], set()).add(change["version"])
    acked = sum(len(versions) for versions in load.versions.values())
    # Records are named by pseudonyms: version sets are held against each other, largest first, as each record has its own.
    gaps = sum(1 for versions in told.values() if versions != set(range(min(versions), max(versions) + 1)))
    checks.ok("no version of a record is left out", gaps == 0, gaps)
    heights = sorted(max(versions) for versions in told.values())
    wanted = sorted(max(versions, default=1) for versions in load.versions.values())
    checks.ok("every acknowledged version is told", len(heights) == PEOPLE and all(h >= w for h, w in zip(heights, wanted)), (heights[:3], wanted[:3]))
    two.stop()
    hub.stop()
    for ledger in (hub.ledger_dir, two.ledger_dir):
        verified = subprocess.run([binary(), "ledger", "verify", str(ledger)], capture_output=True, check=False)
        checks.ok("each ledger is whole", verified.returncode == 0, verified.stderr[-200:])
    server.stop()
    checks.finish(
        answers=len(load.answers),
        versions=acked,
        mismatches=len(load.mismatches),
        unknown=load.unknown,
        lost=len(lost) + len(silent) + gaps,
        twice=twice,
        longest_ms=load.longest_ms,
        **{f"back_{name}": f"{max(times, default=0):.1f}s" for name, times in recoveries.items()},
    )


if __name__ == "__main__":
    main()
