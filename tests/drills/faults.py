"""What the drills of faults share: a hub whose disk can be told to hang or to fail, and what it says meanwhile."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

from hub import Answer, Client, Hub, person, run, verification

SOURCE = Path(__file__).with_name("fault.c")


class FaultyDisk:
    """A preloaded library and the file that commands it; see `fault.c`."""

    def __init__(self, work: Path):
        self.library, self.control = work / "fault.so", work / "fault.txt"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-ldl"], check=True)

    @property
    def env(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "HEYAN_FAULT": str(self.control)}

    def set(self, *lines: str) -> None:
        """Commands what happens from now on, at once and whole."""
        new = self.control.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.control)

    def clear(self) -> None:
        self.control.unlink(missing_ok=True)


def within(seconds: float, holds) -> float | None:
    """Seconds until `holds()` was true; `None` when it never was."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if holds():
            return time.monotonic() - begun
        time.sleep(0.02)
    return None


def ready(hub: Hub) -> dict:
    """What `/readyz` says, with its HTTP status."""
    answer = Client(hub.admin_url, timeout=5).attempt("GET", "/readyz")
    return {} if answer is None else (answer.json() or {}) | {"http": answer.status}


def log_lines(hub: Hub, text: str) -> list[dict]:
    """Lines of the log whose message contains `text`."""
    found = []
    for line in hub.stderr_path.read_text(errors="replace").splitlines():
        try:
            doc = json.loads(line)
        except ValueError:
            continue
        if text in str(doc.get("message", "")):
            found.append(doc)
    return found


class Caller(threading.Thread):
    """One call in a thread of its own, with the time that it took."""

    def __init__(self, client: Client, method: str, path: str, body):
        super().__init__(daemon=True)
        self.client, self.method, self.path_, self.body = client, method, path, body
        self.answer: Answer | None = None
        self.took = 0.0
        self.start()

    def run(self) -> None:
        begun = time.monotonic()
        self.answer = self.client.attempt(self.method, self.path_, self.body)
        self.took = time.monotonic() - begun

    @property
    def code(self) -> str:
        return "" if self.answer is None else self.answer.code or str(self.answer.status)


def verify(hub: Hub, n: int = 1, timeout: float = 20) -> Caller:
    """A verification of a made-up person, begun now."""
    return Caller(hub.client("agency", timeout), "POST", "/v1/verifications", verification(person(n), "name"))


def put(hub: Hub, n: int, timeout: float = 20) -> Caller:
    """A record that comes in, begun now."""
    return Caller(hub.client("authority", timeout), "PUT", "/v1/datasets/natural-person/records", person(n))


def done(call: Caller, timeout: float = 30) -> Caller:
    call.join(timeout)
    return call


def outcome(hub: Hub, n: int) -> str:
    """What a verification of a made-up person says; `not_found` when there is no record."""
    call = done(verify(hub, n))
    return (call.answer.json() or {}).get("outcome", call.code) if call.answer else "no answer"


def sound(ledger: Path) -> bool:
    """Whether the ledger on disk is whole, judged by the offline verifier."""
    return run("ledger", "verify", str(ledger)).returncode == 0
