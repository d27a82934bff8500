"""PostgreSQL is away when a hub starts, and is hurt while it serves: killed, restarted, its connections ended, writes forbidden.

A hub that starts waits for it. Meanwhile calls are refused, none is answered wrongly; afterwards the hub is back by itself, and every
acknowledged record is there. The test of the test: a record that is taken out of the database is missed.
"""

import os
import threading
import time

from faults import log_lines, outcome, put, ready, within
from hub import WRONG_ON_PURPOSE, Checks, Hub, arguments, person, workdir
from postgres import URL, Postgres, url_file


class Writer(threading.Thread):
    """Puts records one after the other; remembers which were acknowledged."""

    def __init__(self, hub: Hub, first: int):
        super().__init__(daemon=True)
        self.hub, self.next, self.halt = hub, first, threading.Event()
        self.kept: list[int] = []
        self.refused = self.odd = 0

    def run(self) -> None:
        client = self.hub.client("authority", 30)
        while not self.halt.is_set():
            answer = client.attempt("PUT", "/v1/datasets/natural-person/records", person(self.next))
            if answer is not None and answer.status in (200, 201):
                self.kept.append(self.next)
            elif answer is not None and answer.status == 503:
                self.refused += 1
            else:
                self.odd += 1
            self.next += 1
            time.sleep(0.01)


def away_at_boot(checks: Checks, server: Postgres, work, env: dict[str, str], seconds: float) -> tuple[Hub, float]:
    server.kill()
    begun, started = time.monotonic(), []
    back = threading.Timer(seconds, lambda: started.append(server.start()))
    back.start()
    hub = Hub(work / "hub", env=env, ready_within=seconds + 90)
    waited = time.monotonic() - begun
    back.join()
    checks.ok("a hub waits for PostgreSQL at its start", waited >= seconds, waited)
    late = waited - seconds - (started or [0])[0]
    checks.ok("and is ready soon after", late < 25, late)
    told = len(log_lines(hub, "PostgreSQL")) + len(log_lines(hub, "database"))
    checks.ok("the log says that it waits, without a flood", 1 <= told <= 2 + seconds, told)
    return hub, late


def scenes(server: Postgres) -> list[tuple[str, object]]:
    def stopped() -> None:
        server.process.send_signal(19)
        time.sleep(2.5)
        server.process.send_signal(18)

    def ended() -> None:
        for _ in range(5):
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname LIKE 'd\\_%'")
            time.sleep(0.2)

    def read_only() -> None:
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        server.sql("SELECT pg_reload_conf()")
        ended()
        time.sleep(1)
        server.sql("ALTER SYSTEM RESET default_transaction_read_only")
        server.sql("SELECT pg_reload_conf()")
        ended()

    def killed() -> None:
        server.kill()
        server.start()

    return [("ended", ended), ("restarted", server.restart), ("killed", killed), ("read-only", read_only), ("stopped", stopped)]


def main() -> None:
    args = arguments(
        __doc__,
        ("--away", {"type": float, "default": 6, "help": "seconds for which it is away at a start"}),
        ("--rounds", {"type": int, "default": 1}),
    )
    checks, work = Checks("pg_hurt"), workdir("pg_hurt")
    server = Postgres()
    os.environ[URL] = server.url
    url_file(work / "hub")  # while it is there: makes the database
    hub, late = away_at_boot(checks, server, work, WRONG_ON_PURPOSE, args.away)
    outages, kept, refused, number = [], [], 0, 100
    try:
        for _ in range(args.rounds):
            for name, hurt in scenes(server):
                writer = Writer(hub, number)
                writer.start()
                time.sleep(0.4)
                hurt()
                writable = lambda: (c := put(hub, 90)).join(10) or (c.answer is not None and c.answer.status in (200, 201))  # noqa: E731
                back = within(30, writable)
                checks.ok(f"{name}: back by itself", back is not None and back < 20, back)
                time.sleep(0.3)
                writer.halt.set()
                writer.join(40)
                checks.ok(f"{name}: nothing but 503 meanwhile", writer.odd == 0, writer.odd)
                lost = [n for n in writer.kept if outcome(hub, n) != "verified"]
                checks.ok(f"{name}: every acknowledged record is there", writer.kept and not lost, lost[:3])
                kept, refused, number = kept + writer.kept, refused + writer.refused, writer.next + 1
                outages.append(back or 30.0)
        checks.ok("ready at the end", within(10, lambda: ready(hub).get("http") == 200) is not None, ready(hub))
        checks.ok("the process is the same", hub.process.poll() is None)
        # Another hub has nothing in memory: what the database lacks, it cannot know.
        hub.stop()
        database = (work / "hub.postgres-url").read_text().strip().rsplit("/", 1)[1]
        server.sql("SET session_replication_role = replica; DELETE FROM records", database)
        with Hub(work / "hub", env=WRONG_ON_PURPOSE) as again:
            missed = sum(outcome(again, n) != "verified" for n in kept[:10])
        checks.ok("records that are gone are missed", missed == len(kept[:10]), missed)
    finally:
        hub.kill()
    checks.finish(scenes=len(outages), acks=len(kept), refused=refused, late_s=round(late, 1), outage_max_s=round(max(outages), 1))


if __name__ == "__main__":
    main()
