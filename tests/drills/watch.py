"""Verify and watch from outside: a change of status, a correction and a second change each reach a real receiver within five seconds,
and what changes no verdict reaches nobody, also when the hub is killed while a record changes.

An expiry needs a clock that can be set: `tests/it/watches.rs` has one.
"""

import datetime
import json
import time

from hub import PURPOSE, Checks, arguments, person, put_records, workdir
from parties import DATASET, Place
from receivers import Receivers

AGENCY, OTHER, AUTHORITY = "agency", "agency2", "authority"
EVENT = "verification.would_change"
WITHIN_S = 5.0
COUNT = 50  # records that are watched


class Watch:
    """One hub, its receiver, and what is checked of them."""

    def __init__(self, place: Place, receivers: Receivers, checks: Checks):
        self.place, self.receivers, self.checks = place, receivers, checks
        self.records = [person(n) for n in range(1, COUNT + 1)]
        self.slowest_s = 0.0

    def put(self, changed: list[dict]) -> None:
        taken, refused = put_records(self.place.current().client(AUTHORITY), DATASET, changed)
        self.checks.ok("records are taken", taken == len(changed), refused)

    def notices(self) -> list[dict]:
        bodies = [json.loads(kept["body"]) for kept in self.receivers.kept(0)]
        return [body["data"] for body in bodies if body["type"] == f"heyan.{EVENT}.v1"]

    def wait(self, count: int) -> list[dict]:
        began = time.monotonic()
        self.receivers.wait(lambda c: len(self.notices()) >= count, WITHIN_S)
        took = time.monotonic() - began
        self.slowest_s = max(self.slowest_s, took)
        told = self.notices()
        self.checks.ok(f"{count} notices in time", len(told) == count and took < WITHIN_S, (len(told), took))
        return told

    def begin(self) -> list[str]:
        until = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
        ids = []
        for record in self.records:
            fields = record["fields"]
            body = {
                "dataset": DATASET,
                "subject": record["subject"],
                "claims": {"name": fields["name"], "status": fields["status"]},
                "purpose": PURPOSE,
                "until": until,
            }
            answer = self.place.sure(AGENCY, "POST", "/v1/watches", body)
            doc = answer.json() or {}
            self.checks.ok("a watch begins verified", answer.status == 201 and doc["outcome"] == "verified", answer)
            ids.append(doc["watch"]["id"])
        return ids

    def changed(self, version: int, **fields) -> list[dict]:
        return [
            record | {"fields": record["fields"] | fields, "source_version": version} for record in self.records
        ]

    def life(self) -> None:
        self.place.subscribe(AGENCY, self.receivers, 0, events=(EVENT,))
        self.receivers.keep(0)
        self.put(self.changed(1))
        ids = self.begin()
        self.put(self.changed(2, domicile_address="安徽省芜湖市镜湖区中山路1号"))
        self.put(self.changed(3, status="注销"))
        told = self.wait(COUNT)
        self.checks.ok("only the status changed", all(list(one["fields"]) == ["status"] for one in told), told[0])
        self.checks.ok("each is told once", len({one["watch"] for one in told}) == COUNT)
        self.checks.ok("no value is told", "注销" not in json.dumps(told, ensure_ascii=False))
        self.put(self.changed(4, status=self.records[0]["fields"]["status"]))
        told = self.wait(2 * COUNT)[COUNT:]
        self.checks.ok("it is told again", all(one["outcome"]["after"] == "verified" for one in told), told[0])
        foreign = self.place.sure(OTHER, "GET", f"/v1/watches/{ids[0]}")
        self.checks.ok("another's watch is none", foreign.status == 404, foreign)
        # Killed between the commit and the notices: all of them come, none twice.
        self.put(self.changed(5, status="注销"))
        self.place.kill()
        self.place.start()
        deadline = time.monotonic() + 30
        while len(self.notices()) < 3 * COUNT and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)
        told = self.notices()[2 * COUNT :]
        watches = {one["watch"] for one in told}
        self.checks.ok("a kill loses no notice", len(watches) == COUNT, len(watches))
        ids_told = {one["id"] for one in told}
        self.checks.ok("and tells none twice", len(ids_told) == COUNT, len(ids_told))
        self.place.sure(AGENCY, "DELETE", f"/v1/watches/{ids[0]}")
        gone = (self.place.sure(AGENCY, "GET", f"/v1/watches/{ids[0]}").json() or {}).get("state")
        self.checks.ok("a watch can be ended", gone == "ended", gone)


def main() -> None:
    arguments(__doc__)
    checks, folder = Checks("watch"), workdir("watch")
    with Receivers(1) as receivers, Place(folder, receivers.ports) as place:
        watch = Watch(place, receivers, checks)
        watch.life()
        checks.ok("the hub stops well", place.stop() == 0)
    checks.finish(watches=COUNT, slowest_s=round(watch.slowest_s, 2))


if __name__ == "__main__":
    main()
