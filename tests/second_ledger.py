#!/usr/bin/env python3
"""A second implementation of the ledger's proofs: standard library and `cryptography` only, nothing shared with the hub.

Checks what anybody outside can check (C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-proof; RFC 6962 hashes):
the checkpoint's signature, every tile and entry below it, the root, receipts, and that one checkpoint extends another.

    second_ledger.py --key VKEY|FILE --url http://127.0.0.1:8080/log [--receipt FILE ...] [--held CHECKPOINT ...] [--save FILE]
    second_ledger.py --key VKEY|FILE --dir FOLDER   (a folder with `checkpoint` and `tile/...`, as it would be served)
    second_ledger.py --key VKEY|FILE --receipt FILE (receipts alone, offline)

Exit codes: 0 everything holds, 1 something does not, 2 wrong usage, 3 something could not be fetched or read.
"""

import argparse
import base64
import binascii
import hashlib
import json
import pathlib
import sys
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Broken(Exception):
    """Something that the log claims does not hold."""


class Unreachable(Exception):
    """Something could not be fetched or read."""


def b64(text, length=None):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken("bad base64") from error
    if base64.b64encode(raw).decode() != text or length not in (None, len(raw)):
        raise Broken("base64 of a wrong length or spelling")
    return raw


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(size):
    """The largest power of two below `size` (RFC 6962 section 2.1)."""
    return 1 << (size - 1).bit_length() - 1


class Key:
    """A C2SP verifier key: name+id+base64(0x01 || Ed25519 public key)."""

    def __init__(self, text):
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise Broken("malformed verifier key")
        self.name, identity, encoded = parts
        raw = b64(encoded, 33)
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if raw[0] != 1 or self.id.hex() != identity:
            raise Broken("verifier key of another kind or with a wrong id")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, checkpoint):
        """Size and root of a checkpoint whose signature holds."""
        text, found, signatures = checkpoint.partition("\n\n")
        text += "\n"
        lines = text.split("\n")
        if not found or not signatures.endswith("\n") or len(lines) < 4 or lines[0] != self.name:
            raise Broken("malformed checkpoint, or one of another log")
        prefix = f"\u2014 {self.name} "
        for line in signatures[:-1].split("\n"):
            if not line.startswith(prefix):
                continue
            raw = b64(line[len(prefix):], 68)
            if raw[:4] != self.id:
                continue
            try:
                self.public.verify(raw[4:], text.encode())
            except InvalidSignature as error:
                raise Broken("the checkpoint's signature does not verify") from error
            if not lines[1].isdigit() or str(int(lines[1])) != lines[1]:
                raise Broken("malformed tree size")
            return int(lines[1]), b64(lines[2], 32)
        raise Broken("the checkpoint is not signed by this key")


def root_from_path(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    if index >= size:
        raise Broken("index beyond the checkpoint")
    number, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Broken("inclusion proof too long")
        if number & 1 or number == last:
            result = node_hash(sibling, result)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise Broken("inclusion proof too short")
    return result


def parse_receipt(raw):
    """(origin, index, leaf, path, checkpoint) of either form."""
    text = raw.decode()
    if text.lstrip().startswith("{"):
        value = json.loads(text)
        leaf = b64(value["leaf"], 32)
        if value.get("entry") is not None and leaf_hash(b64(value["entry"])) != leaf:
            raise Broken("the entry does not hash to the leaf")
        return value["origin"], value["index"], leaf, [b64(h, 32) for h in value["proof"]], value["checkpoint"]
    head, _, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise Broken("malformed receipt, or one without its entry")
    if not lines[2].startswith("index ") or not lines[2][6:].isdigit():
        raise Broken("malformed index")
    leaf = leaf_hash(b64(lines[1][6:]))
    return checkpoint.split("\n")[0], int(lines[2][6:]), leaf, [b64(h, 32) for h in lines[3:]], checkpoint


def check_receipt(key, raw):
    origin, index, leaf, path, checkpoint = parse_receipt(raw)
    size, root = key.open(checkpoint)
    if origin != key.name or root_from_path(leaf, index, size, path) != root:
        raise Broken(f"receipt of index {index} does not lead to its checkpoint")
    return index, leaf, size, root


class Log:
    """Fetches and checks tiles. Nothing is believed that the checkpoint's root does not confirm."""

    def __init__(self, key, url, folder):
        self.key, self.url, self.folder, self.cache = key, url, folder, {}

    def fetch(self, path):
        try:
            if self.folder is not None:
                return (self.folder / path).read_bytes()
            with urllib.request.urlopen(f"{self.url.rstrip('/')}/{path}", timeout=30) as answer:
                return answer.read()
        except (OSError, urllib.error.URLError) as error:
            raise Unreachable(f"cannot fetch {path}: {error}") from error

    def checkpoint(self):
        text = self.fetch("checkpoint").decode()
        self.size, self.root = self.key.open(text)
        return text

    def path(self, kind, n, width):
        groups = [f"{n % 1000:03}"]
        while n >= 1000:
            n //= 1000
            groups.insert(0, f"x{n % 1000:03}")
        return f"tile/{kind}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")

    def tile(self, level, n):
        """Hashes of one tile, as wide as this checkpoint makes it."""
        if (level, n) not in self.cache:
            width = min(256, (self.size >> 8 * level) - 256 * n)
            raw = self.fetch(self.path(level, n, width))
            if len(raw) != 32 * width:
                raise Broken(f"tile {level}/{n} has a wrong length")
            self.cache[level, n] = [raw[i:i + 32] for i in range(0, len(raw), 32)]
        return self.cache[level, n]

    def node(self, height, n):
        """Hash of complete subtree `n` of 2**height leaves, from the highest tile that holds it."""
        level, within = divmod(height, 8)
        first = n << within
        hashes = self.tile(level, first // 256)[first % 256:first % 256 + (1 << within)]
        while len(hashes) > 1:
            hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def range_hash(self, low, high):
        """Root over leaves [low, high), RFC 6962 section 2.1."""
        count = high - low
        if count == 0:
            return hashlib.sha256(b"").digest()
        if count & (count - 1) == 0 and low % count == 0:
            return self.node(count.bit_length() - 1, low // count)
        middle = low + split(count)
        return node_hash(self.range_hash(low, middle), self.range_hash(middle, high))

    def check_everything(self):
        """Recomputes all: entries to leaves, leaves to every tile, tiles to the root."""
        level, hashes = 0, []
        for n in range(-(-self.size // 256)):
            tile = self.tile(0, n)
            raw = self.fetch(self.path("entries", n, len(tile)))
            at = 0
            for i, leaf in enumerate(tile):
                length = int.from_bytes(raw[at:at + 2], "big")
                entry = raw[at + 2:at + 2 + length]
                at += 2 + length
                if length == 0 or len(entry) != length or leaf_hash(entry) != leaf:
                    raise Broken(f"entry {256 * n + i} is not the one in its tile")
            if at != len(raw):
                raise Broken(f"bundle {n} has bytes left over")
            hashes += tile
        while self.size >> 8 * (level + 1):
            upper = []
            for n in range(len(hashes) // 256):
                row = hashes[256 * n:256 * n + 256]
                while len(row) > 1:
                    row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
                upper += row
            level += 1
            served = [h for n in range(-(-len(upper) // 256)) for h in self.tile(level, n)]
            if served != upper:
                raise Broken(f"level {level} is not what the level below gives")
            hashes = upper
        if self.range_hash(0, self.size) != self.root:
            raise Broken("the tiles do not give the checkpoint's root")

    def check_extends(self, size, root):
        """That this log extends an older (or equal) signed tree."""
        if size > self.size:
            raise Broken("the log is smaller than a checkpoint that it signed")
        if self.range_hash(0, size) != root:
            raise Broken(f"the log does not extend the checkpoint of size {size}: a fork")

    def check_includes(self, index, leaf):
        if index < self.size and self.tile(0, index // 256)[index % 256] != leaf:
            raise Broken(f"the log holds another entry at index {index}")


def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise Unreachable(f"cannot read {path}: {error}") from error


def run(options):
    text = options.key if "+" in options.key else read(options.key).decode()
    key = Key(text)
    report = {"origin": key.name, "receipts": 0, "held": 0}
    log = None
    if options.url or options.dir:
        log = Log(key, options.url, pathlib.Path(options.dir) if options.dir else None)
        checkpoint = log.checkpoint()
        log.check_everything()
        report.update(size=log.size, root=base64.b64encode(log.root).decode())
    for path in options.receipt:
        index, leaf, size, root = check_receipt(key, read(path))
        if log is not None:
            # A receipt may be newer than the checkpoint that was fetched before it.
            if size <= log.size:
                log.check_extends(size, root)
            log.check_includes(index, leaf)
        report["receipts"] += 1
    for path in options.held:
        size, root = key.open(read(path).decode())
        log.check_extends(size, root)
        report["held"] += 1
    if options.save:
        pathlib.Path(options.save).write_text(checkpoint)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", required=True, help="verifier key, or a file that holds it")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--url", help="prefix of the log, such as http://127.0.0.1:8080/log")
    place.add_argument("--dir", help="folder with `checkpoint` and `tile/`")
    parser.add_argument("--receipt", action="append", default=[], help="receipt, text or JSON; may be repeated")
    parser.add_argument("--held", action="append", default=[], help="older checkpoint that the log must extend; may be repeated")
    parser.add_argument("--save", help="write the checkpoint here, to be held for the next time")
    options = parser.parse_args()
    if not (options.url or options.dir) and (options.held or options.save or not options.receipt):
        parser.error("--held and --save need --url or --dir; without these there must be a --receipt")
    try:
        print(json.dumps(run(options)))
        return 0
    except (Broken, KeyError, TypeError, ValueError, IndexError) as error:
        print(f"BROKEN: {error}", file=sys.stderr)
        return 1
    except Unreachable as error:
        print(f"UNREACHABLE: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
