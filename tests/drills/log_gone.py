"""The log's reader goes away, stops reading, or has a full disk: no call is lost, nothing blocks, and SIGTERM still drains."""

import os
import threading
import time

from faults import done, verify
from hub import Checks, Hub, arguments, workdir

# Lines by the thousand, so that a pipe is full at once.
LOUD = {"RUST_LOG": "trace"}


# Calls whose lines fill a pipe and the queue of the log, however slow the build is; and the longest time for them, in seconds.
CALLS_MIN, SECONDS_MAX = 5_000, 40


def calls(hub: Hub, seconds: float) -> tuple[int, int, float]:
    """Verifications from four clients; returns how many were answered, how many were not, and the slowest."""
    from hub import person, verification

    began, good, bad, slowest = time.monotonic(), [], [], [0.0]

    def goes_on() -> bool:
        elapsed = time.monotonic() - began
        return elapsed < seconds or (len(good) < CALLS_MIN and elapsed < SECONDS_MAX)

    def load() -> None:
        client = hub.client("agency", 10)
        while goes_on():
            begun = time.monotonic()
            answer = client.attempt("POST", "/v1/verifications", verification(person(1), "name"))
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            (good if answer is not None and answer.status == 200 else bad).append(answer)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(good), len(bad), slowest[0]


def main() -> None:
    args = arguments(__doc__, ("--seconds", {"type": float, "default": 2.0, "help": "calls of each case"}))
    checks, work, figures = Checks("log_gone"), workdir("log_gone"), {}
    for name in ("gone", "stopped", "full"):
        reader, writer = os.pipe() if name != "full" else (None, os.open("/dev/full", os.O_WRONLY))
        hub = Hub(work / name / "hub", persons=5, env=LOUD, stderr=writer)
        os.close(writer)
        checks.ok(f"{name}: it serves", done(verify(hub)).answer.status == 200)
        if name == "gone":
            os.close(reader)
        good, bad, slowest = calls(hub, args.seconds)
        checks.ok(f"{name}: no call is lost", bad == 0 and good > 10, (good, bad))
        checks.ok(f"{name}: none waits for the log", slowest < 3, slowest)
        lost = hub.metric("heyan_log_lines_lost")
        checks.ok(f"{name}: lost lines are counted", lost > 0, lost)
        code = hub.stop(40)
        checks.ok(f"{name}: SIGTERM drains", code == 0, code)
        if name == "stopped":
            os.close(reader)
        figures[f"{name}_calls"] = good
    checks.finish(**figures)


main()
