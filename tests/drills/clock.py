"""A wall clock that is wrong: an hour, a day, 32 days ahead, an hour and ten years behind, while a hub serves and when one starts.

Nothing may be deleted by such a clock: afterwards a saved reply is byte-equal, a guess that was used up stays used up, and grants hold.
Meanwhile `/readyz` and the gauge of the alert say so. The test of the test moves the monotonic clock too: then the time has passed,
old replies are deleted, and the same look must report it.
"""

import base64
import subprocess
import time
from pathlib import Path

from faults import ready, within
from hub import WRONG_ON_PURPOSE, Checks, Client, Hub, arguments, find, person, put_records, verification, workdir

HOUR, DAY = 3_600, 86_400
OFFSETS = {"+1h": HOUR, "-1h": -HOUR, "+1d": DAY, "+32d": 32 * DAY, "-10y": -3_652 * DAY}
SOURCE = Path(__file__).with_name("clock.c")


class WrongClock:
    def __init__(self, work: Path):
        self.library, self.file = work / "clock.so", work / "clock"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", self.library, SOURCE, "-ldl"], check=True)
        self.set(0)

    @property
    def env(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "HEYAN_CLOCK": str(self.file)} | WRONG_ON_PURPOSE

    def set(self, seconds: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self.file)


class Party:
    """An agency with a grant, which asks for a new token whenever it needs one."""

    def __init__(self, hub: Hub):
        manager = hub.client("manager")
        body = {"id": "clock-agency", "name": "时钟演练", "credit_code": "11340200030151707Y", "role": "agency"}
        made = manager.post("/v1/agencies", body)
        grant = {"agency": "clock-agency", "dataset": "natural-person", "fields": ["*"], "item_codes": ["*"]}
        granted = manager.post("/v1/grants", grant | {"operations": ["verify", "predicate", "existence"]})
        if made.status != 201 or granted.status != 201:
            raise AssertionError(f"no party: {made} {granted}")
        doc = made.json()
        self.pair = base64.b64encode(f"{doc['client_id']}:{doc['client_secret']}".encode()).decode()

    def client(self, hub: Hub) -> Client:
        form = "application/x-www-form-urlencoded"
        head = {"Authorization": f"Basic {self.pair}"}
        answer = Client(hub.url).post("/oauth/token", "grant_type=client_credentials", token=None, ctype=form, headers=head)
        return Client(hub.url, find(answer.json(), "access_token"))

    def verify(self, hub: Hub, n: int = 1, **changed):
        return self.client(hub).post("/v1/verifications", verification(person(n), "name", **changed))


class Kept:
    """What must outlast a wrong clock: a saved reply, and guesses that were used up."""

    def __init__(self, hub: Hub, party: Party):
        opened = party.verify(hub, 2, name="卜相合")
        self.path = f"/v1/mismatches/{find(opened.json().get('mismatch'), 'id')}/actions"
        self.act = {"action": "propose_correction", "fields": {"name": "卜相合"}, "evidence": ["DRILL"]}
        self.reply = self.send(hub, party)
        # Wrong values until no more of them are told.
        told = [party.verify(hub, 3, name=name).json()["outcome"] for name in ("卜一", "卜二", "卜三", "卜四")]
        self.told, self.usable = told, self.reply.status == 200 and told[:3] == ["mismatched"] * 3 and told[3] != "mismatched"

    def send(self, hub: Hub, party: Party):
        return party.client(hub).post(self.path, self.act, headers={"Idempotency-Key": "clock-1"})

    def missing(self, hub: Hub, party: Party) -> list[str]:
        again, guess = self.send(hub, party), party.verify(hub, 3, name="卜五").json() or {}
        missing = [] if again.body == self.reply.body else [f"the saved reply: {again}"]
        return missing + ([f"the guess budget: {guess.get('outcome')}"] if guess.get("outcome") == "mismatched" else [])


def doubts(hub: Hub) -> bool:
    return ready(hub).get("checks", {}).get("clock") not in (None, "ok")


def while_serving(checks: Checks, hub: Hub, clock: WrongClock, party: Party, kept: Kept, hold: float) -> None:
    for name, seconds in OFFSETS.items():
        clock.set(seconds)
        seen = within(5, lambda: doubts(hub))
        checks.ok(f"{name}: /readyz doubts the clock", seen is not None and seen < 3, seen)
        checks.ok(f"{name}: the gauge of the alert is raised", hub.metric("heyan_clock_unchecked") > 0)
        answer = party.verify(hub)
        holds = answer.status == 200 if seconds > -DAY else answer.status in (200, 403)
        checks.ok(f"{name}: grants hold, or nothing is told", holds, answer)
        time.sleep(hold)
        clock.set(0)
        back = within(5, lambda: not doubts(hub))
        checks.ok(f"{name}: believed again", back is not None, back)
        checks.ok(f"{name}: grants hold afterwards", party.verify(hub).status == 200)
        missing = kept.missing(hub, party)
        checks.ok(f"{name}: nothing was deleted", not missing, missing)


def at_a_start(checks: Checks, work: Path, clock: WrongClock, party: Party, kept: Kept) -> None:
    """The first sweep comes at once: a hub that starts with a wrong clock must doubt it before."""
    for name, wait in (("+32d", 3.0), ("-10y", 1.0), ("+1h", 1.0)):
        clock.set(OFFSETS[name])
        with Hub(work / "hub", env=clock.env) as hub:
            doubted = within(3, lambda: doubts(hub)) is not None
            # Off for an hour is nothing special.
            checks.ok(f"a start at {name}: the clock is doubted", doubted or name == "+1h")
            time.sleep(wait)
        clock.set(0)
        with Hub(work / "hub", env=clock.env) as hub:
            missing = kept.missing(hub, party)
            checks.ok(f"after a start at {name}: nothing was deleted", not missing, missing)
            checks.ok(f"after a start at {name}: grants hold", party.verify(hub).status == 200)


def time_passes(checks: Checks, work: Path, clock: WrongClock) -> int:
    """The test of the test: the time has really passed."""
    clock.set(0)
    with Hub(work / "other" / "hub", env=clock.env | {"HEYAN_CLOCK_BOTH": "1"}) as hub:
        put_records(hub.client("authority"), "natural-person", [person(n) for n in range(4)])
        party = Party(hub)
        kept = Kept(hub, party)
        missing: list[str] = []
        for step in range(1, 40):
            # Each step lets a pause of the sweeper end; the twelfth brings a sweep.
            clock.set(32 * DAY + step * 10)
            time.sleep(0.4)
            if step >= 12 and (missing := kept.missing(hub, party)):
                break
    checks.ok("when the time has passed, the look reports what is deleted", missing, kept.told)
    return len(missing)


def main() -> None:
    args = arguments(__doc__, ("--hold", {"type": float, "default": 0.3, "help": "seconds of each wrong time while it serves"}))
    checks, work = Checks("clock"), workdir("clock")
    (work / "other").mkdir()
    clock = WrongClock(work)
    with Hub(work / "hub", env=clock.env) as hub:
        put_records(hub.client("authority"), "natural-person", [person(n) for n in range(4)])
        party = Party(hub)
        kept = Kept(hub, party)
        checks.ok("there is something to lose", kept.usable, (kept.reply, kept.told))
        while_serving(checks, hub, clock, party, kept, args.hold)
    at_a_start(checks, work, clock, party, kept)
    checks.finish(offsets=len(OFFSETS), starts=3, seeded=time_passes(checks, work, clock))


main()
