"""Checks licences, bans and sources of all crates against `deny.toml` without cargo-deny, by `cargo metadata` alone.

`tests/run` uses it where the tool is not installed. It reads the same file and knows the same words, but no more: a rule in
`deny.toml` that it does not understand is a failure, so that nothing is believed to be checked that is not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What this program understands of each table.
UNDERSTOOD = {
    "graph": {"targets", "all-features"},
    "advisories": {"version", "yanked", "unmaintained", "ignore"},
    "licenses": {"version", "allow", "exceptions", "confidence-threshold", "unused-allowed-license"},
    "bans": {"multiple-versions", "wildcards", "allow-wildcard-paths", "deny"},
    "sources": {"unknown-registry", "unknown-git", "allow-registry", "allow-git"},
}
BAN = {"crate", "name", "version", "wrappers", "reason"}


@dataclass
class Result:
    """What was checked, and what is wrong."""

    checked: int = 0
    wrong: list[str] = field(default_factory=list)

    def ok(self, holds: bool, words: str) -> None:
        self.checked += 1
        if not holds:
            self.wrong.append(words)


# ---- licences: an SPDX expression must be satisfied by allowed licences ------------------------------------------------


def tokens(expression: str) -> list[str]:
    """Words and brackets; old manifests write `/` for OR."""
    return re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))


def allows(expression: str, allowed: set[str]) -> bool:
    """Whether the allowed licences satisfy an SPDX expression: OR binds weaker than AND, WITH belongs to its licence."""
    words = tokens(expression)
    value, rest = either(words, allowed)
    if rest:
        raise ValueError(f"not an SPDX expression: {expression}")
    return value


def either(words: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    value, words = both(words, allowed)
    while words and words[0] == "OR":
        more, words = both(words[1:], allowed)
        value = value or more
    return value, words


def both(words: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    value, words = single(words, allowed)
    while words and words[0] == "AND":
        more, words = single(words[1:], allowed)
        value = value and more
    return value, words


def single(words: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    if not words:
        raise ValueError("an SPDX expression ends too early")
    if words[0] == "(":
        value, words = either(words[1:], allowed)
        if not words or words[0] != ")":
            raise ValueError("a bracket is not closed")
        return value, words[1:]
    name, words = words[0], words[1:]
    if words[:1] == ["WITH"]:
        name, words = f"{name} WITH {words[1]}", words[2:]
    return name in allowed, words


# ---- bans: versions as cargo compares them -----------------------------------------------------------------------------


def version(text: str) -> tuple:
    """Sortable; a pre-release stands before its release."""
    core, _, pre = text.split("+")[0].partition("-")
    return tuple(int(part) for part in core.split(".")), not pre, pre


def matches(found: str, requirement: str | None) -> bool:
    """Whether a version is within `<1.2.3` and the like; no requirement: every version is."""
    if requirement is None:
        return True
    for part in requirement.split(","):
        op, bound = re.fullmatch(r"\s*(<=|>=|<|>|=)\s*([0-9][^\s]*)\s*", part).groups()
        wanted = tuple([*bound.split("."), "0", "0"][:3])
        left, right = version(found), version(".".join(wanted))
        if not {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "=": left == right}[op]:
            return False
    return True


def metadata(target: str) -> dict:
    """What cargo knows of the crates of one target, all features on; nothing is fetched that the lock file does not name."""
    args = ("cargo", "metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", target)
    done = subprocess.run(args, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"FAIL deny: cargo metadata: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def used(meta: dict) -> dict[str, dict]:
    """The packages of the resolved graph, by id."""
    nodes = {node["id"] for node in meta["resolve"]["nodes"]}
    return {package["id"]: package for package in meta["packages"] if package["id"] in nodes}


def check_licences(rules: dict, packages: dict[str, dict], result: Result) -> None:
    everywhere = set(rules["allow"])
    exceptions = {one["crate"]: set(one["allow"]) for one in rules.get("exceptions", ())}
    for package in packages.values():
        if package["source"] is None:
            continue
        name, expression = f"{package['name']} {package['version']}", package["license"]
        allowed = everywhere | exceptions.get(package["name"], set())
        if not expression:
            result.ok(False, f"{name} states no licence, only the file {package['license_file']}")
            continue
        result.ok(allows(expression, allowed), f"{name}: the licence `{expression}` is not allowed by deny.toml")


def check_bans(rules: dict, meta: dict, packages: dict[str, dict], result: Result) -> None:
    users: dict[str, set[str]] = {}
    for node in meta["resolve"]["nodes"]:
        for dependency in node["dependencies"]:
            users.setdefault(dependency, set()).add(packages[node["id"]]["name"])
    for ban in rules["deny"]:
        if unknown := set(ban) - BAN:
            result.ok(False, f"deny.toml: a ban has {sorted(unknown)}, which tests/deny.py does not understand")
        name, wrappers = ban.get("crate") or ban.get("name"), set(ban.get("wrappers", ()))
        hit = [p for p in packages.values() if p["name"] == name and matches(p["version"], ban.get("version"))]
        for package in hit:
            strangers = users.get(package["id"], set()) - wrappers
            allowed = wrappers and not strangers
            by = f", used by {', '.join(sorted(strangers))}" if strangers else ""
            result.ok(bool(allowed), f"{name} {package['version']} is banned{by}: {ban['reason']}")
        result.ok(True, name)
    if rules["wildcards"] == "deny":
        for package in packages.values():
            if package["source"] is None:
                for dependency in package["dependencies"]:
                    is_path = dependency.get("path") is not None and rules.get("allow-wildcard-paths", False)
                    words = f"{package['name']} takes any version of {dependency['name']}"
                    result.ok(dependency["req"] != "*" or is_path, words)


def check_sources(rules: dict, packages: dict[str, dict], result: Result) -> None:
    registries = {f"registry+{url}" for url in rules["allow-registry"]}
    for package in packages.values():
        source = package["source"]
        if source is not None:
            result.ok(source in registries, f"{package['name']} comes from {source}, which deny.toml does not allow")


def check_words(rules: dict, result: Result) -> None:
    """Every member of the file is one that this program knows."""
    for table, members in rules.items():
        unknown = set(members) - UNDERSTOOD.get(table, set())
        result.ok(not unknown, f"deny.toml: [{table}] has {sorted(unknown)}, which tests/deny.py does not understand")


def check_itself(result: Result) -> None:
    """A check that lets everything pass would pass."""
    mit = {"MIT", "Apache-2.0 WITH LLVM-exception"}
    for expression, holds in (
        ("MIT", True),
        ("GPL-3.0", False),
        ("MIT OR GPL-3.0", True),
        ("MIT/GPL-3.0", True),
        ("MIT AND GPL-3.0", False),
        ("(MIT OR GPL-3.0) AND ISC", False),
        ("GPL-3.0 OR MIT AND MIT", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0", False),
    ):
        result.ok(allows(expression, mit) == holds, f"tests/deny.py misreads `{expression}`")
    for found, requirement, holds in (
        ("0.4.15", "<0.4.16", True),
        ("0.4.16", "<0.4.16", False),
        ("0.4.16-rc.1", "<0.4.16", True),
        ("1.0.0", None, True),
        ("3.7.2", ">=3, <3.7.2", False),
    ):
        result.ok(matches(found, requirement) == holds, f"tests/deny.py misreads {found} {requirement}")


def main() -> None:
    rules = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    result = Result()
    check_itself(result)
    check_words(rules, result)
    seen = set()
    for target in rules["graph"]["targets"]:
        meta = metadata(target)
        packages = used(meta)
        seen |= {(p["name"], p["version"]) for p in packages.values() if p["source"]}
        check_licences(rules["licenses"], packages, result)
        check_bans(rules["bans"], meta, packages, result)
        check_sources(rules["sources"], packages, result)
    for line in sorted(set(result.wrong)):
        print(f"FAIL deny: {line}")
    passed = result.checked - len(result.wrong)
    print(f"drill deny: {passed} passed, {len(result.wrong)} failed packages={len(seen)}")
    sys.exit(1 if result.wrong or not seen else 0)


if __name__ == "__main__":
    main()
