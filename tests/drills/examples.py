"""Runs the client examples of `examples/` as a reader would: against a hub, and against answers of a later hub.

The second server answers from a list: busy with `Retry-After`, an expired token, unknown words and members.
"""

import json
import os
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hub import PROBLEM, PURPOSE, ROOT, Checks, Hub, arguments, person, put_records, verification, workdir
from parties import credit_code

PYTHON = [sys.executable, str(ROOT / "examples" / "verify.py")]
# From the source file, as its comment says. That compiles it at each start, so further runs use compiled classes.
JAVA = ["java", str(ROOT / "examples" / "Verify.java")]
AGENCY = {"id": "example", "name": "示例单位", "credit_code": credit_code(81), "role": "agency"}
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 600}
ANSWER = {
    "id": "ver_1",
    "outcome": "verified",
    "fields": {"name": {"verdict": "match", "basis": "exact"}},
    "findings": [],
    "receipt": {},
    "rules": "natural-person@1",
}


class Asked:
    """One run of an example: exit code, output, seconds."""

    def __init__(self, command: list[str], *args: str, stdin: str | None = None):
        began = time.monotonic()
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        # Output in UTF-8 whatever the locale of the machine is.
        env = {**os.environ, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([*command, *args], capture_output=True, text=True, timeout=120, env=env, **given)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.seconds = time.monotonic() - began

    def __repr__(self) -> str:
        return f"{self.code} {self.out[:400]!r} {self.err[:400]!r}"


def commands(folder: Path) -> dict[str, list[str]]:
    """How each example is run; the Java one is compiled with every warning as an error."""
    classes = folder / "classes"
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", str(classes), JAVA[-1]], check=True, timeout=120)
    return {"verify.py": PYTHON, "Verify.java": ["java", "-cp", str(classes), "Verify"]}


def at_a_hub(checks: Checks, folder: Path, examples: dict[str, list[str]]) -> None:
    """Real credentials, real records: agreement, a mismatch, a refused request, a wrong secret."""
    with Hub(folder / "data") as hub:
        manager = hub.client("manager")
        added = manager.post("/v1/agencies", AGENCY)
        checks.ok("an agency is added", added.status == 201, added)
        grant = {"agency": AGENCY["id"], "dataset": "natural-person", "fields": ["*"], "item_codes": ["*"]}
        granted = manager.post("/v1/grants", grant | {"operations": ["verify", "predicate", "existence"]})
        checks.ok("it gets a grant", granted.status == 201, granted)
        record = person(1)
        taken, refused = put_records(hub.client("authority"), "natural-person", [record])
        checks.ok("a record is contributed", taken == 1, refused)
        (folder / "secret").write_text(added.json()["client_secret"] + "\n")
        (folder / "wrong").write_text("hys_" + "A" * 43)
        right = verification(record, "name", "birth_date")
        wrong = verification(record, "birth_date", name="张" + record["fields"]["name"])
        absent = {"dataset": "no-such", "subject": {"a": "b"}, "claims": {"name": "c"}, "purpose": PURPOSE}
        (folder / "right.json").write_text(json.dumps(right, ensure_ascii=False), encoding="utf-8")
        for name, command in [("java Verify.java", JAVA), *examples.items()]:
            ask = [hub.url + "/", AGENCY["id"], str(folder / "secret")]
            got = Asked(command, *ask, str(folder / "right.json"))
            checks.ok(f"{name}: agreement ends with 0", got.code == 0 and not got.err, got)
            checks.ok(f"{name}: agreement is printed", got.out.startswith("verified  ver_"), got)
            said = "  name: match exact\n  birth_date: match exact"
            checks.ok(f"{name}: each field is printed", said in got.out, got)
            if command is JAVA:
                continue
            got = Asked(command, *ask, stdin=json.dumps(wrong))
            checks.ok(f"{name}: a mismatch ends with 1", got.code == 1, got)
            said = "  birth_date: match exact\n  name: mismatch\n  mismatch mis_"
            checks.ok(f"{name}: the mismatch is printed", got.out.startswith("mismatched") and said in got.out, got)
            got = Asked(command, *ask, stdin=json.dumps(absent))
            checks.ok(f"{name}: a problem ends with 2", got.code == 2 and not got.out, got)
            said = all(text in got.err for text in ("422 invalid_value", "/dataset: unknown_dataset", "trace_id "))
            checks.ok(f"{name}: code, place and trace id are printed", said, got)
            got = Asked(command, *ask[:2], str(folder / "wrong"), stdin=json.dumps(right))
            checks.ok(f"{name}: a wrong secret is told", got.code == 2 and "401 invalid_client" in got.err, got)


class Scripted(BaseHTTPRequestHandler):
    """Answers `/oauth/token` with a token, and everything else with the next entry of `script`."""

    protocol_version = "HTTP/1.1"
    script: list[tuple[int, dict, dict]] = []
    tokens = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/oauth/token":
            Scripted.tokens += 1
            status, headers, body = 200, {}, TOKEN
        else:
            status, headers, body = self.script.pop(0) if self.script else (500, {}, {"code": "script_ended"})
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status == 200 else PROBLEM)
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_) -> None:
        pass


def at_a_later_hub(checks: Checks, folder: Path, examples: dict[str, list[str]]) -> None:
    """Answers that make a client wait, renew its token, or meet words that it does not know."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "any").write_text("hys_any")
    try:
        for name, command in examples.items():

            def ask(*script: tuple[int, dict, dict]) -> Asked:
                Scripted.script, Scripted.tokens = list(script), 0
                url = f"http://127.0.0.1:{server.server_address[1]}"
                return Asked(command, url, "any", str(folder / "any"), stdin="{}")

            good = (200, {}, ANSWER)
            busy = {"code": "overloaded", "detail": "busy"}
            got = ask((503, {"Retry-After": "2"}, busy), good)
            checks.ok(f"{name}: waits for Retry-After, then asks again", got.code == 0 and got.seconds >= 2, got)
            checks.ok(f"{name}: says why it waits", "503 overloaded: busy" in got.err, got)
            got = ask((503, {"Retry-After": formatdate(time.time() + 5, usegmt=True)}, busy), good)
            checks.ok(f"{name}: Retry-After may be a date", got.code == 0 and got.seconds >= 3, got)
            got = ask((429, {"Retry-After": "3600"}, {"code": "ceiling_reached"}), good)
            checks.ok(f"{name}: does not wait for an hour", got.code == 2 and "ceiling_reached" in got.err, got)
            got = ask((422, {}, {"code": "a_new_code"}), good)
            checks.ok(f"{name}: a refused request is not repeated", got.code == 2 and "a_new_code" in got.err, got)
            got = ask((401, {}, {"code": "token_expired"}), good)
            checks.ok(f"{name}: gets a new token once", got.code == 0 and Scripted.tokens == 2, (got, Scripted.tokens))
            got = ask((307, {"Location": "/v1/elsewhere"}, {}), good)
            checks.ok(f"{name}: follows no redirect", got.code == 2 and len(Scripted.script) == 1, got)
            new = {"outcome": "postponed", "reach": {"deep": [1, None, True, "\u6838"]}}
            got = ask((200, {}, ANSWER | new | {"fields": {"name": {"verdict": "nearly", "weight": 1.5e3}}}))
            checks.ok(f"{name}: a word that it does not know is a review", got.code == 1 and not got.err, got)
            checks.ok(f"{name}: and is printed so", got.out == "review  ver_1\n  name: review\n", got)
            busy_page = (503, {"Retry-After": "0"}, busy)
            got = ask(*[busy_page] * 5, good)
            checks.ok(f"{name}: gives up after five attempts", got.code == 2 and len(Scripted.script) == 1, got)
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    arguments(__doc__)
    checks = Checks("examples")
    folder = workdir("examples")
    examples = commands(folder)
    at_a_hub(checks, folder, examples)
    at_a_later_hub(checks, folder, examples)
    checks.finish()


if __name__ == "__main__":
    main()
