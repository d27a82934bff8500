#!/usr/bin/env python3
"""Verifies an archive pack with nothing of the hub: Python's tarfile, hashlib, and Ed25519 of `cryptography`.

    archive_verify.py PACK --key VKEY|FILE [--key …] [--alter]

Checks that manifest.proof proves an entry with the SHA-256 of manifest.json, that the manifest names every other file by its
SHA-256, that every receipt leads to a checkpoint signed by a given key, and that every statement (verdicts, rules, versions,
steps, ends of deliveries) is what its entry says. `--alter` then flips a byte of each file in turn, and leaves each out: every
such pack must be refused. Exit codes: 0 it holds, 1 it does not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import io
import json
import struct
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from second_ledger import Broken, Key, b64, check_receipt  # noqa: E402

OUTCOMES = ("verified", "mismatched", "review", "incomplete", "not_found", "not_in_force")
KINDS = {1: "verification", 2: "chunk", 5: "access", 6: "mismatch", 7: "delivery", 9: "read"}


class Bytes:
    """Reads an entry from its front (big-endian; texts behind a length of one byte)."""

    def __init__(self, raw: bytes):
        self.raw = raw

    def take(self, length: int) -> bytes:
        if length > len(self.raw):
            raise Broken("an entry ends too early")
        head, self.raw = self.raw[:length], self.raw[length:]
        return head

    def number(self, form: str) -> int:
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def text(self) -> str:
        return self.take(self.number("B")).decode()


def item(reader: Bytes) -> dict:
    told = {"rules": reader.text(), "subject": reader.take(16).hex(), "record_version": reader.number("I")}
    told["outcome"] = OUTCOMES[reader.number("B")]
    told["fields"] = [tuple(reader.take(2)) for _ in range(reader.number("B"))]
    return told


def decode(raw: bytes) -> dict:
    """An entry of the kinds that a pack may hold."""
    reader = Bytes(raw)
    if reader.number("B") != 1:
        raise Broken("an entry of another version")
    entry = {"kind": KINDS.get(reader.number("B")), "at_us": reader.number("q"), "agency": reader.number("I")}
    match entry["kind"]:
        case "verification":
            entry["items"] = [item(reader)]
        case "chunk":
            entry["items"] = [item(reader) for _ in range(reader.number("H"))]
        case "access":
            entry |= {"action": reader.text(), "target": reader.text()}
        case "mismatch":
            entry |= {name: reader.text() for name in ("id", "action", "state", "dataset")}
            entry |= {"subject": reader.take(16).hex(), "step": reader.number("I")}
        case "delivery":
            entry |= {name: reader.text() for name in ("id", "event", "target", "state")}
            entry["attempts"] = reader.number("I")
        case "read":
            entry |= {"operation": reader.text(), "rules": reader.text(), "subject": reader.take(16).hex()}
            entry |= {"version": reader.number("I"), "items": [], "shown": list(reader.take(reader.number("B")))}
        case _:
            raise Broken("an entry of a kind that has no place here")
    reader.take(reader.number("H"))  # sealed: only the hub's key opens it
    if reader.raw:
        raise Broken("an entry with more behind it")
    return entry


def rfc3339(at_us: int) -> str:
    at = datetime.datetime.fromtimestamp(at_us // 1_000_000, datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def prove(name: str, raw: bytes, keys: list[Key]) -> dict:
    """The entry of a receipt that holds under one of the keys."""
    try:
        origin = raw.decode().partition("\n\n")[2].split("\n")[0]
        key = next((key for key in keys if key.name == origin), None)
        if key is None:
            raise Broken("of a ledger whose key was not given")
        check_receipt(key, raw)
        return decode(b64(raw.decode().split("\n")[1].removeprefix("extra ")))
    except (Broken, ValueError, IndexError) as error:
        raise Broken(f"{name}: {error}") from error


def need(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


# Ledger codes of verdicts: the word, and its basis or reason.
VERDICTS = {
    0x10: ("match", "exact"),
    0x11: ("match", "normalized"),
    0x12: ("match", "upgraded"),
    0x13: ("match", "renamed"),
    0x14: ("match", "predicate"),
    0x20: ("review", "variant"),
    0x21: ("review", "sentinel"),
    0x22: ("review", "guess_budget"),
    0x23: ("review", "undivided"),
    0x24: ("review", "partial"),
    0x25: ("review", "unreadable_record"),
    0x26: ("review", "unreadable_claim"),
    0x30: ("mismatch", None),
    0x40: ("absent", None),
    0x50: ("not_permitted", None),
    0x60: ("unavailable", None),
}


def check(pack: bytes, keys: list[Key]) -> dict:
    """Counts of what a pack proves."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(pack), mode="r:") as tar:
            for member in tar:
                need(member.isfile() and member.name not in files, f"{member.name}: no plain file, or twice")
                files[member.name] = tar.extractfile(member).read()
    except tarfile.TarError as error:
        raise Broken(f"no tar: {error}") from error
    manifest_raw, proof = files.pop("manifest.json", None), files.pop("manifest.proof", None)
    need(manifest_raw is not None and proof is not None, "no manifest, or no proof of it")
    made = prove("manifest.proof", proof, keys)
    need(made.get("action") == "archive.make", "manifest.proof: an entry of something else")
    need(made["target"] == hashlib.sha256(manifest_raw).hexdigest(), "manifest.json: not the one that was entered")
    manifest = json.loads(manifest_raw)
    need(set(manifest["files"]) == set(files), "files are missing, or too many")
    for name, raw in files.items():
        need(hashlib.sha256(raw).hexdigest() == manifest["files"][name], f"{name}: not the file that was named")
    entries = {name: prove(name, raw, keys) for name, raw in files.items() if name.startswith("receipts/")}
    verifications, mismatches, deliveries = (
        json.loads(files[f"{name}.json"]) for name in ("verifications", "mismatches", "deliveries")
    )
    for told in verifications:
        check_verification(told, entries[told["receipt"]])
    for told in mismatches:
        need(bool(told["history"]), f"{told['id']}: no history")
        for step in told["history"]:
            entry = entries[step["receipt"]]
            stated = (told["id"], told["subject"], step["action"], step["state"], step["seq"])
            proven = tuple(entry.get(name) for name in ("id", "subject", "action", "state", "step"))
            need(stated == proven, f"{told['id']}: step {step['seq']} is not the one that was entered")
    for told in deliveries:
        if told["receipt"] is None:
            need(told["state"] not in ("delivered", "dead"), f"{told['webhook_id']}: ended without an entry")
            continue
        entry = entries[told["receipt"]]
        names = [("webhook_id", "id"), ("event", "event"), ("target", "target")]
        names += [("state", "state"), ("attempts", "attempts")] if told["state"] != "pending" else []
        need(all(told[a] == entry.get(b) for a, b in names), f"{told['webhook_id']}: not what was entered")
    return {
        "application_no": manifest["application_no"],
        "verifications": len(verifications),
        "mismatches": len(mismatches),
        "deliveries": len(deliveries),
        "receipts": len(entries),
    }


def check_verification(told: dict, entry: dict) -> None:
    where = told["receipt"]
    need((told["agency_number"], told["at"]) == (entry["agency"], rfc3339(entry["at_us"])), f"{where}: who or when")
    need(len(told["items"]) == len(entry["items"]), f"{where}: how many items")
    for stated, proven in zip(told["items"], entry["items"]):
        for name in ("rules", "subject", "record_version", "outcome"):
            need(stated[name] == proven[name], f"{where}: {name}")
        need([f["number"] for f in stated["fields"]] == [number for number, _ in proven["fields"]], f"{where}: fields")
        for field, (_, code) in zip(stated["fields"], proven["fields"]):
            need((field["verdict"], field["basis"] or field["why"]) == VERDICTS.get(code), f"{where}: verdicts")


def altered(pack: bytes):
    """The pack with one byte of each file flipped, and without each file."""
    with tarfile.open(fileobj=io.BytesIO(pack), mode="r:") as tar:
        files = [(member, tar.extractfile(member).read()) for member in tar]
    for at, (member, raw) in enumerate(files):
        flipped = raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :]
        for what, changed in (("flipped", [*files[:at], (member, flipped), *files[at + 1 :]]), ("gone", files[:at] + files[at + 1 :])):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                for one, data in changed:
                    tar.addfile(one, io.BytesIO(data))
            yield f"{member.name} {what}", out.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--key", action="append", required=True, help="verifier key of a ledger, or its file")
    parser.add_argument("--alter", action="store_true", help="alter each file in turn: all must be refused")
    args = parser.parse_args()
    keys = [Key(Path(key).read_text() if Path(key).exists() else key) for key in args.key]
    pack = args.pack.read_bytes()
    try:
        print(json.dumps({"sound": True, **check(pack, keys)}, ensure_ascii=False))
    except (Broken, KeyError, ValueError, TypeError) as error:
        print(json.dumps({"sound": False, "what": str(error)}, ensure_ascii=False))
        return 1
    for what, other in altered(pack) if args.alter else ():
        try:
            check(other, keys)
        except (Broken, KeyError, ValueError, TypeError):
            continue
        print(json.dumps({"sound": False, "what": f"{what} was not noticed"}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
