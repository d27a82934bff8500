"""Crowds of bad callers: connections that say nothing, requests a byte a second, streams whose answers nobody reads."""

from __future__ import annotations

import errno
import json
import select
import socket
import threading
import time
import urllib.parse
from pathlib import Path

from hub import PROBLEM, Checks, Hub, read_answer
from load import SINGLE, Load, Memory, Probe, line, percentile, rss

STREAM = "/v1/verifications/stream"


def _address(hub: Hub) -> tuple[str, int]:
    where = urllib.parse.urlsplit(hub.url)
    return where.hostname, where.port


def connected(hub: Hub, count: int, within_s: float) -> tuple[list[socket.socket], int]:
    """Opens connections all at once; answers them, and how many of them stood in time."""
    socks = []
    poller = select.epoll()
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        if sock.connect_ex(_address(hub)) not in (0, errno.EINPROGRESS):
            sock.close()
            continue
        poller.register(sock, select.EPOLLOUT | select.EPOLLONESHOT)
        socks.append(sock)
    deadline, stood = time.monotonic() + within_s, 0
    by_fd = {sock.fileno(): sock for sock in socks}
    while stood < count and (left := deadline - time.monotonic()) > 0:
        for fd, _ in poller.poll(left, 4096):
            stood += by_fd[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    poller.close()
    return socks, stood


def head(hub: Hub, path: str, body: str, **headers: str) -> bytes:
    """Head of a request; keywords are further headers, `_` for `-`."""
    more = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
    token = hub.tokens["agency"]
    return f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n{more}{body}\r\n".encode()


def whole(hub: Hub, body: str) -> bytes:
    """A whole verification as bytes."""
    raw = body.encode()
    return head(hub, SINGLE, "", Content_Type="application/json", Content_Length=str(len(raw))) + raw


def idle(hub: Hub, checks: Checks, body: str, count: int, bytes_each_max: int) -> dict:
    """Idle connections within the limit: each has asked once; they cost little, and others are answered."""
    client, base = hub.client("agency"), rss(hub.process.pid)
    socks, stood = connected(hub, count, 20)
    checks.ok(f"{count} connections stand", stood == count, stood)
    for sock in socks:
        sock.setblocking(True)
        sock.settimeout(20)
    request, answered = whole(hub, body), 0
    for at in range(0, len(socks), 200):
        for sock in socks[at : at + 200]:
            sock.sendall(request)
        for sock in socks[at : at + 200]:
            answer = read_answer(sock)
            answered += answer is not None and answer.status == 200
    checks.ok("each of them is answered", answered == count, answered)
    held = rss(hub.process.pid) - base
    checks.ok(f"an idle connection costs at most {bytes_each_max} bytes", held <= bytes_each_max * count, held / count)
    began = time.monotonic()
    answer = client.attempt("POST", SINGLE, body)
    took = (time.monotonic() - began) * 1000
    checks.ok("a newcomer is answered beside them", answer and answer.status == 200 and took < 1000, (answer, took))
    last = socks[-1]
    last.sendall(request)
    answer = read_answer(last)
    checks.ok("an idle one is answered again", answer and answer.status == 200, answer)
    for sock in socks:
        sock.close()
    return {"idle_kb_each": round(held / count / 1000, 1), "idle_newcomer_ms": round(took, 1)}


def beyond(hub: Hub, checks: Checks, body: str, count: int, newcomer_s: float) -> dict:
    """More silent connections than the hub takes: newcomers wait no longer than the hub lets the silent wait."""
    base = rss(hub.process.pid)
    socks, stood = connected(hub, count, 2)
    client = hub.client("agency", timeout=newcomer_s + 20)
    began = time.monotonic()
    answer = client.attempt("POST", SINGLE, body)
    took = time.monotonic() - began
    fine = answer is not None and answer.status == 200 and took <= newcomer_s
    checks.ok(f"beyond the limit a newcomer is answered within {newcomer_s} s", fine, (answer, f"{took:.1f} s"))
    live = hub.admin().attempt("GET", "/livez")
    checks.ok("the operators' listener answers meanwhile", live is not None and live.status == 200, live)
    held = (rss(hub.process.pid) - base) / 1e6
    for sock in socks:
        sock.close()
    began = time.monotonic()
    answer = hub.client("agency").attempt("POST", SINGLE, body)
    freed = time.monotonic() - began
    checks.ok("once they are gone all is well", answer and answer.status == 200 and freed < 1, (answer, freed))
    return {"beyond_stood": stood, "beyond_newcomer_s": round(took, 2), "beyond_mb": round(held, 1)}


def few_files(hub: Hub, checks: Checks, bodies: Path, body: str, files: int) -> None:
    """More connections than the process may open files, by somebody without a token: who is connected is served on, the
    ledger stands, and all is well when they are gone."""
    beside = Load(hub, bodies, 16, 6)
    time.sleep(0.5)
    socks, _ = connected(hub, files + 500, 1)
    told = beside.result()
    bad = {status: n for status, n in told["statuses"].items() if status != "200"}
    checks.ok(f"with {files} files who is connected is served on", not bad and not told["broken"], told["statuses"])
    for sock in socks:
        sock.close()
    time.sleep(1)
    answer = hub.client("agency").attempt("POST", SINGLE, body)
    checks.ok(f"with {files} files all is well once the crowd is gone", answer and answer.status == 200, answer)


def slow(hub: Hub, checks: Checks, body: str, count: int, what: str, deadline_s: float) -> dict:
    """Requests a byte a second, in the head or in the body: each is ended by the deadline, others are answered."""
    request = whole(hub, body)
    cut = 20 if what == "head" else request.index(b"\r\n\r\n") + 8
    socks, stood = connected(hub, count, 10)
    checks.ok(f"slow {what}: all connected", stood == count, stood)
    began = time.monotonic()
    for sock in socks:
        sock.setblocking(True)
        sock.sendall(request[:cut])
    probe, open_, ends, odd, at = Probe(hub, body), dict.fromkeys(socks), [], [], cut
    poller = select.epoll()
    by_fd = {sock.fileno(): sock for sock in socks}
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN)
    beat = began + 1
    while open_ and time.monotonic() < began + deadline_s + 10:
        for fd, _ in poller.poll(max(0.0, beat - time.monotonic()), 512):
            poller.unregister(fd)
            ends.append(time.monotonic() - began)
            by_fd[fd].settimeout(2)
            answer = read_answer(by_fd[fd])
            open_.pop(by_fd[fd], None)
            # Closed without a word is allowed; with a word it is 408 as a problem document.
            told = answer is None or (answer.status == 408 and (what == "head" or answer.ctype == PROBLEM))
            if not told:
                odd.append(repr(answer))
        if time.monotonic() >= beat:
            beat += 1
            for sock in list(open_):
                try:
                    sock.send(request[at : at + 1], socket.MSG_NOSIGNAL)
                except OSError:
                    pass
            at += 1
    seen = probe.stop()
    for sock in socks:
        sock.close()
    late = len(open_) + sum(end > deadline_s + 2 for end in ends)
    checks.ok(f"slow {what}: each is ended by the deadline of {deadline_s} s", late == 0, (late, max(ends, default=0)))
    checks.ok(f"slow {what}: each is told 408 or nothing", not odd, odd[:2])
    bad = [status for _, _, status in seen if status != 200]
    p99 = percentile([ms for _, ms, _ in seen], 99)
    checks.ok(f"slow {what}: others are answered meanwhile", seen and not bad and p99 < 250, (bad[:3], p99))
    return {f"slow_{what}_last_s": round(max(ends, default=0), 1), f"slow_{what}_others_p99_ms": round(p99, 1)}


class Deaf:
    """A stream whose sender never stops and whose reader never reads, until told to."""

    def __init__(self, hub: Hub, requests: list[str]):
        items = [json.loads(r) for r in requests]
        first = {"purpose": items[0]["purpose"]}
        lines = [{"ref": f"r{at}"} | {k: v for k, v in i.items() if k != "purpose"} for at, i in enumerate(items)]
        text = "".join(line(i) + "\n" for i in lines).encode()
        self.lines_each, self.chunk = len(lines), f"{len(text):x}\r\n".encode() + text + b"\r\n"
        begin = (line(first) + "\n").encode()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.sock.connect(_address(hub))
        ndjson = {"Content_Type": "application/x-ndjson", "Transfer_Encoding": "chunked"}
        self.sock.sendall(head(hub, STREAM, "", **ndjson) + f"{len(begin):x}\r\n".encode() + begin + b"\r\n")
        self.sock.setblocking(False)
        self.sent, self.moved = 0, time.monotonic()

    def push(self) -> None:
        """Sends what the hub takes now."""
        try:
            self.sent += self.sock.send(self.chunk[self.sent % len(self.chunk) :])
            self.moved = time.monotonic()
        except BlockingIOError:
            pass

    def finish(self) -> tuple[int, list[dict]]:
        """Ends the chunk that was begun and the body, and reads at last: lines that were sent, lines that came."""
        self.sock.settimeout(30)
        rest = self.chunk[self.sent % len(self.chunk) :] if self.sent % len(self.chunk) else b""
        writer = threading.Thread(target=self._send, args=(rest + b"0\r\n\r\n",), daemon=True)
        writer.start()
        answer = read_answer(self.sock)
        writer.join(30)
        return -(-self.sent // len(self.chunk)) * self.lines_each, answer.lines() if answer else []

    def _send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # the check on the answers tells


def deaf(hub: Hub, checks: Checks, requests: list[str], count: int, mb_each_max: float, rss_max_mb: float) -> dict:
    """Streams that nobody reads: the sender is held back, memory stays small, and a late reader misses nothing."""
    memory, probe = Memory(hub.process.pid), Probe(hub, requests[0])
    streams = [Deaf(hub, requests) for _ in range(count)]
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(time.monotonic() - s.moved < 2 for s in streams):
        for stream in streams:
            stream.push()
        time.sleep(0.001)
    held = all(time.monotonic() - s.moved >= 2 for s in streams)
    most = max(s.sent for s in streams) / 1e6
    what = f"unread streams: senders are held back within {mb_each_max} MB"
    checks.ok(what, held and most <= mb_each_max, (held, most))
    seen = probe.stop()
    bad = [status for _, _, status in seen if status != 200]
    checks.ok("unread streams: others are answered meanwhile", seen and not bad, bad[:3])
    grown = memory.stop()
    checks.ok(f"unread streams: memory grows by less than {rss_max_mb} MB", grown < rss_max_mb, grown)
    sent, got = streams[0].finish()
    summary = (got[-1] if got else {}).get("summary", {})
    refs = [answer.get("ref") for answer in got[:-1]]
    wanted = [f"r{at % streams[0].lines_each}" for at in range(sent)]
    checks.ok("unread streams: a late reader misses nothing", refs == wanted and summary.get("items") == sent,
              (sent, len(got), summary))  # fmt: skip
    for stream in streams:
        stream.sock.close()
    return {"deaf_sent_mb": round(most, 2), "deaf_rss_mb": round(grown, 1)}
