"""Generates clients from schemas/openapi.json with OpenAPI Generator, compiles them, and uses them against a hub.

Each client is used twice: on the hub itself, and on a proxy before it that puts one more member into every object of an answer and
another word in the place of each word. A client that was generated today must understand such an answer: it is what a later hub may send.
Nothing but the name of the library is told to the generator.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hub import ROOT, Checks, Hub, arguments, put_records, workdir

CONTRACT = ROOT / "tests" / "contract"
CLIENTS = CONTRACT / "clients"
TOOLS = Path(os.environ.get("CONTRACT_TOOLS", Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "tools/contract"))
CLASSPATH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"

# Members that hold words, and maps whose members are named by data.
WORDS = {"outcome", "verdict", "basis", "reason", "freshness", "state", "sharing", "comparator", "code", "role", "findings"}
MAPS = {"fields", "subject", "claims"}

RECORD = {
    "subject": {"id_number": "11010519491231002X"},
    "fields": {"name": "张三丰", "sex": "1", "birth_date": "1949-12-31", "status": "正常"},
}
WORDS_SEEN = "outcome verified{0}|verdict match{0}|outcome mismatched{0}|verdict mismatch{0}|"
EXPECTED = WORDS_SEEN.format("") + "batch 2|datasets 4|mismatches some|refused 422"
LATER = WORDS_SEEN.format("_later") + "batch 2|datasets 4|mismatches some|refused 422"


def later(value, name: str = ""):
    """The value as a later hub may say it: more members, other words."""
    if isinstance(value, dict):
        grown = {member: later(inner, member) for member, inner in value.items()}
        return grown if name in MAPS else {**grown, "added_later": {"since": 2030}}
    if isinstance(value, list):
        grown = [later(inner, name) for inner in value]
        return [*grown, "found_later"] if name == "findings" else grown
    return f"{value}_later" if name in WORDS and isinstance(value, str) else value


class Proxy(BaseHTTPRequestHandler):
    """Passes everything on, and lets answers grow."""

    protocol_version = "HTTP/1.1"
    hub = ""
    grown = 0

    def handle_one(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        parts = urllib.parse.urlsplit(self.hub)
        upstream = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        kept = ("authorization", "content-type", "accept", "accept-language")
        head = {name: value for name, value in self.headers.items() if name.lower() in kept}
        upstream.request(self.command, self.path, body or None, head)
        answer = upstream.getresponse()
        data, ctype = answer.read(), answer.headers.get("content-type", "")
        if "json" in ctype and data:
            data = json.dumps(later(json.loads(data)), ensure_ascii=False).encode()
            type(self).grown += 1
        self.send_response(answer.status)
        self.send_header("content-type", ctype)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        upstream.close()

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def log_message(self, *_) -> None:
        """Nothing is printed for a request."""


def run(command: list, cwd: Path, log: Path, timeout: float = 900, **environment: str) -> tuple[bool, str]:
    """Runs to the end; whether it succeeded, and what it printed to standard output. All of it is in `log` too."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    with open(log, "a") as out:
        out.write(f"$ {' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}\n")
    return done.returncode == 0, done.stdout


def generate(name: str, language: str, library: str | None, folder: Path, log: Path) -> bool:
    """Writes the client's source."""
    jar = next(TOOLS.glob("openapi-generator-cli-*.jar"))
    command = ["java", "-jar", jar, "generate", "-i", ROOT / "schemas/openapi.json", "-g", language, "-o", folder / name]
    return run(command + (["--library", library] if library else []), folder, log)[0]


def java(name: str, folder: Path, log: Path) -> list | None:
    """Compiles a Java client with the test's own file; the command that uses it."""
    client = folder / name
    for source in (CLIENTS / "Survives.java", CLIENTS / name.removeprefix("java-") / "Connect.java"):
        shutil.copy(source, client / "src/main/java")
    path = client / "classpath"
    compiled, _ = run(
        ["mvn", "-B", "-q", "-Dmaven.test.skip=true", "compile", CLASSPATH, f"-Dmdep.outputFile={path}"], client, log
    )
    return ["java", "-cp", f"{client}/target/classes:{path.read_text()}", "Survives"] if compiled else None


def python(name: str, folder: Path, log: Path) -> list | None:
    """Compiles every file of a Python client; the command that uses it, which imports all of them."""
    compiled, _ = run([TOOLS / "venv/bin/python", "-m", "compileall", "-q", "openapi_client"], folder / name, log)
    return ["env", f"PYTHONPATH={folder / name}", TOOLS / "venv/bin/python", CLIENTS / "survives.py"] if compiled else None


def typescript(name: str, folder: Path, log: Path) -> list | None:
    """Compiles a TypeScript client with the test's own file; the command that uses it."""
    shutil.copy(CLIENTS / "survives.ts", folder / name)
    options = ["--strict", "--target", "es2020", "--module", "commonjs", "--lib", "es2020,dom", "--outDir", "dist"]
    files = sorted(str(path.relative_to(folder / name)) for path in (folder / name).rglob("*.ts"))
    compiled, _ = run([TOOLS / "node_modules/.bin/tsc", *options, *files], folder / name, log)
    return ["node", folder / name / "dist/survives.js"] if compiled else None


KINDS = {
    "java-okhttp": ("java", "okhttp-gson", java),
    "java-native": ("java", "native", java),
    "python": ("python", None, python),
    "typescript": ("typescript-fetch", None, typescript),
}


def main() -> None:
    args = arguments(__doc__, ("--only", {"help": f"comma separated, of {', '.join(KINDS)}"}))
    checks = Checks("clients_generated")
    folder = workdir("clients")
    fetched = subprocess.run([CONTRACT / "tools.sh", "fetch-generator"], stdin=subprocess.DEVNULL, timeout=900)
    checks.ok("the generator is here", fetched.returncode == 0)
    with Hub(folder / "data", persons=0) as hub:
        put_records(hub.client("authority"), "natural-person", [RECORD])
        Proxy.hub = hub.url
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        grown_url = f"http://127.0.0.1:{proxy.server_address[1]}"
        for name in (args.only or ",".join(KINDS)).split(","):
            language, library, build = KINDS[name]
            log, began = folder / f"{name}.log", time.monotonic()
            if not checks.ok(f"{name}: is generated", generate(name, language, library, folder, log), tail(log)):
                continue
            use = build(name, folder, log)
            if not checks.ok(f"{name}: compiles", use is not None, tail(log)):
                continue
            built_s = time.monotonic() - began
            for what, url, expected in (("the hub", hub.url, EXPECTED), ("a later hub", grown_url, LATER)):
                before = Proxy.grown
                good, said = run([*use, url, hub.tokens["agency"]], folder, log, timeout=120)
                # How many mismatches there are depends on who asked before.
                lines = re.sub(r"mismatches [1-9]\d*", "mismatches some", "|".join(said.strip().splitlines()))
                checks.ok(f"{name}: understands {what}", good and lines == expected, lines + tail(log))
                if url == grown_url:
                    checks.ok(f"{name}: its answers had grown", Proxy.grown - before == 6, Proxy.grown - before)
            print(f"{name}: generated and compiled in {built_s:.0f} s", file=sys.stderr)
        proxy.shutdown()
    checks.finish()


def tail(log: Path) -> str:
    """The end of a log."""
    return "\n" + log.read_text()[-3000:] if log.exists() else ""


if __name__ == "__main__":
    main()
