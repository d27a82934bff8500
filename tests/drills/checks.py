"""Registers the city's list of items by the command line, checks an item of eight materials over four datasets, and measures it.

A check must cost no more than 1.3 times one batch of the same eight verifications, in the same run: by the clock of a caller that
waits for each answer, and by the processor time that the hub takes. Rounds of both alternate, so that what else runs is shared.
"""

import json
import statistics
import time

from hub import NDJSON, SHARED, Checks, Hub, arguments, person, put_records, run, workdir

CODE = "DRILL-EIGHT-MATERIALS"
PURPOSE = {"item_code": CODE, "application_no": "DRILL-1", "operator": "drill"}
PERSON, SPOUSE, CHILD = person(1), person(2), person(3)
FIRM = {"subject": {"uscc": "91340200MA2MQ218X8"}, "fields": {"name": "芜湖长江隧道有限公司", "status": "存续"}}


def licence(n: int) -> dict:
    """A licence of the applicant's."""
    number = f"1.2.156.3005.2.11100000000013338W032.11220000013544541J.{n:07}.001.F"
    fields = {
        "type_name": "食品经营许可证",
        "holder_name": FIRM["fields"]["name"],
        "holder_id": FIRM["subject"]["uscc"],
        "valid_until": "2099-12-31",
        "status": "有效",
    }
    return {"subject": {"licence_id": number}, "fields": fields}


def estate(n: int) -> dict:
    """A piece of real estate of the applicant's."""
    fields = {"owner_name": FIRM["fields"]["name"], "owner_id": FIRM["subject"]["uscc"], "usage": "住宅"}
    return {"subject": {"certificate_no": f"皖（2020）芜湖市不动产权第{n:07}号"}, "fields": fields}


LICENCES, ESTATES = [licence(n) for n in (1, 2)], [estate(n) for n in (1, 2)]


def materials() -> tuple[list[dict], dict, list[dict]]:
    """The item's materials, the values of a check, and the same as items of a batch."""
    made, values, items = [], {}, []

    def add(key: str, dataset: str, subject: dict, own: dict, claims: dict, declared: dict, demanded: dict) -> None:
        made.append(
            {"id": key, "name": key, "dataset": dataset, "subject": subject, "claims": claims | demanded},
        )
        if own:
            values[key] = own
        asked = {name: value if value != "$today" else None for name, value in demanded.items()}
        items.append({"ref": key, "dataset": dataset, "claims": declared | asked})

    for n, someone in enumerate((PERSON, SPOUSE, CHILD)):
        own = someone["subject"] | {"name": someone["fields"]["name"]}
        subject, claims = {"id_number": "$material.id_number"}, {"name": "$material.name"}
        add(f"person-{n}", "natural-person", subject, own, claims, {"name": own["name"]}, {})
        items[-1]["subject"] = someone["subject"]
    mine = {"name": "$applicant.name"}
    add("firm", "legal-entity", {"uscc": "$applicant.uscc"}, {}, mine, {"name": FIRM["fields"]["name"]}, {"status": "存续"})
    items[-1]["subject"] = FIRM["subject"]
    name, number = FIRM["fields"]["name"], FIRM["subject"]["uscc"]
    for n, one in enumerate(LICENCES):
        claims = {"holder_name": "$applicant.name", "holder_id": "$applicant.uscc"}
        declared = {"holder_name": name, "holder_id": number}
        subject = {"licence_id": "$material.licence_id"}
        add(f"licence-{n}", "e-licence", subject, one["subject"], claims, declared, {"status": "有效"})
        items[-1]["subject"] = one["subject"]
    for n, one in enumerate(ESTATES):
        claims = {"owner_name": "$applicant.name", "owner_id": "$applicant.uscc"}
        declared = {"owner_name": name, "owner_id": number}
        subject = {"certificate_no": "$material.certificate_no"}
        add(f"estate-{n}", "real-estate", subject, one["subject"], claims, declared, {"usage": "住宅"})
        items[-1]["subject"] = one["subject"]
    return made, values, items


def listed() -> tuple[str, int]:
    """The city's list of items, or one as long where it is not here."""
    shared = SHARED / "city" / "service-items.ndjson"
    if shared.exists():
        text = shared.read_text(encoding="utf-8")
        return text, len(text.splitlines())
    line = {"item_type": "公共服务", "agency_code": "083372204", "agency_name": "区教科体局"}
    rows = [line | {"item_code": f"511Z0700{n:04}-000", "item_name": f"事项{n}"} for n in range(1135)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), len(rows)


def import_list(checks: Checks, hub: Hub, folder) -> float:
    """Registers the list by the command line, twice; returns the seconds of the first time."""
    text, count = listed()
    file, token = folder / "items.ndjson", folder / "token"
    file.write_text(text, encoding="utf-8")
    token.write_text(hub.tokens["manager"])
    token.chmod(0o600)
    args = ("--output", "json", "item", "import", str(file), "--url", hub.info["url"], "--token-file", str(token))
    began = time.monotonic()
    done = run(*args)
    took = time.monotonic() - began
    told = json.loads(done.stdout or "{}")
    checks.ok("every item of the list goes in", (done.returncode, told.get("created")) == (0, count), done.stderr or told)
    again = json.loads(run(*args).stdout or "{}")
    checks.ok("the second time nothing changes", again.get("unchanged") == count, again)
    file.write_text('{"code":"bad item","name":"n"}\n', encoding="utf-8")
    bad = run(*args)
    checks.ok("a rejected line is exit 1", bad.returncode == 1, bad.stdout)
    rows = json.loads((folder / "items.ndjson.rejected.ndjson").read_text())
    checks.ok("and stands beside the file with its reason", (rows["line"], rows["code"]) == (1, "invalid_value"), rows)
    code = json.loads(text.splitlines()[0])["item_code"]
    body = {"purpose": PURPOSE | {"item_code": code}, "applicant": {}, "materials": {}}
    answer = hub.client("agency").post("/v1/checks", body)
    checks.ok("an item without materials is not known", answer.json().get("outcome") == "not_known", answer)
    return took


def measure(hub: Hub, rounds: int, each: int, check: dict, batch: dict) -> dict[str, tuple[float, float]]:
    """(median ms by the caller's clock, hub's processor ms a call) of each way."""
    ways = {"check": ("/v1/checks", check), "batch": ("/v1/verifications/batch", batch)}
    client = hub.client("agency")
    took: dict[str, list[float]] = {way: [] for way in ways}
    cpu = dict.fromkeys(ways, 0.0)
    for path, body in ways.values():  # warm
        for _ in range(100):
            client.post(path, body)
    for _ in range(rounds):
        for way, (path, body) in ways.items():
            before = hub.cpu_s()
            for _ in range(each):
                began = time.perf_counter()
                answer = client.post(path, body)
                took[way].append(time.perf_counter() - began)
                assert answer.status == 200, answer
            cpu[way] += hub.cpu_s() - before
    calls = rounds * each
    return {way: (statistics.median(took[way]) * 1e3, cpu[way] / calls * 1e3) for way in ways}


def main() -> None:
    args = arguments(
        __doc__,
        ("--rounds", {"type": int, "default": 12, "help": "rounds of each way"}),
        ("--each", {"type": int, "default": 250, "help": "calls of a round"}),
        ("--ratio", {"type": float, "default": 1.3, "help": "most that a check may cost, in batches"}),
    )
    checks = Checks("checks")
    folder = workdir("checks")
    with Hub(folder / "data", persons=0) as hub:
        import_s = import_list(checks, hub, folder)
        authority = hub.client("authority")
        for dataset, records in (
            ("natural-person", [PERSON, SPOUSE, CHILD]),
            ("legal-entity", [FIRM]),
            ("e-licence", LICENCES),
            ("real-estate", ESTATES),
        ):
            taken, refused = put_records(authority, dataset, records)
            checks.ok(f"{dataset} was taken", taken == len(records), refused[:1])
        made, values, items = materials()
        item = {"code": CODE, "name": "八份材料", "list_complete": True, "materials": made}
        put = hub.client("manager").put("/v1/items", item)
        checks.ok("the item is registered", put.status == 200, put)
        lines = hub.client("manager").put("/v1/items", json.dumps(item, ensure_ascii=False) + "\n", ctype=NDJSON)
        checks.ok("a repeat says so", lines.lines()[0].get("status") == "unchanged", lines)
        applicant = {"name": FIRM["fields"]["name"], "uscc": FIRM["subject"]["uscc"]}
        check = {"purpose": PURPOSE, "applicant": applicant, "materials": values}
        batch = {"purpose": PURPOSE, "items": items}
        agency = hub.client("agency")
        answer = agency.post("/v1/checks", check).json()
        checks.ok("everything is verified", answer.get("outcome") == "complete", answer)
        checks.ok("eight materials", len(answer.get("materials", {})) == 8, answer)
        results = agency.post("/v1/verifications/batch", batch).json().get("results", [])
        checks.ok("the batch asks the same", [r.get("outcome") for r in results] == ["verified"] * 8, results)
        figures = measure(hub, args.rounds, args.each, check, batch)
        by_clock = figures["check"][0] / figures["batch"][0]
        by_cpu = figures["check"][1] / figures["batch"][1]
        checks.ok(f"a check costs at most {args.ratio} batches by the clock", by_clock <= args.ratio, by_clock)
        checks.ok(f"and by processor time of the hub", by_cpu <= args.ratio, by_cpu)
    checks.finish(
        import_s=round(import_s, 2),
        check_ms=round(figures["check"][0], 3),
        batch_ms=round(figures["batch"][0], 3),
        ratio_clock=round(by_clock, 2),
        check_cpu_ms=round(figures["check"][1], 3),
        batch_cpu_ms=round(figures["batch"][1], 3),
        ratio_cpu=round(by_cpu, 2),
    )


if __name__ == "__main__":
    main()
