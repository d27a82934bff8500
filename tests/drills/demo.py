"""Starts `heyan demo` as a newcomer would and uses exactly what it prints: three `curl` lines, tokens, addresses.

The `curl` lines are run as printed, by a shell, with no change; a line may go on after a trailing backslash.
"""

import json
import os
import re
import signal
import subprocess
import time

from hub import ROLES, Checks, Hub, arguments, binary, workdir

KEYS = {"url", "admin_url", "inbox_url", "ledger_dir", "ledger_key", "tokens"}


def curl_lines(text: str) -> list[str]:
    """The `curl` commands in what the demo printed."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [m.group(0) for m in re.finditer(r"(?m)(?<![\w$])curl (?:[^\n]*\\\n)*[^\n]*", text)]


def as_a_person(checks: Checks, limit_s: float) -> float:
    """Default size, human output, ports of our own choice; returns the seconds until the third `curl` line stood."""
    folder = workdir("demo-person")
    out = folder / "out"
    with open(out, "wb") as f:
        began = time.monotonic()
        hub = subprocess.Popen(
            [
                binary(),
                "demo",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--data",
                str(folder / "data"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=f,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1"},
            cwd=folder,
        )
    try:
        while len(lines := curl_lines(out.read_text(errors="replace"))) < 3 and hub.poll() is None:
            if time.monotonic() - began > 60:
                break
            time.sleep(0.02)
        ready = time.monotonic() - began
        time.sleep(0.3)  # the last line may still be on its way to the file
        lines = curl_lines(out.read_text(errors="replace"))
        checks.ok(f"ready within {limit_s} s", ready < limit_s, f"{ready:.2f} s")
        checks.ok("three curl lines are printed", len(lines) == 3, out.read_text(errors="replace")[-1500:])
        answers = []
        for line in lines:
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
            print(f"$ {line[:60]}…\n{done.stdout[:600]}")
            checks.ok("curl ends with 0", done.returncode == 0, done.stderr[-300:])
            try:
                answers.append(json.loads(done.stdout))
            except ValueError:
                answers.append({})
        outcomes = [a.get("outcome") for a in answers]
        checks.ok("the first is a match", outcomes[:1] == ["verified"], outcomes)
        checks.ok("the second is a mismatch", outcomes[1:2] == ["mismatched"], outcomes)
        checks.ok(
            "the third is an item check", len(answers) == 3 and answers[2] and "code" not in answers[2], answers[2:3]
        )
        return ready
    finally:
        hub.send_signal(signal.SIGINT)
        try:
            hub.wait(15)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()
        checks.ok("Ctrl-C ends the demo with 0", hub.returncode == 0, hub.returncode)


def as_a_program(checks: Checks, limit_s: float) -> float:
    """`--output json`: one line, the contract's members, tokens that work, nothing else on standard output."""
    folder = workdir("demo-program")
    with Hub(folder / "data", persons=None, seed=7) as hub:
        ready = hub.ready_s
        checks.ok(f"--output json is ready within {limit_s} s", ready < limit_s, f"{ready:.2f} s")
        checks.ok("the ready line has the contract's members", KEYS <= set(hub.info), sorted(hub.info))
        checks.ok("one token a role", set(ROLES) <= set(hub.tokens), sorted(hub.tokens))
        checks.ok("one line on standard output", hub.stdout_path.read_bytes().count(b"\n") == 1)
        for role, token in hub.tokens.items():
            checks.ok(f"the token of {role} is taken", hub.client(role).get("/v1/datasets").status == 200)
            checks.ok(f"the token of {role} is not in the logs", token.encode() not in hub.stderr_path.read_bytes())
        inbox = hub.client().request("GET", "/", token=None) if not hub.info.get("inbox_url") else None
        checks.ok("an inbox is named", inbox is None)
        rows = hub.metric("heyan_ledger_size")
        checks.ok("the ledger has entries", rows >= len(hub.tokens), rows)
        checks.ok("the ledger directory is there", hub.ledger_dir.is_dir(), hub.ledger_dir)
    return ready


def main() -> None:
    args = arguments(__doc__, ("--limit", {"type": float, "default": 10.0, "help": "seconds until ready"}))
    checks = Checks("demo")
    person_s, program_s = as_a_person(checks, args.limit), as_a_program(checks, args.limit)
    checks.finish(ready_person_s=round(person_s, 2), ready_program_s=round(program_s, 2))


if __name__ == "__main__":
    main()
