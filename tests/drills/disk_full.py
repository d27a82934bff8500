"""The disk of the data folder fills up, on a small tmpfs of its own. Under 5 % free, changes are refused and verifications are answered;
with no space at all everything is refused and the log says so once, with the system's words; with space again the hub goes on by itself,
and nothing that was acknowledged is lost. Needs the right to mount."""

import os
import subprocess
import threading
import time

from faults import done, log_lines, outcome, put, ready, sound, verify, within
from hub import Checks, Hub, arguments, find, workdir

SETTINGS = {
    # Small pieces, so that the ledger soon asks for the next one.
    "HEYAN__LEDGER__SEGMENT_BYTES": "131072",
    "HEYAN__LEDGER__GROUP_BYTES_MAX": "65536",
    "HEYAN__NODE__RESERVE_BYTES": "1048576",
}


def fill(path, leave: int) -> None:
    """Writes a file until only `leave` bytes are free."""
    with open(path, "ab") as file:
        while True:
            stat = os.statvfs(path)
            room = stat.f_bavail * stat.f_frsize - leave
            if room <= 0:
                return
            try:
                file.write(b"x" * min(room, 1 << 20))
                file.flush()
            except OSError:
                return


def main() -> None:
    arguments(__doc__)
    checks, work = Checks("disk_full"), workdir("disk_full")
    disk = work / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        print(f"disk_full: cannot mount here ({mounted.stderr.strip()}): not run")
        checks.ok("skipped", True)
        checks.finish(skipped=1)
    try:
        figures = drill(checks, work, disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
    checks.finish(**figures)


def drill(checks: Checks, work, disk) -> dict:
    acknowledged: list[int] = []
    with Hub(disk / "hub", persons=5, env=SETTINGS, logs=work / "logs") as hub:
        checks.ok("it serves", done(verify(hub)).answer.status == 200)
        total = os.statvfs(disk)
        fill(disk / "filler", total.f_blocks * total.f_frsize * 3 // 100)
        low = within(4, lambda: ready(hub).get("checks", {}).get("disk") == "degraded")
        checks.ok("under 5 %: /readyz says so, and is ready", low is not None and ready(hub).get("http") == 200, ready(hub))
        checks.ok("under 5 %: a change is refused", done(put(hub, 900)).answer.status == 503)
        checks.ok("under 5 %: a verification is answered", done(verify(hub)).answer.status == 200)
        free = hub.metric("heyan_disk_free_bytes")
        checks.ok("the gauge tells the free bytes", 0 < free < total.f_blocks * total.f_frsize // 20, free)
        os.unlink(disk / "filler")
        back = within(10, lambda: done(put(hub, 901)).answer.status in (200, 201))
        checks.ok("back by itself", back is not None, back)

        halt, refusals = threading.Event(), []

        def load() -> None:
            client = hub.client("agency", 15)
            from hub import person, verification

            while not halt.is_set():
                answer = client.attempt("POST", "/v1/verifications", verification(person(1), "name"))
                if answer is not None and answer.status == 200:
                    acknowledged.append(find(answer.json(), "index"))
                else:
                    refusals.append(answer)
                    time.sleep(0.005)

        threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        fill(disk / "filler", 0)
        # The reserve gives itself up once: that space is taken too.
        full = within(25, lambda: fill(disk / "filler", 0) or (not (disk / "hub/data/reserve").exists() and len(refusals) > 200))
        checks.ok("full: calls are refused", full is not None, (len(refusals), len(acknowledged)))
        state = ready(hub)
        checks.ok("full: /readyz says failed", state.get("status") == "failed", state)
        lines = hub.stderr_path.read_text(errors="replace")
        checks.ok("full: the log has the system's words", "No space left on device" in lines, hub.tail(600))
        os.unlink(disk / "filler")
        back = within(10, lambda: done(verify(hub)).answer.status == 200)
        checks.ok("space again: back without a restart", back is not None, ready(hub))
        checks.ok("space again: ready", within(10, lambda: ready(hub).get("status") == "ok") is not None, ready(hub))
        checks.ok("space again: a change is accepted", done(put(hub, 902)).answer.status in (200, 201))
        halt.set()
        for thread in threads:
            thread.join(20)
        told = len(log_lines(hub, "call failed")) + len(log_lines(hub, "ledger blocked"))
        checks.ok("no flood of lines", told < 40, told)
        checks.ok("what was acknowledged is there", outcome(hub, 901) == "verified")
        size = hub.metric("heyan_ledger_size")
        lost = sum(index >= size for index in acknowledged)
        checks.ok("no acknowledged entry is lost", lost == 0 and len(set(acknowledged)) == len(acknowledged), lost)
        ledger = hub.ledger_dir
    checks.ok("the ledger is sound", sound(ledger))
    return {"acknowledged": len(acknowledged), "refused": len(refusals), "lost": lost, "back_s": back and round(back, 1)}


main()
