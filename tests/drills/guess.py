"""Both sides of the guess budget, over REST, in every way that a question can be asked.

Robots of five agencies guess birth dates, names, ethnic groups, addresses, licences and identity numbers: after few answers a
person must look, whoever asks, and the right value gets no other answer. Conditions do not hide a right value. One agency locks no
citizen for the others; who is wrong about too many subjects is told nothing more, and an alert names it. Honest counters, with
typing errors, left-out parts and second tries, are answered as ever; nobody is refused.
"""

from __future__ import annotations

import datetime
import json
import random
import time
from collections import Counter

from hub import NDJSON, PURPOSE, Checks, arguments, person, put_records, resident_number, workdir
from parties import DATASET, Agency, Place
from receivers import Receivers

FIELD = "birth_date"
# Distinct wrong values of one field of one subject that are answered within a day: of all agencies together, and of one.
BUDGET, OF_ONE = 4, 3
CODES, PREDICATES = 4, 2
# Subjects that one agency may be wrong about in a day.
CEILING = 50
ALERT_S = 5
AGENCIES = 5
FIRST_DAY = datetime.date(1940, 1, 1)
DAYS = 36_525
CHECKED_ITEM = "11340200003015064U3000705003000"
LICENCE = "1.2.156.3005.2.11370202MB284651214002.11340100003002220Q.3245062268.150.4"
GROUPS = "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲".split()
COUNTIES = "弋江区 鸠江区 湾沚区 繁昌区 南陵县 无为市 镜湖区".split()


class Robot:
    """Asks about one field, in the way and as the agency that come next, and keeps what it was told."""

    def __init__(self, place: Place, agencies: list[Agency], rng: random.Random, field: str = FIELD):
        self.place, self.agencies, self.rng, self.field = place, agencies, rng, field
        self.asked = 0
        self.statuses: Counter[int] = Counter()

    def who(self) -> Agency:
        self.asked += 1
        return self.agencies[self.asked % len(self.agencies)]

    def verdicts(self, way: str, record: dict, values: list) -> list[str]:
        """The verdict of each claimed value: one by one, in one batch, in one stream, by item checks, or by watches."""
        if way in ("batch", "stream"):
            return self.many(way, record, values)
        one = {"single": self.single, "check": self.check, "watch": self.watch}[way]
        return [self.told(one(record, value)) for value in values]

    def single(self, record: dict, value):
        return self.place.verify(self.who(), record, f"G-{self.asked}", **{self.field: value})

    def check(self, record: dict, value):
        applicant = {"id_number": record["subject"]["id_number"], self.field: value}
        purpose = PURPOSE | {"item_code": CHECKED_ITEM, "application_no": f"G-{self.asked}"}
        body = {"purpose": purpose, "applicant": applicant, "materials": {}}
        return self.place.sure(self.who(), "POST", "/v1/checks", body)

    def watch(self, record: dict, value):
        until = (datetime.date.today() + datetime.timedelta(30)).isoformat()
        purpose = PURPOSE | {"application_no": f"G-{self.asked}"}
        body = {"dataset": DATASET, "subject": record["subject"], "claims": {self.field: value}}
        return self.place.sure(self.who(), "POST", "/v1/watches", body | {"purpose": purpose, "until": until})

    def many(self, way: str, record: dict, values: list) -> list[str]:
        items = [
            {"ref": str(i), "subject": record["subject"], "claims": {self.field: v}} for i, v in enumerate(values)
        ]
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
        return [r.get("fields", {}).get(self.field, {}).get("verdict", "none") for r in results]

    def told(self, answer) -> str:
        self.statuses[answer.status] += 1
        doc = answer.json() or {}
        answers = [doc, *doc.get("materials", {}).values()]
        fields = [one["fields"] for one in answers if self.field in (one.get("fields") or {})]
        return fields[0][self.field].get("verdict", "none") if fields else f"none: {answer}"

    def wrong(self, record: dict, count: int) -> list[str]:
        """Distinct values that are not the right one."""
        right, values = record["fields"][self.field], set()
        while len(values) < count:
            day = (FIRST_DAY + datetime.timedelta(self.rng.randrange(DAYS))).isoformat()
            name = "欧阳" + chr(0x4E00 + self.rng.randrange(3000)) + chr(0x4E00 + self.rng.randrange(3000))
            value = day if self.field == FIELD else name
            if value != right:
                values.add(value)
        return sorted(values)


def guess_values(robot: Robot, checks: Checks, record: dict, way: str, tries: int) -> int:
    """Many wrong values, then the right one; returns how many were told to be wrong."""
    told = robot.verdicts(way, record, robot.wrong(record, tries))
    if way in ("batch", "stream"):  # one agency alone: others are told still, until they spend the rest
        kinds = Counter(told)
        checks.ok(f"{way}: one agency is told at most {OF_ONE} wrong values", 1 <= kinds["mismatch"] <= OF_ONE, kinds)
        told += robot.verdicts("single", record, robot.wrong(record, tries))
    kinds = Counter(told)
    checks.ok(f"{way}: at most {BUDGET} wrong values are told", 1 <= kinds["mismatch"] <= BUDGET, kinds)
    checks.ok(f"{way}: after them a person must look", set(kinds) == {"mismatch", "review"}, kinds)
    right = [robot.verdicts("single", record, [record["fields"][robot.field]])[0] for _ in robot.agencies]
    checks.ok(f"{way}: the right value is not told either", set(right) == {"review"}, right)
    return kinds["mismatch"]


def bisect(robot: Robot, checks: Checks, record: dict, tries: int) -> int:
    """Halves the days by predicates as long as an answer comes; how many days are still possible."""
    low, high, told = 0, DAYS - 1, 0
    for _ in range(tries):
        middle = (low + high) // 2
        day = (FIRST_DAY + datetime.timedelta(middle)).isoformat()
        verdict = robot.verdicts("single", record, [{"op": "on_or_before", "value": day}])[0]
        if verdict not in ("match", "mismatch"):
            break
        told += 1
        low, high = (low, middle) if verdict == "match" else (middle + 1, high)
    checks.ok(f"at most {PREDICATES} predicates are told", 1 <= told <= PREDICATES, told)
    right = robot.verdicts("single", record, [record["fields"][FIELD]])
    checks.ok("whatever predicates said, the right value is told", right == ["match"], right)
    return high - low + 1


def codes(place: Place, checks: Checks, agencies: list[Agency], records: list[dict], rng: random.Random) -> int:
    """Ethnic groups, by `ne`, by `eq`, and as values; how many answers told something at most."""
    robot, most = Robot(place, agencies, rng, "ethnicity"), 0
    others = [group for group in GROUPS if group != "汉"]
    for nth, record in enumerate(records):
        way = ("ne", "eq", None)[nth % 3]
        asked = [{"op": way, "value": group} if way else group for group in others]
        told = sum(verdict in ("match", "mismatch") for verdict in robot.verdicts("single", record, asked))
        checks.ok(f"{way or 'values'}: an ethnic group is not found by walking the list", 1 <= told <= CODES, told)
        most = max(most, told)
    return most


def addresses(place: Place, checks: Checks, agencies: list[Agency], record: dict, rng: random.Random) -> int:
    """Counties one after another; then honest claims that leave something out."""
    robot = Robot(place, agencies, rng, "domicile_address")
    told = robot.verdicts("single", record, [f"安徽省芜湖市{county}" for county in COUNTIES])
    walked = told.count("mismatch")
    checks.ok("who walks the counties is told of few", walked <= PREDICATES, told)
    return walked


def leaves_out(place: Place, checks: Checks, agencies: list[Agency], record: dict, rng: random.Random) -> None:
    """Claims without the entrance or the room, of three agencies, hide nothing."""
    robot, right = Robot(place, agencies, rng, "domicile_address"), record["fields"]["domicile_address"]
    shorter = [right.replace("1单元", ""), right[: right.index("1单元")], right[: right.index("号") + 1]]
    told = robot.verdicts("single", record, shorter * 2)
    checks.ok("a claim that leaves something out is for a person", set(told) == {"review"}, told)
    told = robot.verdicts("single", record, [right])
    checks.ok("and the whole address is told still", told == ["match"], told)


def by_holder(place: Place, checks: Checks, agencies: list[Agency]) -> int:
    """Numbers on the face of a licence, tried for its holder."""
    key = {"type_name": "食品经营许可证", "licence_no": "皖C324506226815", "holder_id": person(1)["subject"]["id_number"]}
    record = {"subject": {"licence_id": LICENCE}, "fields": key | {"valid_until": "长期", "status": "有效"}}
    taken, refused = put_records(place.current().client("authority"), "e-licence", [record])
    checks.ok("the licence is in", taken == 1, refused)
    outcomes = []
    for nth in range(3 * BUDGET + 1):
        number = key["licence_no"] if nth == 3 * BUDGET else f"皖C32450622{7000 + nth}"
        body = {"purpose": PURPOSE, "key": key | {"licence_no": number}}
        answer = place.sure(agencies[nth % len(agencies)], "POST", "/v1/licences/query", body)
        outcomes.append((answer.json() or {}).get("outcome", str(answer)))
    told = len(outcomes) - outcomes.count("review")
    checks.ok("a licence is not found by trying numbers", 1 <= told <= BUDGET, outcomes)
    checks.ok("the right number is not told either", outcomes[-1] == "review", outcomes)
    return told


def numbers(place: Place, checks: Checks, robot: Agency, known: dict, tries: int) -> tuple[int, float]:
    """Numbers of one county, asked for a name; how many were answered, and how long the alert took."""
    outcomes = Counter()
    for n in range(tries):
        record = {"subject": {"id_number": resident_number(5_000_000 + n, "340221")}}
        answer = place.verify(robot, record, f"N-{n}", name=known["fields"]["name"])
        outcomes[(answer.json() or {}).get("outcome", str(answer))] += 1
    checks.ok(f"at most {CEILING} numbers are told of", 1 <= outcomes["not_found"] <= CEILING, outcomes)
    checks.ok("then nothing is", set(outcomes) == {"not_found", "review"}, outcomes)
    there = place.verify(robot, known, "N-there", name=known["fields"]["name"]).json() or {}
    nobody = place.verify(robot, record, "N-nobody", name=known["fields"]["name"]).json() or {}
    same = [{key: doc.get(key) for key in ("outcome", "fields", "record", "findings")} for doc in (there, nobody)]
    checks.ok("not even whether there is a record", same[0] == same[1], same)
    began = time.monotonic()
    while (seconds := time.monotonic() - began) < 2 * ALERT_S:
        answer = place.sure("auditor", "GET", "/v1/supervision/alerts?rule=agency_guessing")
        if any(alert.get("agency") == robot.id for alert in (answer.json() or {}).get("alerts", [])):
            break
        time.sleep(0.1)
    checks.ok(f"an alert names the agency within {ALERT_S} s", seconds <= ALERT_S, seconds)
    return outcomes["not_found"], seconds


def vandal(place: Place, checks: Checks, agency: Agency, counter: Agency, records: list[dict], rng: random.Random) -> int:
    """One agency claims wrong names and dates of many citizens; how many it locked for another agency."""
    for field in ("name", FIELD):
        robot = Robot(place, [agency], rng, field)
        for record in records:
            robot.verdicts("batch", record, robot.wrong(record, 3 * BUDGET))
    locked = 0
    for record in records:
        right = {field: record["fields"][field] for field in ("name", FIELD)}
        answer = place.verify(counter, record, "V-1", **right).json() or {}
        locked += answer.get("outcome") != "verified"
    checks.ok("one agency locks at most ten citizens a day", locked <= 10, locked)
    return locked


def honest_mix(place: Place, checks: Checks, counters: list[Agency], records: list[dict], rng: random.Random) -> tuple[int, int]:
    """Three counters, a citizen each: typing errors, left-out parts, second tries; requests, and how many the budget answered."""
    asked, by_budget = 0, 0
    for record in records:
        for counter in counters:
            claims = {field: record["fields"][field] for field in ("name", FIELD, "sex", "ethnicity", "domicile_address")}
            claims = {field: claims[field] for field in claims if rng.random() < 0.7} or {"name": claims["name"]}
            tried = dict(claims)
            for field in claims:
                if rng.random() < 0.04:
                    wrong = {"name": "王" + chr(0x4E00 + rng.randrange(3000)), FIELD: "1951-02-03", "sex": "9"}
                    tried[field] = wrong.get(field, "回族" if field == "ethnicity" else "芜湖市弋江区利民路9号2幢101室")
                elif field == "domicile_address" and rng.random() < 0.2:
                    tried[field] = claims[field].replace("1单元", "")
            for attempt in (tried, claims):
                answer = place.verify(counter, record, f"H-{asked}", **attempt).json() or {}
                asked += 1
                fields = answer.get("fields", {}).values()
                by_budget += any(field.get("reason") == "guess_budget" for field in fields)
                if answer.get("outcome") == "verified":
                    break
    checks.ok("at most one honest request of a thousand is answered by the budget", by_budget <= asked / 1000, by_budget)
    return asked, by_budget


def repeats(robot: Robot, checks: Checks, record: dict) -> None:
    """A value that is asked again costs nothing."""
    day = robot.wrong(record, 1)
    told = [robot.verdicts("single", record, day)[0] for _ in range(4 * BUDGET)]
    checks.ok("a value that is asked again costs nothing", set(told) == {"mismatch"}, Counter(told))
    told = robot.verdicts("single", record, [record["fields"][FIELD]])
    checks.ok("and the right one is still told", told == ["match"], told)


def grant_licences(place: Place, agency: Agency) -> None:
    body = {"agency": agency.id, "dataset": "e-licence", "fields": ["*"], "operations": ["verify"], "item_codes": ["*"]}
    answer = place.sure("manager", "POST", "/v1/grants", body)
    if answer.status != 201:
        raise AssertionError(f"grant of {agency.id}: {answer}")


def main() -> None:
    args = arguments(
        __doc__,
        ("--subjects", {"type": int, "default": 40, "help": "subjects whose values are guessed"}),
        ("--tries", {"type": int, "default": 9, "help": "wrong values for each subject"}),
        ("--citizens", {"type": int, "default": 60, "help": "citizens of the honest counters, and of the vandal"}),
        ("--seed", {"type": int, "default": 1}),
    )
    checks, folder = Checks("guess"), workdir("guess")
    with Receivers(1) as receivers, Place(folder, receivers.ports, args.seed) as place:
        made = iter(range(3000, 4000))
        parties = lambda name, count: [place.agency(f"{name}-{n}", next(made)) for n in range(count)]  # noqa: E731
        guessers, helpers, counters = parties("guesser", AGENCIES), parties("helper", AGENCIES), parties("counter", 3)
        walker, wrecker = parties("walker", 1)[0], parties("wrecker", 1)[0]
        for agency in helpers:
            grant_licences(place, agency)
        records = [person(n) for n in range(1, args.subjects + 2 * args.citizens + 20)]
        taken, refused = put_records(place.current().client("authority"), DATASET, records)
        checks.ok("the records are in", taken == len(records), refused[:2])
        rng = random.Random(args.seed)
        subjects, rest = records[: args.subjects], records[args.subjects :]
        mine, others, special = rest[: args.citizens], rest[args.citizens : 2 * args.citizens], rest[2 * args.citizens :]
        robot, namer = Robot(place, guessers, rng), Robot(place, helpers, rng, "name")
        compromised, narrowest, wrong = 0, DAYS, []
        spent, *guessed = subjects
        wrong.append(guess_values(robot, checks, spent, "single", args.tries))
        repeats(robot, checks, special[0])
        for nth, record in enumerate(guessed):
            way = ("single", "batch", "stream", "predicate", "check", "watch")[nth % 6]
            if way == "predicate":
                narrowest = min(narrowest, bisect(robot, checks, record, 40))
            else:
                by = namer if way in ("check", "watch") else robot
                wrong.append(guess_values(by, checks, record, way, args.tries))
        compromised += narrowest == 1
        told = codes(place, checks, helpers, special[1:7], rng)
        walked = addresses(place, checks, guessers, special[7], rng)
        leaves_out(place, checks, counters, special[8], rng)
        licences = by_holder(place, checks, helpers)
        found, alert_s = numbers(place, checks, walker, special[9], 2 * CEILING)
        locked = vandal(place, checks, wrecker, counters[0], others, rng)
        asked, by_budget = honest_mix(place, checks, counters, mine, rng)
        # The count is of the subject, not of the process.
        place.kill()
        place.start()
        kept = robot.verdicts("single", spent, [spent["fields"][FIELD]])
        checks.ok("a restart forgets no guess", kept == ["review"], kept)
        stopped = place.verify(walker, {"subject": {"id_number": resident_number(6_000_000, "340221")}}, "N-2", name="王一")
        outcome = (stopped.json() or {}).get("outcome")
        checks.ok("a restart gives an agency at most ten more", outcome in ("not_found", "review"), outcome)
        statuses = robot.statuses + namer.statuses
        checks.ok("nobody was refused", set(statuses) <= {200, 201}, statuses)
        checks.ok("the hub stops well", place.stop() == 0)
    checks.finish(
        subjects=len(records),
        agencies=AGENCIES,
        questions=robot.asked + namer.asked,
        wrong_told_max=max(wrong),
        compromised=compromised,
        narrowest_days=narrowest,
        codes_told_max=told,
        counties_told=walked,
        licences_told=licences,
        numbers_told=found,
        alert_s=round(alert_s, 2),
        locked_by_one=locked,
        honest=asked,
        honest_by_budget=by_budget,
    )


if __name__ == "__main__":
    main()
