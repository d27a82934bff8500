"""Backups of a hub under load, each proven and restored elsewhere: every answer and version that was acknowledged before the backup began,
and every version up to its checkpoint, is there; the ledger is sound; what the first hub did afterwards is not done again: record versions
leave a gap, and the ledger has another origin. Then copies of the data folder of the serving hub by `cp`: each is refused with the remedy,
or starts whole. Then what must be refused: changed and foreign backups, a folder that holds something, another root key, a full disk.

`--rounds 20` is the form of an acceptance. The hub's metric and the times that a backup and a restore take are told at the end.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import threading
import time
from pathlib import Path

from faults import outcome, sound
from hub import Checks, Client, Hub, arguments, binary, find, person, put_records, run, verification, workdir

THREADS = 4
OWN = 8  # records of one thread, so that their versions have one writer


class Load(threading.Thread):
    """Half verifications of common records, half new editions of the thread's own; what was acknowledged, with the time of the answer."""

    def __init__(self, hub: Hub, number: int):
        super().__init__(daemon=True)
        self.hub, self.number, self.rng = hub, number, random.Random(number)
        self.halt = threading.Event()
        self.acks: list[dict] = []
        self.odd: list[str] = []

    def run(self) -> None:
        agency, authority = self.hub.client("agency", 10), self.hub.client("authority", 10)
        editions: dict[int, int] = {}
        while not self.halt.is_set():
            ack = self.put(authority, editions) if self.rng.random() < 0.5 else self.verify(agency)
            if ack:
                self.acks.append(ack | {"at": time.time()})

    def verify(self, client: Client) -> dict | None:
        answer = client.post("/v1/verifications", verification(person(self.rng.randrange(50)), "name"))
        receipt = (answer.json() or {}).get("receipt")
        if answer.status != 200 or not receipt:
            self.odd.append(repr(answer))
            return None
        return {"index": receipt["index"], "leaf": receipt["leaf"]}

    def put(self, client: Client, editions: dict[int, int]) -> dict | None:
        n = 1_000_000 + self.number * OWN + self.rng.randrange(OWN)
        edition = editions[n] = editions.get(n, 0) + 1
        answer = client.put("/v1/datasets/natural-person/records", person(n, edition) | {"source_version": edition})
        version, receipt = find(answer.json(), "version"), find(answer.json(), "receipt") or {}
        if answer.status not in (200, 201) or version is None:
            self.odd.append(repr(answer))
            return None
        return {"record": n, "edition": edition, "version": int(version), "index": receipt.get("index"), "leaf": receipt.get("leaf")}


class City:
    """A hub under load, and where its files lie."""

    def __init__(self, work: Path):
        self.work, self.home = work, work / "hub"
        self.hub = Hub(self.home, persons=5)
        put_records(self.hub.client("authority"), "natural-person", [person(n) for n in range(50)])
        self.load = [Load(self.hub, n) for n in range(THREADS)]
        for thread in self.load:
            thread.start()

    def acks(self) -> list[dict]:
        return [ack for thread in self.load for ack in list(thread.acks)]

    def backup(self, to: Path) -> subprocess.CompletedProcess:
        return run("--output", "json", "backup", str(to), env=settings(self.home))

    def end(self) -> list[str]:
        for thread in self.load:
            thread.halt.set()
        for thread in self.load:
            thread.join(20)
        return [line for thread in self.load for line in thread.odd]


def settings(home: Path, key: Path | None = None) -> dict[str, str]:
    """The environment by which commands find the files of a demo hub in `home`."""
    return {
        **os.environ,
        "HEYAN__NODE__DATA_DIR": str(home / "data"),
        "HEYAN__NODE__ROOT_KEY_FILE": str(key or home / "keys/root"),
    }


def elsewhere(city: City, to: Path) -> Path:
    """A new home with the root key and the tokens' files, and no data: another machine."""
    shutil.rmtree(to, ignore_errors=True)
    (to / "keys").mkdir(parents=True, mode=0o700)
    to.chmod(0o700)
    shutil.copy2(city.home / "keys/root", to / "keys/root")
    for name in city.home.iterdir():
        if name.name not in ("data", "keys"):
            (shutil.copytree if name.is_dir() else shutil.copy2)(name, to / name.name)
    return to


def modes(folder: Path) -> list[str]:
    """Files and folders that others could read."""
    return [str(p) for p in [folder, *folder.rglob("*")] if p.stat().st_mode & 0o077]


def held_leaves(ledger: Path) -> list[bytes]:
    """Leaf hashes under the checkpoint."""
    data = (ledger / "hashes/0").read_bytes() if (ledger / "hashes/0").exists() else b""
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def check_restored(checks: Checks, city: City, home: Path, acks: list[dict], manifest: dict) -> int:
    """Starts the restored hub, and asks it for everything that was acknowledged."""
    lost = 0
    with Hub(home, persons=5, logs=home) as hub:
        # By its own origin, the loss entered: the old ledger stands aside, signed to its end.
        key = (hub.ledger_dir / "key.pub").read_text().split("+")[0]
        checks.ok("a new origin begins", key.endswith("-r1"), key)
        aside = list((home / "data").glob("ledger-before-*"))
        checks.ok("the old ledger stays beside it", len(aside) == 1, aside)
        checks.ok("and is sound", bool(aside) and sound(aside[0]))
        entered = b"".join(p.read_bytes() for p in (hub.ledger_dir / "journal").glob("*.log"))
        checks.ok("the loss is entered", b"rollback.accept" in entered and b"restored from the backup" in entered)
        leaves = held_leaves(aside[0]) if aside else []
        for ack in (a for a in acks if a.get("index") is not None and a.get("leaf")):
            held = ack["index"] < len(leaves) and leaves[ack["index"]] == base64.b64decode(ack["leaf"])
            lost += not held
            checks.ok("an acknowledged answer is in the ledger", held, (ack["index"], len(leaves)))
        newest: dict[int, dict] = {}
        for ack in acks:
            if "record" in ack and ack["version"] > newest.get(ack["record"], {"version": 0})["version"]:
                newest[ack["record"]] = ack
        # Versions that were acknowledged later may be there too: the newest that the first hub ever answered with.
        known = {(a["record"], a["version"]): a["edition"] for a in city.acks() if "record" in a}
        client = hub.client("agency")
        for n, ack in newest.items():
            doc = client.post("/v1/verifications", verification(person(n, ack["edition"]), "name")).json() or {}
            version = (doc.get("record") or {}).get("version", 0)
            kept = (version == ack["version"] and doc.get("outcome") == "verified") or version > ack["version"]
            lost += not kept
            checks.ok("an acknowledged version is there", kept, (ack["version"], version, doc.get("outcome")))
        if newest:
            n = next(iter(newest))
            answer = hub.client("authority").put("/v1/datasets/natural-person/records", person(n, 7) | {"source_version": 999_999})
            version = find(answer.json(), "version") or 0
            later = max(v for (record, v) in known if record == n)
            checks.ok("later versions are not given again", version > 1_000_000 > later, (version, later, answer))
        checks.ok("its ledger is sound", sound(hub.ledger_dir))
    accepted = (home / "hub.stderr").read_text().count("rollback accepted")
    Hub(home, persons=5, logs=home).stop()
    again = (home / "hub.stderr").read_text().count("rollback accepted")
    checks.ok("the loss is entered once", (accepted, again) == (1, 1), (accepted, again))
    return lost


def one_backup(checks: Checks, city: City, number: int) -> dict:
    """Backs up under load, proves it, restores it elsewhere."""
    folder = city.work / f"backup-{number}"
    before = city.acks()
    begun = time.monotonic()
    made = city.backup(folder)
    took = time.monotonic() - begun
    if not checks.ok("a backup is made while the hub serves", made.returncode == 0, made.stderr[-400:]):
        return {"lost": len(before), "took": took, "rto": 0.0, "acks": len(before)}
    manifest = json.loads((folder / "manifest.json").read_text())
    checks.ok("it is private", not modes(folder), modes(folder)[:3])
    checks.ok("no partial folder stays", not list(city.work.glob("*.partial")))
    root = (city.home / "keys/root").read_bytes().split()[-1]
    inside = any(root in p.read_bytes() for p in folder.rglob("*") if p.is_file())
    checks.ok("the root key is not in it", not inside)
    proven = run("--output", "json", "backup", "verify", str(folder), "--key", str(city.hub.ledger_dir / "key.pub"))
    checks.ok("it is sound", proven.returncode == 0, proven.stdout[-400:] + proven.stderr[-400:])
    checks.ok("its ledger is sound", sound(folder / "ledger"))
    # All that was answered before it began, and all that its checkpoint covers.
    sealed = manifest["ledger"]["sealed"]
    held = len(held_leaves(folder / "ledger"))
    checks.ok("it holds the leaves of its checkpoint", held == sealed, (held, sealed))
    covered = [a for a in city.acks() if a.get("index") is not None and a["index"] < sealed]
    early = {id(a) for a in before}
    acks = before + [a for a in covered if id(a) not in early]
    checks.ok("what was answered before it began is under its checkpoint", all(a["index"] < sealed for a in before if a.get("index") is not None))
    home = elsewhere(city, city.work / "elsewhere")
    begun = time.monotonic()
    restored = run("--output", "json", "restore", str(folder), env=settings(home))
    checks.ok("it is restored elsewhere", restored.returncode == 0, restored.stdout[-300:] + restored.stderr[-300:])
    rto = time.monotonic() - begun
    lost = check_restored(checks, city, home, acks, manifest)
    return {"lost": lost, "took": took, "rto": rto, "acks": len(acks), "snapshot": manifest["database"]["snapshot_ms"]}


def start(home: Path) -> tuple[int | None, str]:
    """Starts a hub on `home`; the exit code (`None`: it serves) and what it said."""
    log = home / "start.log"
    with open(log, "wb") as out:
        args = [binary(), "demo", "--output", "json", "--persons", "5", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        process = subprocess.Popen([*args, "--data", home], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            if b'"admin_url"' in log.read_bytes():
                process.kill()
                process.wait()
                return None, log.read_text(errors="replace")
            time.sleep(0.02)
        process.kill()
        process.wait()
    return process.returncode, log.read_text(errors="replace")


def live_copies(checks: Checks, city: City, rounds: int) -> int:
    """Copies of the folder of the serving hub: each starts whole, or is refused with the remedy. Returns how many were refused."""
    refused = 0
    for number in range(rounds):
        copy = city.work / "copied"
        shutil.rmtree(copy, ignore_errors=True)
        subprocess.run(["cp", "-r", "--preserve=mode", city.home, copy], check=False, capture_output=True)
        code, said = start(copy)
        whole = code is None and sound(copy / "data/ledger")
        told = code in (2, 3) and "heyan restore" in said
        refused += told
        checks.ok("a copy of a serving hub starts whole, or is refused with the remedy", whole or told, (code, said[-500:]))
    return refused


def refusals(checks: Checks, city: City, folder: Path) -> None:
    """What must not be taken."""
    work = city.work
    again = city.backup(folder)
    checks.ok("a backup never overwrites", again.returncode == 2 and "overwritten" in again.stderr, again.stderr)
    there = run("restore", str(folder), env=settings(city.home))
    checks.ok("a restore never replaces a hub", there.returncode == 2 and "never replaces" in there.stderr, there.stderr)
    nothing = run("backup", "verify", str(work / "nothing"))
    checks.ok("what is not there could not be opened", nothing.returncode == 3, nothing.stderr)
    keyless = run("restore", str(folder), env=settings(work / "new", work / "no-key"))
    checks.ok("a restore needs the root key", keyless.returncode == 2 and "root_key_file" in keyless.stderr, keyless.stderr)
    checks.ok("and makes none", not (work / "no-key").exists() and not (work / "new/data/ledger").exists())
    other = work / "other-key"
    other.write_text("heyan-root-v1 " + base64.b64encode(os.urandom(32)).decode() + "\n")
    other.chmod(0o400)
    foreign = run("restore", str(folder), env=settings(work / "new", other))
    checks.ok("another hub's root key is refused", foreign.returncode == 1 and "root key" in foreign.stdout, foreign.stdout + foreign.stderr)
    damages = {
        "a flipped bit in the database": lambda d: flip(d / "heyan.sqlite", 0.5),
        "a flipped bit in the journal": lambda d: flip(sorted((d / "ledger/journal").glob("*.log"))[0], 0.3),
        "a cut database": lambda d: (d / "heyan.sqlite").write_bytes((d / "heyan.sqlite").read_bytes()[:-4096]),
        "a lost checkpoint": lambda d: (d / "ledger/checkpoint").unlink(),
        "a file too many": lambda d: (d / "ledger/journal/more").write_bytes(b"x"),
        "a changed manifest": lambda d: (d / "manifest.json").write_text((d / "manifest.json").read_text().replace('"sealed": ', '"sealed": 1')),
        "a lost level": lambda d: (d / "ledger/hashes/0").unlink(),
        "a cut manifest": lambda d: (d / "manifest.json").write_bytes((d / "manifest.json").read_bytes()[:200]),
    }
    for name, damage in damages.items():
        copy = work / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        damage(copy)
        found = run("backup", "verify", str(copy))
        checks.ok(f"{name} is found", found.returncode == 1 and "NOT SOUND" in found.stdout, found.stdout + found.stderr)
        refused = run("restore", str(copy), env=settings(elsewhere(city, work / "new")))
        checks.ok(f"{name} is not restored", refused.returncode == 1 and not (work / "new/data/ledger").exists(), refused.stdout + refused.stderr)


def flip(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(bytes(data))


def full_disk(checks: Checks, city: City) -> None:
    """A destination without room is refused before a byte is written, or cleaned up; needs the right to mount."""
    small = city.work / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], capture_output=True).returncode != 0:
        print("a full disk was not tried: no right to mount")
        return
    try:
        full = city.backup(small / "b")
        checks.ok("a full disk is refused", full.returncode == 3 and "free" in full.stderr, full.stderr)
        checks.ok("and nothing stays on it", not list(small.iterdir()), list(small.iterdir()))
    finally:
        subprocess.run(["umount", small], check=False)


def failing_calls(checks: Checks, city: City) -> None:
    """A write, a sync or a rename that fails in the middle: exit code 3, and nothing stays."""
    for call, error in (("pwrite64", "ENOSPC:when=20+"), ("copy_file_range", "ENOSPC:when=2+"), ("fsync", "EIO:when=3+"), ("rename", "EIO:when=2+")):
        target = city.work / f"failing-{call}"
        strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
        done = subprocess.run([*strace, binary(), "backup", target], env=settings(city.home), capture_output=True, text=True, timeout=60)
        left = [p.name for p in city.work.glob("failing-*")]
        checks.ok(f"a failing {call} is told, and nothing stays", done.returncode == 3 and not left, (done.returncode, done.stderr[-300:], left))


def cut_short(checks: Checks, city: City, folder: Path) -> None:
    """A backup and a restore that are killed: the next ones begin anew, and no hub starts in between."""
    target = city.work / "cut"
    args = [binary(), "backup", str(target)]
    process = subprocess.Popen(args, env=settings(city.home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while not (city.work / "cut.partial").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.wait()
    checks.ok("a backup that was killed has no name", not target.exists() or process.returncode == 0)
    shutil.rmtree(target, ignore_errors=True)
    again = city.backup(target)
    checks.ok("the next one is made", again.returncode == 0 and not (city.work / "cut.partial").exists(), again.stderr)
    home = elsewhere(city, city.work / "halfway")
    (home / "data/restoring/ledger").mkdir(parents=True, mode=0o700)
    for part in (home / "data", home / "data/restoring"):
        part.chmod(0o700)
    code, said = start(home)
    checks.ok("no hub starts beside half a restore", code in (2, 3) and "heyan restore" in said, (code, said[-300:]))
    restored = run("restore", str(folder), env=settings(home))
    checks.ok("the next restore begins anew", restored.returncode == 0, restored.stdout + restored.stderr)
    code, said = start(home)
    checks.ok("and a hub starts on it", code is None, (code, said[-400:]))
    key = (home / "data/ledger/key.pub").read_text().split("+")[0]
    checks.ok("two restores of one backup begin two ledgers", not key.endswith("-r1"), key)
    # A first start that dies between setting the ledger aside and entering the loss.
    home = elsewhere(city, city.work / "aside")
    run("restore", str(folder), env=settings(home))
    (home / "data/ledger").rename(home / "data/ledger-before-1")
    with Hub(home, persons=5, logs=home) as hub:
        entered = b"".join(p.read_bytes() for p in (hub.ledger_dir / "journal").glob("*.log"))
        checks.ok("a start that was cut short is gone on with", b"rollback.accept" in entered)
        answer = hub.client("authority").put("/v1/datasets/natural-person/records", person(77_777))
        version = find(answer.json(), "version") or 0
        checks.ok("and versions leave their gap", version > 1_000_000, answer)
    checks.ok("nothing is left to enter", not (home / "data/accepted-loss.json").exists())


def main() -> None:
    options = arguments(__doc__, ("--rounds", {"type": int, "default": 4}))
    checks, work = Checks("backup"), workdir("backup")
    city = City(work)
    time.sleep(1.5)
    age = city.hub.metric("heyan_backup_age_seconds")
    checks.ok("before the first backup the age is the ledger's", 0 < age < 120, age)
    results = []
    for number in range(options.rounds):
        results.append(one_backup(checks, city, number))
        if number > 0:
            shutil.rmtree(work / f"backup-{number}", ignore_errors=True)
    last = city.backup(work / "last")
    time.sleep(0.6)
    checks.ok("the hub knows when it was", city.hub.metric("heyan_backup_age_seconds") < 10, last.stderr)
    refused = live_copies(checks, city, options.rounds)
    refusals(checks, city, work / "backup-0")
    full_disk(checks, city)
    failing_calls(checks, city)
    cut_short(checks, city, work / "backup-0")
    odd = city.end()
    checks.ok("the load was never refused", not odd, odd[:3])
    checks.ok("the hub still answers", outcome(city.hub, 1) == "verified")
    checks.ok("and its ledger is sound", sound(city.hub.ledger_dir))
    city.hub.stop()
    stopped = city.backup(work / "stopped")
    proven = run("backup", "verify", str(work / "stopped"))
    checks.ok("a hub that was stopped is backed up too", proven.returncode == 0, stopped.stderr + proven.stdout)
    checks.ok("and starts again", start(city.home)[0] is None)
    lost = sum(r["lost"] for r in results)
    checks.finish(
        backups=len(results),
        acknowledged=sum(r["acks"] for r in results),
        lost=lost,
        backup_s=f"{max(r['took'] for r in results):.2f}",
        snapshot_ms=max(r.get("snapshot", 0) for r in results),
        restore_s=f"{max(r['rto'] for r in results):.2f}",
        copies_refused=refused,
    )


if __name__ == "__main__":
    main()
