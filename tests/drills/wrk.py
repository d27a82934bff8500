"""Measures cached single verification against the bare HTTP floor beside it: rate, p50, p99, CPU per request.

Floor and hub are both running all the time and take turns; medians over the rounds; wrk shares the two cores with them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from hub import ROOT, Checks, Hub, arguments, cpu_seconds, person, put_records, verification, workdir

RECORDS = 1000


def floor_binary() -> str:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("FLOOR_BIN", str(target / "release" / "examples" / "floor"))


def start_floor(size: int, workers: int, folder: Path) -> tuple[subprocess.Popen, str]:
    """The bare server, with an answer of `size` bytes; it prints its address."""
    out = folder / "floor.out"
    with open(out, "wb") as f:
        process = subprocess.Popen(
            [floor_binary(), "--bytes", str(size), "--workers", str(workers)], stdin=subprocess.DEVNULL, stdout=f
        )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and b"\n" not in out.read_bytes():
        time.sleep(0.02)
    return process, out.read_text().strip()


def one_round(url: str, pid: int, seconds: float, connections: int, env: dict) -> dict:
    """One run of wrk; rate in requests/s, latencies and CPU in microseconds."""
    used = cpu_seconds(pid)
    lua = Path(__file__).with_name("wrk.lua")
    done = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(lua), url],
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
    return {"rate": requests / duration, "p50": p50, "p99": p99, "p999": p999, "cpu": used / requests * 1e6, "bad": bad}


def main() -> None:
    args = arguments(
        __doc__,
        ("--rounds", {"type": int, "default": 5}),
        ("--seconds", {"type": float, "default": 8}),
        ("--connections", {"type": int, "default": 64}),
        ("--ratio-min", {"type": float, "default": 0.35}),
        ("--p99-max", {"type": float, "default": 0, "help": "times the floor's p99; 0: not checked"}),
        ("--workers", {"type": int, "default": os.cpu_count() or 2, "help": "of the floor; the hub's own default"}),
        ("--out", {"help": "write the medians to this file as JSON"}),
    )
    checks, folder = Checks("wrk"), workdir("wrk")
    for tool in ("wrk", floor_binary()):
        if not checks.ok(f"{tool} is there", shutil.which(tool)):
            checks.finish()
    records = [person(n) for n in range(RECORDS)]
    bodies = folder / "bodies"
    bodies.write_text(
        "".join(
            json.dumps(
                verification(r, "name", "birth_date", "domicile_address"), ensure_ascii=False, separators=(",", ":")
            )
            + "\n"
            for r in records
        )
    )
    with Hub(folder / "data") as hub:
        put_records(hub.client("authority"), "natural-person", records)
        agency = hub.client("agency")
        answers = [agency.post("/v1/verifications", line) for line in bodies.read_text().splitlines()]
        verified = sum((a.json() or {}).get("outcome") == "verified" for a in answers)
        checks.ok("every body is answered `verified`", verified == RECORDS, verified)
        size = len(answers[-1].body)
        floor, floor_url = start_floor(size, args.workers, folder)
        try:
            env = {"WRK_BODIES": str(bodies), "WRK_TOKEN": hub.tokens["agency"]}
            sides = {"floor": (floor_url, floor.pid), "hub": (hub.url, hub.process.pid)}
            for url, pid in sides.values():
                one_round(url, pid, 2, args.connections, env)  # warm
            entries = hub.metric("heyan_ledger_size")
            rounds: dict[str, list[dict]] = {"floor": [], "hub": []}
            for n in range(args.rounds):
                for side in (list(sides), list(sides)[::-1])[n % 2]:
                    got = one_round(*sides[side], args.seconds, args.connections, env)
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
    ratio = statistics.median(h["rate"] / f["rate"] for h, f in zip(rounds["hub"], rounds["floor"]))
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
        hub_rps=round(medians["hub"]["rate"]),
        hub_p50_us=round(medians["hub"]["p50"]),
        hub_p99_us=round(medians["hub"]["p99"]),
        hub_cpu_us=round(medians["hub"]["cpu"], 1),
        answer_bytes=size,
    )


if __name__ == "__main__":
    main()
