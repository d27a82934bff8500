"""One asker floods, and another agency must not notice: strangers, idle connections, and every kind of row that a caller can cause.

An honest agency verifies from 127.0.0.2, first alone and then beside each flood, which comes from 127.0.0.1. Beside strangers its p50
stays within twice the quiet one, its p99 below a bound, and none of its calls is refused. Beside the floods of another agency each
kind of row ends at its quota with `429 quota_reached`; afterwards the hub has grown little and starts soon.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import threading
import time
from pathlib import Path

from crowd import connected
from hub import (
    PURPOSE,
    WRONG_ON_PURPOSE,
    Checks,
    Client,
    Hub,
    arguments,
    person,
    put_records,
    verification,
    workdir,
)
from load import percentile, raise_files
from parties import credit_code

PEOPLE = 200
HONEST = "127.0.0.2"
SINGLE = "/v1/verifications"


def rss(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def disk(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


class Honest(threading.Thread):
    """An agency that verifies at a modest rate from an address of its own."""

    def __init__(self, hub: Hub, records: list[dict], every_s: float = 0.004):
        super().__init__(daemon=True)
        self.client = Client(hub.url, hub.tokens["agency2"], 20, HONEST)
        self.bodies = [json.dumps(verification(record, "name"), ensure_ascii=False) for record in records]
        self.every_s, self.times, self.bad = every_s, [], []
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        n = 0
        while not self._over.wait(self.every_s):
            began = time.monotonic()
            answer = self.client.attempt("POST", SINGLE, self.bodies[n % len(self.bodies)])
            self.times.append((time.monotonic() - began) * 1000)
            if answer is None or answer.status != 200:
                self.bad.append(repr(answer))
            n += 1

    def stop(self) -> tuple[float, float, list]:
        """p50 and p99 in milliseconds, and what was not answered."""
        self._over.set()
        self.join(30)
        return percentile(self.times, 50), percentile(self.times, 99), self.bad


class Flood:
    """Callers in closed loop, each with its own connection, in a process of their own: they take no time of the honest agency's."""

    def __init__(self, hub: Hub, callers: int, call, token: str | None = None):
        context = multiprocessing.get_context("fork")
        self._over, (self._told, tell) = context.Event(), context.Pipe(False)
        self.process = context.Process(target=self._run, args=(hub.url, callers, call, token, tell), daemon=True)
        self.process.start()

    def _run(self, url: str, callers: int, call, token: str | None, tell) -> None:
        statuses, quotas, lock = {}, set(), threading.Lock()

        def work(caller: int) -> None:
            client, n = Client(url, token, 20), 0
            while not self._over.is_set():
                try:
                    answer = call(client, caller, n)
                except (http.client.HTTPException, OSError):
                    client.close()
                    continue
                n += 1
                with lock:
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
                    if answer.code == "quota_reached":
                        quotas.add(answer.json()["quota"])

        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell.send((statuses, quotas))

    def stop(self) -> tuple[dict[int, int], set[str]]:
        """How often each status was answered, and which quotas were reached."""
        self._over.set()
        told = self._told.recv() if self._told.poll(30) else ({}, set())
        self.process.join(5)
        return told


class Drill:
    """The hub, the honest agency, and how fast it is when nothing else happens."""

    def __init__(self, args, checks: Checks, hub: Hub):
        self.args, self.checks, self.hub, self.figures = args, checks, hub, {}
        self.records = [person(n) for n in range(PEOPLE)]
        taken, refused = put_records(hub.client("authority"), "natural-person", self.records)
        checks.ok("the records are in", taken == PEOPLE, refused[:2])
        Honest(hub, self.records, 0.001), time.sleep(0.5)
        self.quiet = self.beside()
        self.figures["quiet_ms"] = "/".join(f"{ms:.1f}" for ms in self.quiet)

    def beside(self) -> tuple[float, float]:
        """p50 and p99 of the honest agency for a while."""
        honest = Honest(self.hub, self.records)
        time.sleep(self.args.seconds)
        p50, p99, bad = honest.stop()
        self.checks.ok("the honest agency is answered", not bad, bad[:3])
        return p50, p99

    def held(self, name: str, p99_max_ms: float, is_stranger: bool = False) -> None:
        """What the honest agency sees beside a flood that is under way."""
        p50, p99 = self.beside()
        self.figures[f"{name}_ms"] = f"{p50:.1f}/{p99:.1f}"
        if is_stranger:
            # Half a millisecond is what the clock of a shared machine may add to a quiet median.
            most = 2 * self.quiet[0] + 0.5
            self.checks.ok(f"{name}: p50 is at most twice the quiet one", p50 <= most, (p50, self.quiet[0]))
        self.checks.ok(f"{name}: p99 is at most {p99_max_ms:.0f} ms", p99 <= p99_max_ms, p99)

    def strangers(self) -> None:
        """32 who reload a page, 32 with a wrong token, and thousands of idle connections of one address."""
        shed = self.hub.metric("heyan_shed_total")
        for name, path, token in (("docs", "/docs", None), ("wrong_tokens", "/v1/datasets", "a.b.c")):
            flood = Flood(self.hub, 32, lambda client, _c, _n, path=path: client.get(path), token)
            time.sleep(2.5)
            self.held(name, 50, is_stranger=True)
            statuses, _ = flood.stop()
            odd = {status: n for status, n in statuses.items() if status not in (200, 401, 429)}
            self.checks.ok(f"{name}: strangers are answered or told to wait", statuses and not odd, statuses)
        docs = self.hub.client().get("/docs", headers={"Accept-Encoding": "gzip"})
        tag = docs.headers.get("etag")
        self.checks.ok("/docs is compressed", docs.headers.get("content-encoding") == "gzip", len(docs.body))
        again = self.hub.client().get("/docs", headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
        self.checks.ok("/docs is told by its tag", again.status == 304, again)
        told = self.hub.metric("heyan_shed_total") - shed
        self.checks.ok("strangers that are turned away are counted", told > 0, told)
        socks, _ = connected(self.hub, self.args.idle, 3)
        self.held("idle", 50, is_stranger=True)
        shed = self.hub.metric("heyan_shed_total") - shed - told
        self.checks.ok("idle connections beyond the limit are closed and counted", shed > 0, shed)
        newcomer = Client(self.hub.url, self.hub.tokens["agency2"], 5, HONEST)
        began = time.monotonic()
        answer = newcomer.attempt("GET", "/v1/datasets")
        took = time.monotonic() - began
        fine = answer is not None and answer.status == 200 and took < 0.5
        self.checks.ok("a newcomer is answered beside them", fine, (answer, took))
        for sock in socks:
            sock.close()


    def floods(self) -> None:
        """One agency in a loop, with each kind of row that it can cause: each ends at its quota, and the other agency goes on."""
        hub, checks, person_of = self.hub, self.checks, self.records
        before = rss(hub.process.pid), disk(hub.data)
        secret = self.flooder()
        subscription = self.subscription()

        def wrong(client: Client, caller: int, n: int):
            purpose = PURPOSE | {"application_no": f"M-{caller}-{n}"}
            return client.post(SINGLE, verification(person_of[n % PEOPLE], "name", name="无此人") | {"purpose": purpose})

        def case(client: Client, _caller: int, _n: int):
            party = {"agency": "agency2", "item_code": PURPOSE["item_code"], "refs": [f"{n:0>120}" for n in range(64)]}
            parties = [party | {"item_code": f"{PURPOSE['item_code']}{n}"} for n in range(16)]
            return client.post("/v1/cases", {"purpose": PURPOSE, "co_handlers": parties, "valid_hours": 1})

        def key(client: Client, caller: int, n: int):
            headers = {"Idempotency-Key": f"k-{caller}-{n}"}
            body = {"action": "close", "reason": "x"}
            return client.post("/v1/mismatches/mis_00000000000000000000000000/actions", body, headers=headers)

        def watch(client: Client, _caller: int, n: int):
            until = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86_400 * 30))
            return client.post("/v1/watches", verification(person_of[n % PEOPLE], "name") | {"until": until})

        def test(client: Client, _caller: int, _n: int):
            return client.post(f"/v1/subscriptions/{subscription}/test", {})

        def token(client: Client, _caller: int, _n: int):
            form = f"grant_type=client_credentials&client_id=flooder&client_secret={secret}"
            return client.post("/oauth/token", form, token=None, ctype="application/x-www-form-urlencoded")

        def upload(client: Client, _caller: int, _n: int):
            head = "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{}\r\n"
            return client.post("/v1/licences/verify-file", head, ctype="multipart/form-data; boundary=x")

        def listing(client: Client, _caller: int, _n: int):
            return client.get("/v1/mismatches?limit=1000")

        for name, call, quota in (
            ("mismatches", wrong, "open_mismatches"),
            ("cases", case, "cases"),
            ("keys", key, "saved_replies"),
            ("watches", watch, "watches"),
            ("test_events", test, "test_events"),
            ("tokens", token, "tokens"),
            ("uploads", upload, "uploads"),
            ("lists", listing, None),
        ):
            flood = Flood(hub, 8, call, hub.tokens["agency"])
            self.held(name, self.args.p99_max_ms)
            statuses, quotas = flood.stop()
            self.figures[f"{name}_calls"] = sum(statuses.values())
            odd = [status for status in statuses if status >= 500]
            checks.ok(f"{name}: nothing breaks", statuses and not odd, statuses)
            if quota:
                checks.ok(f"{name}: the quota is reached and named", quota in quotas, (statuses, quotas))
        after = rss(hub.process.pid), disk(hub.data)
        self.figures["rss_mb"] = "/".join(str(figure >> 20) for figure in (before[0], after[0]))
        self.figures["disk_mb"] = "/".join(str(figure >> 20) for figure in (before[1], after[1]))
        checks.ok("memory is at most half more", after[0] <= 1.5 * before[0], (before[0], after[0]))

    def flooder(self) -> str:
        """The secret of an agency that asks for tokens."""
        body = {"id": "flooder", "name": "演练机构", "credit_code": credit_code(91), "role": "agency"}
        answer = self.hub.client("manager").post("/v1/agencies", body)
        self.checks.ok("an agency is made", answer.status == 201, answer)
        return (answer.json() or {}).get("client_secret", "")

    def subscription(self) -> str:
        """A subscription of the agency that floods: the demo's own."""
        answer = self.hub.client("agency").get("/v1/subscriptions")
        return next((one["id"] for one in answer.json()["subscriptions"] if one["state"] == "active"), "sub_none")


# Small, so that a short flood reaches each.
QUOTAS = {
    "OPEN_MISMATCHES_ROWS_MAX": "30",
    "CASES_ROWS_MAX": "30",
    "SAVED_REPLIES_ROWS_MAX": "50",
    "WATCHES_ROWS_MAX": "50",
    "TEST_EVENTS_ROWS_MAX": "20",
    "TOKEN_REQUESTS_H_MAX": "50",
    "UPLOADS_REQUESTS_MAX": "20",
}


def main() -> None:
    args = arguments(
        __doc__,
        ("--seconds", {"type": float, "default": 2.0}),
        ("--idle", {"type": int, "default": 4000}),
        ("--p99-max-ms", {"type": float, "default": 100.0}),
    )
    raise_files()
    checks, folder = Checks("askers"), workdir("askers")
    env = WRONG_ON_PURPOSE | {f"HEYAN__QUOTAS__{name}": value for name, value in QUOTAS.items()}
    with Hub(folder / "data", env=env) as hub:
        drill = Drill(args, checks, hub)
        drill.strangers()
        drill.floods()
    with Hub(folder / "data", env=env) as hub:
        checks.ok("it starts soon afterwards", hub.ready_s < 5, hub.ready_s)
        drill.figures["start_s"] = round(hub.ready_s, 2)
    checks.finish(**drill.figures)


if __name__ == "__main__":
    main()
