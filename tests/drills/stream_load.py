"""Sends one long stream of verifications, with curl, and reads every answer: each line once, in order, memory bounded.

The lines are the synthetic city's real mix, one question a record: two that contradict each other would open and settle
a mismatch each time, and a stream of those is no stream of verifications. The hub's memory is sampled every 100 ms; what
counts is its peak above what it had after the first, short stream, which fills the cache and opens what there is to open.
`--lines 5000000` is the length of the acceptance.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import time
from collections import Counter
from pathlib import Path

from hub import PURPOSE, Checks, Hub, arguments, binary, workdir
from load import Memory, city_requests, line, one_a_record

STREAM = "/v1/verifications/stream"
REF = re.compile(rb'"ref":"r(\d+)"')
OUTCOME = re.compile(rb'"outcome":"([a-z_]+)"')
BLOCK_BYTES = 1 << 24


def write_stream(file: Path, requests: list[str], lines: int) -> None:
    """A first line with the purpose, then the requests again and again; each line has its number as its `ref`."""
    # A request's last member is its purpose, which the first line states for all.
    items = [request[1 : request.rindex(',"purpose":')] for request in requests]
    with open(file, "w") as f:
        f.write(line({"purpose": PURPOSE}) + "\n")
        for begin in range(0, lines, len(items)):
            part = items[: lines - begin]
            f.write("".join(f'{{"ref":"r{begin + at}",{item}}}\n' for at, item in enumerate(part)))


def sent(hub: Hub, files: list[tuple[Path, Path]], timeout_s: float) -> tuple[float, list[int]]:
    """Sends streams side by side; seconds until the last is over, and curl's exit codes."""
    token = f'header = "Authorization: Bearer {hub.tokens["agency"]}"\n'
    # No `Expect`: it waits for a word from the hub before the body. The token is on no command line.
    command = ["curl", "-sSNf", "-K", "-", "-X", "POST", "-H", "Expect:", "-H", "Content-Type: application/x-ndjson"]
    began = time.monotonic()
    curls = []
    for body, answers in files:
        args = [*command, "-T", body, "-o", answers, hub.url + STREAM]
        curl = subprocess.Popen(args, stdin=subprocess.PIPE, text=True)
        curl.stdin.write(token)
        curl.stdin.close()
        curls.append(curl)
    try:
        codes = [curl.wait(max(1.0, began + timeout_s - time.monotonic())) for curl in curls]
        return time.monotonic() - began, codes
    finally:
        for curl in curls:
            curl.kill()


def read(file: Path) -> tuple[int, int, Counter, int, dict]:
    """Lines before the last, how many of them are out of order, outcomes, problems, and the last line."""
    count = odd = problems = 0
    outcomes: Counter = Counter()
    rest = b""
    with open(file, "rb") as f:
        while block := f.read(BLOCK_BYTES):
            whole, _, rest = (rest + block).rpartition(b"\n")
            if not whole:
                continue
            # The last whole line of each block waits for the next block: it may be the summary.
            whole, _, last = whole.rpartition(b"\n")
            rest = last + b"\n" + rest
            refs = [int(n) for n in REF.findall(whole)]
            odd += sum(ref != count + at for at, ref in enumerate(refs))
            odd += abs(len(refs) - whole.count(b"\n") - bool(whole))
            outcomes.update(OUTCOME.findall(whole))
            problems += whole.count(b'"problem":{')
            count += len(refs)
    tail = [json.loads(x) for x in rest.splitlines()]
    for answer in tail[:-1]:
        odd += answer.get("ref") != f"r{count}"
        outcomes[str(answer.get("outcome")).encode()] += 1
        problems += "problem" in answer
        count += 1
    return count, odd, outcomes, problems, tail[-1] if tail else {}


def check(checks: Checks, file: Path, lines: int) -> Counter:
    """Every line is answered once, in order, and the last line counts them as they are."""
    count, odd, outcomes, problems, last = read(file)
    checks.ok("every line is answered once", count == lines, (count, lines))
    checks.ok("the answers are in order", odd == 0, odd)
    summary = dict(last.get("summary", {}))
    checks.ok("the last line is the summary with a receipt", summary and "receipt" in last, last)
    checks.ok("the summary counts every line", summary.pop("items", None) == lines, last)
    checks.ok("the summary counts the problems", summary.pop("problems", None) == problems, (last, problems))
    told = {name: n for name, n in summary.items() if n}
    found = {name.decode(): n for name, n in outcomes.items()}
    checks.ok("the summary counts the outcomes", told == found, (told, found))
    return outcomes


def main() -> None:
    args = arguments(
        __doc__,
        ("--lines", {"type": int, "default": 200_000, "help": "of each stream"}),
        ("--rounds", {"type": int, "default": 1}),
        ("--streams", {"type": int, "default": 1, "help": "side by side"}),
        ("--persons", {"type": int, "default": 20_000}),
        ("--requests", {"type": int, "default": 20_000, "help": "questions to choose from; they come again and again"}),
        ("--rss-max-mb", {"type": float, "default": 200}),
        ("--lines-min", {"type": float, "default": 0, "help": "lines a second; 0: only told"}),
        ("--timeout-s", {"type": float, "default": 600, "help": "of one round"}),
        ("--out", {"help": "write the figures to this file as JSON"}),
    )
    checks, folder = Checks("stream_load"), workdir("stream_load")
    for tool in ("curl", binary()):
        if not checks.ok(f"{tool} is there", shutil.which(tool)):
            checks.finish()
    requests = one_a_record(city_requests(folder, args.persons, args.requests))
    body, first = folder / "body", folder / "first"
    write_stream(body, requests, args.lines)
    write_stream(first, requests, len(requests))
    rounds: list[dict] = []
    with Hub(folder / "data", persons=args.persons) as hub:
        _, codes = sent(hub, [(first, folder / "answers-0")], args.timeout_s)
        if checks.ok("the first stream is taken", codes == [0], codes):
            check(checks, folder / "answers-0", len(requests))
        for n in range(args.rounds):
            files = [(body, folder / f"answers-{at}") for at in range(args.streams)]
            size = hub.metric("heyan_ledger_size")
            memory, used = Memory(hub.process.pid), hub.cpu_s()
            seconds, codes = sent(hub, files, args.timeout_s)
            grown, used = memory.stop(), hub.cpu_s() - used
            if not checks.ok("every stream comes to its end", codes == [0] * args.streams, codes):
                break
            total = args.lines * args.streams
            for _, answers in files:
                outcomes = check(checks, answers, args.lines)
            entries = hub.metric("heyan_ledger_size") - size
            checks.ok("what was answered is in the ledger", entries >= total / 1000, entries)
            got = {"lines_s": total / seconds, "cpu_us": used * 1e6 / total, "rss_mb": grown, "seconds": seconds}
            got["lines_an_entry"] = total / entries
            rounds.append(got)
            print(f"round {n + 1}:", " ".join(f"{k}={v:.1f}" for k, v in got.items()), dict(outcomes), flush=True)
            checks.ok(f"memory grows by less than {args.rss_max_mb} MB", grown < args.rss_max_mb, f"{grown:.0f}")
        checks.ok("the hub ends well", hub.stop() == 0)
    if not rounds:
        checks.finish()
    medians = {k: round(statistics.median(r[k] for r in rounds), 1) for k in rounds[0]}
    if args.lines_min:
        checks.ok(f"at least {args.lines_min:.0f} lines a second", medians["lines_s"] >= args.lines_min, medians)
    if args.out:
        figures = {"lines": args.lines, "streams": args.streams, "rounds": rounds, "medians": medians}
        Path(args.out).write_text(json.dumps(figures, indent=1))
    checks.finish(lines=args.lines, streams=args.streams, **medians)


if __name__ == "__main__":
    main()
