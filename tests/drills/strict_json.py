"""Sends what a strict hub must refuse, and checks that each refusal is a problem document with a page in two languages.

Bytes are sent raw where a client library would repair them. Every bound is tried one step over it, never far below.
"""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.parse

from hub import (
    DATASETS,
    NDJSON,
    PROBLEM,
    PURPOSE,
    Answer,
    Checks,
    Hub,
    arguments,
    person,
    put_records,
    raw,
    read_answer,
    verification,
    workdir,
)

MEMBERS = {"type", "title", "status", "code"}
GOOD = verification(person(3), "name", "sex")
TEXT = json.dumps(GOOD, ensure_ascii=False)


def nested(depth: int) -> str:
    return '{"dataset":"natural-person","claims":' + '{"a":' * depth + "1" + "}" * depth + "}"


def replaced(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def with_purpose(**members) -> str:
    return json.dumps(GOOD | {"purpose": PURPOSE | members}, ensure_ascii=False)


# (what, body, statuses that are right)
BODIES: list[tuple[str, str | bytes, set[int]]] = [
    ("an empty body", b"", {400}),
    ("white space only", b"  \r\n", {400}),
    ("text that is not JSON", "hello", {400}),
    ("a cut object", TEXT[:-3], {400}),
    ("trailing garbage", TEXT + "x", {400}),
    ("a second value", TEXT + TEXT, {400}),
    ("a byte order mark", b"\xef\xbb\xbf" + TEXT.encode(), {400}),
    ("UTF-16", TEXT.encode("utf-16"), {400}),
    ("bytes that are not UTF-8", TEXT.encode().replace(b"drill", b"dr\xffll"), {400}),
    ("a comment", TEXT[:-1] + "/*x*/}", {400}),
    ("a trailing comma", TEXT[:-1] + ",}", {400}),
    ("single quotes", TEXT.replace('"', "'"), {400}),
    ("NaN", TEXT[:-1] + ',"max_age_s":NaN}', {400}),
    ("a raw control character in a string", replaced("drill", "dr\x01ill"), {400}),
    ("a lone high surrogate", replaced("drill", "\\ud800"), {400}),
    ("a lone low surrogate", replaced("drill", "x\\udc00"), {400}),
    ("surrogates the wrong way round", replaced("drill", "\\udc00\\ud800"), {400}),
    ("a duplicate member at the top", TEXT[:-1] + ',"dataset":"natural-person"}', {400, 422}),
    ("a duplicate member, once escaped", TEXT[:-1] + ',"d\\u0061taset":"natural-person"}', {400, 422}),
    ("a duplicate claim", replaced('"sex":', '"name":"x","sex":'), {400, 422}),
    ("a duplicate member of the purpose", replaced('"operator":', '"operator":"x","operator":'), {400, 422}),
    ("a duplicate member of the subject", replaced('"id_number":', '"id_number":"x","id_number":'), {400, 422}),
    (
        "a duplicate member of a predicate",
        TEXT.replace('"claims": {', '"claims": {"birth_date":{"op":"eq","op":"ne","value":"2000-01-01"},'),
        {400, 422},
    ),
    ("an unknown member", TEXT[:-1] + ',"extra":1}', {400, 422}),
    ("an unknown member of the purpose", with_purpose(extra="1"), {400, 422}),
    ("an unknown claim", json.dumps(GOOD | {"claims": {"shoe_size": "42"}}), {400, 422}),
    ("an unknown member of the subject", json.dumps(GOOD | {"subject": GOOD["subject"] | {"x": "1"}}), {400, 422}),
    ("an unknown dataset", json.dumps(GOOD | {"dataset": "no-such"}), {403, 404, 422}),
    ("an array at the top", "[]", {400, 422}),
    ("a string at the top", '"x"', {400, 422}),
    ("null", "null", {400, 422}),
    ("a missing member", json.dumps({k: v for k, v in GOOD.items() if k != "claims"}), {400, 422}),
    ("no purpose", json.dumps({k: v for k, v in GOOD.items() if k != "purpose"}), {400, 422}),
    ("an empty operator", with_purpose(operator=""), {400, 422}),
    ("no claims", json.dumps(GOOD | {"claims": {}}), {400, 422}),
    ("a claim that is null", json.dumps(GOOD | {"claims": {"name": None}}), {400, 422}),
    ("a claim that is a number", json.dumps(GOOD | {"claims": {"name": 5}}), {400, 422}),
    ("a claim that is an array", json.dumps(GOOD | {"claims": {"name": ["x"]}}), {400, 422}),
    ("an identifier that is a number", replaced(f'"{GOOD["subject"]["id_number"]}"', "340202194001010105"), {400, 422}),
    ("an unsafe integer", TEXT[:-1] + ',"max_age_s":9007199254740993}', {400, 422}),
    ("an integer of 400 digits", TEXT[:-1] + f',"max_age_s":{"9" * 400}}}', {400, 422}),
    ("a negative age", TEXT[:-1] + ',"max_age_s":-1}', {400, 422}),
    ("a broken age", TEXT[:-1] + ',"max_age_s":1.5}', {400, 422}),
    ("an age with an exponent", TEXT[:-1] + ',"max_age_s":1e9999}', {400, 422}),
    ("an unknown predicate", json.dumps(GOOD | {"claims": {"birth_date": {"op": "like", "value": "x"}}}), {400, 422}),
    ("a predicate with no value", json.dumps(GOOD | {"claims": {"birth_date": {"op": "eq"}}}), {400, 422}),
    ("an identifier with a wrong check character", replaced(GOOD["subject"]["id_number"], "34020219400101005Y"), {422}),
    ("a date that cannot be", replaced(GOOD["subject"]["id_number"], "340202194013010050"), {422}),
    ("depth 40", nested(40), {400, 422}),
    ("depth 200", nested(200), {400, 422}),
    ("depth 100,000", "[" * 100_000, {400, 413, 422}),
    ("a string of 5 KiB", json.dumps(GOOD | {"claims": {"name": "王" * 1800}}), {400, 413, 422}),
    ("a member name of 5 KiB", json.dumps(GOOD | {"claims": {"n" * 5000: "x"}}), {400, 413, 422}),
    ("5,000 claims", json.dumps(GOOD | {"claims": {f"f{i}": "x" for i in range(5000)}}), {400, 413, 422}),
    ("a body of 2 MiB", TEXT[:-1] + " " * (2 << 20) + "}", {413}),
]


def mutations(good: dict, required: str, wrong: list[dict]) -> list[tuple[str, str | bytes, set[int]]]:
    """What no route may take in the place of a good body. `required` is a member whose value is a text."""
    text, refused = json.dumps(good, ensure_ascii=False), {400, 422}
    again = f'"{required}":{json.dumps(good[required])}'
    escaped = f'"\\u{ord(required[0]):04x}{required[1:]}":{json.dumps(good[required])}'
    return [
        ("an empty body", b"", {400}),
        ("text that is not JSON", "hello", {400}),
        ("a cut object", text[:-1], {400}),
        ("a second value", text + text, {400}),
        ("a byte order mark", b"\xef\xbb\xbf" + text.encode(), {400}),
        ("bytes that are not UTF-8", text.encode()[:-2] + b"\xff" + text.encode()[-2:], {400}),
        ("a duplicate member", f"{text[:-1]},{again}}}", refused),
        ("a duplicate member, once escaped", f"{text[:-1]},{escaped}}}", refused),
        ("an unknown member", json.dumps(good | {"extra": 1}), refused),
        ("an unknown member that is deep", json.dumps(good | {"extra": {"a": [{}]}}), refused),
        ("a member in capitals", text.replace(f'"{required}"', f'"{required.capitalize()}"'), refused),
        ("a missing member", json.dumps({k: v for k, v in good.items() if k != required}), refused),
        ("an array for the object", json.dumps(list(good.values())), refused),
        ("an empty array", "[]", refused),
        ("an array around the object", f"[{text}]", refused),
        ("a string at the top", json.dumps(text), refused),
        ("null", "null", refused),
        ("a number for a text", json.dumps(good | {required: 5}), refused),
        ("null for a text", json.dumps(good | {required: None}), refused),
        ("an array for a text", json.dumps(good | {required: [good[required]]}), refused),
        ("an object for a text", json.dumps(good | {required: {"a": good[required]}}), refused),
        ("a lone surrogate", text.replace(good[required], "\\ud800"), {400}),
        ("NaN", text[:-1] + f',"{required}":NaN}}', {400}),
        ("depth 200", text[:-1] + ',"extra":' + '{"a":' * 200 + "1" + "}" * 201, refused),
        ("depth 100,000", "[" * 100_000, {400, 413, 422}),
        ("a string of 100 KiB", json.dumps(good | {required: "x" * 102_400}), {400, 413, 422}),
        ("5,000 members", json.dumps(good | {f"m{i}": 1 for i in range(5000)}), {400, 413, 422}),
        ("a body of 2 MiB", text[:-1] + " " * (2 << 20) + "}", {413}),
        *((f"{members}"[:60], json.dumps(good | members, ensure_ascii=False), refused | {413}) for members in wrong),
    ]


PROPOSAL = {"action": "propose_correction", "fields": {"name": "王小明"}, "evidence": ["drill"], "reason": "drill"}
# Each is refused by what it says, before anything is looked up or changed.
BAD_ACTIONS: list[dict] = [
    {"action": "delivered"},
    {"action": "settle"},
    {"action": "APPROVE"},
    {"action": ""},
    {"fields": {"shoe_size": "42"}},
    {"fields": {"name": 5}},
    {"fields": {"name": None}},
    {"fields": {"name": ["x"]}},
    {"fields": {"name": ""}},
    {"fields": {"name": "王" * 5000}},
    {"fields": ["name"]},
    {"fields": []},
    {"fields": "name"},
    {"fields": {f"f{i}": "x" for i in range(500)}},
    {"evidence": {"a": "b"}},
    {"evidence": "drill"},
    {"evidence": [5]},
    {"evidence": ["x"] * 500},
    {"evidence": ["x" * 50_000]},
    {"reason": 5},
    {"reason": "x" * 3000},
    {"reason": ["x"]},
    {"action": "accept_record"},  # which takes neither values nor evidence
]
BAD_SUBSCRIPTIONS: list[dict] = [
    {"events": []},
    {"events": "record.changed"},
    {"events": ["no.such"]},
    {"events": [5]},
    {"events": {"0": "record.changed"}},
    {"events": ["record.changed"] * 500},
    {"datasets": ["no-such"]},
    {"datasets": "natural-person"},
    {"datasets": [None]},
    {"until": "tomorrow"},
    {"until": "2000-01-01T00:00:00Z"},
    {"until": 5},
    {"until": "9999-99-99T00:00:00Z"},
    {"supersedes": "true"},
    {"supersedes": 1},
    {"supersedes": None},
    {"id": "sub_1"},
    {"secret": "whsec_AAAA"},
    {"url": ""},
    {"url": "/hook"},
    {"url": "ftp://127.0.0.1/"},
    {"url": "http://127.0.0.1:1/\r\nX: y"},
    {"url": "http://user:word@127.0.0.1/"},
    {"url": "http://169.254.169.254/latest"},
    {"url": "http://10.0.0.1/"},
    {"url": "http://[::ffff:10.0.0.1]/"},
    {"url": "http://167772161/"},
]
BAD_UNLOCKS: list[dict] = [
    {"subject": []},
    {"subject": {}},
    {"subject": "340202194001010025"},
    {"subject": {"id_number": 5}},
    {"subject": {"id_number": "34020219400101005Y"}},
    {"subject": GOOD["subject"] | {"x": "1"}},
    {"dataset": 5},
    {"reason": ""},
    {"reason": " "},
    {"reason": None},
    {"reason": "x" * 5_000},
    {"reason": "x" * 70_000},
]
BAD_RANGES: list[dict] = [
    {"target": 5},
    {"from": "yesterday"},
    {"from": 5},
    {"until": ""},
    {"until": ["2026-01-01T00:00:00Z"]},
    {"state": "delivered"},
]


class Drill:
    """Sends and judges; collects the problem codes that were seen."""

    def __init__(self, hub: Hub, checks: Checks):
        self.hub, self.checks, self.codes = hub, checks, set()
        self.agency = hub.client("agency")

    def refused(self, what: str, answer: Answer | None, statuses: set[int]) -> None:
        """A refusal with one of `statuses` and a whole problem document."""
        if not self.checks.ok(f"{what}: there is an answer", answer is not None):
            return
        self.checks.ok(f"{what}: {sorted(statuses)}", answer.status in statuses, answer)
        if answer.status >= 400:
            self.document(what, answer)

    def document(self, what: str, answer: Answer) -> None:
        doc = answer.json()
        if not self.checks.ok(
            f"{what}: a problem document", answer.ctype == PROBLEM and isinstance(doc, dict), (answer.ctype, answer)
        ):
            return
        self.checks.ok(f"{what}: has type, title, status and code", MEMBERS <= set(doc), sorted(doc))
        self.checks.ok(f"{what}: its status is the answer's", doc.get("status") == answer.status, doc.get("status"))
        self.checks.ok(
            f"{what}: its type names its page",
            str(doc.get("type", "")).endswith(f"/problems/{answer.code}"),
            doc.get("type"),
        )
        self.checks.ok(f"{what}: a trace id", doc.get("trace_id"), doc)
        self.checks.ok(f"{what}: not stored", "no-store" in answer.headers.get("cache-control", ""))
        for error in doc.get("errors", []):
            whole = {"pointer", "code"} <= set(error) and str(error["pointer"])[:1] in ("", "/", "#")
            self.checks.ok(f"{what}: each error has a pointer and a code", whole, error)
        self.codes.add(answer.code)

    def bodies(self) -> None:
        for what, body, statuses in BODIES:
            self.refused(what, self.agency.attempt("POST", "/v1/verifications", body), statuses)
        bad_batches = [
            ("an empty batch", {"purpose": PURPOSE, "items": []}, {400, 422}),
            (
                "a batch of 1,001",
                {
                    "purpose": PURPOSE,
                    "items": [
                        {
                            "ref": str(i),
                            "dataset": "natural-person",
                            "subject": {"id_number": "1"},
                            "claims": {"sex": "1"},
                        }
                        for i in range(1001)
                    ],
                },
                {400, 413, 422},
            ),
        ]
        for what, body, statuses in bad_batches:
            self.refused(what, self.agency.attempt("POST", "/v1/verifications/batch", body), statuses)
        good = self.agency.post("/v1/verifications", TEXT)
        self.checks.ok("the body that all were made from is right", good.status == 200, good)

    def turn(self) -> None:
        """Actions on a mismatch, subscriptions, replays: none of the bad bodies changes anything."""
        authority, operator = self.hub.client("authority"), self.hub.client("operator")
        opened = self.agency.post("/v1/verifications", verification(person(3), name="王小明")).json() or {}
        mismatch = f"/v1/mismatches/{(opened.get('mismatch') or {}).get('id', 'mis_none')}"
        before = [c.get(p).body for c, p in ((self.agency, mismatch), (authority, "/v1/subscriptions"))]
        subscription = {"url": "http://127.0.0.1:9/hook", "events": ["record.changed"], "datasets": ["natural-person"]}
        span = {"target": "sub_none", "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
        unlock = {"dataset": "natural-person", "subject": GOOD["subject"], "reason": "drill"}
        routes = (
            (self.agency, f"{mismatch}/actions", mutations(PROPOSAL, "action", BAD_ACTIONS)),
            (authority, "/v1/subscriptions", mutations(subscription, "url", BAD_SUBSCRIPTIONS)),
            (operator, "/v1/deliveries/replay", mutations(span, "target", BAD_RANGES)),
            (operator, "/v1/supervision/guess-budgets/unlock", mutations(unlock, "reason", BAD_UNLOCKS)),
        )
        optional = ("a missing member", "null for a text")  # of a range, everything may be left away
        n = 0
        for client, path, bodies in routes:
            for what, body, statuses in bodies:
                if path.endswith("/replay") and what in (*optional, "a string of 100 KiB"):
                    continue
                n += 1
                answer = client.attempt("POST", path, body, headers={"Idempotency-Key": f"strict-{n}"})
                self.refused(f"{path.split('/')[2]}: {what}", answer, statuses)
        self.keys(mismatch)
        after = [c.get(p).body for c, p in ((self.agency, mismatch), (authority, "/v1/subscriptions"))]
        self.checks.ok("bad bodies changed nothing", before == after, after)
        good = self.agency.post(f"{mismatch}/actions", PROPOSAL, headers={"Idempotency-Key": '"strict"'})
        self.checks.ok("the action that all were made from is right", good.status == 200, good)
        bare = self.agency.post(f"{mismatch}/actions", PROPOSAL, headers={"Idempotency-Key": "strict"})
        self.checks.ok("a key is the same with quotes and without", bare.body == good.body, bare)
        good = authority.post("/v1/subscriptions", subscription)
        self.checks.ok("the subscription that all were made from is right", good.status == 201, good)
        good = operator.post("/v1/supervision/guess-budgets/unlock", unlock)
        self.checks.ok("the unlocking that all were made from is right", good.status == 200, good)
        good = operator.post("/v1/deliveries/replay", span)
        self.checks.ok("the range that all were made from is right", good.status == 200, good)
        for path in (
            "/v1/mismatches?state=none",
            "/v1/mismatches?due_before=2026-02-30",
            "/v1/mismatches?limit=0",
            "/v1/mismatches?limit=1001",
            "/v1/mismatches?limit=-1",
            "/v1/mismatches?cursor=%00",
            "/v1/mismatches?state=open&state=closed",
            "/v1/mismatches?extra=1",
            "/v1/deliveries?state=none",
            "/v1/deliveries?limit=x",
            "/v1/deliveries?cursor=AAAA",
            "/v1/deliveries?extra=1",
        ):
            self.refused(path, self.agency.attempt("GET", path), {400, 422})

    def keys(self, mismatch: str) -> None:
        """Idempotency keys that are none."""
        body, path = json.dumps({"action": "close", "reason": "drill"}), f"{mismatch}/actions"
        self.refused("no key", self.agency.attempt("POST", path, body), {428})
        for what, key in (
            ("an empty key", ""),
            ("an empty quoted key", '""'),
            ("a key of 5 KiB", "k" * 5120),
            ("a key with a quote inside", 'a"b'),
            ("a key that is not ASCII", "\xe9"),
        ):
            answer = self.agency.attempt("POST", path, body, headers={"Idempotency-Key": key})
            self.refused(what, answer, {400})
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.hub.tokens['agency']}\r\n"
        twice = "Idempotency-Key: one\r\nIdempotency-Key: two\r\n"
        head += f"{twice}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        self.refused("two keys", raw(self.hub.url, head.encode(), timeout=5), {400, 428})

    def stream(self) -> None:
        """A bad line gets a problem line of its own, and the stream goes on."""
        item = {"subject": GOOD["subject"], "claims": {"sex": GOOD["claims"]["sex"]}}
        bad = [
            "{",
            '{"ref":"x","ref":"x"}',
            json.dumps({"ref": "b", **item, "extra": 1}),
            "[1]",
            '"\\ud800"',
            json.dumps({"ref": "long", "subject": item["subject"], "claims": {"name": "x" * 100_000}}),
            "nul",
            "\ufeff{}",
        ]
        lines = [json.dumps({"purpose": PURPOSE, "dataset": "natural-person"})]
        for n, line in enumerate(bad):
            lines += [line, json.dumps({"ref": f"good-{n}", **item})]
        answer = self.agency.post("/v1/verifications/stream", "\n".join(lines) + "\n", ctype=NDJSON)
        if not self.checks.ok("a stream with bad lines is 200", answer.status == 200, answer):
            return
        got = answer.lines()
        problems, good = (
            [g for g in got if "problem" in g],
            [g for g in got if str(g.get("ref", "")).startswith("good")],
        )
        self.checks.ok("each bad line has a problem line", len(problems) == len(bad), (len(problems), len(bad)))
        self.checks.ok(
            "each good line is answered", [g.get("outcome") for g in good] == ["verified"] * len(bad), good[:2]
        )
        self.checks.ok("the last line is the summary", "summary" in got[-1])
        self.codes |= {g["problem"].get("code", "") for g in problems}
        head = self.agency.post("/v1/verifications/stream", "{\n", ctype=NDJSON)
        self.refused("a stream whose first line is bad", head, {400, 422})

    def http(self) -> None:
        token, agency = self.hub.tokens["agency"], self.agency
        auth = f"Authorization: Bearer {token}\r\n"
        for ctype in (
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            NDJSON,
            "application/jsonx",
            "",
        ):
            self.refused(
                f"content type {ctype!r}",
                agency.attempt("POST", "/v1/verifications", TEXT, headers={"Content-Type": ctype}),
                {415},
            )
        self.refused(
            "another charset",
            agency.attempt("POST", "/v1/verifications", TEXT, ctype="application/json; charset=gb18030"),
            {400, 415},
        )
        for coding in ("gzip", "br", "deflate", "zstd", "x"):
            answer = agency.attempt("POST", "/v1/verifications", TEXT, headers={"Content-Encoding": coding})
            self.refused(f"content encoding {coding}", answer, {415})
        self.refused("JSON to the stream", agency.attempt("POST", "/v1/verifications/stream", TEXT), {415})
        self.refused("an unknown path", agency.attempt("GET", "/v1/nothing"), {404})
        self.refused(
            "an unknown path with no credentials", agency.attempt("GET", "/v1/nothing", token=None), {401, 404}
        )
        answer = agency.request("DELETE", "/v1/verifications")
        self.refused("a wrong method", answer, {405})
        self.checks.ok("405 names the methods", "POST" in answer.headers.get("allow", ""), dict(answer.headers.items()))
        self.refused("no credentials", agency.attempt("POST", "/v1/verifications", TEXT, token=None), {401})
        self.refused(
            "an unsupported scheme",
            agency.attempt("POST", "/v1/verifications", TEXT, token=None, headers={"Authorization": "Basic eDp5"}),
            {401},
        )
        head = f"POST /v1/verifications HTTP/1.1\r\nHost: x\r\n{auth}Content-Type: application/json\r\n"
        body = TEXT.encode()
        both = f"{head}Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body
        strange = {
            "two lengths": f"{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n".encode() + body,
            "a length and chunks": both,
            "a negative length": f"{head}Content-Length: -1\r\n\r\n".encode(),
            "a bad chunk": f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
            "two authorisations": f"GET /v1/datasets HTTP/1.1\r\nHost: x\r\n{auth}{auth}\r\n".encode(),
        }
        for what, data in strange.items():
            answer = raw(self.hub.url, data, timeout=5)
            self.checks.ok(f"{what}: refused or closed", answer is None or 400 <= answer.status < 500, answer)
        self.refused_or_closed(
            "headers of 100 KiB", f"GET /v1/datasets HTTP/1.1\r\nHost: x\r\nX-A: {'a' * 102_400}\r\n\r\n"
        )
        self.refused_or_closed(
            "2,000 headers", "GET /v1/datasets HTTP/1.1\r\nHost: x\r\n" + "X-A: a\r\n" * 2000 + "\r\n"
        )
        self.refused_or_closed("a path of 100 KiB", f"GET /v1/{'a' * 102_400} HTTP/1.1\r\nHost: x\r\n\r\n")

    def refused_or_closed(self, what: str, text: str) -> None:
        """The HTTP parser itself may refuse before any handler can write a document."""
        answer = raw(self.hub.url, text.encode(), timeout=10)
        self.checks.ok(f"{what}: refused", answer is None or answer.status in (400, 404, 414, 431, 401), answer)

    def credentials_first(self) -> None:
        """401 must come before one byte of a large body was sent, and 403 likewise."""
        for who, token, wanted in (
            ("a stranger", None, {401}),
            ("a bad token", "x.y.z", {401}),
            ("an operator", self.hub.tokens["operator"], {403}),
        ):
            head = "POST /v1/verifications/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            head += f"Authorization: Bearer {token}\r\n" if token else ""
            with self.connect() as sock:
                began = time.monotonic()
                sock.sendall(f"{head}Content-Length: 200000\r\n\r\n".encode())
                answer = read_answer(sock)
                took = time.monotonic() - began
            self.refused(f"{who} with a body still to come", answer, wanted)
            self.checks.ok(f"{who} is answered before the body", took < 1, f"{took:.2f} s")

    def connect(self) -> socket.socket:
        parts = urllib.parse.urlsplit(self.hub.url)
        return socket.create_connection((parts.hostname, parts.port), timeout=25)

    def slow(self, limit_s: float) -> None:
        """A body that trickles, and one that stops: 408 in bounded time, and others are served meanwhile."""
        head = (
            f"POST /v1/verifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.hub.tokens['agency']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(TEXT.encode())}\r\n\r\n"
        ).encode()
        trickling, stopped, cut = self.connect(), self.connect(), self.connect()
        began = time.monotonic()
        trickling.sendall(head + b"{")
        stopped.sendall(head + TEXT.encode()[:50])
        cut.sendall(b"POST /v1/verifications HTTP/1.1\r\nHost: x\r\n")
        trickling.settimeout(0.5)
        ended = False
        while not ended and time.monotonic() - began < limit_s:
            try:
                trickling.sendall(b" ")
                trickling.recv(1, socket.MSG_PEEK)  # an answer or the end of the connection, either will do here
                ended = True
            except TimeoutError:
                continue
            except OSError:
                ended = True
        took = time.monotonic() - began
        self.checks.ok(f"a trickling body is ended within {limit_s} s", ended and took < limit_s, f"{took:.1f} s")
        trickling.settimeout(5)
        for what, sock in (("a trickling body", trickling), ("a body that stops", stopped)):
            answer = read_answer(sock)
            self.refused(what, answer, {408})
        answer = read_answer(cut)
        self.checks.ok("a head that stops is ended", answer is None or answer.status == 408, answer)
        for sock in (trickling, stopped, cut):
            sock.close()
        good = self.agency.post("/v1/verifications", TEXT)
        self.checks.ok("others are served after slow bodies", good.status == 200, good)

    def pages(self) -> None:
        """Each code that was seen has a page that differs by language and a title likewise."""
        client = self.hub.client()
        for code in sorted(self.codes - {""}):
            zh, en = (
                client.get(f"/problems/{code}", headers={"Accept-Language": lang, "Accept": "text/html"})
                for lang in ("zh-CN", "en")
            )
            self.checks.ok(f"/problems/{code} is there", zh.status == 200 and en.status == 200, (zh.status, en.status))
            han = [len(re.findall("[\u4e00-\u9fff]", page.body.decode())) for page in (zh, en)]
            self.checks.ok(f"/problems/{code} is in Chinese and in English", han[0] > 30 and zh.body != en.body, han)
        answer = {
            lang: self.agency.get("/v1/nothing", headers={"Accept-Language": lang}).json() or {}
            for lang in ("zh-CN", "en", "fr, en;q=0.5", "*")
        }
        titles = {lang: doc.get("title", "") for lang, doc in answer.items()}
        self.checks.ok(
            "titles follow Accept-Language",
            re.search("[\u4e00-\u9fff]", titles["zh-CN"])
            and titles["en"].isascii()
            and titles["fr, en;q=0.5"] == titles["en"]
            and titles["*"] == titles["zh-CN"],
            titles,
        )


def main() -> None:
    args = arguments(
        __doc__, ("--slow-max", {"type": float, "default": 16, "help": "seconds until a slow body is ended"})
    )
    checks = Checks("strict_json", show=40)
    with Hub(workdir("strict-json") / "data") as hub:
        put_records(hub.client("authority"), DATASETS[0], [person(3)])
        drill = Drill(hub, checks)
        drill.bodies()
        drill.turn()
        drill.stream()
        drill.http()
        drill.credentials_first()
        drill.slow(args.slow_max)
        drill.pages()
        checks.ok("the hub is still alive", hub.process.poll() is None)
    checks.finish(bodies=len(BODIES), codes=len(drill.codes))


if __name__ == "__main__":
    main()
