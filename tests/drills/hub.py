"""Starts a hub, talks to it, and stops it, for every drill in this folder.

A drill sees only what an outside program sees: the command line, the listeners and the files on disk. Nothing here may
import or imitate the hub's own code. Only processes started here are ended, each by its own pid.
"""

from __future__ import annotations

import argparse
import atexit
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HEYAN_SHARED", ROOT.parent / "shared"))
# The purpose every drill states; the agencies of the demo city hold grants for item code `*`.
PURPOSE = {"item_code": "11340200003010677X3442199806003", "application_no": "DRILL-1", "operator": "drill"}
DATASETS = ("natural-person", "legal-entity", "e-licence", "real-estate")
ROLES = ("agency", "agency2", "authority", "operator", "manager", "auditor")
NDJSON = "application/x-ndjson"
# Settings of drills in which one agency is wrong about many subjects on purpose, and that do not try the guess budget.
WRONG_ON_PURPOSE = {
    "HEYAN__GUESS__AGENCY_SUBJECTS_24_H_MAX": "1000000",
    "HEYAN__GUESS__AGENCY_SUBJECTS_30_DAYS_MAX": "1000000",
}
PROBLEM = "application/problem+json"


def binary() -> str:
    """Path of the hub under test: `HEYAN_BIN`, or the release build of this repository."""
    if chosen := os.environ.get("HEYAN_BIN"):
        return chosen
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "release" / "heyan")


def run(*args: str, timeout: float = 120, **kw) -> subprocess.CompletedProcess:
    """Runs one `heyan` command to its end and returns what it said."""
    return subprocess.run(
        [binary(), *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **kw
    )


def workdir(name: str) -> Path:
    """A fresh directory for one drill, removed at exit unless `HEYAN_KEEP` is set."""
    base = os.environ.get("HEYAN_DRILL_DIR")
    path = Path(tempfile.mkdtemp(prefix=f"heyan-{name}-", dir=base))
    if not os.environ.get("HEYAN_KEEP"):
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def on_postgres(data: Path) -> dict[str, str]:
    """Settings of a hub whose data goes to the PostgreSQL server of `HEYAN_TEST_POSTGRES`, where there is one."""
    if not os.environ.get("HEYAN_TEST_POSTGRES"):
        return {}
    from postgres import url_file

    return {"HEYAN__STORE__POSTGRES__URL_FILE": str(url_file(data))}


def on_kafka() -> dict[str, str]:
    """Settings of a hub that publishes on the broker of `HEYAN_TEST_KAFKA`, where there is one."""
    brokers = os.environ.get("HEYAN_TEST_KAFKA")
    if not brokers:
        return {}
    settings = {"BROKERS": brokers, "PARTITIONS": "4", "REPLICAS": "1", "MIN_INSYNC_REPLICAS": "1"}
    return {f"HEYAN__KAFKA__{name}": value for name, value in settings.items()}


class HubFailed(Exception):
    """The hub ended or stayed silent before it was ready."""


class Hub:
    """One running hub. Use as a context manager, or call `stop` or `kill` yourself."""

    def __init__(
        self,
        data: Path,
        *,
        persons: int | None = 0,
        seed: int = 1,
        extra: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        wrap: tuple[str, ...] = (),
        ready_within: float = 60,
        logs: Path | None = None,
        stderr: int | None = None,
    ):
        self.data = Path(data)
        logs = Path(logs or self.data.parent)
        logs.mkdir(parents=True, exist_ok=True)
        self.stdout_path, self.stderr_path = logs / "hub.stdout", logs / "hub.stderr"
        args = [
            binary(),
            "demo",
            "--output",
            "json",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--data",
            str(self.data),
            "--seed",
            str(seed),
        ]
        args += ["--persons", str(persons)] if persons is not None else []
        offset = self.stdout_path.stat().st_size if self.stdout_path.exists() else 0
        self._out, self._err = open(self.stdout_path, "ab"), open(self.stderr_path, "ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*wrap, *args, *extra],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err if stderr is None else stderr,
            env={**os.environ, **on_postgres(self.data), **on_kafka(), **(env or {})},
            # Paths in the defaults are relative: what the hub makes beside its data stays in the drill's folder.
            cwd=self.data.parent,
        )
        atexit.register(self.kill)
        self.info = self._wait_ready(offset, ready_within)
        self.ready_s = time.monotonic() - self.started
        self.url, self.admin_url = self.info["url"].rstrip("/"), self.info["admin_url"].rstrip("/")
        self.tokens: dict[str, str] = self.info.get("tokens", {})
        # A second node on the same store, where the environment asks for it: requests then go to the two in turn.
        self.second = None
        if os.environ.get("HEYAN_TEST_NODES") == "2":
            from second_node import SecondNode

            self.second = SecondNode(self.data, self.data.parent, env or {})

    def _wait_ready(self, offset: int, ready_within: float) -> dict:
        """Waits for the one ready line; the file is read from where this start began to write."""
        deadline = time.monotonic() + ready_within
        while time.monotonic() < deadline:
            with open(self.stdout_path, "rb") as f:
                f.seek(offset)
                for line in f.read().split(b"\n")[:-1]:
                    if line.startswith(b"{") and b'"admin_url"' in line:
                        return json.loads(line)
            if self.process.poll() is not None:
                raise HubFailed(f"the hub ended with {self.process.returncode} before it was ready: {self.tail()}")
            time.sleep(0.005)
        self.kill()
        raise HubFailed(f"not ready within {ready_within} s: {self.tail()}")

    def tail(self, size: int = 1500) -> str:
        """The end of what the hub wrote to standard error."""
        return self.stderr_path.read_bytes()[-size:].decode(errors="replace")

    @property
    def ledger_dir(self) -> Path:
        """Directory of the ledger, as the ready line says."""
        return Path(self.info["ledger_dir"])

    def client(self, role: str | None = None, timeout: float = 20) -> Client:
        """A keep-alive client on the public listener, speaking as `role`."""
        token = self.tokens[role] if role else None
        if self.second is not None:
            from second_node import Alternating

            return Alternating(Client(self.url, token, timeout), Client(self.second.url, token, timeout))
        return Client(self.url, token, timeout)

    def admin(self) -> Client:
        """A client on the admin listener."""
        return Client(self.admin_url)

    def metric(self, name: str, labels: str = "") -> float:
        """Sum of one metric's series whose label text contains `labels`; 0 when there is none."""
        text = self.admin().get("/metrics").body.decode()
        # What is read from the store that nodes share is the same on each; what a node counts, and its ledger, is its own.
        if self.second is not None and name.endswith(("_total", "_count", "_sum", "_bucket", "ledger_size")):
            text += Client(self.second.admin_url).get("/metrics").body.decode()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.split("{")[0].split(" ")[0] == name and labels in line
        )

    def cpu_s(self) -> float:
        """User and system CPU seconds that the hub has used."""
        return cpu_seconds(self.process.pid)

    def _reaped(self) -> None:
        self._out.close()
        self._err.close()
        atexit.unregister(self.kill)

    def stop(self, timeout: float = 30) -> int:
        """Asks the hub to end; returns its exit status, and kills it when it does not end in time."""
        if self.second is not None:
            self.second.stop()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self._reaped()
        return self.process.returncode

    def kill(self) -> None:
        """Ends the hub as a power cut would end the process: nothing is flushed."""
        if getattr(self, "second", None) is not None:
            self.second.kill()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reaped()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def cpu_seconds(pid: int) -> float:
    """utime + stime of /proc/PID/stat, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Answer:
    """One HTTP answer."""

    def __init__(self, status: int, headers: http.client.HTTPMessage | dict, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    @property
    def ctype(self) -> str:
        return (self.headers.get("content-type") or "").split(";")[0].strip().lower()

    def json(self):
        """The body as JSON; `None` when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def lines(self) -> list:
        """The body as NDJSON."""
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    @property
    def code(self) -> str:
        """`code` of a problem document, or the empty string."""
        doc = self.json()
        return str(doc.get("code", "")) if isinstance(doc, dict) else ""

    def __repr__(self) -> str:
        return f"{self.status} {self.code or self.body[:200]!r}"


class Client:
    """A keep-alive HTTP/1.1 client; one request at a time, reconnecting once when an idle connection was closed."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 20, source: str | None = None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.token, self.timeout = parts.hostname, parts.port, token, timeout
        # The address that it calls from.
        self.source = (source, 0) if source else None
        self._conn: http.client.HTTPConnection | None = None

    def request(
        self,
        method: str,
        path: str,
        body=None,
        *,
        token: str | None = "",
        ctype: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sends one request. `token=None` sends no credentials; the default is the client's own."""
        token = self.token if token == "" else token
        head = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            head["Content-Type"] = ctype or "application/json"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False)
        body = body.encode() if isinstance(body, str) else body
        head.update(headers or {})
        for last in (False, True):
            fresh = self._conn is None
            try:
                if fresh:
                    self._conn = http.client.HTTPConnection(self.host, self.port, self.timeout, self.source)
                    self._conn.connect()
                    self._conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self._conn.request(method, path, body, head)
                except (BrokenPipeError, ConnectionResetError):
                    if not body or len(body) < 65536:
                        raise
                    # Refused before the whole body was read: the answer may lie in the socket already.
                response = self._conn.getresponse()
                answer = Answer(response.status, response.headers, response.read())
                if response.will_close:
                    self.close()
                return answer
            except (http.client.HTTPException, OSError):
                self.close()
                if fresh or last:
                    raise
        raise AssertionError("unreachable")

    def attempt(self, method: str, path: str, body=None, **kw) -> Answer | None:
        """`request`, or `None` when the hub ended the connection without an answer."""
        try:
            return self.request(method, path, body, **kw)
        except (http.client.HTTPException, OSError):
            self.close()
            return None

    def get(self, path: str, **kw) -> Answer:
        return self.request("GET", path, **kw)

    def post(self, path: str, body, **kw) -> Answer:
        return self.request("POST", path, body, **kw)

    def put(self, path: str, body, **kw) -> Answer:
        return self.request("PUT", path, body, **kw)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def raw(url: str, data: bytes, *, timeout: float = 15, shut: bool = False) -> Answer | None:
    """Sends bytes as they are and reads one answer; `None` when the hub closed without a word."""
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as sock:
        try:
            sock.sendall(data)
            if shut:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the hub may have answered and closed before it read everything
        return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer | None:
    """Reads one HTTP answer from a raw socket; `None` on an empty close, reset or timeout."""
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    except (http.client.HTTPException, OSError):
        return None
    finally:
        response.close()


# ---- made-up people -------------------------------------------------------------------------------------------------

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_GIVEN = "安宁晨曦思远嘉怡若溪明轩浩然雨桐子墨文博静雅志强丽娟建国秀英海燕春梅"


def resident_number(n: int, division: str = "340202") -> str:
    """A made-up 18-character resident number with a right check character (GB 11643); distinct for n < 23,000,000."""
    year, rest = 1940 + (n // 999) % 70, n // 69_930
    month, day = 1 + rest % 12, 1 + (rest // 12) % 28
    body = f"{division}{year:04}{month:02}{day:02}{1 + n % 999:03}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(weights, body)) % 11]


def person_fields(n: int, number: str, name: str) -> dict:
    """The fields of a made-up record of dataset `natural-person`."""
    return {
        "name": name,
        "sex": "1" if int(number[16]) % 2 else "2",
        "ethnicity": "汉族",
        "birth_date": f"{number[6:10]}-{number[10:12]}-{number[12:14]}",
        "domicile_address": f"安徽省芜湖市镜湖区中山路{1 + n % 300}号{1 + n % 30}幢1单元{101 + n % 20}室",
        "status": "正常",
    }


def person(n: int, edition: int = 0) -> dict:
    """A made-up record of dataset `natural-person`; another `edition` has another name, the same number."""
    number = resident_number(n)
    rng = random.Random(n * 1_000_003 + edition)
    name = rng.choice(_SURNAMES) + rng.choice(_GIVEN) + _GIVEN[edition % len(_GIVEN)]
    return {"subject": {"id_number": number}, "fields": person_fields(n, number, name)}


def verification(record: dict, *fields: str, dataset: str = "natural-person", **changed) -> dict:
    """A verification request that claims `fields` of `record`, with `changed` values in their place."""
    claims = {f: record["fields"][f] for f in fields} | changed
    return {"dataset": dataset, "subject": record["subject"], "claims": claims, "purpose": dict(PURPOSE)}


def put_records(client: Client, dataset: str, records: list[dict]) -> tuple[int, list]:
    """Contributes records as NDJSON, 500 a request; returns how many were taken and the answers that refused."""
    taken, refused = 0, []
    for at in range(0, len(records), 500):
        chunk = records[at : at + 500]
        body = "\n".join(json.dumps(r, ensure_ascii=False) for r in chunk) + "\n"
        answer = client.put(f"/v1/datasets/{dataset}/records", body, ctype=NDJSON)
        if answer.status != 200:
            refused.append(repr(answer))
            continue
        lines = [line for line in answer.lines() if not isinstance(line.get("summary"), dict)]
        bad = [line for line in lines if "problem" in line]
        refused += bad
        taken += len(lines) - len(bad)
    return taken, refused


def find(doc, name: str):
    """The first value of member `name` anywhere in a JSON document, outermost first; `None` when there is none."""
    queue = [doc]
    while queue:
        item = queue.pop(0)
        if isinstance(item, dict):
            if name in item:
                return item[name]
            queue += item.values()
        elif isinstance(item, list):
            queue += item
    return None


# ---- results --------------------------------------------------------------------------------------------------------


class Checks:
    """Counts what held and what did not; `finish` prints the closing line that `tests/run` shows in its table."""

    def __init__(self, drill: str, show: int = 25):
        self.drill, self.show, self.passed, self.failures = drill, show, 0, []

    def ok(self, what: str, holds, detail="") -> bool:
        """Counts one check; a failure is printed at once, the first `show` of them."""
        if holds:
            self.passed += 1
            return True
        self.failures.append(what)
        if len(self.failures) <= self.show:
            print(f"FAIL {self.drill}: {what}{f': {detail}' if detail != '' else ''}", flush=True)
        return False

    def finish(self, **figures) -> None:
        """Prints the closing line and ends the process: 0 when all held, and there was something to hold."""
        if not self.passed:
            self.failures.append("nothing was checked")
        text = " ".join(f"{k}={v}" for k, v in figures.items())
        print(f"drill {self.drill}: {self.passed} passed, {len(self.failures)} failed {text}".rstrip(), flush=True)
        sys.exit(1 if self.failures or not self.passed else 0)


def arguments(doc: str, *options: tuple[str, dict]) -> argparse.Namespace:
    """Parses the drill's options; the drill's own docstring is its help."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, spec in options:
        parser.add_argument(name, **spec)
    return parser.parse_args()
