"""The whole life of a mismatch over REST, against a receiver that fails twice before it takes what it is told.

A wrong answer opens a mismatch; the agency says that the record is wrong; the authority approves; the next answer is right
at once; the receiver has one event, whose signature the published Standard Webhooks library accepts; the mismatch is
closed. Then the other ends that a life can have, wrong roles, and requests that come twice.
"""

import datetime
import json
import time

from hub import Checks, arguments, find, person, put_records, workdir
from parties import DATASET, Place
from receivers import CHANGED, Receivers
from standardwebhooks import Webhook, WebhookVerificationError

AGENCY, OTHER, AUTHORITY = "agency", "agency2", "authority"
# Who must not do what: the agency of the application, the authority, and everybody else.
WRONG = {
    "accept_record": (AUTHORITY, "operator", "manager", "auditor"),
    "propose_correction": (AUTHORITY, "operator", "manager", "auditor"),
    "report_false_claim": (AUTHORITY, "operator", "manager", "auditor"),
    "approve": (AGENCY, "operator", "manager", "auditor"),
    "reject": (AGENCY, "operator", "manager", "auditor"),
}
PARTS = {
    "propose_correction": {"fields": {"name": "王小明"}, "evidence": ["DRILL"]},
    "approve": {"reason": "drill"},
    "reject": {"reason": "drill"},
}


def is_accepted(secret: str, request: dict, body: str | None = None) -> bool:
    """What the published library says of a kept request."""
    try:
        Webhook(secret).verify(request["body"] if body is None else body, request["head"])
        return True
    except WebhookVerificationError:
        return False


class Life:
    """One hub, its receivers, and what is checked of them."""

    def __init__(self, place: Place, receivers: Receivers, checks: Checks):
        self.place, self.receivers, self.checks = place, receivers, checks
        self.keys = 0

    def key(self) -> str:
        self.keys += 1
        return f"loop-{self.keys}"

    def record(self, n: int) -> dict:
        record = person(n)
        taken, refused = put_records(self.place.current().client(AUTHORITY), DATASET, [record])
        self.checks.ok("a record is taken", taken == 1, refused)
        return record

    def open(self, record: dict, matter: str, **claims) -> str:
        """A verification that opens a mismatch; its id."""
        answer = self.place.verify(AGENCY, record, matter, **claims)
        opened = (answer.json() or {}).get("mismatch") or {}
        due = opened.get("due_on", "")
        self.checks.ok("a wrong claim opens a mismatch", opened.get("id", "").startswith("mis_"), answer)
        self.checks.ok("it is due on a later day", due > datetime.date.today().isoformat() and len(due) == 10, due)
        return opened.get("id", "mis_none")

    def act(self, who: str, mismatch: str, action: str, state: str, **rest) -> dict:
        """An action that must be taken, and its state."""
        answer = self.place.act(who, mismatch, action, self.key(), **rest)
        doc = answer.json() or {}
        self.checks.ok(
            f"{action} leads to {state}", answer.status == 200 and doc.get("state") in state.split("|"), answer
        )
        return doc

    # ---- the life of the acceptance ---------------------------------------------------------------------------------

    def corrected(self) -> None:
        checks, place, receivers = self.checks, self.place, self.receivers
        subscription = place.subscribe(AGENCY, receivers, 0)
        place.subscribe(OTHER, receivers, 1, datasets=("e-licence",))
        receivers.keep(0)
        path = f"/v1/subscriptions/{subscription['id']}"
        tested = place.sure(AGENCY, "POST", f"{path}/test", {})
        checks.ok("a test is sent", tested.status in (200, 202), tested)
        checks.ok("a test arrives", receivers.wait(lambda c: c[0].get("other"), 5), receivers.counts()[0])
        record = self.record(1)
        place.quiet(10)
        before = len(receivers.kept(0))
        receivers.script(0, "500", "reset")

        mismatch = self.open(record, "L-1", name="王小明")
        again = place.verify(AGENCY, record, "L-1", name="王小明").json() or {}
        checks.ok("it opens once", find(again.get("mismatch"), "id") == mismatch, again)
        apart = place.verify(AGENCY, record, "L-1b", name="王小明").json() or {}
        checks.ok(
            "another application is another mismatch", find(apart.get("mismatch"), "id") not in (mismatch, None), apart
        )
        self.wrong_roles(mismatch)
        proposal = PARTS["propose_correction"]
        first, body = self.twice(AGENCY, mismatch, "propose_correction", proposal, proposal | {"evidence": ["other"]})
        checks.ok("it is disputed", body.get("state") == "disputed" and body.get("due_on"), first)
        flagged = (place.verify(AGENCY, record, "L-2", name=record["fields"]["name"]).json() or {}).get("fields", {})
        checks.ok("the field is shown as disputed", find(flagged.get("name"), "disputed"), flagged)

        began = time.monotonic()
        first, body = self.twice(AUTHORITY, mismatch, "approve", PARTS["approve"], {"reason": "another"})
        checks.ok("it is corrected", body.get("state") in ("corrected", "closed"), first)
        now = place.verify(AGENCY, record, "L-3", name="王小明").json() or {}
        checks.ok("the next verification is verified", now.get("outcome") == "verified", now)
        checks.ok("on the next version", find(now.get("record"), "version") == 2, now)
        late = place.act(AUTHORITY, mismatch, "approve", self.key(), reason="late")
        checks.ok("it cannot be approved a second time", late.status in (409, 422), late)

        doc = place.until(AGENCY, mismatch, "closed")
        self.closed_s = time.monotonic() - began
        checks.ok("the mismatch is closed", doc.get("state") == "closed", doc)
        self.history(doc)
        self.heard(before, subscription["secret"])
        replayed = place.act(AUTHORITY, mismatch, "approve", "twice-approve", **PARTS["approve"])
        checks.ok("the answer to a key stays when the state has gone on", replayed.body == first.body, replayed)
        self.delivery(subscription["id"])
        self.rotated(path, subscription["secret"])

    def wrong_roles(self, mismatch: str) -> None:
        for action, roles in WRONG.items():
            for role in roles:
                answer = self.place.act(role, mismatch, action, self.key(), **PARTS.get(action, {}))
                self.checks.ok(f"{action} as {role} is 403", answer.status == 403, answer)
        for action in (*WRONG, "close"):
            answer = self.place.act(OTHER, mismatch, action, self.key(), **PARTS.get(action, {"reason": "x"}))
            self.checks.ok(f"{action} as another agency is refused", answer.status in (403, 404), answer)
        seen = self.place.sure(OTHER, "GET", f"/v1/mismatches/{mismatch}")
        self.checks.ok("another agency does not see it", seen.status in (403, 404), seen)
        still = self.place.mismatch(AGENCY, mismatch)
        self.checks.ok("all that changed nothing", still.get("state") == "open" and len(still["history"]) == 1, still)

    def twice(self, who: str, mismatch: str, action: str, rest: dict, other: dict):
        """An action that comes three times with one key: the same, byte for byte; and once with another body."""
        key = f"twice-{action}"
        missing = self.place.call(who, "POST", f"/v1/mismatches/{mismatch}/actions", {"action": action} | rest)
        self.checks.ok(f"{action} without a key is refused", 400 <= missing.status < 500, missing)
        first = self.place.act(who, mismatch, action, key, **rest)
        self.checks.ok(f"{action} is 200", first.status == 200, first)
        for _ in range(2):
            repeat = self.place.act(who, mismatch, action, key, **rest)
            same = (repeat.status, repeat.body) == (first.status, first.body)
            self.checks.ok(f"{action} again is the first answer, byte for byte", same, repeat)
        reused = self.place.act(who, mismatch, action, key, **other)
        self.checks.ok(
            "another body is refused", (reused.status, reused.code) == (422, "idempotency_key_reused"), reused
        )
        return first, first.json() or {}

    def history(self, doc: dict) -> None:
        steps = doc.get("history", [])
        self.checks.ok(
            "the history has no hole", [s.get("seq") for s in steps] == list(range(1, len(steps) + 1)), steps
        )
        states = [s.get("state") for s in steps]
        self.checks.ok("the history is whole", states == ["open", "disputed", "corrected", "closed"], steps)
        roles = [s.get("by_role") for s in steps[1:3]]
        self.checks.ok("it says who acted", roles == [AGENCY, AUTHORITY], steps)
        self.checks.ok("it is in order of time", steps == sorted(steps, key=lambda s: s["at"]), steps)

    def heard(self, before: int, secret: str) -> None:
        """What the receiver has: three attempts at one event, one effect, a signature that the library accepts."""
        checks, counts = self.checks, self.receivers.counts()
        attempts = self.receivers.kept(0)[before:]
        checks.ok("a 500, a reset, and a success", [a["step"] for a in attempts] == ["500", "reset", "ok"], attempts)
        checks.ok("one event is effective", counts[0]["effects"] == 1 and not counts[0].get("twice"), counts[0])
        checks.ok("the other receiver hears nothing", not counts[1].get("requests"), counts[1])
        checks.ok("every attempt has the same id", len({a["head"].get("webhook-id") for a in attempts}) == 1, attempts)
        for attempt in attempts:
            checks.ok("the library accepts the signature", is_accepted(secret, attempt), attempt["head"])
            checks.ok("it refuses another body", not is_accepted(secret, attempt, attempt["body"] + " "))
        if not checks.ok("something came", attempts):
            return
        event = json.loads(attempts[-1]["body"])
        ctype = attempts[-1]["head"].get("content-type", "")
        checks.ok("it is structured CloudEvents", ctype.startswith("application/cloudevents+json"), ctype)
        whole = event.get("specversion") == "1.0" and all(event.get(k) for k in ("id", "source", "time"))
        checks.ok("it is a CloudEvent 1.0", whole and event.get("type") == CHANGED, event)
        data = event.get("data", {})
        checks.ok("it tells of version 2", (data.get("dataset"), data.get("version")) == (DATASET, 2), data)
        checks.ok("it names no subject", person(1)["subject"]["id_number"] not in attempts[-1]["body"])

    def delivery(self, subscription: str) -> None:
        path = f"/v1/deliveries?state=delivered&target={subscription}"
        rows = (self.place.sure(AGENCY, "GET", path).json() or {}).get("deliveries", [])
        self.checks.ok("the delivery is listed with its attempts", any(r.get("attempts") == 3 for r in rows), rows)
        for role in (OTHER, AUTHORITY):
            answer = self.place.sure(role, "GET", path)
            shown = (answer.json() or {}).get("deliveries")
            self.checks.ok(f"{role} does not see it", answer.status in (403, 404) or not shown, answer)

    def rotated(self, path: str, old: str) -> None:
        """Two secrets are valid during a rotation; a deleted subscription hears nothing."""
        rotated = self.place.sure(AGENCY, "POST", f"{path}/rotate-secret", {}).json() or {}
        new = str(rotated.get("secret", ""))
        self.checks.ok("a rotation tells a new secret", new.startswith("whsec_") and new != old, rotated.keys())
        self.receivers.secrets(0, new)
        before = len(self.receivers.kept(0))
        self.place.sure(AGENCY, "POST", f"{path}/test", {})
        self.receivers.wait(lambda c: c[0]["requests"] > before, 5)
        if self.checks.ok("a test after the rotation arrives", len(kept := self.receivers.kept(0)) == before + 1):
            self.checks.ok("the new secret signs", is_accepted(new, kept[-1]))
            self.checks.ok("the old secret signs too", is_accepted(old, kept[-1]))
        foreign = self.place.sure(OTHER, "DELETE", path)
        self.checks.ok("another agency cannot delete it", foreign.status in (403, 404), foreign)
        gone = self.place.sure(AGENCY, "DELETE", path)
        self.checks.ok("it can be deleted", gone.status in (200, 204), gone)
        tested = self.place.sure(AGENCY, "POST", f"{path}/test", {})
        self.checks.ok("a deleted one cannot be tested", tested.status in (404, 409, 410), tested)

    # ---- the other ends ---------------------------------------------------------------------------------------------

    def other_ends(self) -> None:
        checks, place, receivers = self.checks, self.place, self.receivers
        place.subscribe(AGENCY, receivers, 2, events=("record.accepted", "mismatch"))
        receivers.keep(2)
        record = self.record(2)
        accepted = self.open(record, "E-1", name="赵钱孙")
        self.act(AGENCY, accepted, "accept_record", "record_accepted|closed")
        checks.ok(
            "an accepted record closes when it is told", place.until(AGENCY, accepted, "closed")["state"] == "closed"
        )
        types = [json.loads(k["body"])["type"] for k in receivers.kept(2)]
        checks.ok("its values are pushed once", types.count("heyan.record.accepted.v1") == 1, types)

        record = self.record(3)
        upheld = self.open(record, "E-2", name="赵钱孙")
        self.act(AGENCY, upheld, "propose_correction", "disputed", fields={"name": "赵钱孙"}, evidence=["DRILL"])
        self.act(AUTHORITY, upheld, "reject", "upheld", reason="drill")
        now = place.verify(AGENCY, record, "E-2b", name=record["fields"]["name"]).json() or {}
        checks.ok("a rejected correction changes nothing", find(now.get("record"), "version") == 1, now)
        self.act(AGENCY, upheld, "reopen", "open", reason="drill")
        self.act(AGENCY, upheld, "close", "closed", reason="drill")

        record = self.record(4)
        false = self.open(record, "E-3", name="赵钱孙")
        self.act(AGENCY, false, "report_false_claim", "closed")

        record = self.record(5)
        settled = self.open(record, "E-4", name="赵钱孙")
        place.verify(AGENCY, record, "E-4", name=record["fields"]["name"])
        checks.ok("a right answer settles it", place.until(AGENCY, settled, "closed", 5).get("state") == "closed")
        rows = place.sure(AGENCY, "GET", f"/v1/mismatches?state=closed&dataset={DATASET}&limit=2").json() or {}
        checks.ok("the list is cut into pages", len(rows.get("mismatches", [])) == 2 and rows.get("next_cursor"), rows)
        due = place.sure(AGENCY, "GET", "/v1/mismatches?due_before=2000-01-01").json() or {}
        checks.ok("nothing was due long ago", due.get("mismatches") == [], due)


def main() -> None:
    arguments(__doc__)
    checks, folder = Checks("loop"), workdir("loop")
    with Receivers(3) as receivers, Place(folder, receivers.ports) as place:
        life = Life(place, receivers, checks)
        life.closed_s = 0.0
        life.corrected()
        life.other_ends()
        checks.ok("the hub stops well", place.stop() == 0)
    checks.finish(attempts=3, closed_s=round(life.closed_s, 2), receivers=3)


if __name__ == "__main__":
    main()
