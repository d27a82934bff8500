"""Imports judged cities and checks every expected outcome and field verdict three ways.

The single, batch and stream endpoints must agree with the expectation and with one another. The city that
`city_maker.py` makes is always asked; another judged city (`--city`, by default the one of the shared folder) is asked
too where it is there.
"""

import json
import time
from collections import Counter
from pathlib import Path

import city_maker
from hub import DATASETS, NDJSON, PURPOSE, SHARED, Checks, Hub, arguments, put_records, workdir


def load(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def judged(doc: dict) -> tuple[str, dict]:
    """(outcome, {field: verdict}) of one answer; a problem is `invalid` when its code says so."""
    problem = doc.get("problem", doc if "code" in doc and "outcome" not in doc else None)
    if problem is not None:
        code = problem.get("code", "?")
        return ("invalid" if code.startswith("invalid") else f"problem {code}"), {}
    fields = {name: field.get("verdict") for name, field in (doc.get("fields") or {}).items()}
    return doc.get("outcome", "?"), fields


def single(client, requests: list[dict]) -> dict:
    answers = {}
    for r in requests:
        body = {k: r[k] for k in ("dataset", "subject", "claims")} | {"purpose": PURPOSE}
        answers[r["ref"]] = judged(client.post("/v1/verifications", body).json() or {})
    return answers


def batch(client, requests: list[dict], checks: Checks) -> dict:
    answers = {}
    for at in range(0, len(requests), 1000):
        items = requests[at : at + 1000]
        answer = client.post("/v1/verifications/batch", {"purpose": PURPOSE, "items": items})
        results = (answer.json() or {}).get("results", [])
        checks.ok("batch is 200 with a receipt", answer.status == 200 and "receipt" in answer.json(), answer)
        checks.ok("batch answers are in order", [r.get("ref") for r in results] == [i["ref"] for i in items])
        answers |= {r.get("ref"): judged(r) for r in results}
    return answers


def stream(client, requests: list[dict], checks: Checks) -> dict:
    """One stream a dataset: the first line names the purpose and the dataset, each further line is one item."""
    answers = {}
    for dataset in DATASETS:
        items = [{k: r[k] for k in ("ref", "subject", "claims")} for r in requests if r["dataset"] == dataset]
        lines = [{"purpose": PURPOSE, "dataset": dataset}, *items]
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        answer = client.post("/v1/verifications/stream", body, ctype=NDJSON)
        if not checks.ok(f"stream of {dataset} is 200", answer.status == 200, answer):
            continue
        *results, last = answer.lines()
        checks.ok(f"stream of {dataset} ends with a summary and a receipt", "summary" in last and "receipt" in last)
        checks.ok(f"stream of {dataset} is in order", [r.get("ref") for r in results] == [i["ref"] for i in items])
        answers |= {r.get("ref"): judged(r) for r in results}
    return answers


def compare(checks: Checks, way: str, got: dict, expected: list[dict], claims: dict) -> int:
    """Checks one way against the expectation; returns how many agreed wholly."""
    right = 0
    for e in expected:
        outcome, fields = got.get(e["ref"], ("no answer", {}))
        # An answer that found no record has nothing to say about fields, however it says so.
        same = outcome == e["outcome"] and (fields == e["fields"] or outcome == "not_found")
        right += same
        wrong = {f: (v, fields.get(f), claims[e["ref"]].get(f)) for f, v in e["fields"].items() if fields.get(f) != v}
        checks.ok(f"{way} {e['ref']}", same, f"{outcome} for {e['outcome']}, (expected, got, claim) {wrong}")
    return right


def ask(checks: Checks, name: str, city: Path, figures: dict) -> None:
    """Asks all of one city, on a hub of its own."""
    requests, expected = load(city / "requests.ndjson"), load(city / "expected.ndjson")
    claims = {r["ref"]: r["claims"] for r in requests}
    checks.ok(f"{name}: 2,000 requests or more, and a verdict for each", len(requests) == len(expected) >= 2000)
    with Hub(workdir(f"city-{name}") / "data", persons=0) as hub:
        authority = hub.client("authority", timeout=120)
        began = time.monotonic()
        for dataset in DATASETS:
            records = load(city / f"{dataset}.ndjson")
            taken, refused = put_records(authority, dataset, records)
            checks.ok(f"{name}: all of {dataset} was taken", taken == len(records) > 0 and not refused, refused[:2])
        figures[f"{name}_import_s"] = round(time.monotonic() - began, 2)
        agency = hub.client("agency", timeout=120)
        answers = {}
        for way, call in (
            ("single", lambda: single(agency, requests)),
            ("batch", lambda: batch(agency, requests, checks)),
            ("stream", lambda: stream(agency, requests, checks)),
        ):
            began = time.monotonic()
            answers[way] = call()
            figures[f"{name}_{way}_s"] = round(time.monotonic() - began, 2)
            right = compare(checks, f"{name} {way}", answers[way], expected, claims)
            figures[f"{name}_{way}_right"] = f"{right}/{len(expected)}"
        apart = [e["ref"] for e in expected if len({str(a.get(e["ref"])) for a in answers.values()}) > 1]
        checks.ok(f"{name}: the three ways agree", not apart, apart[:10])
        print(name, "outcomes:", dict(Counter(o for o, _ in answers["single"].values())))


def main() -> None:
    args = arguments(
        __doc__,
        ("--city", {"default": str(SHARED / "city"), "help": "folder of another judged city"}),
        ("--seed", {"type": int, "default": 1, "help": "of the city that is made"}),
        ("--requests", {"type": int, "default": 2400, "help": "of the city that is made"}),
    )
    checks = Checks("city")
    figures: dict[str, object] = {}
    made, folder = city_maker.City(args.seed, args.requests), workdir("city-made")
    made.write(folder)
    kinds = city_maker.summary(made)
    for kind in ("verified", "mismatched", "review", "incomplete", "not_found", "invalid", "match", "mismatch", "absent"):
        checks.ok(f"the made city expects {kind}", kinds.get(kind, 0) >= 5, kinds)
    ask(checks, "made", folder, figures)
    if (Path(args.city) / "expected.ndjson").exists():
        ask(checks, "shared", Path(args.city), figures)
    else:
        print(f"no other judged city in {args.city}")
    checks.finish(**figures)


if __name__ == "__main__":
    main()
