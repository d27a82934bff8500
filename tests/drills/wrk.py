"""Measures cached single verification against the bare HTTP floor beside it: rate, p50, p99, CPU per request.

Floor and hub are both running all the time and take turns; medians over the rounds. By default wrk shares the two cores
with them; `--pinned` gives the server one core with one worker, and wrk the other.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from collections import Counter
from pathlib import Path

from hub import Checks, Hub, arguments, binary, cpu_seconds, person, put_records, run, verification, workdir
from load import one_a_record

RECORDS = 1000
FIELDS = ("name", "birth_date", "domicile_address")


def line(request: dict) -> str:
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def real_mix(args, folder: Path) -> list[str]:
    """The mix of `heyan bench`: 85 % match (half of the values written otherwise), 10 % mismatch, 3 % review, 2 % not found."""
    file = folder / "requests"
    extra = ("--zipf",) if args.keys == "zipf" else ()
    done = run("bench", "--persons", str(args.records), "--requests", str(args.requests), "--write", str(file), *extra)
    if done.returncode:
        raise SystemExit(done.stderr)
    return file.read_text().splitlines()


def start_floor(
    size: int, workers: int, folder: Path, wrap: tuple[str, ...], items: int
) -> tuple[subprocess.Popen, str]:
    """The bare server, with an answer of `size` bytes; for batches it parses them and writes as many answers."""
    size, parses = (size // items, ["--items"]) if items else (size, [])
    out = folder / "floor.out"
    with open(out, "wb") as f:
        process = subprocess.Popen(
            [*wrap, binary(), "bench-floor", "--bytes", str(size), "--workers", str(workers), *parses],
            stdin=subprocess.DEVNULL,
            stdout=f,
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and b"\n" not in out.read_bytes():
        time.sleep(0.02)
    return process, out.read_text().strip()


def one_round(url: str, pid: int, args, env: dict, seconds: float) -> dict:
    """One run of wrk; rate in requests/s, latencies and CPU in microseconds."""
    used = cpu_seconds(pid)
    lua = Path(__file__).with_name("wrk.lua")
    client = ["taskset", "-c", "1", "wrk", "-t1"] if args.pinned else ["wrk", "-t2"]
    done = subprocess.run(
        [*client, f"-c{args.connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(lua), url],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    used = cpu_seconds(pid) - used
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk said: {done.stdout} {done.stderr}")
    requests, duration, p50, p99, p999, bad = map(float, line.split()[1:])
    return {"n": requests, "rate": requests / duration, "p50": p50, "p99": p99, "p999": p999, "cpu": used / requests * 1e6, "bad": bad}


def prepare(hub: Hub, args, folder: Path, checks: Checks) -> tuple[Path, int]:
    """Records in, bodies on disk, everything asked once; answers the bodies' file and the size of an answer."""
    if args.mix == "known":
        records = [person(n) for n in range(args.records)]
        put_records(hub.client("authority"), "natural-person", records)
        requests = [line(verification(r, *FIELDS)) for r in records]
    else:
        requests = real_mix(args, folder)
        if args.batch:
            # One matter asks about a record once: two questions that differ would open and settle a mismatch each time.
            requests = one_a_record(requests)
    agency, outcomes, size = hub.client("agency"), Counter(), 0
    # Twice: what the first time opens or loads is there the second time.
    for request in [*dict.fromkeys(requests), *requests[:5000]]:
        answer = agency.post("/v1/verifications", request)
        outcomes[(answer.json() or {}).get("outcome")] += 1
        size = max(size, len(answer.body)) if args.mix == "known" else len(answer.body)
    print("outcomes of the warm-up:", dict(outcomes), flush=True)
    expected = {"verified"} if args.mix == "known" else {"verified", "mismatched", "review", "not_found"}
    checks.ok(f"every body is answered {sorted(expected)}", set(outcomes) == expected, outcomes)
    bodies = folder / "bodies"
    if args.batch:
        items = [{k: v for k, v in json.loads(r).items() if k != "purpose"} for r in requests]
        for at, item in enumerate(items):
            item["ref"] = f"r{at}"
        parts = [items[at : at + args.batch] for at in range(0, len(items) - args.batch + 1, args.batch)]
        purpose = json.loads(requests[0])["purpose"]
        requests = [line({"purpose": purpose, "items": part}) for part in parts]
        size = len(agency.post("/v1/verifications/batch", requests[0]).body)
    bodies.write_text("".join(f"{request}\n" for request in requests))
    return bodies, size


def main() -> None:
    args = arguments(
        __doc__,
        ("--rounds", {"type": int, "default": 5}),
        ("--seconds", {"type": float, "default": 8}),
        ("--connections", {"type": int, "default": 64}),
        ("--records", {"type": int, "default": RECORDS, "help": "persons"}),
        ("--requests", {"type": int, "default": 20_000, "help": "different requests of the real mix"}),
        ("--mix", {"choices": ("known", "real"), "default": "known", "help": "known: right claims as recorded"}),
        ("--keys", {"choices": ("uniform", "zipf"), "default": "uniform"}),
        ("--batch", {"type": int, "default": 0, "help": "items a request; 0: one verification a request. The floor then parses the items and writes answers of their size"}),
        ("--pinned", {"action": "store_true", "help": "server on core 0 with one worker, wrk on core 1"}),
        ("--ratio-min", {"type": float, "default": 0.35}),
        ("--p99-max", {"type": float, "default": 0, "help": "times the floor's p99; 0: not checked"}),
        ("--out", {"help": "write the medians to this file as JSON"}),
    )
    checks, folder = Checks("wrk"), workdir("wrk")
    for tool in ("wrk", binary()):
        if not checks.ok(f"{tool} is there", shutil.which(tool)):
            checks.finish()
    workers = 1 if args.pinned else os.cpu_count() or 2
    wrap = ("taskset", "-c", "0") if args.pinned else ()
    persons = args.records if args.mix == "real" else 0
    with Hub(folder / "data", persons=persons, wrap=wrap, env={"HEYAN__HTTP__WORKERS": str(workers)}) as hub:
        bodies, size = prepare(hub, args, folder, checks)
        floor, floor_url = start_floor(size, workers, folder, wrap, args.batch)
        try:
            path = "/v1/verifications/batch" if args.batch else "/v1/verifications"
            env = {"WRK_BODIES": str(bodies), "WRK_TOKEN": hub.tokens["agency"], "WRK_PATH": path}
            sides = {"floor": (floor_url, floor.pid), "hub": (hub.url, hub.process.pid)}
            for url, pid in sides.values():
                one_round(url, pid, args, env, 2)  # warm
            entries = hub.metric("heyan_ledger_size")
            rounds: dict[str, list[dict]] = {"floor": [], "hub": []}
            for n in range(args.rounds):
                for side in (list(sides), list(sides)[::-1])[n % 2]:
                    got = one_round(*sides[side], args, env, args.seconds)
                    rounds[side].append(got)
                    print(f"round {n + 1} {side:5}", " ".join(f"{k}={v:.1f}" for k, v in got.items()), flush=True)
            checks.ok("no request failed", sum(r["bad"] for side in rounds.values() for r in side) == 0)
            sent = sum(r["rate"] * args.seconds for r in rounds["hub"])
            grown = hub.metric("heyan_ledger_size") - entries
            checks.ok("every answer has its ledger entry", grown >= sent * 0.99, (grown, sent))
        finally:
            floor.terminate()
            floor.wait(10)
    medians = {side: {k: statistics.median(r[k] for r in got) for k in got[0]} for side, got in rounds.items()}
    ratios = [h["rate"] / f["rate"] for h, f in zip(rounds["hub"], rounds["floor"])]
    ratio = statistics.median(ratios)
    checks.ok(f"the ratio is at least {args.ratio_min}", ratio >= args.ratio_min, f"{ratio:.3f}")
    if args.p99_max:
        limit = args.p99_max * medians["floor"]["p99"]
        checks.ok(
            f"p99 is at most {args.p99_max} times the floor's", medians["hub"]["p99"] <= limit, medians["hub"]["p99"]
        )
    if args.out:
        Path(args.out).write_text(json.dumps({"ratio": ratio, "answer_bytes": size, **medians}, indent=1))
    print("| side | req/s | p50 µs | p99 µs | CPU µs/request |\n|---|---|---|---|---|")
    for side, m in medians.items():
        print(f"| {side} | {m['rate']:.0f} | {m['p50']:.0f} | {m['p99']:.0f} | {m['cpu']:.1f} |")
    checks.finish(
        ratio=round(ratio, 3),
        spread=f"{min(ratios):.3f}-{max(ratios):.3f}",
        hub_rps=round(medians["hub"]["rate"]),
        hub_p50_us=round(medians["hub"]["p50"]),
        hub_p99_us=round(medians["hub"]["p99"]),
        p99_ratio=round(medians["hub"]["p99"] / medians["floor"]["p99"], 2),
        hub_cpu_us=round(medians["hub"]["cpu"], 1),
        answer_bytes=size,
    )


if __name__ == "__main__":
    main()
