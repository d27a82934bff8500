"""Lets hubs reach a real Apache Kafka over TLS, with a client certificate and with SASL/SCRAM, and holds them to refusing what must be
refused: then a hub is degraded, answers all the same, says once why, and never turns to the listener that is not protected.

    HEYAN_BIN=target/tls/heyan python tests/drills/kafka_tls.py

The hub must be built with `--features kafka-tls`; with another one the drill is skipped, loudly. Certificates, listeners and the
user are made by `tests/kafka/kafka.sh`. What the hubs publish is read by Confluent's client, with a TLS configuration of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

from hub import PURPOSE, Checks, Hub, HubFailed, arguments, binary, find, person, put_records, run, verification, workdir
from kafka import Broker, header, missing, schemas
from secret_search import Needles

FEED, REQUEST, RESULT = "heyan.feed.v1", "heyan.verify.request.v1", "heyan.verify.result.v1"
CHANGED, COMPLETED, MISMATCH = "heyan.record.changed.v1", "heyan.verification.completed.v1", "heyan.mismatch.v1"
CHECKPOINT, LETTER = "heyan.checkpoint.v1", "heyan.dead-letter.v1"
DATASET, PEOPLE = "natural-person", 6
TRACE = {"HEYAN__LOG__LEVEL": "trace", "RUST_LOG": "trace"}
# What a hub says at most while it is refused, in all: a line on each reason, one on the topics, none again and again.
WATCHED_S, WARNINGS_MAX = 14, 3
WORKS, FAILS = "Kafka is reached", "a connection to Kafka failed"


class Kit:
    """A broker with its protected listeners, and the passwords and keys that are used on it."""

    def __init__(self) -> None:
        self.broker, self.folder, self.needles = Broker(tls=True), workdir("kafka_tls"), Needles()
        self.tls, self.secrets = self.broker.tls, self.folder / "secrets"
        self.secrets.mkdir()
        self.password = self.needles.add("the password", (self.tls / "password").read_text().strip())
        self.needles.add("the client's key", (self.tls / "client.key").read_text().splitlines()[1])
        self.wrong = self.secret("wrong-password")

    def secret(self, name: str) -> Path:
        """A file with a password of its own."""
        path = self.secrets / name
        path.touch(0o400)
        path.write_text(self.needles.add(name, f"{name}-{os.urandom(12).hex()}") + "\n")
        return path

    def address(self, listener: str) -> str:
        """Addresses of one of the listeners."""
        return (self.tls / listener).read_text()

    def env(self, name: str, listener: str, ca: str = "ca", **more: str | Path) -> dict[str, str]:
        """Settings of the hub `name`, whose topics begin with its name."""
        own = {"topic_prefix": f"{name}.", "group_id": name, "feed__agency": "authority", "requests__enabled": "true"}
        reached = {"brokers": self.address(listener), "security": "tls", "ca_file": self.tls / f"{ca}.pem"}
        return self.broker.env(partitions=2, **reached, **own, **more)

    def certificate(self) -> dict[str, Path]:
        """Settings of a client's certificate."""
        return {"certificate_file": self.tls / "client.pem", "key_file": self.tls / "client.key"}

    def user(self, mechanism: str, password: Path | None = None, name: str = "heyan") -> dict[str, str | Path]:
        """Settings of a user."""
        return {"sasl_username": name, "sasl_password_file": password or self.tls / "password", "sasl_mechanism": mechanism}

    def confluent(self, listener: str, mechanism: str = "") -> dict[str, str]:
        """The same for Confluent's client."""
        client = {"bootstrap.servers": self.address(listener), "security.protocol": "SSL", "ssl.ca.location": str(self.tls / "ca.pem")}
        if listener == "mutual":
            client |= {"ssl.certificate.location": str(self.tls / "client.pem"), "ssl.key.location": str(self.tls / "client.key")}
        if mechanism:
            client |= {"security.protocol": "SASL_SSL", "sasl.mechanism": mechanism.upper()}
            client |= {"sasl.username": "heyan", "sasl.password": self.password}
        return client

    def hub(self, name: str, env: dict[str, str]) -> Hub:
        """A hub with data of its own, or the same one again."""
        return Hub(self.folder / name / "data", persons=0, env=env)

    def leaks(self, *texts: bytes) -> list[str]:
        """Secrets that stand in a log, in a hub's data, or in a text."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.parent != self.secrets]
        found = {what for text in texts for what in self.needles.hits(text)}
        return sorted(found | {f"{what} in {path.name}" for path in files for what in self.needles.hits(path.read_bytes())})


def bus(hub: Hub) -> str:
    """How the hub says that its bus is; it stays ready all the while."""
    answer = hub.admin().get("/readyz")
    return str(find(answer.json(), "bus")) if answer.status == 200 else f"{answer.status}"


def within(seconds: float, holds) -> bool:
    """Waits until it holds."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def said(hub: Hub, begin: int = 0) -> list[dict]:
    """Lines of the hub's log."""
    lines = hub.stderr_path.read_bytes()[begin:].splitlines()
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def warnings(lines: list[dict]) -> list[dict]:
    """What is worth an operator's look."""
    return [line for line in lines if line["level"] in ("WARN", "ERROR")]


def event(topic: str, number: str, data: dict) -> bytes:
    """A structured CloudEvent."""
    return json.dumps({"specversion": "1.0", "type": topic, "source": "//drill", "id": number, "data": data}).encode()


def read(kit: Kit, topic: str, client: dict[str, str] | None = None) -> list:
    """What stands in a topic; nothing while it is being made."""
    from confluent_kafka import KafkaException

    try:
        return kit.broker.read(topic, client)
    except KafkaException:
        return []


def send(client: dict[str, str], prefix: str, token: str) -> None:
    """Writes records, one message that is none, and a request, with Confluent's client."""
    from confluent_kafka import Producer

    producer, structured = Producer(client), [("content-type", b"application/cloudevents+json")]
    for n in range(PEOPLE):
        record = {"dataset": DATASET, **person(n)}
        producer.produce(prefix + FEED, event(FEED, f"r{n}", record), f"{n:032x}", headers=structured)
    producer.produce(prefix + FEED, b"{", f"{PEOPLE:032x}", headers=structured)
    item = {"ref": "1", **{k: v for k, v in verification(person(0), "name").items() if k != "purpose"}}
    asked = event(REQUEST, "q1", {"purpose": PURPOSE, "items": [item]})
    producer.produce(prefix + REQUEST, asked, "q", headers=[*structured, ("authorization", f"Bearer {token}".encode())])
    if producer.flush(30):
        raise TimeoutError("Confluent's client could not write")


def ask(hub: Hub, checks: Checks, what: str) -> set[str]:
    """Verifies people who are known, one of them wrongly; ids of the answers."""
    agency, answers = hub.client("agency"), set()
    for n in range(PEOPLE):
        wrong = {"name": "卜相合"} if n == 0 else {}
        answer = agency.post("/v1/verifications", verification(person(n), "sex", "birth_date", **wrong))
        outcome = find(answer.json(), "outcome")
        checks.ok(f"{what}: it verifies", outcome == ("mismatched" if wrong else "verified"), answer)
        answers.add(str(find(answer.json(), "id")))
    return answers


def reach(kit: Kit, name: str, client: dict[str, str], env: dict[str, str], checks: Checks) -> float:
    """A hub that must reach the broker in this way; seconds until its bus was well."""
    prefix, started = f"{name}.", time.monotonic()
    with kit.hub(name, env) as hub:
        checks.ok(f"{name}: the bus is well", within(60, lambda: bus(hub) == "ok"), hub.tail())
        took = time.monotonic() - started
        send(client, prefix, hub.tokens["agency"])
        agency, known = hub.client("agency"), [verification(person(n), "name") for n in range(PEOPLE)]
        came = within(30, lambda: all(find(agency.post("/v1/verifications", one).json(), "outcome") == "verified" for one in known))
        checks.ok(f"{name}: records come in", came, hub.tail())
        answers = ask(hub, checks, name)
        least = {CHANGED: PEOPLE, COMPLETED: PEOPLE, MISMATCH: 1, RESULT: 1, LETTER: 1, CHECKPOINT: 1}
        found: dict[str, list] = {}

        def all_told() -> bool:
            found.update({topic: read(kit, prefix + topic, client) for topic in least})
            told = {header(message, "ce_id") for message in found[COMPLETED]}
            return answers <= told and all(len(found[topic]) >= count for topic, count in least.items())

        checks.ok(f"{name}: every topic is written", within(30, all_told), {topic: len(all_) for topic, all_ in found.items()})
        for topic, messages in found.items():
            bad = [m.value() for m in messages if not SCHEMAS[topic].is_valid(json.loads(m.value()))]
            checks.ok(f"{name}: {topic} is of its schema", not bad, bad[:1])
        seen = [hub.admin().get(path).body for path in ("/metrics", "/readyz")]
        checks.ok(f"{name}: no secret is told", not kit.leaks(*seen), kit.leaks(*seen))
        failed = [line for line in warnings(said(hub)) if "afka" in line["message"]]
        checks.ok(f"{name}: nothing is complained of", not failed, failed[:2])
    return took


def refused(kit: Kit, name: str, env: dict[str, str], right: dict[str, str], words: tuple[str, str], checks: Checks) -> None:
    """A hub that must not reach the broker, and does once its settings are `right` and it is started again."""
    hub = kit.hub(name, env)
    put_records(hub.client("authority"), DATASET, [person(n) for n in range(PEOPLE)])
    answers = ask(hub, checks, name)
    states, until = set(), time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        states.add(bus(hub))
        time.sleep(0.2)
    checks.ok(f"{name}: it is degraded, and ready, all the time", states == {"degraded"}, states)
    answers |= ask(hub, checks, name)
    told = warnings(said(hub))
    why = [line for line in told if line["message"].startswith(FAILS)]
    checks.ok(f"{name}: it says why, once", len(why) == 1, why)
    fits = why and words[0] in why[0]["reason"] and words[1] in why[0]["hint"] and why[0]["broker"] in env["HEYAN__KAFKA__BROKERS"]
    checks.ok(f"{name}: in words of the settings", fits, why[:1])
    checks.ok(f"{name}: and not much more", len(told) <= WARNINGS_MAX, [line["message"] for line in told])
    plainly = sorted(topic for topic in kit.broker.topics() if topic.startswith(f"{name}."))
    checks.ok(f"{name}: it never turned to the plain listener", not plainly, plainly)
    checks.ok(f"{name}: it ends in order", hub.stop() == 0, hub.tail())
    with kit.hub(name, right) as again:
        checks.ok(f"{name}: right settings and a start are all it takes", within(60, lambda: bus(again) == "ok"), again.tail())
        late = within(30, lambda: answers <= {header(m, "ce_id") for m in read(kit, f"{name}.{COMPLETED}")})
        checks.ok(f"{name}: what was answered meanwhile is published", late)


def make_user(kit: Kit, name: str, password: bytes) -> None:
    """Lets the broker know a user."""
    from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

    admin = AdminClient({"bootstrap.servers": kit.broker.brokers})
    user = UserScramCredentialUpsertion(name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password)
    for done in admin.alter_user_scram_credentials([user]).values():
        done.result(30)


def recovers(kit: Kit, checks: Checks) -> tuple[float, float]:
    """A hub whose user the broker does not know yet, then a broker that is gone: no start is needed; seconds that each took."""
    password = kit.secret("late-password")
    env = kit.env("late", "scram", **kit.user("scram-sha-512", password, "late"))
    with kit.hub("late", env | TRACE) as hub:
        time.sleep(4)
        checks.ok("late: an unknown user is refused", bus(hub) == "degraded")
        make_user(kit, "late", password.read_bytes().strip())
        began = time.monotonic()
        checks.ok("late: once known it is let in, without a start", within(60, lambda: bus(hub) == "ok"), hub.tail())
        let_in = time.monotonic() - began
        checks.ok("late: the hub says so", within(5, lambda: any(line["message"].startswith(WORKS) for line in said(hub))))
        begin = hub.stderr_path.stat().st_size
        kit.broker.command("kill")
        checks.ok("late: a broker that is gone is noticed", within(30, lambda: bus(hub) == "degraded"))
        time.sleep(5)
        kit.broker.command("resume")
        began = time.monotonic()
        checks.ok("late: and so is that it is back", within(60, lambda: bus(hub) == "ok"), hub.tail())
        back = time.monotonic() - began
        told = [line for line in said(hub, begin) if "afka" in line["message"] and line["level"] != "DEBUG"]
        checks.ok("late: few words are made of it", 2 <= len(told) <= 5 and told[-1]["message"].startswith(WORKS), told)
        checks.ok("late: no secret is told", not kit.leaks(), kit.leaks())
    return let_in, back


def unusable(kit: Kit, checks: Checks) -> None:
    """Files that cannot be used end the start, with the file and the key and nothing of what is in it."""
    open_ = kit.secrets / "open-password"
    open_.write_text(kit.password)
    open_.chmod(0o644)
    cases = {
        "a password that others may read": (kit.env("x", "scram", **kit.user("scram-sha-512", open_)), "chmod 400", str(open_)),
        "no file of authorities": (kit.env("x", "tls", ca="none"), "kafka.ca_file", "none.pem"),
        "a key of another certificate": (
            kit.env("x", "mutual", certificate_file=kit.tls / "client.pem", key_file=kit.tls / "server.key"),
            "mismatch",
            "[kafka]",
        ),
    }
    for what, (env, *words) in cases.items():
        try:
            kit.hub("unusable", env).stop()
            checks.ok(f"{what} ends the start", False)
        except HubFailed as failed:
            text = str(failed)
            checks.ok(f"{what} ends the start and is named", "ended with 3" in text and all(word in text for word in words), text)
            checks.ok(f"{what}: no secret is told", not kit.needles.hits(text.encode()))
    shown = settings("print", kit.env("x", "scram", **kit.user("scram-sha-512", kit.wrong)))
    checks.ok("config print tells the file", shown.returncode == 0 and str(kit.wrong) in shown.stdout, shown.stderr)
    checks.ok("config print tells no secret", not kit.needles.hits(shown.stdout.encode()))


def settings(command: str, env: dict[str, str]) -> CompletedProcess:
    """`heyan config check` or `print`."""
    return run("config", command, env={**os.environ, **env})


def main() -> None:
    arguments(__doc__)
    checks = Checks("kafka_tls")
    if lacks := missing():
        print(f"SKIPPED: {lacks} missing")
        sys.exit(3)
    if "--features kafka-tls" in (told := settings("check", {"HEYAN__KAFKA__SECURITY": "tls"})).stdout + told.stderr:
        print(f"SKIPPED: {binary()} was built without `--features kafka-tls`: TLS TOWARDS KAFKA WAS NOT TRIED")
        sys.exit(3)
    kit = Kit()
    ways = {"tls": ("tls", {}), "mutual": ("mutual", kit.certificate())}
    ways |= {mechanism: ("scram", kit.user(mechanism)) for mechanism in ("scram-sha-512", "scram-sha-256")}
    took = {}
    for name, (listener, more) in ways.items():
        client = kit.confluent(listener, name if listener == "scram" else "")
        env = kit.env(name, listener, **more) | (TRACE if listener == "scram" else {})
        took[name] = f"{reach(kit, name, client, env, checks):.1f}s"
    unusable(kit, checks)
    user = kit.user("scram-sha-512")
    wrong = {
        "other-ca": (kit.env("other-ca", "tls", ca="other-ca"), "tls", {}, ("certificate verify failed", "kafka.ca_file")),
        "elsewhere": (kit.env("elsewhere", "elsewhere"), "tls", {}, ("certificate verify failed", "another name")),
        "expired": (kit.env("expired", "expired"), "tls", {}, ("certificate verify failed", "not valid at this time")),
        "no-certificate": (kit.env("no-certificate", "mutual"), "mutual", kit.certificate(), ("alert", "kafka.certificate_file")),
        "wrong-password": (
            kit.env("wrong-password", "scram", **kit.user("scram-sha-512", kit.wrong)) | TRACE,
            "scram",
            user,
            ("SASL authentication error", "kafka.sasl_username"),
        ),
        "no-user": (kit.env("no-user", "scram"), "scram", user, ("Disconnected", "kafka.sasl_username")),
        "plain": (
            kit.env("plain", "tls") | {"HEYAN__KAFKA__BROKERS": kit.broker.brokers},
            "tls",
            {},
            ("closed by peer", "kafka.brokers"),
        ),
    }
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(refused, kit, name, env, kit.env(name, listener, **more), words, checks)
            for name, (env, listener, more, words) in wrong.items()
        ]
        for one in runs:
            one.result()
    let_in, back = recovers(kit, checks)
    checks.ok("no secret stands in any log or store", not kit.leaks(), kit.leaks())
    checks.finish(ways=len(ways), refusals=len(wrong), let_in=f"{let_in:.1f}s", back=f"{back:.1f}s", **took)


SCHEMAS = schemas()

if __name__ == "__main__":
    main()
