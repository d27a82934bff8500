"""Uses every secret there is, well and badly, and looks for them where none may lie: data folder with WAL and ledger, log at
TRACE, /metrics, problem documents, `heyan config print`, and a core.

Secrets: of subscriptions, of agencies and users, bearer tokens, the root key, and what connectors read from files. Each is
looked for as text, as bytes, in hex, base64 and URL-encoded. The process must refuse to leave a core, for a key in use lies
in memory: it is asked to by `kill -ABRT` with no limit on cores.

(Not `secrets.py`: a file of that name here would stand before Python's own module.)
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.server
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from hub import PROBLEM, PURPOSE, Answer, Checks, Client, Hub, arguments, binary, find, on_postgres, person, put_records, workdir
from parties import Agency, credit_code, settings
from receivers import Receivers

FORM = "application/x-www-form-urlencoded"
NOBODY = 65534
SOURCE = """role = "source"
kind = "http"
dataset = "legal-entity"
title = {{ zh = "演练来源", en = "Drill source" }}
[targets]
hosts = ["localhost"]
networks = ["127.0.0.0/8"]
literal_networks = ["127.0.0.0/8"]
plain_http_networks = ["127.0.0.0/8"]
ports = [{port}]
[auth]
scheme = "bearer"
token_file = "source-token"
[request]
url = "http://127.0.0.1:{port}/firm"
body = '{{"uscc": "{{subject.uscc}}"}}'
[answer]
records_pointer = "/result"
subject = {{ uscc = "/uscc" }}
[answer.fields]
name = "/name"
"""
SINK = """role = "sink"
kind = "webhook"
datasets = ["natural-person"]
title = {{ zh = "演练平台", en = "Drill platform" }}
[webhook]
url = "{url}"
secret_file = "sink-secret"
"""


class Needles:
    """The secrets, and every form in which one could lie somewhere."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.forms: dict[bytes, str] = {}

    def add(self, what: str, secret: str) -> str:
        """Remembers a secret as its text and, where the text is base64 of a key, as the key."""
        self.secrets[secret] = what
        bare = secret.removeprefix("whsec_")
        self._add(what, bare.encode())
        for decode in (base64.b64decode, base64.urlsafe_b64decode):
            with contextlib.suppress(ValueError, binascii.Error):
                key = decode(bare + "=" * (-len(bare) % 4))
                if len(key) >= 16 and b"." not in bare.encode():
                    self._add(f"{what}, its bytes", key)
        return secret

    def _add(self, what: str, data: bytes) -> None:
        forms = {"plain": data, "hex": data.hex().encode(), "HEX": data.hex().upper().encode()}
        forms["url"] = urllib.parse.quote_from_bytes(data, safe="").encode()
        # A log or a debug format may write bytes as a list of numbers.
        forms["list"] = ", ".join(str(b) for b in data[:12]).encode()
        for shift in range(3):  # inside a longer text that was encoded, at any of three alignments
            inner = base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4]
            forms[f"base64+{shift}"] = inner
            forms[f"base64url+{shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
        for form, needle in forms.items():
            self.forms.setdefault(needle, f"{what} as {form}")

    def hits(self, data: bytes) -> list[str]:
        return sorted(what for needle, what in self.forms.items() if needle in data)


def try_the_search(checks: Checks) -> None:
    """A test of the test: a secret is found in each form, as text and as the key that the text encodes."""
    key = random.Random(1).randbytes(32)
    text = base64.b64encode(key).decode()
    needles = Needles()
    needles.add("a", f"whsec_{text}")
    for data in (
        key,
        key.hex().encode(),
        text.encode(),
        base64.b64encode(b"x" + text.encode() + b"yy"),
        str(list(key)).encode(),
    ):
        checks.ok("the search finds every form", needles.hits(b"zz " + data + b" zz"), data)
    checks.ok("the search finds nothing in nothing", not needles.hits(b"zz whsec_ zz"))


class Source(http.server.ThreadingHTTPServer):
    """A department that tells back the credentials that it was given: what it says must not reach a log either."""

    daemon_threads = True

    def __init__(self) -> None:
        self.presented: list[str] = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            given = self.headers.get("authorization", "")
            self.server.presented.append(given)
            status = (401, 500, 200)[len(self.server.presented) % 3]
            body = json.dumps({"error": given, "result": {"uscc": given, "name": given}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Told-Back", given)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass


def random_key(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(32)).decode()


def connectors(folder: Path, port: int, sink_url: str, needles: Needles, rng: random.Random) -> None:
    """A source and a sink, whose secrets are in files of their owner alone."""
    folder.mkdir()
    (folder / "dept.toml").write_text(SOURCE.format(port=port))
    (folder / "platform.toml").write_text(SINK.format(url=sink_url))
    for name, prefix in (("source-token", ""), ("sink-secret", "whsec_")):
        path = folder / name
        path.write_text(needles.add(name, prefix + random_key(rng)))
        path.chmod(0o400)


class Use:
    """Uses everything, and keeps the problem documents."""

    def __init__(self, hub: Hub, needles: Needles, checks: Checks, receivers: Receivers):
        self.hub, self.needles, self.checks, self.receivers = hub, needles, checks, receivers
        self.problems: list[bytes] = []
        self.sent = 0

    def ask(self, who: str | None, method: str, path: str, body=None, **kw) -> Answer:
        token = kw.pop("token", self.hub.tokens.get(who) if who else None)
        answer = Client(self.hub.url).request(method, path, body, token=token, **kw)
        self.sent += 1
        if answer.ctype == PROBLEM or answer.status >= 400:
            self.problems.append("".join(f"{k}: {v}\n" for k, v in answer.headers.items()).encode() + answer.body)
        return answer

    def told(self, what: str, answer: Answer, member: str) -> str:
        secret = str((answer.json() or {}).get(member, ""))
        if self.checks.ok(f"{what} is told once", answer.status in (200, 201) and len(secret) > 20, answer.status):
            self.needles.add(what, secret)
        return secret

    def subscriptions(self) -> None:
        for at, who in enumerate(("agency", "authority")):
            body = {"url": self.receivers.url(at), "events": ["*"], "datasets": ["*"]}
            answer = self.ask(who, "POST", "/v1/subscriptions", body)
            first = self.told(f"secret of {who}'s subscription", answer, "secret")
            path = f"/v1/subscriptions/{find(answer.json(), 'id')}"
            self.receivers.secrets(at, first)
            self.ask(who, "POST", f"{path}/test", {})
            rotated = self.told("a rotated secret", self.ask(who, "POST", f"{path}/rotate-secret", {}), "secret")
            self.receivers.secrets(at, first, rotated)
            self.ask(who, "POST", f"{path}/test", {})
            again = self.ask("operator", "GET", path)
            self.checks.ok("nobody is told a second time", not find(again.json(), "secret"), again)
        self.receivers.script(1, "500", "401", "reset")

    def clients(self) -> None:
        """Agencies and users: made, rotated, and every secret presented where it belongs and where it does not."""
        agency = {"id": "drill-agency", "name": "演练机构", "credit_code": credit_code(5), "role": "agency"}
        made = self.ask("manager", "POST", "/v1/agencies", agency)
        secrets = [self.told("secret of an agency", made, "client_secret")]
        rotated = self.ask("manager", "POST", "/v1/agencies/drill-agency/rotate-secret", {})
        secrets.append(self.told("a rotated secret of an agency", rotated, "client_secret"))
        user = self.ask("manager", "POST", "/v1/users", {"id": "drill-user", "name": "演练用户", "role": "auditor"})
        confirm = f"/v1/approvals/{find(user.json(), 'approval')}/confirm"
        confirmed = self.ask("manager2", "POST", confirm, {})
        secrets.append(self.told("secret of a user", confirmed, "client_secret"))
        client = Agency("drill-agency", (made.json() or {}).get("client_id", ""), secrets[-1])
        for secret in (*secrets, *(s for s in self.needles.secrets if s.startswith("whsec_"))):
            self.present(client.client_id, secret)

    def present(self, client_id: str, secret: str) -> None:
        quoted = urllib.parse.quote(secret, safe="")
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        grant = "grant_type=client_credentials"
        token = self.ask(None, "POST", "/oauth/token", grant, ctype=FORM, headers={"Authorization": f"Basic {pair}"})
        posted = self.ask(
            None, "POST", "/oauth/token", f"{grant}&client_id={client_id}&client_secret={quoted}", ctype=FORM
        )
        for answer in (token, posted):
            if answer.status == 200:
                self.needles.add("a bearer token", answer.json()["access_token"])
        # Where people put it by mistake.
        self.ask(None, "POST", "/oauth/token", f"{grant}&client_id={quoted}&client_secret={quoted}x", ctype=FORM)
        self.ask(None, "POST", "/oauth/token", {"client_id": client_id, "client_secret": secret})
        self.ask(None, "GET", "/v1/datasets", token=secret)
        for path in (
            f"/v1/subscriptions/{quoted}",
            f"/v1/deliveries?target={quoted}",
            f"/v1/mismatches?cursor={quoted}",
        ):
            self.ask("agency", "GET", path)
        self.ask("agency", "GET", f"/v1/datasets?access_token={quoted}", headers={"Idempotency-Key": secret})
        subscription = {"url": f"https://x.example/{quoted}", "events": [secret], "secret": secret}
        self.ask("agency", "POST", "/v1/subscriptions", subscription)
        self.ask(
            "agency", "POST", "/v1/subscriptions", {"url": f"http://u:{quoted}@127.0.0.1/?k={quoted}", "events": ["*"]}
        )

    def records(self) -> None:
        """A correction that subscribers and the sink hear of; questions that a source is asked for."""
        record = person(1)
        put_records(self.hub.client("authority"), "natural-person", [record])
        body = {
            "dataset": "natural-person",
            "subject": record["subject"],
            "claims": {"name": "王小明"},
            "purpose": PURPOSE,
        }
        opened = self.ask("agency", "POST", "/v1/verifications", body)
        path = f"/v1/mismatches/{find((opened.json() or {}).get('mismatch'), 'id')}/actions"
        for who, action in (("agency", "propose_correction"), ("authority", "approve")):
            rest = {"fields": {"name": "王小明"}} if who == "agency" else {}
            acted = self.ask(who, "POST", path, {"action": action} | rest, headers={"Idempotency-Key": action})
            self.checks.ok(f"{action} is taken", acted.status == 200, acted)
        for n in range(6):
            firm = {"dataset": "legal-entity", "subject": {"uscc": credit_code(900 + n)}, "claims": {"name": "某公司"}}
            self.ask("agency", "POST", "/v1/verifications", firm | {"purpose": PURPOSE})


def as_nobody(folder: Path) -> tuple[str, ...]:
    """How the hub is started: cores without a limit, and never as root, from whom no process can hide its memory."""
    limit = ("/bin/sh", "-c", 'ulimit -c "$(ulimit -Hc)"; exec "$@"', "sh")
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return limit
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        os.chown(path, NOBODY, NOBODY)
    os.chown(folder, NOBODY, NOBODY)
    return (*limit, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def try_the_core(checks: Checks, wrap: tuple[str, ...], folder: Path) -> None:
    """A test of the test: a process that refuses nothing, started and ended like the hub, leaves a core."""
    process = subprocess.Popen([*wrap, "sleep", "60"], cwd=folder)
    status = Path(f"/proc/{process.pid}/comm")
    deadline = time.monotonic() + 5
    while status.read_text().strip() != "sleep" and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGABRT)
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    process.wait()
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        print("no process here may leave a core: the hub's own limit is not tried")
    else:
        checks.ok("another process leaves a core here", ended.si_code == os.CLD_DUMPED, ended.si_code)
    for path in folder.glob("core*"):
        path.unlink()


def refuses_a_core(checks: Checks, hub: Hub, folder: Path) -> None:
    """Its own user may neither look into its memory nor have it on disk when it dies."""
    pid = hub.process.pid
    limits = Path(f"/proc/{pid}/limits").read_text()
    soft, hard = next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core"))
    checks.ok("RLIMIT_CORE is 0, and cannot be raised again", (soft, hard) == ("0", "0"), (soft, hard))
    owner = os.stat(f"/proc/{pid}/environ").st_uid
    if NOBODY in (owner, os.stat(f"/proc/{pid}").st_uid) or os.geteuid() != 0:
        # The kernel gives /proc/PID of a process that is not dumpable to root.
        checks.ok("it is not dumpable: its own user cannot read its memory", owner == 0, f"owner {owner}")
    hub.process.send_signal(signal.SIGABRT)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    checks.ok("SIGABRT leaves no core", ended.si_code == os.CLD_KILLED, f"si_code {ended.si_code}, 3 is a core")
    hub.process.wait()
    cores = [p for p in folder.rglob("core*") if p.is_file() and p.open("rb").read(4) == b"\x7fELF"]
    checks.ok("no core lies in the folder", not cores, cores)
    for path in cores:
        path.unlink()


def main() -> None:
    args = arguments(__doc__, ("--seed", {"type": int, "default": int(time.time())}))
    rng = random.Random(args.seed)
    folder, checks, needles = workdir("secrets"), Checks("secret_search"), Needles()
    try_the_search(checks)
    source = Source()
    scanned = 0

    def search(place: str, data: bytes) -> None:
        nonlocal scanned
        scanned += len(data)
        found = needles.hits(data)
        checks.ok(f"no secret in {place}", not found, found[:6])

    def search_folder(when: str) -> None:
        for path in sorted(p for p in hub.data.rglob("*") if p.is_file() and p != root):
            search(f"{path.relative_to(hub.data)} {when}", path.read_bytes())

    with Receivers(3) as receivers:
        receivers.secrets(2, "whsec_" + random_key(rng))
        connectors(folder / "connectors", source.server_address[1], receivers.url(2), needles, rng)
        sink = next(s for s, what in needles.secrets.items() if what == "sink-secret")
        receivers.secrets(2, sink)
        own = folder / "heyan"
        shutil.copy2(binary(), own)
        own.chmod(0o755)
        os.environ["HEYAN_BIN"] = str(own)
        env = settings(receivers.ports, 1) | {
            "HEYAN__CONNECTORS__FOLDER": str(folder / "connectors"),
            "HEYAN__LOG__LEVEL": "trace",
            "RUST_LOG": "trace",
            "RUST_BACKTRACE": "1",
        }
        # Made before, so that it changes hands with the rest.
        on_postgres(folder / "data")
        wrap = as_nobody(folder)
        try_the_core(checks, wrap, folder)
        hub = Hub(folder / "data", env=env, wrap=wrap)
        root = next(p for p in hub.data.rglob("root") if p.parent.name == "keys")
        needles.add("the root key", root.read_text().split()[-1])
        for role, token in hub.tokens.items():
            needles.add(f"token of {role}", token)
        use = Use(hub, needles, checks, receivers)
        use.subscriptions()
        use.records()
        use.clients()
        checks.ok(
            "all was delivered, the sink's too",
            receivers.wait(lambda c: c[0]["effects"] and c[1]["effects"] and c[2]["effects"] >= 2, 15),
            receivers.counts(),
        )
        unsigned = [one.get("unsigned", 0) for one in receivers.counts()]
        checks.ok("every signature was right", unsigned == [0, 0, 0], unsigned)
        checks.ok("the source was given its token", any("Bearer " in p for p in source.presented), source.presented)
        use.problems += [json.dumps(use.ask("auditor", "GET", "/v1/supervision/alerts").json()).encode()]
        wal = [p for p in hub.data.rglob("*-wal") if p.stat().st_size]
        checks.ok("there is a WAL to search", wal or on_postgres(hub.data))
        search_folder("while it runs")
        search("/metrics", hub.admin().get("/metrics").body)
        refuses_a_core(checks, hub, folder)
        search_folder("after it was killed")
    for path in (hub.stdout_path, hub.stderr_path):
        # The ready line is how tokens are handed over.
        search(path.name, b"\n".join(x for x in path.read_bytes().split(b"\n") if b'"admin_url"' not in x))
    checks.ok("the log was written at TRACE", hub.stderr_path.stat().st_size > 50_000, hub.stderr_path.stat().st_size)
    for document in use.problems:
        search(f"a problem {document[-200:]!r}", document)
    printed = subprocess.run(
        [own, "config", "print"], env={**os.environ, **env}, cwd=folder, capture_output=True, timeout=30
    )
    checks.ok("`config print` prints", printed.returncode == 0 and b"[push]" in printed.stdout, printed.stderr)
    search("config print", printed.stdout + printed.stderr)
    hub.kill()
    checks.finish(
        secrets=len(needles.secrets),
        forms=len(needles.forms),
        requests=use.sent,
        problems=len(use.problems),
        scanned_bytes=scanned,
    )


if __name__ == "__main__":
    main()
