"""Holds Cargo.lock against `advisories.tsv`, where each crate was looked up in a stored copy of the RustSec database.

The nearest thing to `cargo deny check advisories` on a machine that cannot fetch the database. It knows nothing that the
table does not know: a crate or a version that nobody has looked at fails, so that a new dependency is looked at first.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_name("advisories.tsv")
VERDICTS = {"none", "unaffected", "affected"}


def locked() -> set[tuple[str, str]]:
    """(crate, version) of every package that comes from a registry; the project itself does not."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(p["name"], p["version"]) for p in lock["package"] if "source" in p}


def rows() -> tuple[dict[tuple[str, str], tuple[str, str]], list[str]]:
    """The table, (crate, version) → (advisories, verdict), and what is wrong with the table itself."""
    found, wrong = {}, []
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, version, advisories, verdict, *_ = [*line.split("\t"), "", "", "", ""]
        if verdict not in VERDICTS or (verdict == "none") != (advisories == "-"):
            wrong.append(f"line {number}: {name} {version} has no verdict that fits its advisories")
        if (name, version) in found:
            wrong.append(f"line {number}: {name} {version} is there twice")
        found[name, version] = (advisories, verdict)
    return found, wrong


def main() -> None:
    lock, (table, wrong) = locked(), rows()
    looked = {name: version for name, version in table}
    for name, version in sorted(lock - table.keys()):
        before = f", only {looked[name]}" if name in looked else ""
        wrong.append(f"{name} {version} was not looked up{before}: https://rustsec.org/packages/{name}.html")
    for name, version in sorted(lock & table.keys()):
        advisories, verdict = table[name, version]
        if verdict == "affected":
            wrong.append(
                f"{name} {version} is hit by {advisories}: `cargo tree -i {name}@{version}` shows what brings it"
            )
    for line in wrong:
        print(f"FAIL advisories: {line}")
    for name, version in sorted(table.keys() - lock):
        print(f"{name} {version} is no longer in Cargo.lock: its row can go")
    known = sum(advisories != "-" for advisories, _ in table.values())
    print(f"drill advisories: {len(lock)} packages, {known} with advisories, {len(wrong)} failed")
    sys.exit(1 if wrong or not lock else 0)


if __name__ == "__main__":
    main()
