"""Feeds records through a real Kafka with duplicates, older versions that come late, and poison, and holds the end against a model.

Half of the people state no version: each of their messages that is applied makes one version more, so one that is applied twice
or not at all shows. `--kills N` ends the hub with SIGKILL so many times on the way. Afterwards every record is asked of the hub,
and every outbound topic is read by Confluent's client and held against `schemas/events`.

`--delay N` measures first, in N pairs of rounds, how much longer good messages take when there is poison among them. On PostgreSQL
(`tests/drills/postgres.py`) the rows that the feed made are also copied into a table of the same form by `COPY`, for comparison.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from hub import NDJSON, PURPOSE, Checks, Hub, HubFailed, arguments, person, verification, workdir
from kafka import OUTBOUND, Broker, header, missing, schemas

FEED = "heyan.feed.v1"
STRUCTURED = {"content-type": "application/cloudevents+json"}
DATASET = "natural-person"
POISON = ("text", "member", "value", "identifier", "dataset")


def event(n: int, data: dict) -> bytes:
    """A structured CloudEvent."""
    said = {"specversion": "1.0", "type": FEED, "source": "//drill", "id": f"e{n}", "data": data}
    return json.dumps(said, ensure_ascii=False).encode()


def poison(n: int, kind: str, data: dict) -> bytes:
    """A message that must not be taken in."""
    data = json.loads(json.dumps(data))
    if kind == "text":
        return f'{{"specversion":"1.0","n":{n}'.encode()
    if kind == "member":
        data["fields"]["no_such_field"] = "x"
    elif kind == "value":
        data["fields"]["name"] = 7
    elif kind == "identifier":
        data["subject"]["id_number"] = data["subject"]["id_number"][:-1] + "?"
    else:
        data["dataset"] = "no-such-dataset"
    return event(n, data)


def make(
    records: int, rng: random.Random, first: int = 0, poisoned: float = 0.001
) -> tuple[list[tuple[str, bytes]], dict[int, tuple[str, int]], int]:
    """The lines to send, name and version of each record at the end, and how many are poison.

    Duplicates and late ones are 1 % of all each: only the half that states versions can have them.
    """
    people = max(records // 4, 1)
    rounds = records // people
    lines, model, bad = [], {}, 0
    source: dict[int, int] = {}
    for turn in range(rounds):
        order = list(range(first, first + people))
        rng.shuffle(order)
        for n in order:
            data = {"dataset": DATASET, **person(n, turn)}
            versioned = n % 2 == 0
            if versioned:
                data["source_version"] = turn + 1
                # It comes late: an older version after this one.
                late = turn > 0 and rng.random() < 0.02
            key = f"{n:032x}"
            lines.append((key, event(len(lines), data)))
            version = model.get(n, ("", 0))[1]
            if not versioned or turn + 1 > source.get(n, 0):
                source[n] = turn + 1
                model[n] = (data["fields"]["name"], version + 1)
            if versioned and late:
                old = {"dataset": DATASET, **person(n, turn - 1), "source_version": turn}
                lines.append((key, event(len(lines), old)))
            if versioned and rng.random() < 0.02:
                lines.append((key, event(len(lines), data)))
            if rng.random() < poisoned:
                bad += 1
                # Keys of their own, but for those of records with versions, which go in behind it.
                own = key if versioned else f"{n + (1 << 100):032x}"
                subject = data if versioned else {**data, **person(n + 20_000_000)}
                lines.append((own, poison(len(lines), POISON[bad % len(POISON)], subject)))
    return lines, model, bad


def feed(hub_of, broker: Broker, kills: int, rng: random.Random, checks: Checks) -> tuple[Hub, float]:
    """Lets a hub take all in, killing it on the way; returns the last one, and the seconds it took."""
    began = time.monotonic()
    hub = hub_of()
    for _ in range(kills):
        # A group lets a dead member's place go only after its session is over.
        time.sleep(rng.choice((0.5, 2, 11, 13)) + rng.random())
        hub.kill()
        hub = hub_of()
    until = time.monotonic() + 1_800
    while (left := broker.left(FEED, "heyan.feed")) > 0:
        if not checks.ok("all is taken in in time", time.monotonic() < until, f"{left} are left"):
            break
        checks.passed -= 1
        time.sleep(0.2)
    return hub, time.monotonic() - began


def delay(hub: Hub, broker: Broker, rounds: int, rng: random.Random, checks: Checks) -> str:
    """How much longer the same number of good messages takes with one poison in a thousand: the median of pairs of rounds."""
    ratios, each, first = [], 40_000, 5_000_000
    for _ in range(rounds):
        took = {}
        for poisoned in rng.sample((0.0, 0.001), 2):
            lines, _, bad = make(each, rng, first, poisoned)
            first += each
            hub.process.send_signal(signal.SIGSTOP)
            broker.produce(FEED, lines, STRUCTURED)
            hub.process.send_signal(signal.SIGCONT)
            began = time.monotonic()
            while broker.left(FEED, "heyan.feed") > 0 and time.monotonic() - began < 300:
                time.sleep(0.05)
            took[poisoned > 0] = (time.monotonic() - began) / (len(lines) - bad)
        ratios.append(took[True] / took[False])
    median = statistics.median(ratios)
    checks.ok("poison delays others by a fifth at most", median <= 1.2, [f"{ratio:.2f}" for ratio in ratios])
    return f"{median:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def copied(data: Path) -> float | None:
    """Rows a second that `COPY` puts into a table like `records`, of the rows that stand there; `None` on SQLite."""
    if not os.environ.get("HEYAN_TEST_POSTGRES"):
        return None
    psql = [str(sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    url, file = (data.parent / f"{data.name}.postgres-url").read_text().strip(), data.parent / "rows"

    def sql(text: str) -> str:
        return subprocess.run([*psql, url, "-c", text], check=True, capture_output=True, text=True, timeout=600).stdout.strip()

    sql(f"\\copy records TO '{file}' (FORMAT binary)")
    sql("CREATE TABLE records_copied (LIKE records INCLUDING ALL)")
    began = time.monotonic()
    sql(f"\\copy records_copied FROM '{file}' (FORMAT binary)")
    return int(sql("SELECT count(*) FROM records_copied")) / (time.monotonic() - began)


def ask(hub: Hub, model: dict[int, tuple[str, int]], checks: Checks) -> None:
    """Asks the hub about every record: its name, and the number of versions that made it."""
    agency = hub.client("agency", 120)
    wrong = 0
    people = sorted(model)
    for at in range(0, len(people), 5_000):
        part = people[at : at + 5_000]
        items = [{"purpose": PURPOSE, "dataset": DATASET}]
        for n in part:
            items.append({"ref": str(n), "subject": person(n)["subject"], "claims": {"name": model[n][0]}})
        body = "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n"
        answer = agency.post("/v1/verifications/stream", body, ctype=NDJSON)
        for line in answer.lines():
            if "ref" not in line:
                continue
            n = int(line["ref"])
            good = line.get("outcome") == "verified" and line["record"]["version"] == model[n][1]
            wrong += not good
            if not good and wrong <= 5:
                print(f"record {n}: {model[n]} expected, {json.dumps(line, ensure_ascii=False)[:300]}")
    checks.ok("every record is as the model says", wrong == 0, f"{wrong} of {len(people)}")


def read_all(broker: Broker, checks: Checks) -> dict[str, list]:
    """Reads every outbound topic, and holds each message against its schema."""
    validators, found = schemas(), {}
    for topic in OUTBOUND:
        found[topic] = broker.read(topic)
        kcat = broker.count(topic)
        checks.ok(f"kcat reads all of {topic}", kcat == len(found[topic]), f"{kcat} of {len(found[topic])}")
        bad = [m for m in found[topic] if not validators[topic].is_valid(json.loads(m.value()))]
        checks.ok(f"{topic} is of its schema", not bad, [m.value() for m in bad[:1]])
        odd = [m for m in found[topic] if header(m, "ce_type") != topic or not header(m, "ce_id")]
        checks.ok(f"{topic} has its attributes", not odd, odd[:1])
    return found


def main() -> None:
    args = arguments(
        __doc__,
        ("--records", {"type": int, "default": 100_000, "help": "messages, about"}),
        ("--kills", {"type": int, "default": 0, "help": "times that the hub is killed on the way"}),
        ("--delay", {"type": int, "default": 0, "help": "pairs of rounds with and without poison"}),
        ("--seed", {"type": int, "default": 1}),
    )
    checks, rng = Checks("kafka_feed"), random.Random(args.seed)
    if lacks := missing():
        print(f"SKIPPED: {lacks} missing")
        sys.exit(3)
    broker, data = Broker(), workdir("kafka_feed") / "data"
    with Hub(data, persons=0, env=broker.env()) as hub:
        broker.wait_topics()
    delayed = None
    if args.delay:
        # A broker of its own: its dead letters are not the model's.
        other = Broker()
        with Hub(data.parent / "delay", persons=0, env=other.env(feed__agency="authority")) as hub:
            other.wait_topics()
            delayed = delay(hub, other, args.delay, rng, checks)
        other.command("kill")
    lines, model, bad = make(args.records, rng)
    began = time.monotonic()
    for at in range(0, len(lines), 200_000):
        broker.produce(FEED, lines[at : at + 200_000], STRUCTURED)
    produced_s = time.monotonic() - began
    env = broker.env(feed__agency="authority")

    def hub_of() -> Hub:
        for _ in range(5):
            try:
                return Hub(data, persons=0, env=env)
            except HubFailed as failed:
                last = failed
        raise last

    hub, fed_s = feed(hub_of, broker, args.kills, rng, checks)
    killed = args.kills
    ask(hub, model, checks)
    changes = sum(version for _, version in model.values())
    until = time.monotonic() + 600
    while time.monotonic() < until and hub.metric("heyan_kafka_lag", "record.changed") > 0:
        time.sleep(0.2)
    time.sleep(3)
    found = read_all(broker, checks)
    broker.command("kill")
    time.sleep(8)
    ready = hub.admin().get("/readyz")
    checks.ok("a hub without its broker is ready, and says what it lacks", ready.status == 200, ready)
    checks.ok("degraded", (ready.json() or {}).get("checks", {}).get("bus") == "degraded", ready.body)
    answer = hub.client("agency").post("/v1/verifications", verification(person(1), "sex"))
    checks.ok("it verifies", answer.status == 200, answer)
    hub.stop()
    copy_s = copied(data)
    letters = {(m["partition"], m["offset"]): m for m in (json.loads(x.value()) for x in found["heyan.dead-letter.v1"])}
    checks.ok("every poison is in the dead-letter topic", len(letters) == bad, f"{len(letters)} of {bad}")
    reasons = sorted({letter["reason"] for letter in letters.values()})
    checks.ok("with its reason", bad < 5 or len(reasons) >= 4, reasons)
    last: dict[bytes, int] = {}
    backwards = 0
    told = set()
    for message in found["heyan.record.changed.v1"]:
        change = json.loads(message.value())
        told.add((change["record"], change["version"]))
        backwards += change["version"] < last.get(message.key(), 0) and not killed
        last[message.key()] = max(change["version"], last.get(message.key(), 0))
    checks.ok("every change is told", len(told) == changes, f"{len(told)} of {changes}")
    checks.ok("the changes of a record are told in order", backwards == 0, backwards)
    answers = {header(m, "ce_id") for m in found["heyan.verification.completed.v1"]}
    checks.ok("every answer is told as completed", len(answers) == len(model), f"{len(answers)} of {len(model)}")
    checks.finish(
        messages=len(lines),
        poison=bad,
        kills=killed,
        feed_s=round(fed_s, 1),
        per_s=round(len(lines) / fed_s),
        **({"copy_rows_per_s": round(copy_s), "of_copy": f"{len(lines) / fed_s / copy_s:.3f}"} if copy_s else {}),
        **({"poison_delay": delayed} if delayed else {}),
        produce_s=round(produced_s, 1),
        reasons=",".join(reasons),
    )


if __name__ == "__main__":
    main()
