"""A second node beside a drill's hub, on the same PostgreSQL, and a client that asks the two in turn.

    HEYAN_TEST_NODES=2 python tests/drills/postgres.py python tests/drills/authz.py

What one node takes in the other knows within a second (usually some milliseconds): after a request that changes something the client
waits a moment before it turns to the other node, as whoever is sent from counter to counter does.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import time
from pathlib import Path

from hub import Answer, Client, HubFailed, binary, on_kafka, on_postgres
from postgres import free_port

KNOWN_WITHIN_S = 0.1
LOOPBACK = '["127.0.0.0/8"]'


class SecondNode:
    """`heyan serve` with the keys and the store of the hub in `data`."""

    def __init__(self, data: Path, folder: Path, env: dict[str, str], number: int = 2, ready_within: float = 30):
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        own = folder / f"{data.name}-node{number}"
        own.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "NODE__ID": str(number),
            "NODE__ORIGIN": f"hub-{number}.heyan.local",
            "NODE__DATA_DIR": str(own / "data"),
            "NODE__ROOT_KEY_FILE": str(data / "keys" / "root"),
            "HTTP__LISTEN": f"127.0.0.1:{self.port}",
            "HTTP__ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}",
            "AUTH__TOKEN_TTL_S": "86400",
            "PUSH__NETWORKS": LOOPBACK,
            "PUSH__LITERAL_NETWORKS": LOOPBACK,
            "PUSH__PLAIN_HTTP_NETWORKS": LOOPBACK,
            "PUSH__ANY_PORT_NETWORKS": LOOPBACK,
        }
        self.ledger_dir = own / "data" / "ledger"
        self.env = {**os.environ, **on_postgres(data), **on_kafka(), **{f"HEYAN__{key}": value for key, value in settings.items()}, **env}
        self.folder, self.log = own, own / "hub.stderr"
        self.process: subprocess.Popen | None = None
        self.ready_within = ready_within
        self.start()

    def start(self) -> float:
        """Starts it; seconds until it was ready."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=self.folder
            )
        atexit.register(self.kill)
        while time.monotonic() - began < self.ready_within:
            answer = Client(self.admin_url, timeout=2).attempt("GET", "/readyz")
            if answer is not None and answer.status == 200:
                return time.monotonic() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.kill()
        raise HubFailed(f"the second node did not start: {self.log.read_text(errors='replace')[-1500:]}")

    def stop(self, timeout: float = 30) -> int | None:
        """Asks it to end; its exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        finally:
            atexit.unregister(self.kill)

    def kill(self) -> None:
        """As a power cut ends a process."""
        atexit.unregister(self.kill)
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Alternating:
    """A client whose requests go to two nodes in turn."""

    def __init__(self, one: Client, two: Client):
        self.nodes = [one, two]
        self.host, self.port, self.token, self.timeout = one.host, one.port, one.token, one.timeout

    def _next(self) -> Client:
        self.nodes.reverse()
        self.nodes[0].token = self.nodes[1].token = self.token
        return self.nodes[0]

    def request(self, method: str, path: str, body=None, **kw) -> Answer:
        answer = self._next().request(method, path, body, **kw)
        self._let_the_other_know(method, path)
        return answer

    def attempt(self, method: str, path: str, body=None, **kw) -> Answer | None:
        answer = self._next().attempt(method, path, body, **kw)
        self._let_the_other_know(method, path)
        return answer

    @staticmethod
    def _let_the_other_know(method: str, path: str) -> None:
        if method != "GET" and not path.startswith("/v1/verifications"):
            time.sleep(KNOWN_WITHIN_S)

    def get(self, path: str, **kw) -> Answer:
        return self.request("GET", path, **kw)

    def post(self, path: str, body, **kw) -> Answer:
        return self.request("POST", path, body, **kw)

    def put(self, path: str, body, **kw) -> Answer:
        return self.request("PUT", path, body, **kw)

    def close(self) -> None:
        for node in self.nodes:
            node.close()
