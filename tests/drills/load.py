"""Builds and runs `load.c`: a load whose own cost is small against the hub's, in closed loop or in open loop."""

from __future__ import annotations

import atexit
import json
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
import unicodedata
import urllib.parse
from pathlib import Path

from hub import Client, Hub, run

SINGLE, BATCH = "/v1/verifications", "/v1/verifications/batch"
_built: list[Path] = []


def tool() -> Path:
    """The compiled client; compiled once a process."""
    if not _built:
        folder = Path(tempfile.mkdtemp(prefix="heyan-load-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        source = Path(__file__).with_name("load.c")
        subprocess.run(["cc", "-O2", "-o", str(folder / "load"), str(source), "-lm"], check=True, timeout=60)
        _built.append(folder / "load")
    return _built[0]


def raise_files() -> int:
    """Lets this process, and what it starts, open as many files as it may; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Load:
    """One load under way."""

    def __init__(self, hub: Hub, bodies: Path, connections: int, seconds: float, *, rate: float = 0, count: int = 0,
                 token: str | None = None, path: str = SINGLE, core: int | None = None):  # fmt: skip
        where = urllib.parse.urlsplit(hub.url)
        pin = ["taskset", "-c", str(core)] if core is not None else []
        self.hub, self.seconds, self.used = hub, seconds, hub.cpu_s()
        self.process = subprocess.Popen(
            [*pin, tool(), where.hostname, str(where.port), path, bodies]
            + [str(x) for x in (connections, seconds, rate, count)],
            env={**os.environ, "LOAD_TOKEN": token or hub.tokens["agency"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.process.kill)

    def stop(self) -> dict:
        """Ends the load now, instead of when its time is over."""
        self.process.terminate()
        return self.result()

    def result(self) -> dict:
        """Waits for the end; `cpu_us` is what the hub used for one answer of 200."""
        out, _ = self.process.communicate(timeout=self.seconds + 60)
        atexit.unregister(self.process.kill)
        if self.process.returncode:
            raise SystemExit(f"load ended with {self.process.returncode}")
        told = json.loads(out)
        told["cpu_us"] = (self.hub.cpu_s() - self.used) * 1e6 / max(1, told["ok"]["n"])
        return told


def load(hub: Hub, bodies: Path, connections: int, seconds: float, **kw) -> dict:
    """Runs one load to its end."""
    return Load(hub, bodies, connections, seconds, **kw).result()


def line(request: dict) -> str:
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def one_a_record(requests: list[str]) -> list[str]:
    """The first question about each record, however its number is written."""
    first: dict[str, str] = {}
    for request in requests:
        doc = json.loads(request)
        written = unicodedata.normalize("NFKC", str(doc["subject"])).upper().replace(" ", "").replace("-", "")
        first.setdefault(f"{doc['dataset']} {written}", request)
    return list(first.values())


def city_requests(folder: Path, persons: int, requests: int, *extra: str) -> list[str]:
    """Requests about the demo's city of so many persons, in its real mix of outcomes."""
    file = folder / "requests"
    done = run("bench", "--persons", str(persons), "--requests", str(requests), "--write", str(file), *extra)
    if done.returncode:
        raise SystemExit(done.stderr)
    return file.read_text().splitlines()


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{x}\n" for x in lines))
    return path


def batches(requests: list[str], size: int) -> list[str]:
    """The same questions as bodies of a batch, `size` items each."""
    items = [json.loads(r) for r in requests]
    purpose = items[0]["purpose"]
    items = [{"ref": f"r{at}"} | {k: v for k, v in item.items() if k != "purpose"} for at, item in enumerate(items)]
    whole = range(0, len(items) - size + 1, size)
    return [line({"purpose": purpose, "items": items[at : at + size]}) for at in whole]


def rss(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Memory(threading.Thread):
    """Samples a process's resident bytes every 100 ms until stopped."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.base, self.peak = pid, rss(pid), 0
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.peak = max(self.peak, rss(self.pid))
            except (OSError, IndexError):
                return
            self._over.wait(0.1)

    def stop(self) -> float:
        """Megabytes by which the peak stood above the beginning."""
        self._over.set()
        self.join()
        return (self.peak - self.base) / 1e6


class Probe(threading.Thread):
    """One caller with a modest rate: (when, milliseconds, status) of a single verification every `every_s`."""

    def __init__(self, hub: Hub, body: str, role: str = "agency", every_s: float = 0.02, timeout: float = 10):
        super().__init__(daemon=True)
        self.client, self.body, self.every_s = Client(hub.url, hub.tokens.get(role, role), timeout), body, every_s
        self.seen: list[tuple[float, float, int]] = []
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(self.every_s):
            began = time.monotonic()
            answer = self.client.attempt("POST", SINGLE, self.body)
            took = (time.monotonic() - began) * 1000
            self.seen.append((began, took, answer.status if answer else 0))

    def stop(self) -> list[tuple[float, float, int]]:
        self._over.set()
        self.join(30)
        return self.seen


def percentile(values, percent: float) -> float:
    """A percentile of some values; NaN when there are none."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else float("nan")
