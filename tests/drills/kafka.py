"""Starts the broker of `tests/kafka/kafka.sh` for a drill, and reads and writes topics with programs that are not ours.

    python tests/drills/kafka.py python tests/drills/loop.py     every hub of the drill publishes on a broker of its own

`kcat` writes (many messages a second from one pipe), Confluent's Python client reads. Nothing here knows the hub's code: what a
topic must hold is what `schemas/events` says.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import time

from hub import ROOT, workdir

SCRIPT = ROOT / "tests/kafka/kafka.sh"
INBOUND = ("heyan.feed.v1", "heyan.verify.request.v1")
OUTBOUND = (
    "heyan.record.changed.v1",
    "heyan.verification.completed.v1",
    "heyan.verify.result.v1",
    "heyan.mismatch.v1",
    "heyan.supervision.v1",
    "heyan.checkpoint.v1",
    "heyan.dead-letter.v1",
)


class Broker:
    """One broker in a folder of its own; gone with the drill. With `tls` it has protected listeners too, see `kafka.sh`."""

    def __init__(self, count: int = 1, tls: bool = False):
        self.folder = workdir("kafka")
        self.tls = self.folder / "tls"
        self.brokers = self.script("start", str(self.folder), str(count), KAFKA_TLS="1" if tls else "").strip()
        atexit.register(lambda: self.script("kill", str(self.folder)))

    @staticmethod
    def script(*args: str, **more: str) -> str:
        env = {**os.environ, "KAFKA_OWNER": str(os.getpid()), **more}
        done = subprocess.run([SCRIPT, *args], env=env, capture_output=True, text=True, timeout=180, check=True)
        return done.stdout

    def command(self, word: str, *which: int) -> None:
        """`stop`, `kill`, `pause`, `cont` or `resume`; of some brokers, or of all."""
        self.script(word, str(self.folder), *map(str, which))

    def env(self, partitions: int = 4, **more: str) -> dict[str, str]:
        """Settings of a hub that uses it; `more` are settings of [kafka], `feed__agency` and other `brokers` among them."""
        settings = {"brokers": self.brokers, "partitions": partitions, "replicas": 1, "min_insync_replicas": 1, **more}
        return {f"HEYAN__KAFKA__{name.upper()}": str(value) for name, value in settings.items()}

    def topics(self) -> set[str]:
        """Names that the broker knows."""
        listed = subprocess.run(
            ["kcat", "-b", self.brokers, "-L", "-J"], capture_output=True, text=True, timeout=60, check=True
        )
        return {topic["topic"] for topic in json.loads(listed.stdout)["topics"]}

    def wait_topics(self, within: float = 60) -> None:
        """Waits until the hub has made every topic."""
        until = time.monotonic() + within
        while not set(INBOUND) | set(OUTBOUND) <= self.topics():
            if time.monotonic() > until:
                raise TimeoutError("the hub has not made the topics")
            time.sleep(0.1)

    def produce(self, topic: str, lines: list[tuple[str, bytes]], headers: dict[str, str]) -> None:
        """Writes key and payload of each line with kcat; no payload holds a line feed."""
        args = ["kcat", "-b", self.brokers, "-t", topic, "-P", "-K", "\t", "-X", "acks=all", "-X", "linger.ms=20"]
        for name, value in headers.items():
            args += ["-H", f"{name}={value}"]
        data = b"".join(key.encode() + b"\t" + payload + b"\n" for key, payload in lines)
        subprocess.run(args, input=data, stderr=subprocess.PIPE, timeout=600, check=True)

    def count(self, topic: str) -> int:
        """Messages of a topic, as kcat reads them."""
        args = ["kcat", "-b", self.brokers, "-t", topic, "-C", "-o", "beginning", "-e", "-q", "-f", "%o\n"]
        return subprocess.run(args, capture_output=True, timeout=600, check=True).stdout.count(b"\n")

    def left(self, topic: str, group: str) -> int:
        """Messages of a topic that a group has not said to be done with."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": group, "enable.auto.commit": False})
        parts = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        done = {tp.partition: max(tp.offset, 0) for tp in consumer.committed([TopicPartition(topic, p) for p in parts], 30)}
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in parts}
        consumer.close()
        return sum(end - done.get(p, 0) for p, end in ends.items())

    def read(self, topic: str, client: dict[str, str] | None = None) -> list:
        """Every message that stands in a topic now, read with Confluent's client, which connects plainly or as `client` says."""
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        settings = {"bootstrap.servers": self.brokers, "group.id": "drill", "enable.auto.commit": False, **(client or {})}
        consumer = Consumer(settings)
        parts = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30) for p in parts}
        left = {p: high for p, (low, high) in ends.items() if high > low}
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in left])
        found, until = [], time.monotonic() + 300
        while left and time.monotonic() < until:
            for message in consumer.consume(5_000, timeout=1.0):
                if message.error():
                    raise OSError(str(message.error()))
                found.append(message)
                if message.offset() + 1 >= left.get(message.partition(), 1 << 62):
                    left.pop(message.partition(), None)
        consumer.close()
        if left:
            raise TimeoutError(f"{topic}: not all was read")
        return found


def schemas() -> dict[str, object]:
    """A compiled validator for each topic, of a library that the hub does not use this way."""
    import jsonschema_rs

    return {
        topic: jsonschema_rs.validator_for(json.loads((ROOT / f"schemas/events/{topic}.json").read_text()))
        for topic in (*INBOUND, *OUTBOUND)
    }


def missing() -> str:
    """What a drill needs and this machine does not have."""
    return " ".join(name for name in ("kcat", "java", "mvn") if not shutil.which(name))


def header(message, name: str) -> str:
    """A header as text."""
    return next((value.decode() for key, value in message.headers() or [] if key == name), "")


def main() -> int:
    """Runs a command with a broker in `HEYAN_TEST_KAFKA`."""
    if lacks := missing():
        print(f"SKIPPED: {lacks} missing")
        return 3
    broker = Broker()
    return subprocess.run(sys.argv[1:], env={**os.environ, "HEYAN_TEST_KAFKA": broker.brokers}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
