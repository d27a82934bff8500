#!/usr/bin/env python3
"""Writes tests/vectors/due_dates.csv: due dates in working days, computed without any of the hub's code or tables.

Usage:  pip install chinesecalendar==1.11.0 && python3 tests/calendar_cases.py

Each row: from the day of receipt `start`, which does not count, the `working_days`-th working day is `due`. The package's own
`is_workday` decides each day, one day at a time; the hub reads holidays.csv and never asks the package. Two runs give the same bytes.
"""
import csv
import datetime
import importlib.metadata
import pathlib
import random

from chinese_calendar import is_workday
from chinese_calendar.constants import holidays, workdays

VERSION = "1.11.0"
FIRST, LAST = datetime.date(2018, 1, 1), datetime.date(2026, 12, 31)
DAY = datetime.timedelta(days=1)
TERMS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60)


def due(start, count):
    """The due date, or nothing when it lies after the last year."""
    day = start
    while count:
        day += DAY
        if day > LAST:
            return None
        count -= is_workday(day)
    return day


def starts(choice):
    """The eve of every run of days off, the days inside it, the eves of the make-up days, and days at random."""
    listed = sorted(day for day in holidays if FIRST <= day <= LAST)
    eves = [day - DAY for day in listed if day - DAY not in holidays and day - DAY >= FIRST]
    made_up = [day for day in workdays if FIRST <= day <= LAST]
    yield from ((day, "eve") for day in eves)
    yield from ((day, "off") for day in choice.sample(listed, 60))
    yield from ((day - DAY, "before make-up") for day in made_up)
    yield from ((day, "make-up") for day in made_up)
    span = (LAST - FIRST).days
    yield from ((FIRST + choice.randrange(span) * DAY, "any") for _ in range(120))


def main():
    assert importlib.metadata.version("chinesecalendar") == VERSION
    choice = random.Random(20182026)
    rows = set()
    for start, kind in starts(choice):
        for count in choice.sample(TERMS, 2):
            found = due(start, count)
            if found:
                rows.add((start.isoformat(), count, found.isoformat(), kind))
    path = pathlib.Path(__file__).resolve().parent / "vectors" / "due_dates.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("start", "working_days", "due", "kind"))
        out.writerows(sorted(rows))
    print(len(rows), "rows")


if __name__ == "__main__":
    main()
