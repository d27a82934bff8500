"""Nine of ten receivers are sick: they hang, reset, refuse or limit. The tenth hears as soon as before, the sick ones get everything
once they are well, each change takes effect once, and the log says "down" and "recovered" once for each that was given up.

The test of the test: when the tenth is slow itself, the same look must report it.
"""

import time

from faults import log_lines, within
from hub import Checks, arguments, find, person, workdir
from parties import READS, Place
from receivers import Receivers

# Most of a receiver's messages meet its sickness; what is over is tried again on the drill's schedule.
SICK = ["hang", "reset", "500", "429:1", "503:1", "401", "302", "hang", "reset"]
LATER_MAX_S = 0.5


class Look:
    """Changes one record again and again, so that versions name the changes, and sees when the well receiver heard of each."""

    def __init__(self, place: Place, receivers: Receivers, work):
        self.place, self.receivers, self.work, self.edition = place, receivers, work, 0

    def changes(self, count: int, pause: float) -> list[tuple[int, float]]:
        sent = []
        for _ in range(count):
            self.edition += 1
            begun = time.monotonic()
            body = person(1, self.edition)
            answer = self.place.sure("authority", "PUT", "/v1/datasets/natural-person/records", body)
            sent.append((find(answer.json(), "version"), begun))
            time.sleep(pause)
        return sent

    def latencies(self, sent: list, within_s: float) -> list[float]:
        """Seconds from each change to its effect at the well receiver; those that did not come count as the whole wait."""
        end = time.monotonic() + within_s
        while True:
            heard = {version: at for _, version, at in self.receivers.effects(self.work)[0]}
            if all(version in heard for version, _ in sent) or time.monotonic() > end:
                break
            time.sleep(0.05)
        return sorted(heard.get(version, begun + within_s) - begun for version, begun in sent)


def p99(values: list[float]) -> float:
    return values[max(0, int(len(values) * 0.99) - 1)]


def main() -> None:
    args = arguments(__doc__, ("--changes", {"type": int, "default": 40}), ("--pause", {"type": float, "default": 0.03}))
    checks, work = Checks("receivers_sick"), workdir("receivers_sick")
    with Receivers(10) as receivers, Place(work, receivers.ports, later_s=1) as place:
        for at in range(10):
            agency = place.agency(f"sick-{at}", 200 + at, operations=READS)
            place.subscribe(agency, receivers, at)
        look = Look(place, receivers, work)
        well = look.latencies(look.changes(args.changes, args.pause), 10)
        for at, how in enumerate(SICK, 1):
            how, _, after = how.partition(":")
            receivers.behave(at, f"{how}:{after}" if after else how, 0.9)
        beside = look.latencies(look.changes(args.changes, args.pause), 10)
        checks.ok("all came before", well[-1] < 10, well[-3:])
        checks.ok("the well one hears as soon as before", p99(beside) < p99(well) + LATER_MAX_S, (p99(well), p99(beside)))
        down = within(20, lambda: len(log_lines(place.hub, "connector down")) >= 5)
        checks.ok("those that are given up are told of", down is not None, len(log_lines(place.hub, "connector down")))
        for at in range(1, 10):
            receivers.behave(at, "ok")
        last = look.edition
        got = receivers.wait(lambda counts: True, 1) and within(90, lambda: all_heard(receivers, work, last)) is not None
        checks.ok("once they are well, the sick ones hold the newest version", got)
        counts = receivers.counts()
        bad = [(at, count) for at, count in enumerate(counts) if count.get("late") or count.get("twice")]
        checks.ok("no change takes effect twice, none after a newer one", not bad, bad)
        names = [line.get("connector") for line in log_lines(place.hub, "connector down")]
        checks.ok("one line each", len(names) == len(set(names)) and all(names), names)
        recovered = [line.get("connector") for line in log_lines(place.hub, "connector recovered")]
        checks.ok("and one when it is well", sorted(recovered) == sorted(names), (len(names), len(recovered)))
        receivers.behave(0, "hang", 0.6)
        slow = look.latencies(look.changes(10, args.pause), 3)
        checks.ok("a well one that is slow is reported", p99(slow) > p99(well) + LATER_MAX_S, p99(slow))
        receivers.behave(0, "ok")
    figures = {"before_p99_ms": p99(well), "beside_p99_ms": p99(beside)}
    checks.finish(
        receivers=10, changes=last, down=len(names), **{name: round(1000 * value, 1) for name, value in figures.items()}
    )


def all_heard(receivers: Receivers, work, version: int) -> bool:
    newest = [max((version for _, version, _ in effects), default=0) for effects in receivers.effects(work)]
    return all(one >= version for one in newest)


if __name__ == "__main__":
    main()
