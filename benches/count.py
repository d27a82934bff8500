"""Instructions of each pure part of the verification path, by callgrind: two runs of different length, their difference
divided by the difference in calls. Prints the table of `BASELINE.md`; `--against BASELINE.md` adds the change.

    cargo build --release --example count && python3 benches/count.py
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FEW, MANY = 100, 600
# Only what runs inside a part: making the catalogue takes a million times more, and not always the same.
COLLECT = "--toggle-collect=count::cases::*closure*"


def instructions(binary: str, name: str, times: int) -> int:
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", COLLECT, binary, name, str(times)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=True,
        )
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "target/release/examples/count"))
    parser.add_argument("--against", help="a file with an earlier table")
    parser.add_argument("--only", default="", help="parts whose name begins so")
    args = parser.parse_args()
    listed = subprocess.run([args.binary], capture_output=True, text=True, timeout=60, check=True)
    names = [name for name in listed.stdout.split() if name.startswith(args.only)]
    before = {}
    if args.against:
        rows = re.findall(r"^\| `([^`]+)` \| (\d+) \|", Path(args.against).read_text(), re.M)
        before = {name: int(count) for name, count in rows}

    def one(name: str) -> int:
        few, many = (instructions(args.binary, name, times) for times in (FEW, MANY))
        return round((many - few) / (MANY - FEW))

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(one, names))
    print("| Part | Instructions |" + (" Before |" if before else ""))
    print("|---|---|" + ("---|" if before else ""))
    for name, count in zip(names, counts):
        was = f" {before[name]} ({count / before[name] - 1:+.1%}) |" if name in before else " |" if before else ""
        print(f"| `{name}` | {count} |{was}")


if __name__ == "__main__":
    main()
