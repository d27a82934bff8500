"""A sync that does not return: of the ledger's journal, then of the database. New calls are refused at once, those that wait are told,
`/readyz` and the gauges say so, the log has one line each way, and everything is back by itself when the sync returns."""

import time

from faults import FaultyDisk, done, log_lines, put, ready, sound, verify, within
from hub import Checks, Hub, arguments, workdir


def hang(checks: Checks, hub: Hub, disk: FaultyDisk, name: str, rule: str, begin, code: str, seconds: float) -> dict:
    checks.ok(f"{name}: ready before", within(10, lambda: ready(hub).get("status") == "ok") is not None)
    disk.set(rule)
    begun = time.monotonic()
    waiting = [begin(hub, n) for n in range(4)]
    said = within(4, lambda: ready(hub).get("status") == "stalled")
    checks.ok(f"{name}: /readyz says stalled within 2 s", said is not None and said <= 2.5, said)
    checks.ok(f"{name}: and is not ready", ready(hub).get("http") == 503)
    time.sleep(max(0.0, 1.5 - (time.monotonic() - begun)))
    fresh = [done(begin(hub, 100 + n)) for n in range(5)]
    checks.ok(f"{name}: new calls are refused", {call.code for call in fresh} == {code}, [c.code for c in fresh])
    slowest = max(call.took for call in fresh)
    checks.ok(f"{name}: at once", slowest < 1, slowest)
    waits = hub.metric(f"heyan_{'ledger' if code.startswith('ledger') else 'store'}_oldest_wait_seconds")
    checks.ok(f"{name}: the gauge tells the age", waits > 1, waits)
    for call in waiting:
        call.join(12)
    told = [(call.code, round(call.took, 1)) for call in waiting]
    checks.ok(f"{name}: those who wait are told", all(c.answer and c.answer.status == 503 and c.took < 9 for c in waiting), told)
    time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
    disk.clear()
    back = within(5, lambda: (c := done(begin(hub, 500))).answer is not None and c.answer.status in (200, 201))
    checks.ok(f"{name}: back within 1 s", back is not None and back <= 1.5, back)
    checks.ok(f"{name}: ready again", within(3, lambda: ready(hub).get("http") == 200) is not None, ready(hub))
    return {"stalled_s": said and round(said, 2), "refused_s": round(slowest, 3), "back_s": back and round(back, 2)}


def main() -> None:
    args = arguments(__doc__, ("--seconds", {"type": float, "default": 7.0, "help": "how long each sync hangs"}))
    checks, work = Checks("stalled_disk"), workdir("stalled_disk")
    disk = FaultyDisk(work)
    with Hub(work / "hub", persons=5, env=disk.env) as hub:
        checks.ok("it serves", done(verify(hub)).answer.status == 200)
        ledger = hang(checks, hub, disk, "ledger", "sync ledger/journal hang", verify, "ledger_unavailable", args.seconds)
        checks.ok("one line when it begins", len(log_lines(hub, "ledger stalled")) == 1, log_lines(hub, "ledger stalled"))
        checks.ok("one line when it is over", within(2, lambda: len(log_lines(hub, "makes progress again")) == 1) is not None)
        store = hang(checks, hub, disk, "database", "sync heyan.sqlite hang", put, "store_unavailable", args.seconds)
        checks.ok("one line when it begins", len(log_lines(hub, "database stalled")) == 1, log_lines(hub, "database stalled"))
        failed = len(log_lines(hub, "call failed"))
        checks.ok("no flood of lines", failed <= 6, failed)
        ledger_dir = hub.ledger_dir
    checks.ok("the ledger is sound", sound(ledger_dir))
    checks.finish(**{f"ledger_{k}": v for k, v in ledger.items()}, **{f"database_{k}": v for k, v in store.items()})


main()
