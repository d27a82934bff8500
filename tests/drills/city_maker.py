"""Makes a judged city: registers of four datasets, requests, and the verdict that each claim must get.

Every request is made by editing values of a record, and each edit says at once what it is: the same value in another
form (`match`), a value that leaves something out or needs a person (`review`), another value (`mismatch`). Nothing here
compares two values, so the verdicts are independent of the hub's comparators. A city is a function of (seed, size).

    python3 tests/drills/city_maker.py FOLDER [--seed N] [--requests N]
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from city_words import (
    BRANDS,
    DIGITS,
    DIVISIONS,
    ETHNICITIES,
    GIVEN,
    LICENCES,
    ROADS,
    SURNAMES,
    SYLLABLES,
    TRADES,
    TRADITIONAL,
    USAGES,
    credit_code,
    han,
    licence_identifier,
    resident,
    wide,
)

DATASETS = ("natural-person", "legal-entity", "e-licence", "real-estate")
# (claim, verdict): what an edit makes of a value.
Edit = tuple[object, str]

@dataclass
class Address:
    """An address of the city; every number stands in it once."""

    district: str
    road: str
    number: int
    building: int
    entrance: int
    room: int

    def text(self, head: str = "安徽省芜湖市") -> str:
        return f"{head}{self.district}{self.road}{self.number}号{self.building}幢{self.entrance}单元{self.room}室"

    def other(self, **changed) -> str:
        return Address(**(vars(self) | changed)).text()


class Maker:
    """Edits of values; each returns the claim and its verdict."""

    def __init__(self, rng: random.Random):
        self.rng = rng

    def kind(self, mismatch: float = 0.14, review: float = 0.06) -> str:
        """What the next claim shall be."""
        drawn = self.rng.random()
        return "mismatch" if drawn < mismatch else "review" if drawn < mismatch + review else "match"

    def other_character(self, text: str, alphabet: str = GIVEN) -> str:
        """The text with its last character replaced by another one."""
        return text[:-1] + self.rng.choice([c for c in alphabet if c not in text])

    def person_name(self, name: str, kind: str) -> Edit:
        if kind == "mismatch":
            return self.rng.choice((self.other_character(name), self.rng.choice("高谢马")+ name[1:])), "mismatch"
        if kind == "review" and name[0] in TRADITIONAL:
            return TRADITIONAL[name[0]] + name[1:], "review"
        forms = [name, f"{name[0]} {name[1:]}", f"{name[0]}\u3000{name[1:]}", f" {name} "]
        if "·" in name:
            forms = [name.replace("·", dot) for dot in "·•・‧∙"]
        return self.rng.choice(forms), "match"

    def date(self, value: tuple[int, int, int], kind: str) -> Edit:
        year, month, day = value
        if kind == "mismatch":
            other = self.rng.choice(((year + 1, month, day), (year, month % 12 + 1, day), (year, month, day % 28 + 1)))
            return self.date(other, "match")[0], "mismatch"
        if kind == "review":
            return self.rng.choice((f"{year}-{month:02}", f"{year}年{month}月")), "review"
        words = "".join(DIGITS[int(c)] for c in str(year))
        forms = (
            f"{year}-{month:02}-{day:02}",
            f"{year}{month:02}{day:02}",
            f"{year}/{month}/{day}",
            f"{year}.{month:02}.{day:02}",
            f"{year}年{month}月{day}日",
            f"{words}年{han(month)}月{han(day)}日",
            wide(f"{year}-{month:02}-{day:02}"),
        )
        return self.rng.choice(forms), "match"

    def day_predicate(self, value: tuple[int, int, int], kind: str) -> Edit:
        year, month, day = value
        later = self.rng.random() < 0.5
        op = "on_or_before" if later == (kind != "mismatch") else "on_or_after"
        years = self.rng.randint(1, 9) if later else -self.rng.randint(1, 9)
        claim = {"op": op, "value": f"{year + years:04}-{month:02}-{min(day, 28):02}"}
        return claim, "mismatch" if kind == "mismatch" else "match"

    def address(self, value: Address, kind: str) -> Edit:
        a = value
        if kind == "mismatch":
            district = self.rng.choice([d for d in DIVISIONS if d != a.district])
            road = self.rng.choice([r for r in ROADS if r[:2] != a.road[:2]])
            changed = self.rng.choice(
                (
                    {"district": district},
                    {"road": road},
                    {"number": a.number + 1},
                    {"building": a.building + 1},
                    {"entrance": a.entrance + 1},
                    {"room": a.room + 1},
                )
            )
            return a.other(**changed), "mismatch"
        if kind == "review":
            short = f"安徽省芜湖市{a.district}{a.road}{a.number}号"
            return self.rng.choice((short, f"{short}{a.building}幢", f"{short}{a.building}幢{a.room}室")), "review"
        tail = f"{a.district}{a.road}{a.number}号"
        forms = (
            a.text(),
            a.text("芜湖市"),
            a.text(""),
            wide(a.text()),
            a.text().replace("幢", "栋"),
            a.text().replace("幢", "号楼"),
            a.text().removesuffix("室"),
            f"芜湖市{tail}{a.building}-{a.entrance}-{a.room}",
            f"安徽省芜湖市{a.district}{a.road}{han(a.number)}号{han(a.building)}幢{han(a.entrance)}单元{a.room}室",
            a.text().replace("市", "市 ").replace("号", "号 "),
        )
        return self.rng.choice(forms), "match"

    def coded(self, words: dict[str, tuple[str, ...]], code: str, kind: str) -> Edit:
        """A label of a code list; every list of labels is one meaning."""
        if kind == "mismatch":
            return self.rng.choice(words[self.rng.choice([c for c in words if c != code])]), "mismatch"
        return self.rng.choice(words[code]), "match"

    def number(self, text: str, kind: str) -> Edit:
        """A number on the face of a document, with one digit changed or in another form."""
        if kind == "mismatch":
            at = self.rng.choice([i for i, c in enumerate(text) if c.isdigit()])
            return text[:at] + str((int(text[at]) + self.rng.randint(1, 9)) % 10) + text[at + 1 :], "mismatch"
        return self.rng.choice((text, wide(text), f" {text} ", text.lower())), "match"


SEXES = {"1": ("1", "男", "男性"), "2": ("2", "女", "女性")}
PERSON_STATES = {"正常": ("正常", "在册"), "死亡": ("死亡", "已故"), "迁出": ("迁出", "已迁出")}
FIRM_STATES = {"存续": ("存续", "在营", "开业"), "注销": ("注销", "已注销"), "吊销": ("吊销", "已吊销")}
LICENCE_STATES = {"有效": ("有效", "正常"), "注销": ("注销", "已注销"), "撤销": ("撤销", "已撤销"), "暂扣": ("暂扣", "已暂扣")}
MORTGAGES = {"无": ("无", "否", "未抵押"), "有": ("有", "是", "已抵押")}
NATIONS = {nation: (nation, f"{nation}族") for nation in ETHNICITIES}


@dataclass
class Record:
    """A record, and for each field the function that edits it."""

    dataset: str
    subject: dict[str, str]
    fields: dict[str, str]
    edits: dict = field(default_factory=dict)

    def line(self) -> dict:
        return {"subject": self.subject, "fields": self.fields}


class City:
    """Registers, requests and expected verdicts."""

    def __init__(self, seed: int = 1, requests: int = 2400):
        self.rng = random.Random(seed)
        self.make = Maker(self.rng)
        count = requests // 4
        self.people = [self.person(n) for n in range(count)]
        self.registers = {
            "natural-person": self.people,
            "legal-entity": [self.firm(n) for n in range(count)],
            "e-licence": [self.licence(n) for n in range(count)],
            "real-estate": [self.estate(n) for n in range(count)],
        }
        self.requests, self.expected = [], []
        for n in range(requests):
            self.ask(n, self.registers[DATASETS[n % 4]][n // 4])

    # ---- registers ---------------------------------------------------------------------------------------------------

    def draw_address(self) -> Address:
        rng = self.rng
        district, road = rng.choice(list(DIVISIONS)), rng.choice(ROADS)
        return Address(district, road, rng.randint(11, 398), rng.randint(2, 40), rng.randint(1, 6), rng.randint(101, 2904))

    def draw_day(self, first: int, last: int) -> tuple[int, int, int]:
        return self.rng.randint(first, last), self.rng.randint(1, 12), self.rng.randint(1, 28)

    def draw_name(self) -> str:
        rng = self.rng
        if rng.random() < 0.05:
            return "·".join(rng.sample(SYLLABLES, 2))
        return rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.choice((1, 2, 2))))

    def person(self, n: int) -> Record:
        rng, make = self.rng, self.make
        name, born, place = self.draw_name(), self.draw_day(1940, 2005), self.draw_address()
        number = resident(DIVISIONS[place.district], born, 1 + n % 999)
        sex = "1" if int(number[16]) % 2 else "2"
        nation = rng.choice(ETHNICITIES) if rng.random() < 0.2 else "汉"
        status = rng.choices(list(PERSON_STATES), (94, 3, 3))[0]
        fields = {
            "name": name,
            "sex": sex,
            "ethnicity": f"{nation}族",
            "birth_date": "{:04}-{:02}-{:02}".format(*born),
            "domicile_address": place.text(),
            "status": status,
        }
        edits = {
            "name": lambda kind: make.person_name(name, kind),
            "sex": lambda kind: make.coded(SEXES, sex, kind),
            "ethnicity": lambda kind: make.coded(NATIONS, nation, kind),
            "birth_date": lambda kind: self.date_or_predicate(born, kind),
            "domicile_address": lambda kind: make.address(place, kind),
            "status": lambda kind: make.coded(PERSON_STATES, status, kind),
        }
        return Record("natural-person", {"id_number": number}, fields, edits)

    def date_or_predicate(self, day: tuple[int, int, int], kind: str) -> Edit:
        edit = self.make.day_predicate if self.rng.random() < 0.3 and kind != "review" else self.make.date
        return edit(day, kind)

    def firm(self, n: int) -> Record:
        rng, make = self.rng, self.make
        place, day, wan = self.draw_address(), self.draw_day(1990, 2024), rng.choice((50, 80, 100, 300, 500, 1200))
        city, brand, trade = rng.choice(("芜湖", "安徽")), "".join(rng.sample(BRANDS, 1)), rng.choice(TRADES)
        name = f"{city}{brand}{trade}（集团）有限公司" if rng.random() < 0.2 else f"{city}{brand}{trade}有限公司"
        status = rng.choices(list(FIRM_STATES), (90, 6, 4))[0]
        fields = {
            "name": name,
            "established_on": "{:04}-{:02}-{:02}".format(*day),
            "registered_capital": f"{wan}万元人民币",
            "address": place.text(),
            "status": status,
        }
        if rng.random() < 0.05:
            del fields["registered_capital"]
        edits = {
            "name": lambda kind: self.firm_name(name, brand, kind),
            "established_on": lambda kind: self.date_or_predicate(day, kind),
            "registered_capital": lambda kind: self.capital(wan, kind),
            "address": lambda kind: make.address(place, kind),
            "status": lambda kind: make.coded(FIRM_STATES, status, kind),
        }
        return Record("legal-entity", {"uscc": credit_code("340200", n + 1)}, fields, edits)

    def firm_name(self, name: str, brand: str, kind: str) -> Edit:
        if kind == "mismatch":
            return name.replace(brand, self.rng.choice([b for b in BRANDS if b != brand])), "mismatch"
        half = name.replace("（", "(").replace("）", ")")
        return self.rng.choice((name, half, f" {name}", name[:2] + " " + name[2:])), "match"

    def capital(self, wan: int, kind: str) -> Edit:
        if kind == "mismatch":
            other = self.rng.choice((wan + 1, wan * 10))
            return self.rng.choice((f"{other}万元", {"op": "at_least", "value": f"{wan + 1}万元"})), "mismatch"
        forms = (
            f"{wan}万元人民币",
            f"{wan}万元",
            f"{wan}.000000万人民币",
            f"人民币{wan}万元",
            f"{wan}0000元",
            f"{wan}0000",
            {"op": "at_least", "value": f"{wan}万元"},
            {"op": "at_most", "value": f"{wan + 1}万元"},
        )
        return self.rng.choice(forms), "match"

    def licence(self, n: int) -> Record:
        rng, make, holder = self.rng, self.make, self.people[n]
        name, number = holder.fields["name"], holder.subject["id_number"]
        first, kind_of = self.draw_day(2012, 2024), rng.choice(LICENCES)
        last = None if rng.random() < 0.2 else (first[0] + 20, first[1], first[2])
        face, status = f"皖C{3245000000 + n * 7919:010}", rng.choices(list(LICENCE_STATES), (88, 4, 4, 4))[0]
        digest = f"{rng.getrandbits(256):064x}"
        fields = {
            "type_name": kind_of,
            "licence_no": face,
            "holder_name": name,
            "holder_id": number,
            "valid_from": "{:04}-{:02}-{:02}".format(*first),
            "valid_until": "{:04}-{:02}-{:02}".format(*last) if last else "长期",
            "status": status,
            "file_sha256": digest,
        }
        edits = {
            "type_name": lambda kind: self.one_of(LICENCES, kind_of, kind),
            "licence_no": lambda kind: make.number(face, kind),
            "holder_name": lambda kind: make.person_name(name, "match" if kind == "review" else kind),
            "holder_id": lambda kind: self.holder_number(n, number, kind),
            "valid_from": lambda kind: self.date_or_predicate(first, kind),
            "valid_until": lambda kind: self.until(last, kind),
            "status": lambda kind: make.coded(LICENCE_STATES, status, kind),
            "file_sha256": lambda kind: self.digest(digest, kind),
        }
        return Record("e-licence", {"licence_id": licence_identifier(n * 104_729 % 10**10)}, fields, edits)

    def one_of(self, words: tuple[str, ...], word: str, kind: str) -> Edit:
        if kind == "mismatch":
            return self.rng.choice([w for w in words if w != word]), "mismatch"
        return self.rng.choice((word, f" {word} ")), "match"

    def holder_number(self, n: int, number: str, kind: str) -> Edit:
        if kind == "mismatch":
            return self.people[(n + 1) % len(self.people)].subject["id_number"], "mismatch"
        return self.rng.choice((number, number.lower(), wide(number))), "match"

    def until(self, last: tuple[int, int, int] | None, kind: str) -> Edit:
        if last is not None:
            return self.date_or_predicate(last, kind)
        if kind == "mismatch":
            return {"op": "on_or_before", "value": "2090-01-01"}, "mismatch"
        return self.rng.choice(("长期", {"op": "on_or_after", "value": "2090-01-01"})), "match"

    def digest(self, digest: str, kind: str) -> Edit:
        if kind == "mismatch":
            return digest[:-1] + ("0" if digest[-1] != "0" else "1"), "mismatch"
        return self.rng.choice((digest, digest.upper())), "match"

    def estate(self, n: int) -> Record:
        rng, make, place = self.rng, self.make, self.draw_address()
        owners = [self.people[n]] if rng.random() < 0.8 else [self.people[n], self.people[(n + 1) % len(self.people)]]
        names, numbers = ([o.fields["name"] for o in owners], [o.subject["id_number"] for o in owners])
        area, usage = f"{rng.randint(3000, 19_999) / 100:.2f}", rng.choice(USAGES)
        mortgaged = rng.choices(("无", "有"), (80, 20))[0]
        fields = {
            "owner_name": "、".join(names),
            "owner_id": "、".join(numbers),
            "location": place.text(),
            "area_m2": area,
            "usage": usage,
            "mortgaged": mortgaged,
        }
        edits = {
            "owner_name": lambda kind: self.owners(names, self.people[(n + 2) % len(self.people)].fields["name"], kind),
            "owner_id": lambda kind: self.owners(numbers, self.people[(n + 2) % len(self.people)].subject["id_number"], kind),
            "location": lambda kind: make.address(place, kind),
            "area_m2": lambda kind: self.area(area, kind),
            "usage": lambda kind: self.one_of(USAGES, usage, kind),
            "mortgaged": lambda kind: make.coded(MORTGAGES, mortgaged, kind),
        }
        certificate = f"皖（{2017 + n % 9}）芜湖市不动产权第{1_000_000 + n * 31:07}号"
        return Record("real-estate", {"certificate_no": certificate}, fields, edits)

    def owners(self, all_of_them: list[str], stranger: str, kind: str) -> Edit:
        """The set of owners in any order; one of several is for a person to look at."""
        if kind == "mismatch" and stranger not in all_of_them:
            return stranger, "mismatch"
        if len(all_of_them) > 1 and kind == "review":
            return self.rng.choice((all_of_them[0], all_of_them[1])), "review"
        if len(all_of_them) > 1 and self.rng.random() < 0.3:
            return {"op": "one_of_holders", "value": self.rng.choice(all_of_them)}, "match"
        return self.rng.choice("、,，;").join(self.rng.sample(all_of_them, len(all_of_them))), "match"

    def area(self, area: str, kind: str) -> Edit:
        if kind == "mismatch":
            return f"{float(area) + 1:.2f}平方米", "mismatch"
        return self.rng.choice((area, f"{area}平方米", f"{area}㎡", f"建筑面积{area}平方米", wide(area))), "match"

    # ---- requests ----------------------------------------------------------------------------------------------------

    def ask(self, n: int, record: Record) -> None:
        """One request about a record, or about none, and what it must get."""
        rng, ref = self.rng, f"m{n:05}"
        names = rng.sample(list(record.edits), rng.randint(1, min(4, len(record.edits))))
        claims, verdicts = {}, {}
        for name in names:
            claims[name], verdicts[name] = record.edits[name](self.make.kind())
            if name not in record.fields:
                verdicts[name] = "absent"
        subject, known = self.subject(record, n)
        if known:
            outcome = outcome_of(verdicts)
        else:
            outcome, verdicts = known_words(subject, record), {}
        request = {"ref": ref, "dataset": record.dataset, "subject": subject, "claims": claims}
        self.requests.append(request)
        self.expected.append({"ref": ref, "outcome": outcome, "fields": verdicts})

    def subject(self, record: Record, n: int) -> tuple[dict[str, str], bool]:
        """The subject in some form, and whether there is a record of it."""
        ((name, text),) = record.subject.items()
        drawn = self.rng.random()
        if drawn < 0.02:
            return {name: unknown(record.dataset, n)}, False
        if drawn < 0.04 and record.dataset in ("natural-person", "legal-entity"):
            return {name: misspelt(text)}, False
        forms = [text, f" {text} ", wide(text), text.lower()]
        if record.dataset == "real-estate":
            forms = [text, text.replace("（", "(").replace("）", ")"), text.replace("（", "〔").replace("）", "〕")]
        if record.dataset == "e-licence":
            forms = [text, text.lower()]
        return {name: self.rng.choice(forms)}, True

    def write(self, folder: Path) -> None:
        """Writes the city as the drills read it."""
        files = {name: [record.line() for record in records] for name, records in self.registers.items()}
        for name, lines in (files | {"requests": self.requests, "expected": self.expected}).items():
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")


def outcome_of(verdicts: dict[str, str]) -> str:
    """The outcome by the contract's table."""
    for verdict, outcome in (("mismatch", "mismatched"), ("review", "review"), ("absent", "incomplete")):
        if verdict in verdicts.values():
            return outcome
    return "verified"


def unknown(dataset: str, n: int) -> str:
    """An identifier that can be one, of which no register has a record."""
    return {
        "natural-person": resident("340222", (1931, 1 + n % 12, 1 + n % 28), 1 + n % 999),
        "legal-entity": credit_code("340222", 900_000 + n),
        "e-licence": licence_identifier(9_000_000_000 + n),
        "real-estate": f"皖（2016）芜湖市不动产权第{9_000_000 + n}号",
    }[dataset]


def misspelt(text: str) -> str:
    """The identifier with a check character that is not its own."""
    return text[:-1] + next(c for c in "0123456789" if c != text[-1])


def known_words(subject: dict[str, str], record: Record) -> str:
    """An identifier whose check character is wrong cannot be one; any other of which there is no record is not found."""
    (text,) = subject.values()
    (own,) = record.subject.values()
    return "invalid" if text[:-1] == own[:-1] else "not_found"


def summary(city: City) -> dict[str, int]:
    """How many outcomes and verdicts of each kind are expected."""
    counted = Counter(line["outcome"] for line in city.expected)
    counted.update(verdict for line in city.expected for verdict in line["fields"].values())
    return dict(counted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=2400)
    args = parser.parse_args()
    city = City(args.seed, args.requests)
    args.folder.mkdir(parents=True, exist_ok=True)
    city.write(args.folder)
    print(summary(city))


if __name__ == "__main__":
    main()
