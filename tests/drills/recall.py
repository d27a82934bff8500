"""Fifty agencies are answered from three versions of one record: whom does the hub tell of the correction?

Exactly those who were answered from a version that the correction replaced, each once, whether they asked one by one, in
a batch or in a stream. Who asked after it, who asked about somebody else and who was refused hears nothing.
"""

import json
import time

from hub import NDJSON, PURPOSE, Checks, arguments, person, put_records, workdir
from parties import DATASET, Agency, Place
from receivers import Receivers

# Agencies by what they were answered from.
GROUPS = {"first": 15, "second": 10, "both": 5, "third": 12, "elsewhere": 5, "refused": 3}
WAYS = ("single", "batch", "stream")


def ask(
    place: Place, checks: Checks, who: Agency, way: str, record: dict, wanted: tuple[str, ...] = ("verified",)
) -> None:
    """One question about one record, in one of the three ways."""
    claims = {"sex": record["fields"]["sex"]}
    item = {"ref": "1", "subject": record["subject"], "claims": claims}
    if way == "single":
        answer = place.verify(who, record, f"R-{who.id}", **claims)
        outcome = (answer.json() or {}).get("outcome") or answer.code
    elif way == "batch":
        answer = place.sure(
            who, "POST", "/v1/verifications/batch", {"purpose": PURPOSE, "items": [item | {"dataset": DATASET}]}
        )
        result = ((answer.json() or {}).get("results") or [{}])[0]
        outcome = result.get("outcome") or result.get("problem", {}).get("code") or answer.code
    else:
        lines = [{"purpose": PURPOSE, "dataset": DATASET}, item]
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        answer = place.sure(who, "POST", "/v1/verifications/stream", body, ctype=NDJSON)
        result = answer.lines()[0] if answer.status == 200 else {}
        outcome = result.get("outcome") or result.get("problem", {}).get("code") or answer.code
    checks.ok(f"{way}: {who.id} is answered as it should be", outcome in wanted, answer)


def main() -> None:
    args = arguments(__doc__, ("--calm-s", {"type": float, "default": 1.5, "help": "how long nothing more may come"}))
    checks, folder, count = Checks("recall"), workdir("recall"), sum(GROUPS.values())
    with Receivers(count) as receivers, Place(folder, receivers.ports) as place:
        record, bystander = person(1), person(2)
        authority = place.current().client("authority")
        taken, refused = put_records(authority, DATASET, [record, bystander])
        checks.ok("the records are taken", taken == 2, refused)
        groups: dict[str, list[tuple[int, Agency]]] = {}
        at = 0
        for name, size in GROUPS.items():
            groups[name] = []
            for n in range(size):
                agency = place.agency(f"{name}-{n:02}", 1000 + at, grant=name != "refused")
                place.subscribe(agency, receivers, at)
                groups[name].append((at, agency))
                at += 1

        def asked(*names: str, about: dict = record, **kw) -> None:
            for name in names:
                for nth, (_, agency) in enumerate(groups[name]):
                    ask(place, checks, agency, WAYS[nth % 3], about, **kw)

        def heard(version: int) -> list[int]:
            """Which receivers were told of `version`, once for each time."""
            effects = receivers.effects(folder)
            return sorted(i for i, told in enumerate(effects) for _, v, _ in told if v == version)

        def those(*names: str) -> list[int]:
            return sorted(i for name in names for i, _ in groups[name])

        began = time.monotonic()
        asked("first", "both")
        asked("elsewhere", about=bystander)
        asked("refused", wanted=("not_granted",))
        second = person(1)
        second["fields"]["domicile_address"] = "安徽省芜湖市鸠江区赭山路7号2幢1单元302室"
        taken, refused = put_records(authority, DATASET, [second])
        checks.ok("the second version is taken", taken == 1, refused)
        asked("second", "both")

        clerk = groups["second"][0][1]
        opened = place.verify(clerk, record, "R-0", name="王小明").json() or {}
        mismatch = (opened.get("mismatch") or {}).get("id", "mis_none")
        fields = {"name": "王小明"}
        proposed = place.act(clerk, mismatch, "propose_correction", "r-p", fields=fields, evidence=["DRILL"])
        checks.ok("the correction is proposed", proposed.status == 200, proposed)
        approved = place.act("authority", mismatch, "approve", "r-a", reason="drill")
        checks.ok("the correction is approved", approved.status == 200, approved)
        asked("third")

        wanted = those("first", "second", "both")
        checks.ok("all is delivered", place.quiet(30))
        receivers.wait(
            lambda counts: sum(c["effects"] for c in counts) >= len(wanted) + len(those("first", "both")), 10
        )
        time.sleep(args.calm_s)
        took = time.monotonic() - began
        checks.ok("of the second version those hear who saw the first", heard(2) == those("first", "both"), heard(2))
        for name in GROUPS:
            told = [i for i in heard(3) if i in those(name)]
            right = those(name) if name in ("first", "second", "both") else []
            checks.ok(f"of the correction: {name}", told == right, (told, right))
        counts = receivers.counts()
        for wrong in ("twice", "late", "unsigned", "unreadable"):
            bad = [i for i, c in enumerate(counts) if c.get(wrong)]
            checks.ok(f"no receiver was told {wrong}", not bad, bad)
        silent = [i for i in those("third", "elsewhere", "refused") if counts[i].get("requests")]
        checks.ok("those who have nothing to hear are not even spoken to", not silent, silent)
        told = len(heard(3))
        checks.ok("the mismatch is closed", place.until(clerk, mismatch, "closed").get("state") == "closed")
        checks.ok("the hub stops well", place.stop() == 0)
    checks.finish(agencies=count, told=f"{told}/{len(wanted)}", took_s=round(took, 2))


if __name__ == "__main__":
    main()
