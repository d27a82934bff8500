"""Proves from the system calls that no answer to a known caller leaves before its ledger entry is on disk.

`kill -9` keeps the page cache, so it proves nothing about a sync; the order of system calls does. For each answer:

    request read  <  journal write begins, ends  <  fdatasync begins, ends  <  answer's first byte is sent

Only an answer of 401 needs no entry. The checker is itself tried on made-up traces in which the order is broken.
"""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from hub import PURPOSE, Checks, Hub, arguments, find, person, put_records, verification, workdir

SYNCS = {"fdatasync", "fsync", "sync_file_range"}
FILE_WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
SENDS = {"write", "writev", "sendto", "sendmsg"}
READS = {"read", "readv", "recvfrom", "recvmsg"}
CALLS = ",".join(sorted((SYNCS - {"sync_file_range"}) | FILE_WRITES | SENDS | READS))

LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<at>\d+\.\d+)\s+(?P<rest>.*)$")
START = re.compile(r"^(?P<call>\w+)\((?P<fd>\d+)(?:<(?P<what>.*?)>)?(?=[,)]| <unfinished)(?P<args>.*)$", re.S)
RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>(?P<args>.*)$", re.S)
RESULT = re.compile(r"=\s+(?P<value>-?\d+)[^=]*$")


@dataclass
class Call:
    """One system call: the positions of the trace lines where it began and ended, and what it was called on."""

    name: str
    what: str
    text: str
    began: int
    ended: int = -1
    value: int = -1


def calls(lines: list[str]) -> list[Call]:
    """Completed calls in the order in which they ended; an `unfinished` line is joined with its `resumed` line."""
    waiting: dict[str, Call] = {}
    done: list[Call] = []
    for at, line in enumerate(lines):
        if not (m := LINE.match(line)):
            continue
        pid, rest = m["pid"], m["rest"]
        if r := RESUMED.match(rest):
            call = waiting.pop(pid, None)
            if call is None or call.name != r["call"]:
                continue
            call.text += r["args"]
        elif s := START.match(rest):
            call = Call(s["call"], s["what"] or "", s["args"], at)
            if "<unfinished ...>" in rest:
                waiting[pid] = call
                continue
        else:
            continue
        result = RESULT.search(call.text)
        call.ended, call.value = at, int(result["value"]) if result else -1
        done.append(call)
    return done


@dataclass
class Connection:
    """What is under way on one connection: when its request was read, and whether it has been answered."""

    read_at: int | None = None
    verifies: bool = False


@dataclass
class Verdict:
    """What the checker found."""

    answers: int = 0
    unsynced: list[str] = field(default_factory=list)
    syncs: int = 0
    writes: int = 0


def is_socket(what: str) -> bool:
    return what.startswith(("TCP", "socket:"))


def check(lines: list[str], journal: str) -> Verdict:
    """Checks a trace; `journal` is a part of the journal file's path."""
    found, connections = Verdict(), {}
    writes: list[Call] = []
    syncs: list[Call] = []
    # A send counts from its beginning, everything else from its end: the strictest reading of each.
    events = sorted(calls(lines), key=lambda c: c.began if c.name in SENDS and is_socket(c.what) else c.ended)
    for call in events:
        if is_socket(call.what):
            connection = connections.setdefault(call.what, Connection())
            if call.name in READS and call.value > 0:
                # The head counts: a refusal that needs no body is entered, and may be on disk, before the body is read.
                if re.search(r'"(POST|PUT|GET|DELETE) /', call.text):
                    connection.verifies = bool(re.search(r'"POST /v1/(verifications|mismatches)', call.text))
                    connection.read_at = call.ended
            elif call.name in SENDS and connection.verifies and connection.read_at is not None:
                if not (status := re.search(r'"HTTP/1\.1 (\d{3})', call.text)):
                    continue  # a later piece of an answer whose beginning was checked
                found.answers += 1
                if status[1] != "401" and not durable(connection.read_at, call.began, writes, syncs):
                    found.unsynced.append(f"line {call.began + 1}: {status[1]} on {call.what}")
                connection.read_at = None
        elif journal in call.what and call.name in FILE_WRITES and call.value > 0:
            writes.append(call)
        elif journal in call.what and call.name in SYNCS and call.value == 0:
            syncs.append(call)
    found.syncs, found.writes = len(syncs), len(writes)
    return found


def durable(read_at: int, sent_at: int, writes: list[Call], syncs: list[Call]) -> bool:
    """Whether some journal write after the request was followed by a sync that ended before the answer."""
    for write in reversed(writes):
        if write.began <= read_at:
            continue
        if any(write.ended < sync.began and sync.ended < sent_at for sync in reversed(syncs)):
            return True
        if write.ended < read_at:
            break
    return False


# ---- the test of the test -------------------------------------------------------------------------------------------

_SOCK, _JOURNAL = "TCP:[127.0.0.1:8080->127.0.0.1:5000]", "/d/ledger/journal.bin"
_READ = f'recvfrom(9<{_SOCK}>, "POST /v1/verifications HTTP/1.1\\r\\n"..., 4096, 0, NULL, NULL) = 300'
_WRITE = f'pwrite64(7<{_JOURNAL}>, "\\x01"..., 128, 4096) = 128'
_SYNC = f"fdatasync(7<{_JOURNAL}>) = 0"
_SEND = f'sendto(9<{_SOCK}>, "HTTP/1.1 200 OK\\r\\n"..., 500, MSG_NOSIGNAL, NULL, 0) = 500'
_SYNC_BEGINS = f"fdatasync(7<{_JOURNAL}> <unfinished ...>"
_SYNC_ENDS = "<... fdatasync resumed>) = 0"
_SEND_BEGINS = f'sendto(9<{_SOCK}>, "HTTP/1.1 200 OK\\r\\n"..., 500, MSG_NOSIGNAL, NULL, 0 <unfinished ...>'
_OTHER = 'pwrite64(8</d/hub.db-wal>, "\\x01"..., 128, 4096) = 128'
_OTHER_SYNC = "fdatasync(8</d/hub.db-wal>) = 0"

# (what, the trace, whether it is in order)
SYNTHETIC = [
    ("in order", [_READ, _WRITE, _SYNC, _SEND], True),
    ("in order, the sync in another thread", [_READ, _WRITE, "2 " + _SYNC_BEGINS, "2 " + _SYNC_ENDS, _SEND], True),
    ("401 needs no entry", [_READ, _SEND.replace("200 OK", "401 Unauthorized")], True),
    ("a refusal needs one too", [_READ, _SEND.replace("200 OK", "403 Forbidden")], False),
    ("no sync at all", [_READ, _WRITE, _SEND], False),
    ("the answer before the sync", [_READ, _WRITE, _SEND, _SYNC], False),
    ("the sync before the write", [_READ, _SYNC, _WRITE, _SEND], False),
    ("the write and sync before the request", [_WRITE, _SYNC, _READ, _SEND], False),
    ("the sync began before the write ended", [_READ, "2 " + _SYNC_BEGINS, _WRITE, "2 " + _SYNC_ENDS, _SEND], False),
    ("the sync ends after the answer began", [_READ, _WRITE, "2 " + _SYNC_BEGINS, _SEND, "2 " + _SYNC_ENDS], False),
    (
        "the sync ends while the answer is being sent",
        [_READ, _WRITE, "2 " + _SYNC_BEGINS, "3 " + _SEND_BEGINS, "2 " + _SYNC_ENDS, "3 <... sendto resumed>) = 500"],
        False,
    ),
    ("a failed sync", [_READ, _WRITE, _SYNC.replace("= 0", "= -1 EIO (Input/output error)"), _SEND], False),
    ("the sync of another file", [_READ, _WRITE, _OTHER_SYNC, _SEND], False),
    ("the write to another file", [_READ, _OTHER, _SYNC, _SEND], False),
    ("a second request rides on the first one's sync", [_READ, _WRITE, _SYNC, _SEND, _READ, _SEND], False),
]


def try_the_checker(checks: Checks) -> None:
    for what, trace, in_order in SYNTHETIC:
        lines = []
        for at, text in enumerate(trace):
            pid, text = (text[0], text[2:]) if text[:2] in ("2 ", "3 ") else ("1", text)
            lines.append(f"{pid} {1000 + at}.000000 {text}")
        found = check(lines, "journal")
        checks.ok(f"synthetic trace: {what}", bool(found.unsynced) != in_order and found.answers > 0, found)


# ---- the drill ------------------------------------------------------------------------------------------------------


def load(hub: Hub, connections: int, each: int, answers: list[int], opened: list[str]) -> None:
    """Light load on several connections at once: matches, mismatches that open and are worked, refusals, identifiers that
    cannot be."""

    def one(number: int) -> None:
        agency, operator = hub.client("agency"), hub.client("operator")
        bodies = [
            verification(person(number), "name", "sex"),
            verification(person(number), "name", name="卜相合"),
            verification(person(900 + number), "name"),
            {
                "dataset": "natural-person",
                "subject": {"id_number": "34020219400101005"},
                "claims": {"name": "某"},
                "purpose": PURPOSE,
            },
        ]
        for i in range(each):
            client = operator if i % 10 == 9 else agency
            body = bodies[i % len(bodies)]
            # Each matter has a mismatch of its own.
            body = body | {"purpose": PURPOSE | {"application_no": f"S-{number}-{i}"}}
            answer = client.post("/v1/verifications", body)
            answers.append(answer.status)
            if mismatch := find((answer.json() or {}).get("mismatch"), "id"):
                opened.append(mismatch)
                act = {"action": "propose_correction", "fields": {"name": "卜相合"}}
                for _ in range(2):  # the second is the first's answer again
                    path, headers = f"/v1/mismatches/{mismatch}/actions", {"Idempotency-Key": mismatch}
                    answers.append(agency.post(path, act, headers=headers).status)
        answers.append(agency.post("/v1/verifications", bodies[0], token=None).status)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def journal_of(hub: Hub, lines: list[str], wanted: str | None) -> str:
    """The journal: the file under the ledger directory that is synced most often, unless named."""
    if wanted:
        return wanted
    counts: dict[str, int] = {}
    for call in calls(lines):
        if call.name in SYNCS and call.what.startswith(str(hub.ledger_dir.resolve())):
            counts[call.what] = counts.get(call.what, 0) + 1
    return max(counts, key=lambda k: counts[k], default="no journal was synced")


def main() -> None:
    args = arguments(
        __doc__,
        ("--connections", {"type": int, "default": 6}),
        ("--each", {"type": int, "default": 40, "help": "requests a connection"}),
        ("--journal", {"help": "part of the journal's path; by default the most often synced file"}),
        ("--only-self-test", {"action": "store_true"}),
        ("--keep", {"help": "copy the trace to this file"}),
    )
    checks = Checks("sync_trace")
    try_the_checker(checks)
    if args.only_self_test:
        checks.finish(synthetic=len(SYNTHETIC))
    if not shutil.which("strace"):
        checks.ok("strace is installed", False)
        checks.finish()
    folder = workdir("sync-trace")
    trace = folder / "trace"
    # -D: strace is the grandchild, so that the process started here, and ended by its pid, is the hub itself.
    wrap = (
        "strace",
        "-D",
        "-f",
        "-ttt",
        "-yy",
        "-s",
        "96",
        "-o",
        str(trace),
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
    )
    answers: list[int] = []
    opened: list[str] = []
    with Hub(folder / "data", wrap=wrap, ready_within=120) as hub:
        put_records(hub.client("authority"), "natural-person", [person(n) for n in range(args.connections)])
        load(hub, args.connections, args.each, answers, opened)
    time.sleep(0.5)  # strace writes the last lines after the hub has ended
    lines = trace.read_text(errors="replace").splitlines()
    if args.keep:
        Path(args.keep).write_text("\n".join(lines))
    journal = journal_of(hub, lines, args.journal)
    found = check(lines, journal)
    checks.ok(
        "the load saw answers of every kind", {200, 403, 401} <= set(answers) and 422 in answers, sorted(set(answers))
    )
    wanted = args.connections * args.each // 5
    checks.ok("mismatches opened, each once", len(set(opened)) == len(opened) >= wanted, (len(opened), wanted))
    checks.ok("every answer was found in the trace", found.answers == len(answers), (found.answers, len(answers)))
    for unsynced in found.unsynced:
        checks.ok("an answer follows the sync of its entry", False, unsynced)
    checks.ok("the journal was written and synced", found.writes and found.syncs, journal)
    # Without its syncs the same trace must be refused, or the check above proved nothing.
    bare = check([line for line in lines if "fdatasync" not in line and "fsync" not in line], journal)
    checks.ok(
        "the same trace without its syncs is refused", len(bare.unsynced) >= answers.count(200), len(bare.unsynced)
    )
    checks.finish(
        answers=found.answers,
        opened=len(opened),
        unsynced=len(found.unsynced),
        writes=found.writes,
        syncs=found.syncs,
        journal=Path(journal).name,
    )


if __name__ == "__main__":
    sys.exit(main())
