"""Corrections on their way to ten receivers, three of them sick, while the hub is killed again and again.

Three parts on one data directory: all receivers well (the base line), three of them sick, and sick with kills. A
correction is a whole life: a wrong answer, a proposal, an approval; each correction of one record is made in its turn.
At the end every version of every record had its effect at every receiver, once, and none after a newer one; and the
database, its outbox and the ledger tell of the same things.
"""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path

from hub import WRONG_ON_PURPOSE, Checks, arguments, find, person, put_records, workdir
from parties import DATASET, READS, Place, database, ledger_agrees, ledger_is_sound, orphans, told_by_ledger
from receivers import Receivers

RECEIVERS = 10
HANGING, FAILING, RESETTING = 7, 8, 9
WELL = range(7)
THREADS = 6
# One field a round, so that no round can be taken for guessing at another's value.
ROUNDS = (("name", "新名"), ("domicile_address", "安徽省芜湖市鸠江区赭山路{n}号3幢2单元402室"), ("ethnicity", "回族"))


def new_value(n: int, nth: int) -> tuple[str, str]:
    """Field and value of the `nth` correction of record `n`."""
    field, value = ROUNDS[nth]
    return field, (person(n)["fields"]["name"][0] + "更正" if field == "name" else value.format(n=1 + n % 200))


class Corrections(threading.Thread):
    """One clerk's desk: corrects its own records, each round at its time, and notes when each was acknowledged."""

    def __init__(self, place: Place, agencies: tuple, jobs: list[tuple[float, int, int]], began: float, tag: str):
        super().__init__(daemon=True)
        self.place, self.agencies, self.jobs, self.began, self.tag = place, agencies, jobs, began, tag
        self.acked: dict[tuple[int, int], float] = {}
        self.odd: list[str] = []
        self.behind_s = 0.0

    def run(self) -> None:
        broken = set()
        for due, n, nth in self.jobs:
            wait = self.began + due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.behind_s = max(self.behind_s, -wait)
            if n in broken:
                continue
            try:
                wrong = self.correct(n, nth)
            except Exception as error:  # noqa: BLE001 - a desk that dies silently would look like one that is done
                wrong = repr(error)
            if wrong:
                self.odd.append(wrong)
                broken.add(n)

    def correct(self, n: int, nth: int) -> str | None:
        """One correction from the wrong answer to the approval; what was wrong, if anything."""
        field, value = new_value(n, nth)
        agency, key = self.agencies[n % len(self.agencies)], f"{self.tag}-{n}-{nth}"
        answer = self.place.verify(agency, person(n), key, **{field: value})
        mismatch = find((answer.json() or {}).get("mismatch"), "id")
        if answer.status != 200 or not mismatch:
            return f"verification: {answer}"
        answer = self.place.act(
            agency, mismatch, "propose_correction", f"p-{key}", fields={field: value}, evidence=["DRILL"]
        )
        if answer.status != 200:
            return f"proposal: {answer}"
        answer = self.place.act("authority", mismatch, "approve", f"a-{key}", reason="drill")
        if answer.status != 200 or (answer.json() or {}).get("state") not in ("corrected", "closed"):
            return f"approval: {answer}"
        self.acked[n, nth + 2] = time.monotonic()
        return None


class Drill:
    """The place, the receivers, and what was acknowledged: (record number, version) → when."""

    def __init__(self, args, place: Place, receivers: Receivers, checks: Checks, folder: Path):
        self.args, self.place, self.receivers, self.checks, self.folder = args, place, receivers, checks, folder
        self.acked: dict[tuple[int, int], float] = {}
        self.parts: dict[str, dict[tuple[int, int], float]] = {}
        self.rng = random.Random(args.seed)
        self.next_record = 1

    def prepare(self, records: int) -> None:
        readers = [self.place.agency(f"reader-{i}", 2000 + i, operations=READS) for i in range(RECEIVERS)]
        taken, refused = put_records(
            self.place.current().client("authority", 60), DATASET, [person(n) for n in range(1, records + 1)]
        )
        self.checks.ok("the records are in", taken == records, refused[:2])
        # Only now: a first version that is contributed is no correction.
        self.place.quiet(60)
        for at, reader in enumerate(readers):
            self.place.subscribe(reader, self.receivers, at)
        self.agencies = ("agency", "agency2")

    def part(self, name: str, corrections: int, kills: int = 0) -> float:
        """Makes so many corrections at the rate of the drill; returns how long it took."""
        each, rate = self.args.each, self.args.rate
        records = range(self.next_record, self.next_record + corrections // each)
        self.next_record += len(records)
        jobs: list[list[tuple[float, int, int]]] = [[] for _ in range(THREADS)]
        # In blocks, so that the corrections of one record follow each other closely.
        block, nth_job = 4 * THREADS, 0
        for start in range(0, len(records), block):
            for nth in range(each):
                for n in records[start : start + block]:
                    jobs[n % THREADS].append((nth_job / rate, n, nth))
                    nth_job += 1
        began = time.monotonic()
        desks = [Corrections(self.place, self.agencies, j, began, name) for j in jobs]
        for desk in desks:
            desk.start()
        for nth in range(kills):
            # At a random moment of its share of the time, so that the kills are spread and yet not in step.
            moment = began + (nth + self.rng.uniform(0.1, 0.9)) * nth_job / rate / kills
            time.sleep(max(0.0, moment - time.monotonic()))
            self.place.kill()
            self.place.start()
        for desk in desks:
            desk.join(600)
            self.checks.ok("every desk is done", not desk.is_alive())
            self.checks.ok("every answer was as expected", not desk.odd, desk.odd[:2])
        self.parts[name] = {k: v for desk in desks for k, v in desk.acked.items()}
        self.acked |= self.parts[name]
        behind = max(desk.behind_s for desk in desks)
        took = time.monotonic() - began
        print(
            f"{name}: {len(self.parts[name])} corrections in {took:.1f} s, {kills} kills, at most {behind:.1f} s behind"
        )
        return took

    def drained(self, receivers, within_s: float) -> bool:
        """Waits until these receivers have as many effects as there were corrections."""
        wanted = len(self.acked)
        return self.receivers.wait(lambda counts: all(counts[i]["effects"] >= wanted for i in receivers), within_s)

    # ---- what is proved ---------------------------------------------------------------------------------------------

    def effects(self, numbers: dict[str, int]) -> dict[int, dict[tuple[int, int], float]]:
        """Each receiver's effects, (record number, version) → when; checks that each is there once and in order."""
        checks, found = self.checks, {}
        counts = self.receivers.counts()
        finals: dict[int, int] = {}
        for n, version in self.acked:
            finals[n] = max(finals.get(n, 1), version)
        for at, told in enumerate(self.receivers.effects(self.folder)):
            found[at] = {}
            held: dict[int, int] = {}
            late = twice = strange = 0
            for record, version, when in told:
                n = numbers.get(record, 0)
                late += version < held.get(n, 1)
                twice += (n, version) in found[at]
                strange += (n, version) not in self.acked
                held[n] = version
                found[at][n, version] = when
            missing = [k for k in self.acked if k not in found[at]]
            checks.ok(f"receiver {at}: every version had its effect", not missing, (len(missing), missing[:3]))
            checks.ok(
                f"receiver {at}: none had it twice", twice == 0 and not counts[at].get("twice"), (twice, counts[at])
            )
            checks.ok(
                f"receiver {at}: none came after a newer one", late == 0 and not counts[at].get("late"), counts[at]
            )
            checks.ok(f"receiver {at}: nothing that nobody corrected", strange == 0, strange)
            short = [n for n, final in finals.items() if held.get(n) != final]
            checks.ok(f"receiver {at}: every record is at its last version", not short, short[:3])
            checks.ok(f"receiver {at}: every message was signed", not counts[at].get("unsigned"), counts[at])
        return found

    def p99_ms(self, part: str, effects: dict[int, dict[tuple[int, int], float]]) -> float:
        """99th percentile, over the well receivers, from the acknowledgement to the effect."""
        acked = self.parts[part]
        took = sorted(max(0.0, effects[at][k] - t) for at in WELL for k, t in acked.items() if k in effects[at])
        return round(took[min(len(took) - 1, int(len(took) * 0.99))] * 1000, 1) if took else float("nan")


def subjects(db) -> tuple[dict[str, int], dict[int, int]]:
    """Pseudonym → number of the record, and number → its version, as the database has them."""
    by_identifier = {}
    numbers, versions = {}, {}
    rows = db.execute("SELECT hex(subject), identifiers, version FROM records WHERE dataset = ?", (DATASET,)).fetchall()
    for n in range(1, len(rows) + 1):
        by_identifier[person(n)["subject"]["id_number"]] = n
    for record, identifiers, version in rows:
        n = by_identifier.get(json.loads(identifiers).get("id_number"), 0)
        numbers[record.lower()], versions[n] = n, version
    return numbers, versions


def main() -> None:
    args = arguments(
        __doc__,
        ("--corrections", {"type": int, "default": 1500}),
        ("--each", {"type": int, "default": 3, "help": "corrections of one record"}),
        ("--kills", {"type": int, "default": 6}),
        ("--rate", {"type": float, "default": 40.0, "help": "corrections a second"}),
        ("--sick-s", {"type": float, "default": 12.0, "help": "how long a receiver answers 500"}),
        ("--settle-s", {"type": float, "default": 90.0, "help": "how long the rest may take once all are well"}),
        ("--ratio-max", {"type": float, "default": 1.5}),
        ("--slack-ms", {"type": float, "default": 50.0, "help": "a difference that is no difference"}),
        ("--seed", {"type": int, "default": 1}),
        ("--long", {"action": "store_true", "help": "20,000 corrections, 100 kills, a minute of 500, no slack"}),
    )
    if args.long:
        args.corrections, args.kills, args.rate, args.sick_s, args.settle_s = 20_000, 100, 80.0, 60.0, 600.0
        args.slack_ms = 0.0
    checks, folder = Checks("two_phase"), workdir("two_phase")
    share = args.corrections // 4 // args.each * args.each
    rest = (args.corrections - 2 * share) // args.each * args.each
    later_s = 10 if args.long else 2
    with Receivers(RECEIVERS) as receivers, Place(folder, receivers.ports, args.seed, later_s, WRONG_ON_PURPOSE) as place:
        drill = Drill(args, place, receivers, checks, folder)
        drill.prepare((2 * share + rest) // args.each)
        drill.part("well", share)
        checks.ok("all is told while all are well", drill.drained(range(RECEIVERS), args.settle_s), receivers.counts())
        receivers.behave(HANGING, "hang")
        receivers.behave(FAILING, "500")
        receivers.behave(RESETTING, "reset", 0.7)
        heal = threading.Timer(args.sick_s, receivers.behave, (FAILING, "ok"))
        heal.daemon = True
        heal.start()
        drill.part("sick", share)
        checks.ok("the well are told while others are sick", drill.drained(WELL, args.settle_s), receivers.counts())
        drill.part("killed", rest, args.kills)
        began = time.monotonic()
        heal.join()
        receivers.behave(HANGING, "ok")
        receivers.behave(RESETTING, "ok")
        checks.ok("all is told in the end", drill.drained(range(RECEIVERS), args.settle_s), receivers.counts())
        checks.ok("nothing is pending in the end", place.quiet(30))
        settle_s = time.monotonic() - began
        time.sleep(1.5)  # a checkpoint comes every second
        steps, ends = told_by_ledger(place)
        hub = place.current()
        checks.ok("the last stop is clean", place.stop() == 0)
        db = database(place.data)
        numbers, versions = subjects(db)
        lost = [k for k in drill.acked if versions.get(k[0], 0) < k[1]]
        checks.ok("every acknowledged correction is a version", not lost, lost[:3])
        unasked = [n for n, v in versions.items() if v > 1 and (n, v) not in drill.acked]
        checks.ok("every version is an acknowledged correction", not unasked, unasked[:3])
        effects = drill.effects(numbers)
        found = orphans(checks, db) + ledger_agrees(checks, db, steps, ends)
        db.close()
        ledger_is_sound(checks, hub)
        p99 = {part: drill.p99_ms(part, effects) for part in drill.parts}
        near = p99["sick"] <= max(args.ratio_max * p99["well"], p99["well"] + args.slack_ms)
        checks.ok("the sick do not slow down the well", near, p99)
        total = {
            k: sum(c.get(k, 0) for c in receivers.counts()) for k in ("requests", "repeat", "hung", "reset", "said_500")
        }
    checks.finish(
        corrections=len(drill.acked),
        kills=place.kills,
        effects=sum(len(e) for e in effects.values()),
        orphans=found,
        lost=len(lost),
        **{f"p99_{part}_ms": value for part, value in p99.items()},
        **total,
        restart_max_s=round(max(place.restarts), 2),
        settle_s=round(settle_s, 1),
    )


if __name__ == "__main__":
    main()
