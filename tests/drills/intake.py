"""Imports a register of GB 18030 rows with planted faults, and finds each of them again by line, column and reason.

Every kind of fault is written by this drill alone, together with what must become of it: the row is refused, or taken in and
marked. None may pass in silence, no other row may be told, and a true claim about a marked value is never a mismatch. The file is
imported three times: as a dry run, in Chinese and in English.
"""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

from hub import PURPOSE, Checks, Hub, arguments, binary, person_fields, resident_number, workdir

COLUMNS = ["id_number", "name", "sex", "ethnicity", "birth_date", "domicile_address", "status", "source_version"]
HEADER = ["*公民身份号码", "姓 名", "性别", "民族", "出生日期（必填）", "户籍地址", "人员状态", "来源版本"]
# Column titles as the two languages call them, and as the header of the file does.
TITLES = {
    "id_number": ("公民身份号码 (id_number)", "Resident identity number (id_number)"),
    "name": ("姓名 (name)", "Name (name)"),
    "sex": ("性别 (sex)", "Sex (sex)"),
    "ethnicity": ("民族 (ethnicity)", "Ethnicity (ethnicity)"),
    "birth_date": ("出生日期 (birth_date)", "Date of birth (birth_date)"),
    "domicile_address": ("户籍地址 (domicile_address)", "Registered domicile (domicile_address)"),
    "status": ("人员状态 (status)", "Status (status)"),
}
REFUSED, MARKED = "refused", "marked"


def with_cell(column: str, value) -> object:
    """Puts a value, or what a function makes of the cell, into one column."""

    def plant(cells: list[str]) -> None:
        place = COLUMNS.index(column)
        cells[place] = value(cells[place]) if callable(value) else value

    return plant


def other_check(number: str) -> str:
    """The same number with another check character."""
    return number[:17] + ("0" if number[17] != "0" else "1")


# Kind: what is done to the cells, the column that is told (None: the row as a whole), what becomes of the row.
CELL_KINDS = {
    "wrong check character": (with_cell("id_number", other_check), "id_number", REFUSED),
    "impossible day": (with_cell("id_number", lambda n: n[:10] + "1332" + n[14:]), "id_number", REFUSED),
    "number too short": (with_cell("id_number", lambda n: n[:13]), "id_number", REFUSED),
    "number of a spreadsheet": (with_cell("id_number", "3.40202E+17"), "id_number", REFUSED),
    "no number": (with_cell("id_number", ""), "id_number", REFUSED),
    "number with U+0001": (with_cell("id_number", lambda n: n[:9] + "\x01" + n[9:]), "id_number", REFUSED),
    "date NULL": (with_cell("birth_date", "NULL"), "birth_date", REFUSED),
    "date #VALUE!": (with_cell("birth_date", "#VALUE!"), "birth_date", REFUSED),
    "date of a spreadsheet": (with_cell("birth_date", "45000"), "birth_date", REFUSED),
    "date without month": (with_cell("birth_date", "0000-00-01"), "birth_date", REFUSED),
    "month 13": (with_cell("birth_date", "2020-13-01"), "birth_date", REFUSED),
    "date unknown": (with_cell("birth_date", "不详"), "birth_date", REFUSED),
    "day of another": (with_cell("birth_date", "1901-02-03"), "birth_date", MARKED),
    "lost character": (with_cell("name", lambda name: name[:1] + "?"), "name", MARKED),
    "box": (with_cell("name", lambda name: name[:1] + "□"), "name", MARKED),
    "U+0000 in a name": (with_cell("name", lambda name: name + "\x00"), "name", MARKED),
    "masked name": (with_cell("name", lambda name: name[:1] + "*"), "name", MARKED),
    "name too long": (with_cell("name", "长" * 201), "name", REFUSED),
    "sex not filled in": (with_cell("sex", "未填"), "sex", MARKED),
    "ethnicity N/A": (with_cell("ethnicity", "N/A"), "ethnicity", MARKED),
    "ethnicity of no list": (with_cell("ethnicity", "汉人族"), "ethnicity", MARKED),
    "address unknown": (with_cell("domicile_address", "待补录"), "domicile_address", MARKED),
    "status of no list": (with_cell("status", "在逃某某"), "status", MARKED),
    "formula": (with_cell("name", "=B2&C2"), "姓 名", REFUSED),
    "version of letters": (with_cell("source_version", "v7"), None, REFUSED),
}


def extra_cell(line: bytes) -> bytes:
    return line + ",多出".encode("gb18030")


def undecodable(line: bytes) -> bytes:
    at = line.index(b",") + 1
    return line[:at] + b"\xff" + line[at:]


def stray_quote(line: bytes) -> bytes:
    first, rest = line.split(b",", 1)
    name, rest = rest.split(b",", 1)
    return first + b',"' + name + b'"x,' + rest


def open_quote(line: bytes) -> bytes:
    first, rest = line.split(b",", 1)
    return first + b',"' + rest


def very_long(line: bytes) -> bytes:
    return line + "长".encode("gb18030") * 600_000


# Kinds of the line as a whole.
LINE_KINDS = {
    "one cell too many": extra_cell,
    "byte of no character": undecodable,
    "text behind a quotation mark": stray_quote,
    "quotation mark that another row's meets": open_quote,
    "line of more than a megabyte": very_long,
}


def person_cells(n: int) -> list[str]:
    """The cells of a made-up person, in one of the lossless spellings that offices use."""
    number = resident_number(n)
    fields = person_fields(n, number, "赵钱孙李周吴郑王"[n % 8] + "安宁晨思远嘉怡若"[n // 8 % 8] + "明轩浩雨桐墨文静"[n // 64 % 8])
    year, month, day = number[6:10], number[10:12], number[12:14]
    dates = [f"{year}-{month}-{day}", f"{year}/{int(month)}/{int(day)}", f"{year}年{int(month)}月{int(day)}日", year + month + day]
    fields["birth_date"] = dates[n % 4]
    return [number, *(fields[name] for name in COLUMNS[1:7]), "1"]


class Planted:
    """The file, and by line what must be told of it."""

    def __init__(self, path: Path, rows: int, faults: int, seed: int):
        self.kinds: dict[int, str] = {}
        self.cells: dict[int, list[str]] = {}
        rng = random.Random(seed)
        names = [*CELL_KINDS, *LINE_KINDS]
        places = sorted(rng.sample(range(2, rows - 2), faults))
        # A row behind a planted one is sound, and quoted where it ends an open quotation mark.
        places = [at for at, before in zip(places, [-9, *places]) if at - before > 2]
        planted = {at: names[n % len(names)] for n, at in enumerate(places)}
        with open(path, "wb") as out:
            out.write((",".join(HEADER) + "\r\n").encode("gb18030"))
            for n in range(rows):
                cells, line = person_cells(n), n + 2
                kind = planted.get(n)
                if kind in CELL_KINDS:
                    self.cells[line] = list(cells)
                    CELL_KINDS[kind][0](cells)
                if planted.get(n - 1) == "quotation mark that another row's meets":
                    cells[1] = f'"{cells[1]}"'
                raw = ",".join(cells).encode("gb18030")
                if kind in LINE_KINDS:
                    raw = LINE_KINDS[kind](raw)
                if kind:
                    self.kinds[line] = kind
                out.write(raw + b"\r\n")

    def became(self, kind: str) -> str:
        return CELL_KINDS[kind][2] if kind in CELL_KINDS else REFUSED


def rows_of(path: Path) -> dict[int, dict]:
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["line"]: row for row in rows}


def import_file(hub: Hub, file: Path, lang: str, *more: str) -> tuple[int, dict, str]:
    """Runs the import; its exit code, its summary and what it wrote to standard error."""
    token = file.parent / "token"
    token.write_text(hub.tokens["authority"])
    command = [binary(), "--output", "json", "import", "natural-person", str(file), "--url", hub.url, "--token-file", str(token)]
    done = subprocess.run([*command, "--lang", lang, *more], capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def has_han(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


def check_told(checks: Checks, planted: Planted, file: Path, lang: str, what: str) -> None:
    """Each planted fault is told with its line, column and reason in the language, and nothing else is."""
    rejected, marked = rows_of(Path(f"{file}.rejected.ndjson")), rows_of(Path(f"{file}.marked.ndjson"))
    silent, wrong, mute = [], [], []
    for line, kind in planted.kinds.items():
        told = (rejected if planted.became(kind) == REFUSED else marked).get(line)
        if told is None:
            silent.append((line, kind))
            continue
        reasons = told.get("errors") or told.get("findings") or []
        column = CELL_KINDS[kind][1] if kind in CELL_KINDS else None
        titles = TITLES.get(column, (column, column))
        wanted = titles[0] if lang == "zh" else titles[1]
        if column and wanted not in [reason.get("column") for reason in reasons]:
            wrong.append((line, kind, [reason.get("column") for reason in reasons]))
        texts = [reason.get("reason", "") for reason in reasons]
        if not texts or not all(text and has_han(text) == (lang == "zh") for text in texts):
            mute.append((line, kind, texts))
    checks.ok(f"{what}: no planted fault is silent", not silent, f"{len(silent)} of {len(planted.kinds)}: {silent[:5]}")
    checks.ok(f"{what}: each is told with its column", not wrong, f"{wrong[:5]}")
    checks.ok(f"{what}: each has its reason in the language", not mute, f"{mute[:5]}")
    extra = (set(rejected) | set(marked)) - set(planted.kinds)
    checks.ok(f"{what}: no sound row is told", not extra, f"{sorted(extra)[:5]}")


def check_marked(checks: Checks, hub: Hub, planted: Planted) -> None:
    """True claims about the values that cannot be read."""
    agency, outcomes = hub.client("agency"), {}
    for line, kind in planted.kinds.items():
        if planted.became(kind) != MARKED or kind == "day of another":
            continue
        cells, column = planted.cells[line], CELL_KINDS[kind][1]
        claim = {column: cells[COLUMNS.index(column)]}
        body = {"dataset": "natural-person", "subject": {"id_number": cells[0]}, "claims": claim, "purpose": dict(PURPOSE)}
        answer = agency.post("/v1/verifications", body).json()
        field = answer.get("fields", {}).get(column, {})
        told = f"{field.get('verdict')}/{field.get('reason')}"
        outcomes[told] = outcomes.get(told, 0) + 1
    sound = set(outcomes) == {"review/unreadable_record"}
    checks.ok("true claims about marked values are for review, none a mismatch", sound, f"{outcomes}")


def main() -> None:
    args = arguments(
        __doc__,
        ("--rows", {"type": int, "default": 20_000, "help": "rows of the file"}),
        ("--faults", {"type": int, "default": 400, "help": "faults among them"}),
        ("--seed", {"type": int, "default": 1}),
    )
    checks, folder = Checks("intake"), workdir("intake")
    file = folder / "register.csv"
    planted = Planted(file, args.rows, args.faults, args.seed)
    refused = sum(planted.became(kind) == REFUSED for kind in planted.kinds.values())
    marked = len(planted.kinds) - refused
    kinds = len(set(planted.kinds.values()))
    checks.ok("at least 25 kinds of faults are planted", kinds >= 25, f"{kinds}")
    with Hub(folder / "hub") as hub:
        code, told, error = import_file(hub, file, "zh", "--dry-run")
        checks.ok("the dry run ends with 1", code == 1, error[-300:])
        want = {"created": args.rows - refused, "rejected": refused, "marked": marked, "dry_run": True}
        got = {name: told.get(name) for name in want}
        checks.ok("the dry run says what would change", got == want, f"{got}, wanted {want}")
        checks.ok("the dry run lists ten rows", len({row["line"] for row in told.get("worst", [])}) == 10, f"{told.get('worst')}")
        check_told(checks, planted, file, "zh", "dry run, zh")
        for lang in ("zh", "en"):
            code, told, error = import_file(hub, file, lang)
            checks.ok(f"the import in {lang} ends with 1", code == 1, error[-300:])
            word = "created" if lang == "zh" else "ignored"
            got = (told.get(word), told.get("rejected"), told.get("marked"))
            checks.ok(f"counts of the import in {lang}", got == (args.rows - refused, refused, marked), f"{got}")
            check_told(checks, planted, file, lang, f"import, {lang}")
        check_marked(checks, hub, planted)
        count = hub.metric("heyan_intake_findings_total", 'result="marked"')
        checks.ok("findings are counted", count >= marked, f"{count}")
    checks.finish(rows=args.rows, faults=len(planted.kinds), kinds=kinds, refused=refused, marked=marked)


if __name__ == "__main__":
    main()
