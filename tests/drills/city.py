"""Imports the synthetic city of `../shared/city` and checks every expected outcome and field verdict three ways.

The single, batch and stream endpoints must agree with `expected.ndjson` and with one another. Skips (exit 0) when the
city is not there: no test of this project needs it.
"""

import json
import sys
import time
from collections import Counter

from hub import DATASETS, NDJSON, PURPOSE, SHARED, Checks, Hub, arguments, put_records, workdir


def load(path) -> list[dict]:
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


def compare(checks: Checks, way: str, got: dict, expected: list[dict]) -> int:
    """Checks one way against the expectation; returns how many agreed wholly."""
    right = 0
    for e in expected:
        outcome, fields = got.get(e["ref"], ("no answer", {}))
        # An answer that found no record has nothing to say about fields, however it says so.
        same = outcome == e["outcome"] and (fields == e["fields"] or outcome == "not_found")
        right += same
        wrong = {f: (v, fields.get(f)) for f, v in e["fields"].items() if fields.get(f) != v}
        checks.ok(f"{way} {e['ref']}", same, f"{outcome} for {e['outcome']}, (expected, got) {wrong}")
    return right


def main() -> None:
    args = arguments(__doc__, ("--city", {"default": str(SHARED / "city"), "help": "folder of the city"}))
    from pathlib import Path

    city = Path(args.city)
    if not (city / "expected.ndjson").exists():
        print("drill city: 0 passed, 0 failed skipped: no city here")
        sys.exit(0)
    checks = Checks("city")
    requests, expected = load(city / "requests.ndjson"), load(city / "expected.ndjson")
    figures: dict[str, object] = {}
    with Hub(workdir("city") / "data", persons=0) as hub:
        authority = hub.client("authority", timeout=120)
        began = time.monotonic()
        for dataset in DATASETS:
            records = load(city / f"{dataset}.ndjson")
            taken, refused = put_records(authority, dataset, records)
            checks.ok(f"all of {dataset} was taken", taken == len(records) and not refused, refused[:2])
        figures["import_s"] = round(time.monotonic() - began, 2)
        agency = hub.client("agency", timeout=120)
        answers = {}
        for way, call in (
            ("single", lambda: single(agency, requests)),
            ("batch", lambda: batch(agency, requests, checks)),
            ("stream", lambda: stream(agency, requests, checks)),
        ):
            began = time.monotonic()
            answers[way] = call()
            figures[f"{way}_s"] = round(time.monotonic() - began, 2)
            figures[f"{way}_right"] = f"{compare(checks, way, answers[way], expected)}/{len(expected)}"
        apart = [e["ref"] for e in expected if len({str(a.get(e["ref"])) for a in answers.values()}) > 1]
        checks.ok("the three ways agree", not apart, apart[:10])
        print("outcomes:", dict(Counter(o for o, _ in answers["single"].values())))
    checks.finish(**figures)


if __name__ == "__main__":
    main()
