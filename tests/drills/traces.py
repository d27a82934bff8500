"""Who looked, at size: many agencies verify by batches and one by one, and the trace of any subject must be what the client
kept of its own answers, complete and exact, at most two seconds behind.

Also: every role but the auditor is refused; a killed hub whose index is deleted builds it again and answers the same; an archive
pack verifies by the command line and by `archive_verify.py`, and no altered one does; nothing that was stated as a purpose, and
no identifier, lies in the index, the ledger, the log or the metrics.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

from hub import PURPOSE, ROLES, Checks, Client, Hub, arguments, person, put_records, resident_number, run, workdir
from parties import credit_code
from secret_search import FORM, Needles

BATCH = 500
AGENCIES = 20


def token_of(hub: Hub, name: str, secret: str) -> str:
    """A bearer token by client credentials."""
    body = f"grant_type=client_credentials&client_id={name}&client_secret={secret}"
    return Client(hub.url).post("/oauth/token", body, ctype=FORM).json()["access_token"]


def make_agencies(hub: Hub) -> dict[str, str]:
    """Agencies with their secrets; each may verify every dataset."""
    manager, secrets = hub.client("manager"), {}
    for number in range(AGENCIES):
        name = f"drill-{number}"
        body = {"id": name, "name": f"演练机构{number}", "credit_code": credit_code(7_000 + number), "role": "agency"}
        answer = manager.post("/v1/agencies", body)
        assert answer.status == 201, answer
        secrets[name] = answer.json()["client_secret"]
        grant = {"agency": name, "dataset": "natural-person", "fields": ["*"], "operations": ["verify"]}
        assert manager.post("/v1/grants", grant | {"item_codes": ["*"]}).status == 201
    return secrets


class Model:
    """What each subject's trace must hold: (agency, application, verification, outcome) of every answer."""

    def __init__(self) -> None:
        self.rows: dict[int, list[tuple]] = defaultdict(list)

    def keep(self, subject: int, agency: str, application: str, answer: dict) -> None:
        self.rows[subject].append((agency, application, answer["id"], answer["outcome"]))


class Lag(threading.Thread):
    """Samples how far the index is behind."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(daemon=True)
        self.hub, self.most, self.over = hub, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.most = max(self.most, self.hub.metric("heyan_index_lag_seconds"))


def ask(people: list[dict], rng: random.Random, wrong: float) -> tuple[int, dict, dict]:
    """A subject's number, its record and a claim, sometimes a wrong one."""
    subject = rng.randrange(len(people))
    record = people[subject]
    claim = record["fields"]["sex"] if rng.random() > wrong else "9"
    return subject, record, {"sex": claim}


def verify_all(hub: Hub, people: list[dict], count: int, secrets: dict[str, str], needles: Needles, seed: int) -> Model:
    """`count` verifications: most by batches, each hundredth by itself."""
    model, rng = Model(), random.Random(seed)
    clients = {name: Client(hub.url, token_of(hub, name, secret), timeout=120) for name, secret in secrets.items()}
    done = turn = 0
    while done < count:
        turn += 1
        agency = rng.choice(list(clients))
        application = f"{rng.randrange(10**9):09}-cnry-{turn}"
        purpose = PURPOSE | {"application_no": application, "operator": f"window-cnry-{turn}", "reason": f"why-cnry-{turn}"}
        if turn % 40 == 0:
            for what in ("application_no", "operator", "reason"):
                needles.add(what, purpose[what])
        if turn % 6 == 0:
            for _ in range(5):
                subject, record, claims = ask(people, rng, 0)
                body = {"dataset": "natural-person", "subject": record["subject"], "claims": claims, "purpose": purpose}
                answer = clients[agency].post("/v1/verifications", body)
                assert answer.status == 200, answer
                model.keep(subject, agency, application, answer.json())
                done += 1
            continue
        asked = [ask(people, rng, 0) for _ in range(min(BATCH, count - done) or 1)]
        items = [
            {"ref": str(n), "dataset": "natural-person", "subject": record["subject"], "claims": claims}
            for n, (_, record, claims) in enumerate(asked)
        ]
        answer = clients[agency].post("/v1/verifications/batch", {"purpose": purpose, "items": items})
        assert answer.status == 200, answer
        for (subject, _, _), result in zip(asked, answer.json()["results"]):
            model.keep(subject, agency, application, result)
        done += len(items)
    return model


def trace(auditor: Client, record: dict, limit: int = 100) -> tuple[list[dict], float]:
    """The whole trace of a subject, page by page, without what this drill itself asked; and the seconds of the first page."""
    rows, cursor, first = [], None, 0.0
    while True:
        body = {"dataset": "natural-person", "subject": record["subject"], "reason": "drill", "limit": limit, "cursor": cursor}
        began = time.perf_counter()
        answer = auditor.post("/v1/traces/query", body)
        first = first or time.perf_counter() - began
        assert answer.status == 200, answer
        page = answer.json()
        assert page["incomplete"] == [], page["incomplete"]
        rows += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows, first


def compare(checks: Checks, hub: Hub, people: list[dict], model: Model, subjects: list[int], what: str) -> list[float]:
    """Holds the traces of some subjects against the model; returns seconds of each."""
    auditor, took = hub.client("auditor", timeout=60), []
    for subject in subjects:
        rows, seconds = trace(auditor, people[subject], limit=random.choice((3, 100, 1000)))
        took.append(seconds)
        looked = [row for row in rows if row["operation"] in ("verify", "verify_many")]
        told = [(row["agency"], row["application_no"], row["verification"], row["outcome"]) for row in looked]
        wanted = model.rows[subject]
        checks.ok(f"{what}: the trace is what was asked", sorted(told) == sorted(wanted), (len(told), len(wanted)))
        checks.ok(f"{what}: newest first", [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True))
        others = {row["operation"] for row in rows} - {"verify", "verify_many", "query_trace", "put_records"}
        checks.ok(f"{what}: nothing else", not others, others)
    return took


def refuse_others(checks: Checks, hub: Hub, record: dict) -> None:
    body = {"dataset": "natural-person", "subject": record["subject"], "reason": "drill"}
    for role in set(ROLES) - {"auditor"}:
        for path, asked in (
            ("/v1/traces/query", body),
            ("/v1/traces/seals", body),
            ("/v1/archives/query", {"application_no": "x", "reason": "drill"}),
        ):
            answer = hub.client(role).post(path, asked)
            checks.ok(f"{role} is refused {path}", answer.status == 403, answer)
    checks.ok("nobody is refused", Client(hub.url).post("/v1/traces/query", body).status == 401)


def archive(checks: Checks, hub: Hub, folder: Path, application: str) -> None:
    """A pack by the command line, verified by two programs, altered everywhere."""
    pack, token, key = folder / "pack.tar", folder / "token", folder / "key"
    token.write_text(hub.tokens["auditor"])
    token.chmod(0o600)
    key.write_bytes(Client(hub.url).get("/log/key").body)
    made = run("archive", application, "-o", str(pack), "--url", hub.url, "--token-file", str(token))
    checks.ok("a pack is made", made.returncode == 0, made.stderr)
    own = run("archive", "verify", str(pack), "--key", str(key))
    checks.ok("the command line verifies it", own.returncode == 0, own.stdout)
    script = Path(__file__).with_name("archive_verify.py")
    args = [sys.executable, str(script), str(pack), "--key", str(key), "--alter"]
    other = subprocess.run(args, capture_output=True, text=True, timeout=300)
    checks.ok("so does another program, and no altered pack", other.returncode == 0, other.stdout + other.stderr)
    raw = bytearray(pack.read_bytes())
    refused = 0
    places = random.Random(1).sample(range(len(raw)), 20)
    for at in places:
        changed = bytes(raw[:at]) + bytes([raw[at] ^ 1]) + bytes(raw[at + 1 :])
        (folder / "altered.tar").write_bytes(changed)
        refused += run("archive", "verify", str(folder / "altered.tar"), "--key", str(key)).returncode == 1
    checks.ok("the command line refuses every altered pack", refused == len(places), refused)


def search(checks: Checks, hub: Hub, needles: Needles, metrics: bytes) -> int:
    """Looks for what was stated in purposes and for identifiers; returns the bytes searched."""
    places = {"metrics": metrics, "stdout": hub.stdout_path.read_bytes(), "stderr": hub.stderr_path.read_bytes()}
    for path in sorted(hub.data.rglob("*")):
        # Records and their identifiers lie in the database as they are; purposes must not, and `canary.py` looks there.
        if path.is_file() and "sqlite" not in path.name:
            places[str(path.relative_to(hub.data))] = path.read_bytes()
    for name, data in places.items():
        hits = needles.hits(data)
        checks.ok(f"nothing of a person in {name}", not hits, hits[:3])
    return sum(len(data) for data in places.values())


def main() -> None:
    args = arguments(
        __doc__,
        ("--count", {"type": int, "default": 100_000, "help": "verifications"}),
        ("--people", {"type": int, "default": 2_000, "help": "subjects"}),
        ("--sample", {"type": int, "default": 200, "help": "subjects whose trace is compared"}),
        ("--seed", {"type": int, "default": 1}),
    )
    checks, folder, needles = Checks("traces"), workdir("traces"), Needles()
    rng = random.Random(args.seed)
    people = [person(n) for n in range(args.people)]
    for n in rng.sample(range(args.people), 50):
        needles.add("identifier", resident_number(n))
    data = folder / "data"
    with Hub(data, persons=0) as hub:
        taken, refused = put_records(hub.client("authority"), "natural-person", people)
        checks.ok("the records were taken", taken == len(people), refused[:1])
        lag, began = Lag(hub), time.monotonic()
        model = verify_all(hub, people, args.count, make_agencies(hub), needles, args.seed)
        verified_s = time.monotonic() - began
        subjects = rng.sample(range(args.people), min(args.sample, args.people))
        took = compare(checks, hub, people, model, subjects, "live")
        lag.over.set()
        checks.ok("at most two seconds behind", lag.most <= 2, lag.most)
        refuse_others(checks, hub, people[0])
        archive(checks, hub, folder, model.rows[subjects[0]][0][1])
        metrics, ledger = hub.admin().get("/metrics").body, hub.ledger_dir
        entries = hub.metric("heyan_ledger_size")
        hub.kill()
    index = ledger.parent / "index"
    size = sum(path.stat().st_size for path in index.iterdir())
    shutil.rmtree(index)
    with Hub(data, persons=0) as hub:
        began = time.monotonic()
        while (answer := hub.client("auditor", timeout=60).post("/v1/traces/query", {
            "dataset": "natural-person", "subject": people[subjects[0]]["subject"], "reason": "drill", "limit": 1
        }).json())["incomplete"]:
            checks.ok("what is not indexed yet is said", answer["incomplete"][0]["why"] == "behind", answer)
        rebuilt_s = time.monotonic() - began
        compare(checks, hub, people, model, subjects[:50], "rebuilt")
        hub.stop()
        searched = search(checks, hub, needles, metrics)
    took.sort()
    checks.finish(
        count=args.count,
        verified_s=round(verified_s, 1),
        lag_max_s=round(lag.most, 2),
        trace_p50_ms=round(took[len(took) // 2] * 1e3, 1),
        trace_max_ms=round(took[-1] * 1e3, 1),
        index_bytes=size,
        entries=int(entries),
        rebuilt_s=round(rebuilt_s, 2),
        searched_mib=round(searched / 2**20, 1),
    )


if __name__ == "__main__":
    main()
