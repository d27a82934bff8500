"""Puts deploy/haproxy.cfg and deploy/nginx.conf, as they ship but for addresses and paths, before two hubs with TLS.

Through each proxy: single verifications; a stream whose every line is answered before the next is sent, which a proxy that
buffers would hold up for ever; a body far beyond what is buffered; and, under load, a restart of one hub after the other:
no call may fail after one retry by the caller. The two hubs share a root key and records, no more: that they are no cluster
is not this drill's matter. `--cost` measures instead what a call costs in CPU time, by wrk with 64 connections: of a hub without
TLS, of one with it, and of each proxy before it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from hub import (
    NDJSON,
    PURPOSE,
    ROOT,
    Checks,
    Client,
    arguments,
    binary,
    cpu_seconds,
    person,
    put_records,
    verification,
    workdir,
)

DEPLOY = ROOT / "deploy"
NAMES = ("hub-1.heyan.local", "hub-2.heyan.local")
RECORDS = [person(n) for n in range(200)]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def tool(name: str) -> str | None:
    """A server's binary; Debian keeps them where a plain user's PATH does not look."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Node:
    """A hub with TLS on ports that stay the same when it is started again."""

    def __init__(self, folder: Path, secrets: Path, tls: dict | None = None):
        self.folder, self.port, self.admin_port = folder, free_port(), free_port()
        files = {"certificate_file": secrets / "hub.pem", "key_file": secrets / "hub.key"} if tls is None else tls
        self.env = os.environ | {f"HEYAN__HTTP__TLS__{key.upper()}": str(file) for key, file in files.items()}
        keys = folder / "keys"
        keys.mkdir(parents=True)
        shutil.copy(secrets / "root", keys / "root")
        (keys / "root").chmod(0o400)
        self.start()

    def start(self) -> None:
        """Starts it and waits until it has told its tokens and the shipped readiness check says that it is ready."""
        ports = ["--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{self.admin_port}"]
        args = [binary(), "demo", "--output", "json", "--persons", "0", "--data", str(self.folder), *ports]
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "ab") as err:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.env)
        deadline = time.monotonic() + 60
        while not self.told() or subprocess.run([DEPLOY / "ready", f"127.0.0.1:{self.admin_port}"], capture_output=True).returncode:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"a hub was not ready: {(self.folder / 'stderr').read_text()[-800:]}")
            time.sleep(0.05)

    def told(self) -> str:
        """The line that `heyan demo` prints when all is made; empty before."""
        whole, end, _ = (self.folder / "stdout").read_text().rpartition("\n")
        return whole.splitlines()[-1] if end else ""

    def tokens(self) -> dict[str, str]:
        return json.loads(self.told())["tokens"]

    def stop(self) -> float:
        """Asks it to end, and says how long that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - begun


class Tls(Client):
    """A client that trusts the CA of this drill only."""

    def __init__(self, port: int, token: str, context: ssl.SSLContext):
        super().__init__(f"https://localhost:{port}", token)
        self._context = context

    def request(self, method, path, body=None, **kw):
        if self._conn is None:
            self._conn = http.client.HTTPSConnection("localhost", self.port, timeout=20, context=self._context)
        return super().request(method, path, body, **kw)


def haproxy(folder: Path, nodes: list[Node], secrets: Path) -> tuple[list[str], int, int]:
    """Command, port, and port of its metrics."""
    port, metrics = free_port(), free_port()
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = text.replace("bind :8443", f"bind 127.0.0.1:{port}").replace("bind :8404", f"bind 127.0.0.1:{metrics}")
    text = text.replace("/etc/haproxy/certs/site.pem", str(secrets / "proxy.pem"))
    text = text.replace("/etc/haproxy/heyan-ca.pem", str(secrets / "ca.pem"))
    # Two files a connection: a machine for tests may not have so many.
    text = text.replace("maxconn 20000", "maxconn 500").replace("maxconn 19000", "maxconn 400")
    for name, node in zip(NAMES, nodes):
        text = re.sub(rf"( {name}):8443 verify", f" 127.0.0.1:{node.port} port {node.admin_port} verify", text)
        text = text.replace(f"{name}:8443 track", f"127.0.0.1:{node.port} track")
    (folder / "haproxy.cfg").write_text(text)
    return [tool("haproxy") or "", "-W", "-f", str(folder / "haproxy.cfg")], port, metrics


def nginx(folder: Path, nodes: list[Node], secrets: Path) -> tuple[list[str], int, int]:
    """Command and port; it has no metrics."""
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("listen 8443", f"listen 127.0.0.1:{port}").replace("/run/nginx.pid", str(folder / "pid"))
    text = text.replace("/etc/nginx/tls/site.pem", str(secrets / "proxy.pem"))
    text = text.replace("/etc/nginx/tls/heyan-ca.pem", str(secrets / "ca.pem"))
    for name, node in zip(NAMES, nodes):
        text = text.replace(f"server {name}:8443", f"server 127.0.0.1:{node.port}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    text = text.replace("http {", "http {\n" + "".join(f"{k}_temp_path {folder}/{k};\n" for k in kinds), 1)
    (folder / "nginx.conf").write_text(text)
    command = [tool("nginx") or "", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    return command, port, 0


def item(n: int) -> bytes:
    record = RECORDS[n % len(RECORDS)]
    line = {"ref": str(n), "subject": record["subject"], "claims": {"name": record["fields"]["name"]}}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def by_turns(port: int, token: str, context: ssl.SSLContext, lines: int) -> int:
    """Sends a line only when the one before was answered; returns how many were, within two seconds each."""
    with (
        socket.create_connection(("localhost", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        chunk = lambda data: sock.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        head = f"POST /v1/verifications/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        sock.sendall((head + f"Content-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\n\r\n").encode())
        chunk(json.dumps({"purpose": PURPOSE, "dataset": "natural-person"}).encode() + b"\n")
        sock.settimeout(2)
        answered, seen = 0, b""
        for n in range(lines):
            chunk(item(n))
            wanted = f'"ref":"{n}"'.encode()
            try:
                while wanted not in seen:
                    more = sock.recv(65536)
                    if not more:
                        return answered
                    seen += more
            except TimeoutError:
                return answered
            answered += 1
        sock.sendall(b"0\r\n\r\n")
        while b'"summary"' not in seen and (more := sock.recv(65536)):
            seen += more
        return answered + (b'"summary"' in seen)


class Load:
    """Callers that verify without a pause, each with one retry; what failed at first, and what failed twice."""

    def __init__(self, port: int, token: str, context: ssl.SSLContext, callers: int = 4):
        self.calls, self.retried, self.failed = 0, 0, []
        self._end, self._lock = threading.Event(), threading.Lock()
        body = [json.dumps(verification(r, "name"), ensure_ascii=False) for r in RECORDS]

        def call() -> None:
            client, n = Tls(port, token, context), 0
            while not self._end.is_set():
                n += 1
                for last in (False, True):
                    answer = client.attempt("POST", "/v1/verifications", body[n % len(body)])
                    if answer is not None and answer.status == 200:
                        break
                    with self._lock:
                        self.retried += not last
                        if last:
                            self.failed.append(repr(answer))
                    time.sleep(0.2)
                with self._lock:
                    self.calls += 1

        self._threads = [threading.Thread(target=call, daemon=True) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)


def exported(port: int) -> str:
    """What HAProxy tells Prometheus."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as said:
        return said.read().decode()


def silent(checks: Checks, name: str, client: Tls, body: dict, node: Node, metrics: int) -> dict:
    """A hub that holds its connections and says nothing is taken out by its health, and comes back."""
    row = 'haproxy_server_status{proxy="hubs",server="hub-1",state="%s"} 1'

    def within(seconds: float, state: str) -> float:
        begun = time.monotonic()
        while row % state not in exported(metrics) and time.monotonic() < begun + seconds:
            time.sleep(0.1)
        return time.monotonic() - begun

    node.process.send_signal(signal.SIGSTOP)
    try:
        out_s = within(10, "DOWN")
        checks.ok(f"{name}: a silent hub is taken out", out_s < 10)
        good = sum(client.post("/v1/verifications", body).status == 200 for _ in range(50))
        checks.ok(f"{name}: and the other answers", good == 50, good)
    finally:
        node.process.send_signal(signal.SIGCONT)
    checks.ok(f"{name}: and it comes back", within(10, "UP") < 10)
    return {f"{name}_out_s": round(out_s, 1)}


def through(checks: Checks, name: str, started, nodes: list[Node], token: str, context: ssl.SSLContext) -> dict:
    """All that must hold through one proxy."""
    command, port, metrics = started
    log = open(Path(command[command.index("-f" if name == "haproxy" else "-c") + 1]).with_suffix(".log"), "wb")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        client, deadline = Tls(port, token, context), time.monotonic() + 20
        body = verification(RECORDS[0], "name")
        while (answer := client.attempt("POST", "/v1/verifications", body)) is None or answer.status != 200:
            if time.monotonic() > deadline:
                checks.ok(f"{name}: a verification is answered", False, repr(answer))
                return {}
            time.sleep(0.2)
        same = sum(client.post("/v1/verifications", body).status == 200 for _ in range(100))
        checks.ok(f"{name}: a hundred calls on one connection", same == 100, same)
        answered = by_turns(port, token, context, 20)
        checks.ok(f"{name}: each line of a stream is answered before the next is sent", answered == 21, answered)
        head = json.dumps({"purpose": PURPOSE, "dataset": "natural-person"}).encode() + b"\n"
        long = client.post("/v1/verifications/stream", head + b"".join(map(item, range(40_000))), ctype=NDJSON)
        lines = long.body.count(b"\n")
        checks.ok(f"{name}: a stream of 40,000 lines", long.status == 200 and lines == 40_001, f"{long.status} {lines}")
        figures = silent(checks, name, client, body, nodes[0], metrics) if metrics else {}
        load = Load(port, token, context)
        for node in nodes:
            time.sleep(1)
            stopped_s = node.stop()
            checks.ok(f"{name}: a hub drains within its 25 s and ends with 0", node.process.returncode == 0, stopped_s)
            time.sleep(0.5)
            node.start()
            time.sleep(4 if metrics else 3)
        load.stop()
        checks.ok(f"{name}: restarts under load: no call fails twice", not load.failed, load.failed[:3])
        checks.ok(f"{name}: and calls went on", load.calls > 100, load.calls)
        if metrics:
            text = exported(metrics)
            for wanted in re.findall(r"\bhaproxy_\w+", (DEPLOY / "prometheus/rules.yml").read_text()):
                checks.ok(f"{name} serves {wanted}", f"\n{wanted}{{" in text)
        process.send_signal(signal.SIGTERM)
        # Of the proxy and of the workers that it waited for.
        usage = os.wait4(process.pid, 0)[2]
        process.returncode = 0
        cpu_us = (usage.ru_utime + usage.ru_stime) * 1e6 / load.calls
        figures |= {f"{name}_calls": load.calls, f"{name}_retried": load.retried}
        return figures | {f"{name}_cpu_us": round(cpu_us, 1)}
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
        log.close()


def cost(folder: Path, secrets: Path, node: Node, token: str, rounds: int = 5) -> None:
    """Prints CPU time of a call, hub and proxy apart: medians with their spread."""
    plain = Node(folder / "plain", secrets, tls={})
    put_records(Client(f"http://127.0.0.1:{plain.port}", plain.tokens()["authority"]), "natural-person", RECORDS)
    bodies = ",".join(
        f"[==[{json.dumps(verification(r, 'name', 'birth_date'), ensure_ascii=False)}]==]" for r in RECORDS
    )
    head = f'{{["Authorization"]="Bearer {token}",["Content-Type"]="application/json"}}'
    ask = f'i=i%#b+1 return wrk.format("POST","/v1/verifications",{head},b[i])'
    (folder / "ask.lua").write_text(f"local b={{{bodies}}} local i=0 request=function() {ask} end")

    def measure(name: str, url: str, hub: int, proxy: list[int]) -> None:
        used = lambda pids: sum(map(cpu_seconds, pids))
        rows = []
        for _ in range(rounds + 1):
            before = used([hub]), used(proxy)
            command = ["wrk", "-t1", "-c64", "-d3", "-s", str(folder / "ask.lua"), f"{url}/v1/verifications"]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert "Non-2xx" not in said, said
            calls = int(re.search(r"(\d+) requests in", said)[1])
            rows.append([(used([hub]) - before[0]) * 1e6 / calls, (used(proxy) - before[1]) * 1e6 / calls, calls / 3])
        # The first round opens connections.
        columns = [sorted(column) for column in zip(*rows[1:])]
        shown = [f"{c[len(c) // 2]:.1f} ({c[0]:.1f}–{c[-1]:.1f})" for c in columns]
        print(f"{name}: hub {shown[0]} us, proxy {shown[1]} us, calls/s {shown[2]}", flush=True)

    try:
        measure("plain", f"http://127.0.0.1:{plain.port}", plain.process.pid, [])
        measure("tls", f"https://127.0.0.1:{node.port}", node.process.pid, [])
        for make in (haproxy, passing, nginx):
            (folder / make.__name__).mkdir()
            command, port, _ = make(folder / make.__name__, [node, node], secrets)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(3)
            workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            measure(make.__name__, f"https://127.0.0.1:{port}", node.process.pid, [int(pid) for pid in workers])
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    finally:
        plain.stop()


def passing(folder: Path, nodes: list[Node], secrets: Path) -> tuple[list[str], int, int]:
    """HAProxy that passes TLS on without looking into it."""
    port = free_port()
    times = "".join(f" timeout {name}\n" for name in ("connect 2s", "client 60s", "server 60s"))
    listen = f"listen hubs\n bind 127.0.0.1:{port}\n server hub-1 127.0.0.1:{nodes[0].port}\n"
    (folder / "haproxy.cfg").write_text(f"defaults\n mode tcp\n{times}{listen}")
    return [tool("haproxy") or "", "-W", "-f", str(folder / "haproxy.cfg")], port, 0


def main() -> None:
    chosen = arguments(__doc__, ("--cost", {"action": "store_true", "help": "measure CPU time of a call"}))
    checks, folder = Checks("proxies"), workdir("proxies")
    folder.chmod(0o755)
    secrets = folder / "secrets"
    subprocess.run([DEPLOY / "compose/prepare", secrets], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=str(secrets / "ca.pem"))
    nodes: list[Node] = []
    try:
        for n in (1, 2):
            nodes.append(Node(folder / f"node-{n}", secrets))
        for node in nodes:
            inside = ssl.create_default_context(cafile=str(secrets / "ca.pem"))
            inside.check_hostname = False
            taken, refused = put_records(Tls(node.port, node.tokens()["authority"], inside), "natural-person", RECORDS)
            checks.ok("records go in", taken == len(RECORDS), refused[:2])
        token, figures = nodes[0].tokens()["agency"], {}
        if chosen.cost:
            cost(folder, secrets, nodes[0], token)
            return
        for make in (haproxy, nginx):
            if not tool(make.__name__):
                checks.ok(f"{make.__name__} is here (tests/run installs it)", False)
                continue
            (folder / make.__name__).mkdir()
            started = make(folder / make.__name__, nodes, secrets)
            figures |= through(checks, make.__name__, started, nodes, token, context)
        checks.finish(**figures)
    finally:
        for node in nodes:
            if node.process.poll() is None:
                node.stop()


if __name__ == "__main__":
    main()
