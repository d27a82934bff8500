"""Asks for more than the hub can do, by callers that wait when they are told to and by callers that do not.

Peak goodput in closed loop at 64 and 256 connections; p99 at 80 % of it in open loop; then 2 and 10 times the callers,
in closed loop, where one that is refused waits as `Retry-After` says; and 2 and 10 times the rate in open loop, whatever
comes back. Every refusal is a problem document with `Retry-After`, and quick. Then how soon a single caller sees the
usual latency again, a modest agency beside one that floods, and crowds of bad callers (`crowd.py`): idle connections,
requests a byte a second, streams that nobody reads, more connections than files.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import time
from pathlib import Path

from crowd import beyond, deaf, few_files, idle, slow
from hub import Checks, Hub, arguments, binary, person, put_records, verification, workdir
from load import BATCH, SINGLE, Load, Probe, batches, line, load, percentile, raise_files, write

RECORDS = 2000
FIELDS = ("name", "birth_date", "domicile_address")
CONNECTIONS = 64
PARTS = ("load", "agencies", "idle", "slow", "deaf", "files")


class Drill:
    """The hub, the bodies, and what was measured."""

    def __init__(self, args, checks: Checks, hub: Hub, folder: Path):
        self.args, self.checks, self.hub, self.folder = args, checks, hub, folder
        records = [person(n) for n in range(RECORDS)]
        taken, refused = put_records(hub.client("authority"), "natural-person", records)
        checks.ok("the records are in", taken == RECORDS, refused[:2])
        self.requests = [line(verification(r, *FIELDS)) for r in records]
        self.single = write(folder / "single", self.requests)
        self.batch = write(folder / "batch", batches(self.requests, 100))
        self.core = 1 if args.pinned else None
        self.figures: dict = {}

    def run(self, name: str, connections: int, **kw) -> dict:
        """One load, its figures kept and told."""
        bodies = kw.pop("bodies", self.single)
        got = load(self.hub, bodies, connections, self.args.seconds, core=self.core, **kw)
        self.figures[name] = got
        refused = got["refused"]
        share = refused["n"] / max(1, got["ok"]["n"] + refused["n"])
        ok = got["ok"]
        print(
            f"{name:12} {ok['rate']:8.0f}/s p50 {ok['p50'] / 1000:7.2f} ms p99 {ok['p99'] / 1000:8.2f} ms"
            f" refused {share:6.1%} p99 {refused['p99'] / 1000:6.2f} ms unsent {got['unsent']} other {got['statuses']}"
            f" cpu {got['cpu_us']:.1f} us",
            flush=True,
        )
        return got

    def refusals(self, name: str, got: dict) -> None:
        """What every refusal must be."""
        ms = got["refused"]["p99"] / 1000
        bare = got["bare_refusals"]
        self.checks.ok(f"{name}: a refusal is a problem document with Retry-After", bare == 0, bare)
        self.checks.ok(f"{name}: a refusal takes less than {self.args.refusal_ms} ms", ms < self.args.refusal_ms, ms)
        strange = {k: v for k, v in got["statuses"].items() if k not in ("200", "429", "503")}
        # A connection refused beyond the limit is no fault of an answer; one that breaks with a request on it is.
        sound = not strange and not got["broken"]
        self.checks.ok(f"{name}: nothing else is answered, and nothing breaks", sound, (strange, got["broken"]))

    def peak(self, name: str, **kw) -> float:
        """Goodput in closed loop, median of some rounds, the better of two numbers of callers. A first one warms."""
        self.run(f"{name} warm", CONNECTIONS, **kw)

        def rate(callers: int) -> float:
            rounds = [self.run(f"{name} {callers}", callers, **kw)["ok"]["rate"] for _ in range(self.args.rounds)]
            return statistics.median(rounds)

        return max(rate(CONNECTIONS), rate(4 * CONNECTIONS))

    def overload(self) -> None:
        """2 and 10 times what it can do, and what comes after."""
        args, checks = self.args, self.checks
        idle_probe = Probe(self.hub, self.requests[0])
        time.sleep(2)
        usual = percentile([ms for _, ms, _ in idle_probe.stop()], 99)
        peak = self.peak("single")
        calm = self.run("at 80 %", 4 * CONNECTIONS, rate=0.8 * peak)
        limit = args.p99_max * calm["ok"]["p99"]
        for times in (2, 10):
            name = f"{times} x callers"
            probe = Probe(self.hub, self.requests[1]) if times == 10 else None
            got = self.run(name, times * CONNECTIONS)
            ended = time.monotonic()
            self.refusals(name, got)
            goodput = got["ok"]["rate"] / peak
            what = f"{name}: goodput is at least {args.goodput_min:.0%} of the peak"
            checks.ok(what, goodput >= args.goodput_min, f"{goodput:.0%}")
            what = f"{name}: p99 of what is accepted is at most {args.p99_max} x that at 80 %"
            checks.ok(what, got["ok"]["p99"] <= limit, (got["ok"]["p99"] / 1000, limit / 1000))
            if probe:
                self.recovery(name, probe, ended, usual)
        self.open_loop(peak)
        self.figures["told"] = {"peak": round(peak), "p99_80_ms": calm["ok"]["p99"] / 1000}

    def open_loop(self, peak: float) -> None:
        """Callers that never wait: what a refusal costs bounds what goodput can be kept, so it is told, not checked."""
        args = self.args
        peak_batch = self.peak("batch", bodies=self.batch, path=BATCH)
        for kind, rate, kw in (("single", peak, {}), ("batch", peak_batch, {"bodies": self.batch, "path": BATCH})):
            for times in (2, 10):
                name = f"{kind} {times} x"
                probe = Probe(self.hub, self.requests[1])
                got = self.run(name, 1000, rate=times * rate, **kw)
                self.refusals(name, got)
                goodput = got["ok"]["rate"] / rate
                if args.open_goodput_min:
                    what = f"{name}: goodput without a rest is at least {args.open_goodput_min:.0%} of the peak"
                    self.checks.ok(what, goodput >= args.open_goodput_min, f"{goodput:.0%}")
                self.recovery(name, probe, time.monotonic(), 5)

    def recovery(self, name: str, probe: Probe, ended: float, usual_ms: float) -> None:
        """How long after the load ten answers in a row are as quick as usual."""
        normal, row, back = max(2 * usual_ms, 5), 0, None
        deadline = ended + self.args.recovery_s + 5
        while back is None and time.monotonic() < deadline:
            time.sleep(0.2)
            row = 0
            for began, ms, status in list(probe.seen):
                row = row + 1 if began > ended and status == 200 and ms <= normal else 0
                if row == 10:
                    back = began - ended
                    break
        probe.stop()
        self.figures[f"{name} recovery_s"] = back
        within = self.args.recovery_s
        self.checks.ok(f"{name}: all is as usual {within} s later", back is not None and back <= within, back)

    def agencies(self) -> None:
        """One agency floods without a rest; another asks at a modest rate and must not notice much."""
        args, checks = self.args, self.checks
        kw = {"rate": args.modest, "token": self.hub.tokens["agency2"]}
        alone = load(self.hub, self.single, 16, args.seconds, **kw)
        peak = self.figures.get("told", {}).get("peak") or self.peak("single")
        flood = Load(self.hub, self.single, 1000, args.seconds + 1, rate=10 * peak, core=self.core)
        time.sleep(0.5)
        modest = self.run("modest", 16, **kw)
        flood = flood.result()
        alone_ms = alone["ok"]["p99"] / 1000
        answered, refused = flood["ok"]["rate"], flood["refused"]["rate"]
        print(f"alone p99 {alone_ms:.2f} ms; flood {answered:.0f}/s answered, {refused:.0f}/s refused", flush=True)
        asked = modest["unsent"] + sum(modest[kind]["n"] for kind in ("ok", "refused", "other"))
        kept = modest["ok"]["n"] / asked
        what = f"the modest agency keeps {args.modest_min:.0%} of its answers"
        checks.ok(what, kept >= args.modest_min, f"{kept:.1%}")
        ms = modest["ok"]["p99"] / 1000
        checks.ok(f"the modest agency's p99 is at most {args.modest_p99_ms} ms", ms <= args.modest_p99_ms, ms)
        self.figures |= {"alone": alone, "flood": flood, "modest kept": kept}

    def crowds(self, parts: list[str]) -> dict:
        args, checks, body, told = self.args, self.checks, self.requests[0], {}
        if "slow" in parts:
            told |= slow(self.hub, checks, body, args.slow, "body", 10)
            told |= slow(self.hub, checks, body, args.slow, "head", 5)
        if "deaf" in parts:
            told |= deaf(self.hub, checks, self.requests[:500], args.deaf, 16, args.rss_max_mb)
        if "idle" in parts:
            told |= beyond(self.hub, checks, body, args.idle, args.newcomer_s)
        return told


def main() -> None:
    args = arguments(
        __doc__,
        ("--seconds", {"type": float, "default": 4, "help": "of each load"}),
        ("--rounds", {"type": int, "default": 3, "help": "of the peak"}),
        ("--parts", {"default": ",".join(PARTS), "help": "which of " + ", ".join(PARTS)}),
        ("--pinned", {"action": "store_true", "help": "server on core 0 with one worker, the load on core 1"}),
        ("--goodput-min", {"type": float, "default": 0.9, "help": "of the peak, at 2 and 10 times the callers"}),
        ("--open-goodput-min", {"type": float, "default": 0, "help": "the same of those who never wait; 0: told"}),
        ("--p99-max", {"type": float, "default": 2, "help": "times the p99 at 80 %%"}),
        ("--refusal-ms", {"type": float, "default": 50}),
        ("--recovery-s", {"type": float, "default": 10}),
        ("--modest", {"type": float, "default": 200, "help": "requests a second of the modest agency"}),
        ("--modest-min", {"type": float, "default": 0.99, "help": "share of its requests that is answered"}),
        ("--modest-p99-ms", {"type": float, "default": 100}),
        ("--idle", {"type": int, "default": 10_000, "help": "connections"}),
        ("--idle-bytes-max", {"type": int, "default": 32_768, "help": "memory of an idle connection"}),
        ("--newcomer-s", {"type": float, "default": 10, "help": "longest wait while too many silent ones stand"}),
        ("--files", {"type": int, "default": 1024, "help": "that the hub may open at first, in part files"}),
        ("--slow", {"type": int, "default": 500, "help": "connections that send a byte a second"}),
        ("--deaf", {"type": int, "default": 8, "help": "streams that nobody reads"}),
        ("--rss-max-mb", {"type": float, "default": 200}),
        ("--out", {"help": "write the figures to this file as JSON"}),
    )
    checks, folder, parts = Checks("overload"), workdir("overload"), args.parts.split(",")
    for program in ("cc", binary()):
        if not checks.ok(f"{program} is there", shutil.which(program)):
            checks.finish()
    files = raise_files()
    workers = 1 if args.pinned else os.cpu_count() or 2
    wrap = ("taskset", "-c", "0") if args.pinned else ()
    # Its crowds come from one address.
    env = {"HEYAN__HTTP__WORKERS": str(workers), "HEYAN__HTTP__ADDRESS_CONNECTIONS_MAX": "1000000"}
    told: dict = {}
    with Hub(folder / "data", wrap=wrap, env=env) as hub:
        drill = Drill(args, checks, hub, folder)
        if "load" in parts:
            drill.overload()
        if "agencies" in parts:
            drill.agencies()
        told |= drill.crowds(parts)
        answer = hub.client("agency").post(SINGLE, drill.requests[0])
        checks.ok("the hub is well at the end", answer.status == 200, answer)
    if "files" in parts:
        # What a login shell and most service managers give a process that asks for no more.
        with Hub(folder / "data", wrap=(*wrap, "prlimit", f"--nofile={args.files}:{files}"), env=env) as hub:
            few_files(hub, checks, drill.single, drill.requests[0], args.files)
    if "idle" in parts and checks.ok("files enough for the idle connections", files >= args.idle + 200, files):
        env["HEYAN__HTTP__CONNECTIONS_MAX"] = str(args.idle // workers + 1000)
        with Hub(folder / "data", wrap=wrap, env=env) as hub:
            told |= idle(hub, checks, drill.requests[0], args.idle, args.idle_bytes_max)
    figures = drill.figures
    if args.out:
        Path(args.out).write_text(json.dumps(figures | told, indent=1))
    if "load" in parts:
        peak = figures["told"]["peak"]
        told = figures["told"] | told
        for name in ("2 x callers", "10 x callers", "single 2 x", "single 10 x"):
            got, key = figures[name], name.replace(" ", "_")
            told[key] = f"{got['ok']['rate'] / peak:.2f}"
            told[f"{key}_p99_ms"] = got["ok"]["p99"] / 1000
        told["recovery_s"] = figures["10 x callers recovery_s"]
    checks.finish(**told)


if __name__ == "__main__":
    main()
