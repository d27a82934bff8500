"""Systems of agencies that receive what the hub pushes: one process, many listeners, each as sick as a drill wants it.

A receiver does what the hub's documents ask of one: it checks the signature, forgets repeats by `webhook-id`, and takes
a record's version only when it is newer than the one it has. What it did *not* forget is what a drill counts. Times are
of the machine's monotonic clock, so that they compare with those of another process.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

CHANGED = "heyan.record.changed.v1"
TOLERANCE_S = 300
GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"
WORDS = {
    401: "Unauthorized",
    410: "Gone",
    411: "Length Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def key_of(secret: str) -> bytes:
    """The signing key is what the text encodes, not the text."""
    return base64.b64decode(secret.removeprefix("whsec_"))


class Inbox:
    """What one receiver holds, and how it is to behave."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.seen: set[str] = set()
        self.applied: dict[tuple[str, str], int] = {}
        self.effects: list[tuple[str, int, float]] = []
        self.counts: Counter[str] = Counter()
        self.script: list[str] = []
        self.behaviour = {"as": "ok"}
        self.kept: list[dict] | None = None
        self.hung: list[asyncio.BaseTransport] = []

    def is_signed(self, head: dict[str, str], body: bytes) -> bool:
        stamp = head.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_S:
            return False
        text = f"{head.get('webhook-id', '')}.{stamp}.".encode() + body
        given = head.get("webhook-signature", "").split(" ")
        return any(
            hmac.compare_digest(f"v1,{base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()}", one)
            for key in self.keys
            for one in given
        )

    def take(self, id_: str, event: dict, now: float) -> str:
        """Lets a message have its effect, or says why it has none."""
        if id_ in self.seen:
            return "repeat"
        self.seen.add(id_)
        if event.get("type") != CHANGED:
            return "other"
        data = event["data"]
        record, version = (data["dataset"], data["record"]), data["version"]
        held = self.applied.get(record, 0)
        if version == held:
            return "twice"  # another webhook-id for what was told already
        if version < held:
            return "late"  # an older one after a newer one
        self.applied[record] = version
        self.effects.append((data["record"], version, now))
        return "effect"


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much of it as a webhook needs."""

    def __init__(self, inbox: Inbox):
        self.inbox, self.buffer = inbox, b""

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.inbox.counts["connections"] += 1
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            head = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            if not head.get("content-length", "").isdigit():
                self.answer(411)
                self.transport.close()
                return
            whole = end + 4 + int(head["content-length"])
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            self.received(lines[0], head, body)

    def received(self, line: str, head: dict[str, str], body: bytes) -> None:
        inbox, now = self.inbox, time.monotonic()
        inbox.counts["requests"] += 1
        step = inbox.script.pop(0) if inbox.script else self.sick(head.get("webhook-id", ""))
        if inbox.kept is not None:
            inbox.kept.append({"line": line, "head": head, "body": body.decode(), "at": now, "step": step})
        if not inbox.is_signed(head, body):
            inbox.counts["unsigned"] += 1
            self.answer(401)
            return
        act, _, taken = step.partition("+")
        if act == "ok" or taken:
            try:
                inbox.counts[inbox.take(head["webhook-id"], json.loads(body), now)] += 1
            except (ValueError, KeyError, TypeError):
                inbox.counts["unreadable"] += 1
        if act == "ok":
            self.transport.write(GOOD)
        elif act == "hang":
            inbox.counts["hung"] += 1
            inbox.hung.append(self.transport)
        elif act == "reset":
            inbox.counts["reset"] += 1
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        else:
            status, _, after = act.partition(":")
            inbox.counts[f"said_{status}"] += 1
            self.answer(int(status), after)

    def sick(self, id_: str) -> str:
        """How this request is met. Half of what a sick receiver does not answer has its effect all the same: to the
        hub the two look alike. Which half, the id decides; a second attempt at the same message meets another fate."""
        behaviour = self.inbox.behaviour
        if behaviour["as"] == "ok":
            return "ok"
        attempt = self.inbox.counts[f"at {id_}"] = self.inbox.counts[f"at {id_}"] + 1
        fate = hashlib.blake2b(f"{id_} {attempt}".encode(), digest_size=2).digest()
        if fate[0] / 256 >= behaviour.get("share", 1):
            return "ok"
        return behaviour["as"] + ("+taken" if fate[1] % 2 and behaviour["as"] in ("hang", "reset") else "")

    def answer(self, status: int, retry_after: str = "") -> None:
        more = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        # What is no time is nonsense that the hub must not repeat anywhere, wherever in an answer it stands.
        body = "" if retry_after.isdigit() else retry_after
        self.transport.write(
            f"HTTP/1.1 {status} {body or WORDS.get(status, 'Sick')}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )


def obey(inboxes: list[Inbox], order: dict) -> object:
    """One order of the drill; its answer."""
    inbox = inboxes[order.get("at", 0)]
    match order["do"]:
        case "secrets":
            inbox.keys = [key_of(s) for s in order["secrets"]]
        case "behave":
            inbox.behaviour = order["behaviour"]
        case "script":
            inbox.script = order["steps"]
        case "keep":
            inbox.kept = []
        case "kept":
            return inbox.kept
        case "counts":
            return [
                {k: v for k, v in i.counts.items() if not k.startswith("at ")} | {"effects": len(i.effects)}
                for i in inboxes
            ]
        case "effects":
            Path(order["path"]).write_text(json.dumps([i.effects for i in inboxes]))
    return None


async def serve(count: int) -> None:
    loop = asyncio.get_running_loop()
    inboxes = [Inbox() for _ in range(count)]
    servers = [await loop.create_server(lambda i=i: Connection(i), "127.0.0.1", 0, backlog=512) for i in inboxes]
    print(json.dumps([s.sockets[0].getsockname()[1] for s in servers]), flush=True)
    orders = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        print(json.dumps(obey(inboxes, json.loads(line))), flush=True)


class Receivers:
    """The process, as a drill holds it. Ends with the drill: its standard input closes."""

    def __init__(self, count: int):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ports: list[int] = json.loads(self.process.stdout.readline())
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self.ports)

    def url(self, at: int) -> str:
        return f"http://127.0.0.1:{self.ports[at]}/hook"

    def order(self, do: str, **rest):
        with self._turn:
            self.process.stdin.write(json.dumps({"do": do} | rest) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def secrets(self, at: int, *secrets: str) -> None:
        """Secrets of which any may have signed."""
        self.order("secrets", at=at, secrets=secrets)

    def behave(self, at: int, how: str, share: float = 1) -> None:
        """`ok`, `hang`, `reset`, or a status; `share` of the messages meet it."""
        self.order("behave", at=at, behaviour={"as": how, "share": share})

    def script(self, at: int, *steps: str) -> None:
        """What the next requests meet, one step each: as `behave`, `429:2` says when to come again."""
        self.order("script", at=at, steps=steps)

    def keep(self, at: int) -> None:
        """Keeps whole requests from now on."""
        self.order("keep", at=at)

    def kept(self, at: int) -> list[dict]:
        return self.order("kept", at=at)

    def counts(self) -> list[dict[str, int]]:
        return self.order("counts")

    def effects(self, folder: Path) -> list[list]:
        """Each receiver's effects: (record, version, when)."""
        path = folder / "effects.json"
        self.order("effects", path=str(path))
        return json.loads(path.read_text())

    def wait(self, holds, within_s: float) -> bool:
        """Waits until the counts are as `holds` wants them."""
        deadline = time.monotonic() + within_s
        while not holds(self.counts()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Receivers:
        return self

    def __exit__(self, *_) -> None:
        self.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
