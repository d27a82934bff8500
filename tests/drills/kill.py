"""Kills the hub with SIGKILL at random moments under load, many times, on one data directory that lives on.

Every acknowledged answer is written by the client to a synced file *before* the client goes on; after each restart all
that was acknowledged must still be there: ledger leaves at their indexes, record versions with their values. An answer
that was on its way when the hub died is neither counted nor missed: it may or may not have happened.
"""

import base64
import json
import os
import random
import threading
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, Client, Hub, arguments, find, person, put_records, run, verification, workdir

THREADS = 8
OWN = 6  # records that belong to one thread alone, so that their versions have one writer
SPELL = 1  # rounds until a thread turns to new records: see `check_records`
TILE = 256  # leaf hashes of a full C2SP tile


class Worker(threading.Thread):
    """One client: 80 % verifications of the common records, 20 % new editions of its own ones."""

    def __init__(self, own: range, hub: Hub, acks: Path, editions: dict[int, int], rng: random.Random):
        super().__init__(daemon=True)
        self.own, self.hub, self.path, self.editions, self.rng = own, hub, acks, editions, rng
        self.halt = threading.Event()
        self.sent = self.acked = 0
        self.odd: list[str] = []

    def run(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        agency, authority = self.hub.client("agency", 5), self.hub.client("authority", 5)
        try:
            while not self.halt.is_set():
                self.sent += 1
                ack = self.put(authority) if self.rng.random() < 0.2 else self.verify(agency)
                if ack is None:
                    continue
                os.write(fd, (json.dumps(ack) + "\n").encode())
                os.fdatasync(fd)
                self.acked += 1
        except OSError:
            pass  # the hub is gone
        except Exception as error:  # noqa: BLE001 - http.client has many names for a hub that is gone
            if "http.client" not in type(error).__module__ and not self.halt.is_set():
                self.odd.append(repr(error))
        finally:
            os.close(fd)

    def verify(self, client: Client) -> dict | None:
        right = self.rng.random() < 0.7
        changed = {} if right else {"name": "卜相合"}
        answer = client.post("/v1/verifications", verification(person(self.rng.randrange(50)), "name", **changed))
        doc = answer.json() or {}
        receipt = doc.get("receipt")
        if answer.status != 200 or not receipt:
            self.odd.append(repr(answer))
            return None
        if doc.get("outcome") != ("verified" if right else "mismatched"):
            self.odd.append(f"outcome {doc.get('outcome')}")
        return {"index": receipt["index"], "leaf": receipt["leaf"], "origin": receipt["origin"]}

    def put(self, client: Client) -> dict | None:
        n = self.rng.choice(self.own)
        edition = self.editions.get(n, 0) + 1
        # Taken before it is sent: an edition whose answer was lost may have been stored.
        self.editions[n] = edition
        answer = client.put("/v1/datasets/natural-person/records", person(n, edition) | {"source_version": edition})
        version = find(answer.json(), "version")
        if answer.status not in (200, 201) or version is None:
            self.odd.append(repr(answer))
            return None
        ack = {"record": n, "edition": edition, "version": int(version)}
        receipt = find(answer.json(), "receipt") or {}
        entered = receipt.get("index") is not None and receipt.get("leaf")
        return ack | ({k: receipt[k] for k in ("index", "leaf", "origin")} if entered else {})


def own_records(round_: int, thread: int) -> range:
    """The records whose only writer is `thread` in the spell of `round_`."""
    first = 1_000_000 + (round_ // SPELL * THREADS + thread) * OWN
    return range(first, first + OWN)


def leaves(client: Client, first: int, last: int) -> dict[int, bytes]:
    """Leaf hashes first..=last from the level-0 tiles that cover them; what no checkpoint covers yet is left out."""
    size = int(client.get("/log/checkpoint").body.split(b"\n")[1])
    found: dict[int, bytes] = {}
    for n in range(first // TILE, last // TILE + 1):
        width = min(TILE, size - n * TILE)
        if width <= 0:
            break
        groups = [f"{n:03}"[-3:]] if n < 1000 else [f"x{n // 1000:03}", f"{n % 1000:03}"]
        path = f"/log/tile/0/{'/'.join(groups)}" + (f".p/{width}" if width < TILE else "")
        body = client.get(path).body
        for at in range(len(body) // 32):
            found[n * TILE + at] = body[at * 32 : at * 32 + 32]
    return found


def check_ledger(checks: Checks, hub: Hub, acks: list[dict], rng: random.Random) -> int:
    """Every acknowledged leaf against the tiles, a sample against the receipt endpoint; returns how many are lost."""
    wanted = {a["index"]: a["leaf"] for a in acks if "index" in a}
    if not wanted:
        return 0
    client, lost = hub.client("agency"), 0
    deadline = time.monotonic() + 10  # the first checkpoint after a restart may take a second
    while True:
        found = leaves(client, min(wanted), max(wanted))
        missing = [i for i in wanted if i not in found]
        if not missing or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for index, leaf in wanted.items():
        kept = found.get(index) == base64.b64decode(leaf)
        lost += not kept
        checks.ok("an acknowledged leaf is in the ledger", kept, index)
    doubled = sum("index" in a for a in acks) - len(wanted)
    checks.ok("no index was given twice", doubled == 0, doubled)
    for ack in rng.sample([a for a in acks if "index" in a], min(20, len(wanted))):
        # A receipt is for whoever was answered: records are put by the authority.
        owner = hub.client("authority") if "record" in ack else client
        answer = owner.get(f"/v1/receipts/{ack['origin']}/{ack['index']}", headers={"Prefer": "wait=2"})
        same = answer.status == 200 and ack["leaf"] in (find(answer.json(), "leaf"), find(answer.json(), "leaf_hash"))
        checks.ok("an acknowledged receipt is served", same, answer)
    return lost


def check_records(checks: Checks, hub: Hub, newest: dict[int, dict], editions: dict[int, int]) -> int:
    """Each acknowledged version, or one that came after it and was not answered; returns how many are lost.

    Where one came after, the question tells a wrong value. The guess budget of a stranger bears one of them for one
    subject (a right value after two is `review`): no more rounds has a spell, and what has been seen to be stored is
    what the next question tells.
    """
    client, lost = hub.client("agency"), 0
    for n, ack in newest.items():
        doc = client.post("/v1/verifications", verification(person(n, ack["edition"]), "name")).json() or {}
        version = (doc.get("record") or {}).get("version", 0)
        later = version > ack["version"] and doc.get("outcome") == "mismatched"
        kept = later or (version == ack["version"] and doc.get("outcome") == "verified")
        if later:
            # One writer, and it had one edition under way.
            newest[n] = {"record": n, "edition": editions[n], "version": version}
        lost += not kept
        checks.ok("an acknowledged record version is there", kept, (ack["version"], version, doc.get("outcome")))
    return lost


def offline(checks: Checks, hub: Hub, when: str) -> float:
    """`heyan ledger verify` on the directory as it lies; returns the seconds it took."""
    began = time.monotonic()
    done = run("ledger", "verify", str(hub.ledger_dir), "--key", hub.info["ledger_key"])
    checks.ok(f"ledger verify is sound {when}", done.returncode == 0, (done.stdout + done.stderr)[-400:])
    return time.monotonic() - began


def main() -> None:
    args = arguments(
        __doc__,
        ("--rounds", {"type": int, "default": 30}),
        ("--seed", {"type": int, "default": 1}),
        ("--minutes", {"type": float, "default": 40, "help": "stop after so long, whatever the rounds"}),
        ("--restart-max", {"type": float, "default": 2.0, "help": "seconds until ready again"}),
    )
    rng, folder, checks = random.Random(args.seed), workdir("kill"), Checks("kill")
    stop_at = time.monotonic() + args.minutes * 60
    editions: dict[int, int] = {}
    newest: dict[int, dict] = {}
    everything: list[dict] = []
    restarts: list[float] = []
    kills = lost = sent = 0
    hub = Hub(folder / "data", seed=args.seed, env=WRONG_ON_PURPOSE)
    taken, refused = put_records(hub.client("authority"), "natural-person", [person(n) for n in range(50)])
    checks.ok("the common records are in", taken == 50, refused[:2])
    for round_ in range(args.rounds):
        if time.monotonic() > stop_at:
            break
        files = [folder / f"acks-{round_}-{t}" for t in range(THREADS)]
        workers = [
            Worker(own_records(round_, t), hub, files[t], editions, random.Random(rng.random())) for t in range(THREADS)
        ]
        for worker in workers:
            worker.start()
        time.sleep(rng.uniform(0.02, 0.8))
        hub.kill()
        kills += 1
        for worker in workers:
            worker.halt.set()
        for worker in workers:
            worker.join(10)
            sent += worker.sent
            checks.ok("every answer was as expected", not worker.odd, worker.odd[:2])
        acks = [json.loads(line) for f in files if f.exists() for line in f.read_text().splitlines()]
        everything += acks
        for ack in acks:
            if "record" in ack and ack["edition"] > newest.get(ack["record"], {"edition": -1})["edition"]:
                newest[ack["record"]] = ack
        offline(checks, hub, "after a kill")
        hub = Hub(folder / "data", seed=args.seed, env=WRONG_ON_PURPOSE)
        restarts.append(hub.ready_s)
        checks.ok(f"ready again within {args.restart_max} s", hub.ready_s < args.restart_max, f"{hub.ready_s:.2f} s")
        now = {n: newest[n] for t in range(THREADS) for n in own_records(round_, t) if n in newest}
        lost += check_ledger(checks, hub, acks, rng) + check_records(checks, hub, now, editions)
        newest |= now
        for f in files:
            f.unlink(missing_ok=True)
        if round_ % 25 == 24:
            print(
                f"round {round_ + 1}: {len(everything)} acks, lost {lost}, max restart {max(restarts):.2f} s",
                flush=True,
            )
    # At the end every acknowledgement of the whole run once more, so that no later recovery undid an earlier one.
    lost += check_ledger(checks, hub, everything, rng) + check_records(checks, hub, newest, editions)
    status = hub.stop()
    checks.ok("the last stop is clean", status == 0, status)
    verify_s = offline(checks, hub, "at the end")
    checks.finish(
        kills=kills,
        sent=sent,
        acks=len(everything),
        lost=lost,
        restart_max_s=round(max(restarts), 2),
        restart_median_s=round(sorted(restarts)[len(restarts) // 2], 2),
        verify_s=round(verify_s, 2),
    )


if __name__ == "__main__":
    main()
