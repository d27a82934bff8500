"""A steady load for long: memory, files, threads and the database's log must not grow with time. Slopes are fitted to the second half
of the run, so that caches have filled. The test of the test: a series that grows on purpose is reported.
"""

import os
import threading
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, Hub, arguments, person, put_records, verification, workdir

# Growth in an hour that is noise, for runs of an hour and more; a shorter run is allowed the growth of one hour as a whole.
NOISE = {"rss_mib": 24.0, "files": 8.0, "threads": 2.0, "wal_mib": 64.0}


def sample(hub: Hub) -> dict[str, float]:
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    value = lambda name: int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])  # noqa: E731
    wal = sum(file.stat().st_size for file in hub.data.rglob("*.sqlite-wal"))
    return {
        "rss_mib": value("VmRSS:") / 1024,
        "files": float(len(os.listdir(f"/proc/{hub.process.pid}/fd"))),
        "threads": float(value("Threads:")),
        "wal_mib": wal / 2**20,
    }


def slope(times: list[float], values: list[float]) -> float:
    """By the least squares, in an hour."""
    mean_t, mean_v = sum(times) / len(times), sum(values) / len(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    return 3_600 * sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values)) / spread if spread else 0.0


def grown(times: list[float], values: list[float], noise: float) -> tuple[float, bool]:
    """The slope in an hour, and whether it is more than noise: a run of less than an hour says what it adds in its own time."""
    per_hour = slope(times, values)
    added = per_hour * max(times[-1] - times[0], 1) / 3_600
    return per_hour, (per_hour if times[-1] - times[0] >= 1_800 else added) > noise


def load(hub: Hub, number: int, halt: threading.Event, rate: float, done: list[int], bad: list) -> None:
    agency, authority = hub.client("agency"), hub.client("authority")
    turn = 0
    while not halt.is_set():
        turn += 1
        if turn % 10:
            n = (number * 1_000 + turn) % 2_000
            changed = {"name": "卜相合"} if turn % 50 == 3 else {}
            answer = agency.attempt("POST", "/v1/verifications", verification(person(n), "name", **changed))
        else:
            n = (number * 1_000 + turn) % 2_000
            answer = authority.attempt("PUT", "/v1/datasets/natural-person/records", person(n, turn // 10))
        # A person whose budget is used up is answered 200 too; a disk that is slow for a second is told of by 503.
        if answer is None or answer.status not in (200, 201):
            bad.append(answer)
        done[number] += 1
        if turn % 600 == 599:
            # The token of the demo is for an hour or more; the connection is made anew, as clients do.
            agency.close()
            authority.close()
        halt.wait(1 / rate)


def main() -> None:
    args = arguments(
        __doc__,
        ("--seconds", {"type": float, "default": 25}),
        ("--callers", {"type": int, "default": 4}),
        ("--rate", {"type": float, "default": 40, "help": "calls a second of each caller, at most"}),
    )
    checks, work = Checks("soak"), workdir("soak")
    halt, done, bad = threading.Event(), [0] * args.callers, []
    with Hub(work / "hub", env=WRONG_ON_PURPOSE | {"HEYAN__AUTH__TOKEN_TTL_S": "86400"}) as hub:
        put_records(hub.client("authority"), "natural-person", [person(n) for n in range(2_000)])
        threads = [threading.Thread(target=load, args=(hub, n, halt, args.rate, done, bad)) for n in range(args.callers)]
        for thread in threads:
            thread.start()
        begun, times, samples = time.monotonic(), [], []
        every = max(0.5, args.seconds / 400)
        while time.monotonic() - begun < args.seconds and hub.process.poll() is None:
            time.sleep(every)
            times.append(time.monotonic() - begun)
            samples.append(sample(hub))
        halt.set()
        for thread in threads:
            thread.join(30)
        checks.ok("the process lives", hub.process.poll() is None)
        wrong = [answer for answer in bad if answer is None or answer.status != 503]
        checks.ok("every call was answered", not wrong and min(done) > 10, (done, wrong[:2]))
        checks.ok("a disk that is slow refuses little", len(bad) * 50 < sum(done), (len(bad), sum(done)))
    half = len(times) // 2
    late = times[half:]
    figures = {}
    for name, noise in NOISE.items():
        values = [one[name] for one in samples[half:]]
        per_hour, more = grown(late, values, noise)
        checks.ok(f"{name} does not grow", not more, (round(per_hour, 1), values[0], values[-1]))
        figures[name], figures[f"{name}_h"] = round(values[-1], 1), round(per_hour, 1)
        # Twice the noise, added over the same time.
        leak = [value + 2 * noise * (at - late[0]) / max(late[-1] - late[0], 1) for at, value in zip(late, values)]
        if late[-1] - late[0] < 1_800:
            checks.ok(f"{name} that grows is reported", grown(late, leak, noise)[1])
    checks.finish(seconds=round(times[-1]), calls=sum(done), refused=len(bad), **figures)


main()
