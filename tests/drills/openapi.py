"""Runs Schemathesis on the hub's own OpenAPI document as several callers and adds up what it found.

Fails on a server error, an undocumented status, and an answer that contradicts the document. Other findings (for instance
a request that the document allows and the hub refuses for its meaning: a check character) are listed, not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hub import ROOT, Checks, Hub, HubFailed, arguments, find, person, put_records, verification, workdir
from parties import settings
from receivers import Receivers

SETTINGS = ROOT / "tests" / "schemathesis"

FATAL = {
    "ServerError",
    "UndefinedStatusCode",
    "UndefinedContentType",
    "MissingContentType",
    "JsonSchemaError",
    "MalformedJson",
    "MissingHeaders",
    "IgnoredAuth",
    "UseAfterFree",
    "EnsureResourceAvailability",
}


def program() -> str:
    """`st` beside the Python that runs this, unless SCHEMATHESIS names it."""
    beside = Path(sys.prefix) / "bin" / "st"
    return os.environ.get("SCHEMATHESIS") or (str(beside) if beside.exists() else "st")


def make(hub: Hub, receivers: Receivers) -> dict[str, list[str]]:
    """Mismatches, subscriptions and deliveries in many states, and their ids by the path of their list."""
    agency, authority = hub.client("agency"), hub.client("authority")
    put_records(authority, "natural-person", [person(n) for n in range(1, 9)])
    made: dict[str, list[str]] = {"/v1/mismatches": [], "/v1/subscriptions": [], "/v1/deliveries": []}
    for client in (agency, authority):
        answer = client.post("/v1/subscriptions", {"url": receivers.url(0), "events": ["*"]})
        made["/v1/subscriptions"].append(find(answer.json(), "id"))
        client.post(f"/v1/subscriptions/{made['/v1/subscriptions'][-1]}/test", {})
    for n in range(1, 9):
        answer = agency.post("/v1/verifications", verification(person(n), name="王小明"))
        made["/v1/mismatches"].append(find((answer.json() or {}).get("mismatch"), "id"))
        actions = f"/v1/mismatches/{made['/v1/mismatches'][-1]}/actions"
        proposal = {"action": "propose_correction", "fields": {"name": "王小明"}, "evidence": ["drill"]}
        steps = ((agency, proposal), (authority, {"action": ("approve", "reject")[n % 2], "reason": "drill"}))
        for client, body in steps[: n % 3]:
            client.post(actions, body, headers={"Idempotency-Key": f"{n}-{body['action']}"})
    receivers.wait(lambda c: c[0].get("said_410"), 5)
    rows = hub.client("operator").get("/v1/deliveries").json() or {}
    made["/v1/deliveries"] = [row["id"] for row in rows.get("deliveries", [])]
    return made


def one(hub: Hub, role: str, seconds: float, folder: Path, seed: int, made: dict[str, list[str]]) -> dict:
    """One run as one caller; returns Schemathesis' own JSON report."""
    reports = folder / role
    command = [
        program(),
        "--no-color",
        "--config-file",
        str(SETTINGS / "schemathesis.toml"),
        "run",
        f"{hub.url}/openapi.json",
        "--checks",
        "all",
        "--max-time",
        str(max(1, round(seconds))),
        "--continue-on-failure",
        "--seed",
        str(seed),
        "--request-timeout",
        "20",
        "--report",
        "json",
        "--report-json-path",
        str(reports / "report.json"),
        "--max-redirects",
        "0",
    ]
    if role != "none":
        command += ["-H", f"Authorization: Bearer {hub.tokens[role]}"]
    reports.mkdir()
    with open(reports / "out", "wb") as out:
        # Generated requests are kept within `--max-time`; the margin is for start and for shrinking the last failure.
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=seconds + 180,
            cwd=reports,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(SETTINGS), "HEYAN_MADE": json.dumps(made)},
        )
    report = reports / "report.json"
    return json.loads(report.read_text()) if report.exists() else {"errors": [(reports / "out").read_text()[-2000:]]}


def main() -> None:
    args = arguments(
        __doc__,
        ("--max-time", {"type": float, "default": 60, "help": "seconds, all callers together"}),
        ("--roles", {"default": "agency,authority,manager,auditor,operator,none"}),
        ("--seed", {"type": int, "default": 1}),
        (
            "--slice",
            {"type": float, "default": 480, "help": "seconds with one set of tokens; they end after ten minutes"},
        ),
    )
    checks, roles = Checks("openapi"), args.roles.split(",")
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "schemathesis"
    folder.mkdir(parents=True, exist_ok=True)
    folder = workdir("schemathesis") if not os.environ.get("HEYAN_KEEP") else folder
    each, tested, requests, found = args.max_time / len(roles), set(), 0, Counter()
    rounds = max(1, -(-int(each) // int(args.slice)))
    for n in range(rounds):
        for role in roles:
            base = folder / f"{n}-{role}"
            base.mkdir(parents=True, exist_ok=True)
            try:
                with (
                    Receivers(1) as receivers,
                    Hub(base / "data", persons=200, env=settings(receivers.ports, 1)) as hub,
                ):
                    receivers.behave(0, "410", 0.3)
                    made = make(hub, receivers)
                    checks.ok("there is something of each kind", all(all(ids) and ids for ids in made.values()), made)
                    report = one(hub, role, each / rounds, base, args.seed + n, made)
                    checks.ok("the hub is still alive", hub.process.poll() is None, role)
                    panics = hub.stderr_path.read_bytes().count(b"panicked at")
                    checks.ok("nothing panicked", panics == 0, hub.tail(600))
            except HubFailed as failed:
                checks.ok("the hub starts", False, failed)
                continue
            operations = report.get("operations", {})
            checks.ok(
                f"as {role}: every operation was tested",
                operations.get("total", 0) > 0 and operations.get("tested") == operations.get("selected"),
                report.get("errors") or operations,
            )
            requests += report.get("test_cases", {}).get("generated", 0)
            tested.add(operations.get("tested", 0))
            for failure in report.get("failures", []):
                found[failure["type"]] += failure["count"]
                where = f"{failure['title']} in {', '.join(failure['operations'])}"
                if failure["type"] in FATAL:
                    checks.ok(f"as {role}: {where}", False, f"see {base / role / 'out'} (HEYAN_KEEP=1 keeps it)")
                else:
                    print(f"note as {role}: {where}")
    for fatal in sorted(FATAL):
        checks.ok(f"no {fatal}", not found[fatal], found[fatal])
    checks.finish(
        requests=requests,
        operations=max(tested, default=0),
        server_errors=found["ServerError"],
        undocumented=found["UndefinedStatusCode"],
        notes=sum(v for k, v in found.items() if k not in FATAL),
    )


if __name__ == "__main__":
    main()
