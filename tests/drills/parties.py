"""The parties of the loop over REST: a hub that may die and come back, agencies with grants and subscriptions, actions.

Every answer to a `sure` call has arrived: when the hub died on the way, the call is made again on the hub that comes
after it, with the same idempotency key. The ports of a hub differ from start to start; who calls asks here each time.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hub import PURPOSE, Answer, Checks, Client, Hub, run
from receivers import Receivers

DATASET = "natural-person"
TILE = 256  # entries of a full C2SP bundle
# Who may read a dataset hears of every change; who may only verify hears of what it was answered from.
VERIFIES = ("verify", "predicate", "existence")
READS = (*VERIFIES, "read")


def settings(ports: list[int], later_s: int) -> dict[str, str]:
    """The hub's settings for drills: receivers on loopback, a schedule of seconds in the place of hours."""
    return {
        "HEYAN__PUSH__NETWORKS": '["127.0.0.0/8"]',
        "HEYAN__PUSH__LITERAL_NETWORKS": '["127.0.0.0/8"]',
        "HEYAN__PUSH__PLAIN_HTTP_NETWORKS": '["127.0.0.0/8"]',
        "HEYAN__PUSH__PORTS": json.dumps(ports),
        "HEYAN__PUSH__ATTEMPT_TIMEOUT_MS": "1000",
        # Long enough that no sickness of a drill outlasts it: a dead letter would end the order that is to be proved.
        "HEYAN__PUSH__SCHEDULE_S": json.dumps([0, 1, 1, 2] + [later_s] * 60),
    }


class Down(Exception):
    """The hub did not come back in time."""


@dataclass
class Agency:
    """An agency that a drill made; tokens are fetched when they are needed."""

    id: str
    client_id: str
    client_secret: str
    token: str = ""
    expires: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Place:
    """One data directory and the hub that serves it now."""

    def __init__(
        self, folder: Path, ports: list[int], seed: int = 1, later_s: int = 2, env: dict[str, str] | None = None
    ):
        self.data, self.seed, self.env = folder / "data", seed, settings(ports, later_s) | (env or {})
        self.hub: Hub | None = None
        self.kills, self.restarts = 0, []
        self._change, self._local = threading.Condition(), threading.local()

    def start(self) -> Hub:
        hub = Hub(self.data, seed=self.seed, env=self.env)
        self.restarts.append(hub.ready_s)
        with self._change:
            self.hub = hub
            self._change.notify_all()
        return hub

    def kill(self) -> None:
        """`kill -9`; callers wait until there is a hub again."""
        with self._change:
            hub, self.hub = self.hub, None
        hub.kill()
        self.kills += 1

    def stop(self) -> int:
        with self._change:
            hub, self.hub = self.hub, None
        return hub.stop()

    def __enter__(self) -> Place:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        if self.hub is not None:
            self.stop()

    def current(self, within_s: float = 60) -> Hub:
        with self._change:
            if not self._change.wait_for(lambda: self.hub is not None, within_s):
                raise Down
            return self.hub

    def call(
        self, who: str | Agency | None, method: str, path: str, body=None, *, key: str | None = None, **kw
    ) -> Answer:
        """One request as a role of the demo, an agency, or nobody."""
        hub = self.current()
        if getattr(self._local, "hub", None) is not hub:
            self._local.hub, self._local.client = hub, hub.client()
        token = hub.tokens[who] if isinstance(who, str) else who and self._token(hub, who)
        headers = kw.pop("headers", {}) | ({"Idempotency-Key": key} if key else {})
        return self._local.client.request(method, path, body, token=token, headers=headers, **kw)

    def sure(self, who, method: str, path: str, body=None, *, within_s: float = 120, **kw) -> Answer:
        """`call`, again and again until it is answered; nothing here is done twice by being asked twice."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                answer = self.call(who, method, path, body, **kw)
                # 409: the first request with this key is still under way; 503: the hub is on its way down or up.
                if answer.status != 503 and answer.code != "idempotency_in_progress":
                    return answer
            except (http.client.HTTPException, OSError):
                pass
            if time.monotonic() > deadline:
                raise Down
            time.sleep(0.02)

    def _token(self, hub: Hub, agency: Agency) -> str:
        with agency.lock:
            if time.monotonic() > agency.expires - 30:
                pair = base64.b64encode(f"{agency.client_id}:{agency.client_secret}".encode()).decode()
                answer = Client(hub.url).post(
                    "/oauth/token",
                    urllib.parse.urlencode({"grant_type": "client_credentials"}),
                    token=None,
                    ctype="application/x-www-form-urlencoded",
                    headers={"Authorization": f"Basic {pair}"},
                )
                doc = answer.json() or {}
                if answer.status != 200:
                    raise AssertionError(f"no token for {agency.id}: {answer}")
                agency.token, agency.expires = doc["access_token"], time.monotonic() + doc["expires_in"]
            return agency.token

    # ---- agencies, subscriptions, mismatches ------------------------------------------------------------------------

    def agency(self, id_: str, number: int, *, operations=VERIFIES, grant: bool = True) -> Agency:
        """Makes an agency over REST, with a grant on every field for every item."""
        body = {"id": id_, "name": f"演练机构 {number}", "credit_code": credit_code(number), "role": "agency"}
        answer = self.sure("manager", "POST", "/v1/agencies", body)
        doc = answer.json() or {}
        if answer.status != 201:
            raise AssertionError(f"agency {id_}: {answer}")
        if grant:
            grant_body = {
                "agency": id_,
                "dataset": DATASET,
                "fields": ["*"],
                "operations": list(operations),
                "item_codes": ["*"],
            }
            granted = self.sure("manager", "POST", "/v1/grants", grant_body)
            if granted.status != 201:
                raise AssertionError(f"grant of {id_}: {granted}")
        return Agency(doc["id"], doc["client_id"], doc["client_secret"])

    def subscribe(self, who, receivers: Receivers, at: int, events=("record.changed",), datasets=(DATASET,)) -> dict:
        """Subscribes a receiver and lets it know the secret."""
        body = {"url": receivers.url(at), "events": list(events), "datasets": list(datasets), "until": None}
        answer = self.sure(who, "POST", "/v1/subscriptions", body)
        doc = answer.json() or {}
        if answer.status != 201 or not str(doc.get("secret", "")).startswith("whsec_"):
            raise AssertionError(f"subscription: {answer}")
        receivers.secrets(at, doc["secret"])
        return doc

    def verify(self, who, record: dict, matter: str, **claims) -> Answer:
        """One verification in the matter of application `matter`."""
        purpose = PURPOSE | {"application_no": matter}
        body = {"dataset": DATASET, "subject": record["subject"], "claims": claims, "purpose": purpose}
        return self.sure(who, "POST", "/v1/verifications", body)

    def act(self, who, mismatch: str, action: str, key: str, **rest) -> Answer:
        """One action on a mismatch."""
        return self.sure(who, "POST", f"/v1/mismatches/{mismatch}/actions", {"action": action} | rest, key=key)

    def mismatch(self, who, id_: str) -> dict:
        return self.sure(who, "GET", f"/v1/mismatches/{id_}").json() or {}

    def until(self, who, id_: str, state: str, within_s: float = 20) -> dict:
        """The mismatch, once it is in `state`, or as it is when the time is over."""
        deadline = time.monotonic() + within_s
        while (doc := self.mismatch(who, id_)).get("state") != state and time.monotonic() < deadline:
            time.sleep(0.05)
        return doc

    def quiet(self, within_s: float) -> bool:
        """Waits until no delivery is pending."""
        deadline = time.monotonic() + within_s
        while (self.sure("operator", "GET", "/v1/deliveries?state=pending&limit=1").json() or {}).get(
            "deliveries"
        ) != []:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def credit_code(number: int) -> str:
    """A made-up unified social credit code with both check characters right (GB 11714, GB 32100)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    eight = f"{number:08}"
    rest = 11 - sum(int(c) * w for c, w in zip(eight, (3, 7, 9, 10, 5, 8, 4, 2))) % 11
    body = f"11340200{eight}{'X' if rest == 10 else 0 if rest == 11 else rest}"
    return body + alphabet[-sum(alphabet.index(c) * 3**i for i, c in enumerate(body)) % 31]


# What the queries below ask of.
TABLES = ("records", "record_versions", "events", "subscriptions", "deliveries", "mismatches", "mismatch_steps", "ledger_outbox")


def database(data: Path) -> sqlite3.Connection:
    """The hub's database, read only; the hub is not running. Of PostgreSQL a copy, so that each question has one text."""
    if os.environ.get("HEYAN_TEST_POSTGRES"):
        return copied((data.parent / f"{data.name}.postgres-url").read_text().strip())
    for path in sorted(data.rglob("*")):
        if path.is_file() and path.stat().st_size > 100 and path.open("rb").read(15) == b"SQLite format 3":
            return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    raise FileNotFoundError(f"no database below {data}")


def copied(url: str) -> sqlite3.Connection:
    """`TABLES` of a database of PostgreSQL, in memory: bytes as bytes, truth as 0 and 1."""
    psql, copy = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1], sqlite3.connect(":memory:")

    def lines(query: str) -> list[str]:
        args = [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url, "-c", query]
        return subprocess.run(args, check=True, capture_output=True, text=True, timeout=600).stdout.splitlines()

    for table in TABLES:
        named = f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        names = lines(named)
        copy.execute(f"CREATE TABLE {table} ({', '.join(names)})")
        rows = [json.loads(line) for line in lines(f"SELECT row_to_json(t) FROM {table} AS t")]
        marks = ", ".join("?" * len(names))
        copy.executemany(f"INSERT INTO {table} VALUES ({marks})", [[stored(row[name]) for name in names] for row in rows])
    return copy


def stored(value):
    """A value of `row_to_json` as SQLite holds it."""
    is_bytes = isinstance(value, str) and value.startswith("\\x")
    return bytes.fromhex(value[2:]) if is_bytes else value


# Each must find nothing: what one store has without the other, and what was begun and is not over.
ORPHANS = {
    "a version of a record that no event tells of": """
        SELECT count(*) FROM (SELECT dataset, subject, version FROM records
                    UNION ALL SELECT dataset, subject, version FROM record_versions) AS v
        WHERE v.version > 1 AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.kind = 'record.changed'
            AND e.dataset = v.dataset AND e.subject = v.subject AND e.version = v.version)""",
    "an event that tells of no version": """
        SELECT count(*) FROM events AS e WHERE e.kind = 'record.changed' AND NOT EXISTS (
                SELECT 1 FROM records AS r WHERE r.dataset = e.dataset AND r.subject = e.subject AND r.version = e.version)
            AND NOT EXISTS (SELECT 1 FROM record_versions AS r
                WHERE r.dataset = e.dataset AND r.subject = e.subject AND r.version = e.version)""",
    "a version that two events tell of": """
        SELECT count(*) FROM (SELECT 1 FROM events WHERE kind = 'record.changed'
            GROUP BY dataset, subject, version HAVING count(*) > 1)""",
    "a hole in the versions of a record": """
        SELECT count(*) FROM records AS r WHERE r.version - 1 <> (SELECT count(*) FROM record_versions AS v
            WHERE v.dataset = r.dataset AND v.subject = r.subject)""",
    "an event that nobody was chosen to hear of": "SELECT count(*) FROM events WHERE is_fanned = 0",
    "a change that a subscriber was not chosen to hear of": """
        SELECT count(*) FROM events AS e JOIN subscriptions AS s ON s.state = 'active' AND s.created_at < e.at
            AND EXISTS (SELECT 1 FROM json_each(s.events) WHERE value = 'record.changed')
        WHERE e.kind = 'record.changed'
            AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.subject = e.subject AND d.event = e.id AND d.target = s.id)""",
    "a delivery of no event": "SELECT count(*) FROM deliveries WHERE (subject, event) NOT IN (SELECT subject, id FROM events)",
    "a delivery that is not over": """
        SELECT count(*) FROM deliveries WHERE state <> 'delivered' AND NOT (state = 'cancelled'
            AND target IN (SELECT id FROM subscriptions WHERE state = 'deleted'))""",
    "an approval without an event": """
        SELECT (SELECT count(*) FROM mismatch_steps WHERE action = 'approve')
             - (SELECT count(*) FROM events WHERE kind = 'record.changed' AND mismatch IS NOT NULL)""",
    "a mismatch that stands otherwise than its last step": """
        SELECT count(*) FROM mismatches AS m WHERE NOT EXISTS (SELECT 1 FROM mismatch_steps AS s
            WHERE s.subject = m.subject AND s.mismatch = m.id AND s.seq = m.revision AND s.state = m.state)""",
    "a mismatch with a hole in its history": """
        SELECT count(*) FROM mismatches AS m
        WHERE m.revision <> (SELECT count(*) FROM mismatch_steps AS s WHERE s.subject = m.subject AND s.mismatch = m.id)""",
    "a step of no mismatch": "SELECT count(*) FROM mismatch_steps WHERE (subject, mismatch) NOT IN (SELECT subject, id FROM mismatches)",
    "a mismatch that waits for something": "SELECT count(*) FROM mismatches WHERE is_final = 0",
    "an entry that is not in the ledger": "SELECT count(*) FROM ledger_outbox",
}


def orphans(checks: Checks, db: sqlite3.Connection) -> int:
    """Runs every query of `ORPHANS`; returns how many orphans there are."""
    total = 0
    for what, query in ORPHANS.items():
        found = db.execute(query).fetchone()[0]
        total += abs(found)
        checks.ok(f"there is not {what}", found == 0, found)
    return total


def ledger_entries(place: Place) -> Iterator[bytes]:
    """Every entry under the newest checkpoint, as an auditor reads them."""
    size = int(place.sure(None, "GET", "/log/checkpoint").body.split(b"\n")[1])
    for n in range(-(-size // TILE)):
        width = min(TILE, size - n * TILE)
        groups = [f"{n:03}"] if n < 1000 else [f"x{n // 1000:03}", f"{n % 1000:03}"]
        path = f"/log/tile/entries/{'/'.join(groups)}" + (f".p/{width}" if width < TILE else "")
        body, at = place.sure("auditor", "GET", path).body, 0
        while at < len(body):
            end = at + 2 + int.from_bytes(body[at : at + 2])
            yield body[at + 2 : end]
            at = end


def told_by_ledger(place: Place) -> tuple[Counter, Counter]:
    """Steps of mismatches, (id, step, action, state), and ends of deliveries, (id, state), as the ledger has them."""
    steps, ends = Counter(), Counter()
    for entry in ledger_entries(place):
        if len(entry) < 15 or entry[0] != 1 or entry[1] not in (6, 7):
            continue
        texts, at = [], 14
        for _ in range(4):
            texts.append(entry[at + 1 : at + 1 + entry[at]].decode())
            at += 1 + entry[at]
        if entry[1] == 6:
            steps[texts[0], int.from_bytes(entry[at + 16 : at + 20]), texts[1], texts[2]] += 1
        else:
            ends[texts[0], texts[3]] += 1
    return steps, ends


def ledger_agrees(checks: Checks, db: sqlite3.Connection, steps: Counter, ends: Counter) -> int:
    """Each step and each end is in the ledger exactly once, and nothing else is; returns how many are not."""
    stored_steps = Counter(db.execute("SELECT mismatch, seq, action, state FROM mismatch_steps").fetchall())
    stored_ends = Counter(db.execute("SELECT id, state FROM deliveries WHERE state IN ('delivered', 'cancelled')").fetchall())
    apart = 0
    for what, ledger, stored in (("step", steps, stored_steps), ("end of a delivery", ends, stored_ends)):
        for where, these in (("the ledger", stored - ledger), ("the database", ledger - stored)):
            apart += these.total()
            checks.ok(f"no {what} is missing from {where}", not these, list(these.items())[:2])
    return apart


def ledger_is_sound(checks: Checks, hub: Hub) -> None:
    """`heyan ledger verify` on the folder of a hub that does not run."""
    done = run("ledger", "verify", str(hub.ledger_dir), "--key", hub.info["ledger_key"])
    checks.ok("ledger verify is sound", done.returncode == 0, (done.stdout + done.stderr)[-400:])
