"""Five agencies put their heads together to guess birth dates, over REST, in every way that a question can be asked.

After few wrong values the answer is that a person must look, whoever asks, and the right value gets no other answer. A
value that is asked again costs nothing; other fields and other people are answered as ever; nobody is refused.
"""

from __future__ import annotations

import datetime
import json
import random
from collections import Counter

from hub import NDJSON, PURPOSE, Checks, arguments, person, put_records, workdir
from parties import DATASET, Agency, Place
from receivers import Receivers

FIELD = "birth_date"
# Distinct wrong values of one field of one subject that are answered within a day, over all agencies together.
BUDGET = 5
AGENCIES = 5
FIRST_DAY = datetime.date(1940, 1, 1)
DAYS = 36_525


class Robot:
    """Asks about one field, in the way and as the agency that come next, and keeps what it was told."""

    def __init__(self, place: Place, agencies: list[Agency], rng: random.Random):
        self.place, self.agencies, self.rng = place, agencies, rng
        self.asked = 0
        self.statuses: Counter[int] = Counter()

    def who(self) -> Agency:
        self.asked += 1
        return self.agencies[self.asked % len(self.agencies)]

    def verdicts(self, way: str, record: dict, values: list) -> list[str]:
        """The verdict of each claimed value: one by one, in one batch, or in one stream."""
        if way == "single":
            return [self.told(self.place.verify(self.who(), record, f"G-{self.asked}", **{FIELD: v})) for v in values]
        items = [{"ref": str(i), "subject": record["subject"], "claims": {FIELD: v}} for i, v in enumerate(values)]
        purpose = PURPOSE | {"application_no": f"G-{self.asked}"}
        if way == "batch":
            body = {"purpose": purpose, "items": [i | {"dataset": DATASET} for i in items]}
            answer = self.place.sure(self.who(), "POST", "/v1/verifications/batch", body)
            results = (answer.json() or {}).get("results", [])
        else:
            lines = [{"purpose": purpose, "dataset": DATASET}, *items]
            body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            answer = self.place.sure(self.who(), "POST", "/v1/verifications/stream", body, ctype=NDJSON)
            results = answer.lines()[:-1] if answer.status == 200 else []
        self.statuses[answer.status] += 1
        return [r.get("fields", {}).get(FIELD, {}).get("verdict", "none") for r in results]

    def told(self, answer) -> str:
        self.statuses[answer.status] += 1
        return ((answer.json() or {}).get("fields") or {}).get(FIELD, {}).get("verdict", f"none: {answer}")

    def wrong_days(self, record: dict, count: int) -> list[str]:
        """Distinct days that are not the right one."""
        right, days = record["fields"][FIELD], set()
        while len(days) < count:
            day = (FIRST_DAY + datetime.timedelta(self.rng.randrange(DAYS))).isoformat()
            if day != right:
                days.add(day)
        return sorted(days)


def guess_values(robot: Robot, checks: Checks, record: dict, way: str, tries: int) -> int:
    """Many wrong values, then the right one; returns how many were told to be wrong."""
    told = robot.verdicts(way, record, robot.wrong_days(record, tries))
    kinds = Counter(told)
    checks.ok(f"{way}: at most {BUDGET} wrong values are told", 1 <= kinds["mismatch"] <= BUDGET, kinds)
    checks.ok(f"{way}: after them a person must look", set(kinds) == {"mismatch", "review"}, kinds)
    first = told.index("review") if "review" in told else len(told)
    if way == "single":  # the items of a batch or chunk are judged at once, in no order
        checks.ok("once over, always over", set(told[first:]) == {"review"}, told)
    right = [robot.verdicts("single", record, [record["fields"][FIELD]])[0] for _ in robot.agencies]
    checks.ok(f"{way}: the right value is not told either", set(right) == {"review"}, right)
    return kinds["mismatch"]


def bisect(robot: Robot, record: dict, tries: int) -> int:
    """Halves the days by predicates as long as an answer comes; how many days are still possible."""
    low, high = 0, DAYS - 1
    for _ in range(tries):
        if low == high:
            break
        middle = (low + high) // 2
        day = (FIRST_DAY + datetime.timedelta(middle)).isoformat()
        verdict = robot.verdicts("single", record, [{"op": "on_or_before", "value": day}])[0]
        if verdict == "match":
            high = middle
        elif verdict == "mismatch":
            low = middle + 1
        else:
            break
    return high - low + 1


def honest(robot: Robot, checks: Checks, record: dict, spent: dict) -> None:
    """What guessing must not take away from those who ask honestly."""
    day = robot.wrong_days(record, 1)
    repeats = [robot.verdicts("single", record, day)[0] for _ in range(4 * BUDGET)]
    checks.ok("a value that is asked again costs nothing", set(repeats) == {"mismatch"}, Counter(repeats))
    told = robot.verdicts("single", record, [record["fields"][FIELD]])
    checks.ok("and the right one is still told", told == ["match"], told)
    other = robot.place.verify(robot.who(), spent, "H-1", sex=spent["fields"]["sex"]).json() or {}
    checks.ok("another field of a guessed subject is answered", other.get("outcome") == "verified", other)
    both = (
        robot.place.verify(
            robot.who(), spent, "H-2", sex=spent["fields"]["sex"], birth_date=spent["fields"][FIELD]
        ).json()
        or {}
    )
    checks.ok("with the guessed field a person must look", both.get("outcome") == "review", both)


def main() -> None:
    args = arguments(
        __doc__,
        ("--subjects", {"type": int, "default": 60}),
        ("--tries", {"type": int, "default": 12, "help": "wrong values for each subject"}),
        ("--seed", {"type": int, "default": 1}),
    )
    checks, folder = Checks("guess"), workdir("guess")
    with Receivers(1) as receivers, Place(folder, receivers.ports, args.seed) as place:
        agencies = [place.agency(f"guesser-{n}", 3000 + n) for n in range(AGENCIES)]
        records = [person(n) for n in range(1, args.subjects + 1)]
        taken, refused = put_records(place.current().client("authority"), DATASET, records)
        checks.ok("the records are in", taken == len(records), refused[:2])
        robot = Robot(place, agencies, random.Random(args.seed))
        compromised, narrowest, wrong = 0, DAYS, []
        honest_one, spent, *others = records
        wrong.append(guess_values(robot, checks, spent, "single", args.tries))
        honest(robot, checks, honest_one, spent)
        for nth, record in enumerate(others):
            if nth % 4 < 3:
                wrong.append(guess_values(robot, checks, record, ("single", "batch", "stream")[nth % 4], args.tries))
            else:
                left = bisect(robot, record, 40)
                compromised += left == 1
                narrowest = min(narrowest, left)
                right = robot.verdicts("single", record, [record["fields"][FIELD]])[0]
                checks.ok("a subject asked about by predicates is spent too", right == "review" or left == 1, right)
        checks.ok("at most one subject is given away by predicates", compromised <= 1, compromised)
        # The count is of the subject, not of the process.
        place.kill()
        place.start()
        kept = robot.verdicts("single", spent, [spent["fields"][FIELD]])
        checks.ok("a restart forgets no guess", kept == ["review"], kept)
        checks.ok("nobody was refused", set(robot.statuses) == {200}, robot.statuses)
        alerts = place.hub.metric("heyan_supervision_alerts_total", "guess")
        checks.ok("the hub stops well", place.stop() == 0)
    checks.finish(
        subjects=len(records),
        agencies=AGENCIES,
        questions=robot.asked,
        wrong_told_max=max(wrong),
        compromised=compromised,
        narrowest_days=narrowest,
        alerts=int(alerts),
    )


if __name__ == "__main__":
    main()
