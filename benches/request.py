"""Instructions of a whole request, hub and bare server, by callgrind: what does not depend on how busy the machine is.

Both run under valgrind with one worker and answer the requests of `tests/drills/wrk.py` (`--mix`, `--batch` as there). Counted is
what the whole process does, the ledger's threads and the background workers too, divided by the requests that were answered.
The system's own share (sockets, the disk) is not in it, and hashing counts as ring's AVX code: valgrind knows no SHA extensions.

    cargo build --release --bin heyan && python3 benches/request.py --top 40
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "drills"))

import wrk  # noqa: E402
from hub import Checks, Hub, arguments, workdir  # noqa: E402


def callgrind(out: Path) -> tuple[str, ...]:
    """Counts nothing until it is told to."""
    return ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}")


def control(pid: int, *what: str) -> None:
    subprocess.run(["callgrind_control", *what, str(pid)], check=True, capture_output=True, timeout=60)


def counted(url: str, pid: int, out: Path, args, env: dict) -> tuple[float, int, list[str]]:
    """Instructions a request, requests, and the functions that they went to, with what they called."""
    wrk.one_round(url, pid, args, env, 3)
    control(pid, "-i", "on")
    requests = int(wrk.one_round(url, pid, args, env, args.seconds)["n"])
    control(pid, "-i", "off")
    control(pid, "-d")
    dump = next(out.parent.glob(f"{out.name}.1"))
    told = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", dump], capture_output=True, text=True, check=True, timeout=300
    ).stdout
    total = int(re.search(r"([\d,]+) \(100.0%\)  PROGRAM TOTALS", told)[1].replace(",", ""))
    rows = re.findall(r"^ *([\d,]+) \( *[\d.]+%\)  \S*?:(.+?) \[", told, re.M)
    named = [f"{int(count.replace(',', '')) / requests:9.0f}  {name}" for count, name in rows]
    return total / requests, requests, named


def main() -> None:
    args = arguments(
        __doc__,
        ("--seconds", {"type": float, "default": 15}),
        ("--connections", {"type": int, "default": 64}),
        ("--records", {"type": int, "default": 2000}),
        ("--requests", {"type": int, "default": 5000}),
        ("--mix", {"choices": ("known", "real"), "default": "known"}),
        ("--keys", {"choices": ("uniform", "zipf"), "default": "uniform"}),
        ("--batch", {"type": int, "default": 0}),
        ("--top", {"type": int, "default": 0, "help": "functions to tell, by what they and what they call cost"}),
    )
    args.pinned = False
    checks, folder = Checks("request"), workdir("request")
    persons = args.records if args.mix == "real" else 0
    outs = {side: folder / f"{side}.callgrind" for side in ("hub", "floor")}
    with Hub(
        folder / "data", persons=persons, wrap=callgrind(outs["hub"]), env={"HEYAN__HTTP__WORKERS": "1"}, ready_within=300
    ) as hub:
        bodies, size = wrk.prepare(hub, args, folder, checks)
        path = "/v1/verifications/batch" if args.batch else "/v1/verifications"
        env = {"WRK_BODIES": str(bodies), "WRK_TOKEN": hub.tokens["agency"], "WRK_PATH": path}
        ours, requests, named = counted(hub.url, hub.process.pid, outs["hub"], args, env)
        floor, url = wrk.start_floor(size, 1, folder, callgrind(outs["floor"]), args.batch)
        try:
            bare, _, _ = counted(url, floor.pid, outs["floor"], args, env)
        finally:
            floor.terminate()
            floor.wait(30)
    print("\n".join(named[: args.top]))
    items = args.batch or 1
    checks.ok("requests were counted", requests > 100, requests)
    checks.finish(hub=round(ours / items), floor=round(bare / items), times=round(ours / bare, 2), requests=requests)


if __name__ == "__main__":
    main()
