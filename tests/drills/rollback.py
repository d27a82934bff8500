"""Database, ledger and the file beside the root key are damaged, lost or put back from yesterday before a start: each start is refused
with the positions and the remedy, or the damage is repaired and said. Then one loss is accepted on purpose: a new origin begins, versions
leave a gap, and what somebody kept elsewhere shows the loss."""

import json
import shutil
import subprocess
import time
from pathlib import Path

from faults import done, put, verify
from hub import Checks, Client, Hub, arguments, binary, find, run, workdir


def cut(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(len(data) * at))] ^= 1
    path.write_bytes(bytes(data))


def lose(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def old(part: str):
    """Puts `part` of the data folder back as it was yesterday."""

    def back(hub: Path) -> None:
        to, of = hub / part, hub.parent / "yesterday" / part
        if to.is_dir():
            shutil.rmtree(to)
            shutil.copytree(of, to)
        else:
            for name in hub.glob(part + "*"):
                name.unlink()
            for name in (hub.parent / "yesterday").glob(part + "*"):
                shutil.copy2(name, hub / Path(part).parent / name.name)

    return back


def database_lost(hub: Path) -> None:
    for name in (hub / "data").glob("heyan.sqlite*"):
        name.unlink()


def newest(hub: Path) -> Path:
    return sorted((hub / "data/ledger/journal").glob("*.log"))[0]


# Each: what is done, and whether a start may repair it (and then serves).
DAMAGES = {
    "ledger folder lost": (lambda h: lose(h / "data/ledger"), False),
    "ledger folder of yesterday": (old("data/ledger"), False),
    "database lost": (database_lost, False),
    "database of yesterday": (old("data/heyan.sqlite"), False),
    "data folder of yesterday": (old("data"), False),
    "data folder lost": (lambda h: lose(h / "data"), False),
    "checkpoint lost": (lambda h: lose(h / "data/ledger/checkpoint"), False),
    "checkpoint of yesterday": (old("data/ledger/checkpoint"), True),
    "checkpoint flipped": (lambda h: flip(h / "data/ledger/checkpoint"), False),
    "checkpoint empty": (lambda h: cut(h / "data/ledger/checkpoint", 0), False),
    "key.pub lost": (lambda h: lose(h / "data/ledger/key.pub"), False),
    "key.pub flipped": (lambda h: flip(h / "data/ledger/key.pub"), False),
    "hashes lost": (lambda h: lose(h / "data/ledger/hashes/0"), False),
    "hashes cut": (lambda h: cut(h / "data/ledger/hashes/0", 0.5), False),
    "bundles.idx cut": (lambda h: cut(h / "data/ledger/bundles.idx", 0), False),
    "journal lost": (lambda h: lose(newest(h)), False),
    "journal flipped": (lambda h: flip(newest(h), 0.00005), False),
    "journal empty": (lambda h: newest(h).write_bytes(bytes(newest(h).stat().st_size)), False),
    "database flipped in its head": (lambda h: flip(h / "data/heyan.sqlite", 0.00001), False),
    "database cut": (lambda h: cut(h / "data/heyan.sqlite", 0.3), False),
    "database empty": (lambda h: cut(h / "data/heyan.sqlite", 0), False),
    "root key lost": (lambda h: lose(h / "keys/root"), False),
    "root key of another hub": (lambda h: (h / "keys/root").chmod(0o600) or flip(h / "keys/root"), False),
    "file beside the key lost": (lambda h: [lose(f) for f in (h / "keys").glob("*.position")], True),
    "file beside the key flipped": (lambda h: [flip(f, 0.05) for f in (h / "keys").glob("*.position")], False),
    "index lost": (lambda h: lose(h / "data/index"), True),
}


def start(hub: Path) -> tuple[int | None, str]:
    """Starts a hub and ends it; the exit code (`None`: it served) and what it said."""
    log = hub / "start.log"
    with open(log, "wb") as out:
        args = [binary(), "demo", "--output", "json", "--persons", "5", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        process = subprocess.Popen([*args, "--data", hub], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            if b'"admin_url"' in log.read_bytes() and b'"tokens"' in log.read_bytes():
                process.terminate()
                process.wait(30)
                return None, log.read_text(errors="replace")
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode, log.read_text(errors="replace")


def made(work: Path) -> tuple[Path, Path, list[dict]]:
    """A hub of today with a copy of yesterday, and receipts of today."""
    hub, yesterday = work / "hub", work / "yesterday"
    with Hub(hub, persons=5) as running:
        for n in range(30):
            done(put(running, n))
            done(verify(running, n))
        time.sleep(2.2)
    shutil.copytree(hub, yesterday)
    receipts = []
    with Hub(hub, persons=5) as running:
        for n in range(30, 60):
            done(put(running, n))
            receipt = find(done(verify(running, n)).answer.json(), "receipt")
            if n % 10 == 0:
                path = f"/v1/receipts/{receipt['origin']}/{receipt['index']}"
                receipts.append(running.client("agency").get(path, headers={"Prefer": "wait=2"}).json())
        time.sleep(2.2)
        (work / "checkpoint.today").write_bytes(Client(running.url).get("/log/checkpoint").body)
    return hub, yesterday, receipts


def damages(checks: Checks, work: Path, hub: Path) -> int:
    silent = 0
    for name, (damage, may_repair) in DAMAGES.items():
        copy = work / "damaged" / "hub"
        shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.copytree(hub, copy)
        (copy.parent / "yesterday").symlink_to(work / "yesterday")
        damage(copy)
        code, said = start(copy)
        if may_repair:
            checks.ok(f"{name}: repaired", code is None, (code, said[-300:]))
        else:
            silent += code is None
            checks.ok(f"{name}: refused", code in (2, 3), (code, said[-300:]))
            checks.ok(f"{name}: with a reason", code is None or len(said.strip()) > 30, said[-300:])
        if "yesterday" in name and not may_repair:
            checks.ok(f"{name}: with positions and the remedy", "--accept-rollback" in said and "remembers" in said, said[-400:])
    return silent


def accepted(checks: Checks, work: Path, hub: Path, receipts: list[dict]) -> None:
    """The database of yesterday is accepted."""
    copy = work / "accepted" / "hub"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(hub, copy)
    (copy.parent / "yesterday").symlink_to(work / "yesterday")
    old("data/heyan.sqlite")(copy)
    settings = copy / "hub.toml"
    settings.write_text(
        f'[http]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n[node]\ndata_dir = "{copy}/data"\n'
        f'root_key_file = "{copy}/keys/root"\n[catalog]\nhome_city = "340200"\n'
    )
    args = [binary(), "serve", "--config", settings, "--accept-rollback", "drill: the disk was replaced"]
    log = open(copy / "log", "wb")
    process = subprocess.Popen(args, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while b'"serving"' not in (copy / "log").read_bytes() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    said = (copy / "log").read_text()
    checks.ok("an accepted rollback serves", process.poll() is None and "rollback accepted" in said, said[-600:])
    time.sleep(1.5)
    process.terminate()
    checks.ok("and stops", process.wait(40) == 0)
    ledger = copy / "data/ledger"
    key = (ledger / "key.pub").read_text()
    checks.ok("a new origin begins", key.split("+")[0].endswith("-r1"), key)
    checks.ok("the old ledger stays beside it", len(list((copy / "data").glob("ledger-before-*"))) == 1)
    checks.ok("the loss is entered", b"rollback.accept" in b"".join(p.read_bytes() for p in (ledger / "journal").glob("*.log")))
    # Without the option it starts now, and a record that comes in gets a version behind the gap.
    with Hub(copy, persons=5) as running:
        answer = done(put(running, 70)).answer
        version = find(answer.json(), "version")
        checks.ok("versions leave a gap", isinstance(version, int) and version > 1_000_000, answer)
    # What somebody kept shows what happened to a ledger that was put back.
    kept, yesterday = work / "checkpoint.today", work / "yesterday/data/ledger"
    whole = run("ledger", "verify", str(hub / "data/ledger"), "--checkpoint", str(kept))
    checks.ok("a ledger extends a checkpoint that was kept", whole.returncode == 0, whole.stdout + whole.stderr)
    rolled = run("ledger", "verify", str(yesterday), "--checkpoint", str(kept))
    checks.ok("one that was put back does not", rolled.returncode == 1, rolled.stdout + rolled.stderr)
    for n, receipt in enumerate(receipts):
        file = work / f"receipt-{n}.json"
        file.write_text(json.dumps(receipt))
        held = run("ledger", "verify", str(hub / "data/ledger"), "--receipt", str(file))
        checks.ok("a ledger holds the entry of a receipt", held.returncode == 0, held.stdout + held.stderr)
        lost = run("ledger", "verify", str(yesterday), "--receipt", str(file))
        checks.ok("one that was put back does not", lost.returncode == 1, lost.stdout + lost.stderr)
        public = str(hub / "data/ledger/key.pub")
        checks.ok("a receipt is sound", run("receipt", "verify", str(file), "--key", public).returncode == 0)
        receipt.pop("entry")
        file.write_text(json.dumps(receipt))
        bare = run("receipt", "verify", str(file), "--key", public)
        checks.ok("one without its entry is refused", bare.returncode == 1, bare.stdout + bare.stderr)


def main() -> None:
    arguments(__doc__)
    checks, work = Checks("rollback"), workdir("rollback")
    hub, _, receipts = made(work)
    code, said = start(hub)
    checks.ok("an undamaged hub starts", code is None, said[-300:])
    silent = damages(checks, work, hub)
    accepted(checks, work, hub, receipts)
    checks.finish(damages=len(DAMAGES), silent=silent)


main()
