"""While the ledger is known not to accept entries, nothing is committed: of many changes answered 503 none is in the database, an answer
with a secret can be asked again, and the ledger goes on by itself. A failed sync of the journal is final: the process ends with 5."""

import time

from faults import FaultyDisk, done, log_lines, outcome, put, ready, sound, verify, within
from hub import WRONG_ON_PURPOSE, Checks, Hub, arguments, find, workdir

USER = {"id": "auditor-2", "name": "second auditor", "role": "auditor"}


def refused(checks: Checks, hub: Hub, name: str, first: int, count: int) -> int:
    """Puts `count` records that are all refused; returns how many of them are in the database afterwards."""
    client = hub.client("authority", 15)
    from hub import person

    codes = [client.put("/v1/datasets/natural-person/records", person(n)).code for n in range(first, first + count)]
    checks.ok(f"{name}: every change is refused", set(codes) == {"ledger_unavailable"}, set(codes))
    user = hub.client("manager", 15).post("/v1/users", USER)
    checks.ok(f"{name}: no user is made", user.status == 503, user)
    return len(codes)


def effects(hub: Hub, first: int, count: int) -> int:
    return sum(outcome(hub, n) != "not_found" for n in range(first, first + count))


def main() -> None:
    args = arguments(__doc__, ("--count", {"type": int, "default": 200, "help": "changes that are refused"}))
    checks, work = Checks("failed_ledger_refuses"), workdir("failed_ledger")
    disk, done_something = FaultyDisk(work), 0
    hub = Hub(work / "hub", persons=5, env={**disk.env, **WRONG_ON_PURPOSE})
    for name, rule, first in (
        ("blocked", "write ledger/journal 28", 10_000),
        ("stalled", "sync ledger/journal hang", 20_000),
    ):
        disk.set(rule)
        probe = verify(hub)
        time.sleep(1.4)
        refused(checks, hub, name, first, args.count)
        if name == "blocked":
            state = ready(hub)
            checks.ok("blocked: /readyz says failed", state.get("checks", {}).get("ledger") == "failed", state)
            told = log_lines(hub, "ledger blocked")
            words = str(told[:1])
            checks.ok("blocked: one line, with the system's words, the path and what to do", len(told) == 1, told)
            checks.ok("blocked: its words", "No space left" in words and "ledger" in words and "remedy" in words, words)
        disk.clear()
        back = within(10, lambda: done(verify(hub)).answer.status == 200)
        checks.ok(f"{name}: back by itself", back is not None, back)
        probe.join(10)
        left = effects(hub, first, args.count)
        done_something += left
        checks.ok(f"{name}: no effect", left == 0, left)
    user = hub.client("manager").post("/v1/users", USER)
    checks.ok("an answer with a secret can be asked again", user.status in (200, 201, 202) and user.json(), user)
    kept = done(put(hub, 30_000))
    checks.ok("a change is accepted", kept.answer.status in (200, 201), kept.code)
    index = find(kept.answer.json(), "index")
    disk.set("sync ledger/journal 5")
    last = done(verify(hub))
    checks.ok("a failed sync answers nothing", last.answer is None or last.answer.status == 503, last.code)
    ended = within(25, lambda: hub.process.poll() is not None)
    checks.ok("the process ends", ended is not None, ended)
    checks.ok("with exit code 5", hub.process.poll() == 5, hub.process.poll())
    words = hub.tail(4000)
    checks.ok("the log says why and what to do", "Input/output error" in words and "mend the disk" in words, words[-600:])
    disk.clear()
    hub.kill()
    with Hub(work / "hub", persons=5, env=disk.env | WRONG_ON_PURPOSE) as hub:
        checks.ok("what was acknowledged is there", outcome(hub, 30_000) == "verified", index)
        checks.ok("and it serves", done(verify(hub)).answer.status == 200)
        ledger = hub.ledger_dir
    checks.ok("the ledger is sound", sound(ledger))
    checks.finish(changes=2 * args.count, effects=done_something, ended_s=ended and round(ended, 1))


main()
