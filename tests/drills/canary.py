"""Puts a unique word into every input there is, runs the hub at TRACE, and looks for the words where none may be.

Searched: standard output and error, /metrics, every problem document, the ledger directory and the published entry
tiles; for words that must be sealed where they are kept, the database and its WAL too. In plain, JSON-escaped, hex, base64
and URL-encoded form. What a caller gets back in its own answer is not searched.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

from hub import (
    DATASETS,
    NDJSON,
    PROBLEM,
    PURPOSE,
    Answer,
    Checks,
    Hub,
    arguments,
    find,
    person,
    raw,
    resident_number,
    run,
    workdir,
)
from parties import settings
from receivers import Receivers

# The ledger says for which service item somebody asked (CONTRACT §6, traces); the code is public, not a person's.
ALLOWED = {("purpose.item_code", "ledger")}
# A problem's pointer names the member that is wrong; names of members are not values.
ALLOWED |= {
    (place, "problems")
    for place in (
        "member",
        "claim.member",
        "bad.member",
        "subject.member",
        "purpose.member",
        "oauth.member",
        "json.key",
        "json.inner",
        "query.name",
        "action.member",
        "action.field",
    )
}
# Kept in the database, where they must be sealed. Values of records and of subscriptions' URLs lie there as they are.
SEALED = ("action.", "webhook.secret", "purpose.")
HAN = "麤龘爨灪籱鸞厵纞齾驫靐龗癵"  # characters that no generated name, address or message uses


class Canaries:
    """Makes the words, remembers where each went in, and finds them again."""

    def __init__(self, seed: int):
        self.rng, self.words = random.Random(seed), {}

    def word(self, place: str) -> str:
        """An ASCII canary for one place."""
        return self._keep(place, "cnry" + "".join(self.rng.choice("bcdfghjkmnpqrstvwxz2345679") for _ in range(14)))

    def han(self, place: str) -> str:
        """A canary of four rare Han characters, for fields that hold names and addresses."""
        # There are few enough words of four that chance would make one twice, for two places.
        while (word := "".join(self.rng.sample(HAN, 4))) in self.words:
            pass
        return self._keep(place, word)

    def _keep(self, place: str, word: str) -> str:
        self.words[word] = place
        return word

    def known(self, place: str, word: str) -> str:
        """A value that had to have a form of its own (a resident number)."""
        return self._keep(place, word)

    def only(self, *places: str) -> Canaries:
        """The same words, of some places."""
        some = Canaries(0)
        some.words = {word: place for word, place in self.words.items() if place.startswith(places)}
        return some

    def hits(self, data: bytes, where: str) -> list[str]:
        """Places whose canary is in `data`, with the form in which it was found.

        `grep -F` looks for all needles in one pass; thousands of `in` over a TRACE log would take minutes.
        """
        needles = {
            n: (place, form)
            for word, place in self.words.items()
            if (place, where) not in ALLOWED
            for form, n in forms(word)
        }
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(needles))
            patterns.flush()
            done = subprocess.run(
                ["grep", "-a", "-o", "-F", "-f", patterns.name],
                input=data,
                capture_output=True,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                timeout=300,
            )
        if done.returncode > 1:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return sorted({f"{place} as {form}" for n in done.stdout.split(b"\n") if n for place, form in [needles[n]]})


def forms(word: str):
    """The ways in which a word could lie in a file."""
    text = word.encode()
    yield "plain", text
    yield "hex", text.hex().encode()
    yield "HEX", text.hex().upper().encode()
    for shift in range(3):  # base64 of a longer text that holds the word at any of the three alignments
        whole = base64.b64encode(b"\0" * shift + text)
        inner = whole[4 if shift else 0 : -4]
        yield f"base64+{shift}", inner
        yield f"base64url+{shift}", inner.replace(b"+", b"-").replace(b"/", b"_")
    if not word.isascii():
        yield "escaped", json.dumps(word)[1:-1].encode()
        yield "debug-escaped", "".join(f"\\u{{{ord(c):x}}}" for c in word).encode()
        yield "url", urllib.parse.quote(word).encode()
        yield "gb18030", word.encode("gb18030")


class Run:
    """Sends the canaries and keeps the problem documents."""

    def __init__(self, hub: Hub, canaries: Canaries):
        self.hub, self.c, self.problems, self.sent, self.statuses = hub, canaries, [], 0, {}
        self.taken = 0
        self.agency, self.authority = hub.client("agency"), hub.client("authority")

    def keep(self, answer: Answer | None) -> Answer | None:
        self.sent += 1
        if answer is not None:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.ctype == PROBLEM or answer.status >= 400:
                head = "".join(f"{k}: {v}\n" for k, v in answer.headers.items())
                self.problems.append(head.encode() + answer.body)
            for problem in nested_problems(answer):
                self.problems.append(json.dumps(problem, ensure_ascii=False).encode())
        return answer

    def purpose(self) -> dict:
        return {k: self.c.word(f"purpose.{k}") for k in ("item_code", "application_no")} | {
            k: self.c.han(f"purpose.{k}") for k in ("item_name", "operator", "reason")
        }

    def records(self) -> None:
        """Records of every dataset whose every field is a canary, in good and bad form."""
        for n in range(20):
            number = self.c.known("record.subject", resident_number(500_000 + n * 37))
            fields = person(n)["fields"] | {
                "name": self.c.han("record.name"),
                "domicile_address": f"安徽省芜湖市镜湖区{self.c.han('record.address')}路8号",
            }
            record = {
                "subject": {"id_number": number},
                "fields": fields,
                "source_version": 1,
                "source": self.c.word("record.source"),
            }
            self.keep(self.authority.attempt("PUT", "/v1/datasets/natural-person/records", record))
            claims = {"name": fields["name"], "domicile_address": fields["domicile_address"]}
            self.keep(
                self.agency.attempt(
                    "POST",
                    "/v1/verifications",
                    {
                        "dataset": "natural-person",
                        "subject": record["subject"],
                        "claims": claims,
                        "purpose": self.purpose(),
                    },
                )
            )
            self.keep(
                self.authority.attempt(
                    "POST",
                    "/v1/datasets/natural-person/records/query",
                    {"subject": record["subject"], "purpose": self.purpose()},
                )
            )
        for dataset in DATASETS:
            bad = {
                "subject": {"id_number": self.c.word("bad.subject"), "uscc": self.c.word("bad.uscc")},
                "fields": {
                    "name": {"x": self.c.word("bad.nested")},
                    self.c.word("bad.member"): 1,
                    "birth_date": self.c.word("bad.date"),
                    "sex": self.c.han("bad.sex"),
                },
                "source": self.c.word("bad.source"),
            }
            self.keep(self.authority.attempt("PUT", f"/v1/datasets/{dataset}/records", bad))
            lines = json.dumps(bad) + "\n{" + self.c.word("bad.line") + "\n"
            self.keep(self.authority.attempt("PUT", f"/v1/datasets/{dataset}/records", lines, ctype=NDJSON))

    def verifications(self) -> None:
        """Claims and subjects that match nothing, cannot be, or are of the wrong kind; batch and stream too."""
        for n in range(20):
            number = self.c.known("subject", resident_number(700_000 + n * 41))
            wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
            self.c.known("bad subject", wrong)
            claims = {
                "name": self.c.han("claim.name"),
                "domicile_address": self.c.han("claim.address"),
                "birth_date": self.c.word("claim.birth_date"),
            }
            base = {"dataset": "natural-person", "claims": claims, "purpose": self.purpose()}
            items = [
                {"ref": str(i), "dataset": "natural-person", "subject": {"id_number": s}, "claims": claims}
                for i, s in enumerate((number, wrong))
            ]
            for subject in (number, wrong, self.c.word("subject.text")):
                self.keep(self.agency.attempt("POST", "/v1/verifications", base | {"subject": {"id_number": subject}}))
            self.keep(
                self.agency.attempt("POST", "/v1/verifications/batch", {"purpose": self.purpose(), "items": items})
            )
            lines = [{"purpose": self.purpose(), "dataset": "natural-person"}, *items]
            body = (
                "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines) + f'{{"{self.c.word("stream.bad")}\n'
            )
            self.keep(self.agency.attempt("POST", "/v1/verifications/stream", body, ctype=NDJSON))
        w, h = self.c.word, self.c.han
        for claims in (
            {w("claim.member"): "x"},
            {"name": {"op": w("claim.op"), "value": h("claim.value")}},
            {"birth_date": {"op": "on_or_before", "value": w("claim.predicate")}},
            {"name": [w("claim.array")]},
            {"birth_date": {"op": "one_of", "value": [w("claim.one_of")]}},
            {"name": w("claim.long") * 500},
        ):
            self.keep(
                self.agency.attempt(
                    "POST",
                    "/v1/verifications",
                    {
                        "dataset": "natural-person",
                        "subject": person(1)["subject"],
                        "claims": claims,
                        "purpose": PURPOSE,
                    },
                )
            )
        for body in (
            {"dataset": w("dataset"), "subject": {}, "claims": {}, "purpose": PURPOSE},
            {"dataset": "natural-person", w("member"): 1},
            w("string"),
            [w("array")],
            {
                "dataset": "natural-person",
                "subject": {w("subject.member"): w("subject.value")},
                "claims": {"name": "某"},
                "purpose": PURPOSE | {w("purpose.member"): w("purpose.value")},
            },
        ):
            self.keep(self.agency.attempt("POST", "/v1/verifications", body))
        for text in (
            '{"dataset":"%s' % w("json.cut"),
            '{"a":"%s","a":1}' % w("json.duplicate"),
            w("json.none"),
            '{"max_age_s":"%s"}' % w("json.number"),
            '{"%s":{"%s":[' % (w("json.key"), w("json.inner")),
        ):
            self.keep(self.agency.attempt("POST", "/v1/verifications", text))

    def turn(self, receivers: Receivers) -> None:
        """The life of mismatches: actions, good and bad; subscriptions, and what they answer."""
        w, h = self.c.word, self.c.han
        for at, client in enumerate((self.agency, self.authority)):
            url = f"{receivers.url(at)}/{w('subscription.path')}?k={w('subscription.query')}"
            body = {"url": url, "events": ["*"], "datasets": ["*"]}
            made = self.keep(client.attempt("POST", "/v1/subscriptions", body))
            doc = made and made.json() or {}
            path = f"/v1/subscriptions/{doc.get('id')}"
            rotated = self.keep(client.attempt("POST", f"{path}/rotate-secret", {}))
            secrets = [s for s in (doc.get("secret"), find(rotated.json(), "secret")) if s]
            for secret in secrets:
                self.c.known("webhook.secret", secret.removeprefix("whsec_"))
            receivers.secrets(at, *secrets)
            receivers.script(at, *(f"500:{w('webhook.answer')}" for _ in range(3)))
            for _ in range(3):
                self.keep(client.attempt("POST", f"{path}/test", {}))
        for body in (
            {"url": f"https://{w('subscription.host')}.example/{w('subscription.bad')}?x={w('subscription.q')}"},
            {"url": f"http://{w('subscription.user')}:{w('subscription.password')}@127.0.0.1/"},
            {
                "url": w("subscription.url"),
                "events": [w("subscription.event")],
                "datasets": [w("subscription.dataset")],
            },
            {"url": "https://x.example/", "until": w("subscription.until"), w("member"): 1},
        ):
            self.keep(self.agency.attempt("POST", "/v1/subscriptions", {"events": ["*"]} | body))
        for n, ends in enumerate(
            (
                ("propose_correction", "approve"),
                ("propose_correction", "reject"),
                ("close",),
                ("report_false_claim",),
                ("accept_record",),
            )
            * 2
        ):
            number = self.c.known("record.subject", resident_number(800_000 + n * 43))
            record = {"subject": {"id_number": number}, "fields": person(n)["fields"] | {"name": h("record.name")}}
            self.keep(self.authority.attempt("PUT", "/v1/datasets/natural-person/records", record))
            body = {"dataset": "natural-person", "subject": record["subject"], "claims": {"name": h("claim.name")}}
            opened = self.keep(self.agency.attempt("POST", "/v1/verifications", body | {"purpose": self.purpose()}))
            path = f"/v1/mismatches/{find((opened.json() or {}).get('mismatch'), 'id')}/actions"
            for action in ends:
                self.act(path, action, {w("action.member"): w("action.value"), "reason": h("action.reason")})
                self.act(path, action, {"fields": {w("action.field"): h("action.field_value")}})
                rest = {"reason": h("action.reason") + w("action.reason")}
                if action == "propose_correction":
                    # An approved value is the record's from then on, and lies there as every record's does.
                    place = "record.name" if "approve" in ends else "action.proposed"
                    rest |= {"fields": {"name": h(place)}, "evidence": [h("action.evidence"), w("action.evidence")]}
                taken = self.act(path, action, rest)
                self.taken += taken is not None and taken.status == 200
            self.act(path, w("action.word"), {"reason": w("action.reason")})
        for path in (
            f"/v1/mismatches/{w('path.mismatch')}",
            f"/v1/mismatches?state={w('query.state')}",
            f"/v1/mismatches?cursor={w('query.cursor')}",
            f"/v1/mismatches?due_before={w('query.due')}&dataset={w('query.dataset')}",
            f"/v1/deliveries?target={w('query.target')}",
            f"/v1/deliveries?state={w('query.delivery')}",
            f"/v1/subscriptions/{w('path.subscription')}",
            f"/v1/supervision/alerts?limit={w('query.limit')}",
        ):
            for client in (self.agency, self.hub.client("operator")):
                self.keep(client.attempt("GET", path))
        for who in ("operator", "manager", "agency"):
            for subject in (number, w("unlock.subject")):
                body = {"dataset": "natural-person", "subject": {"id_number": subject}}
                body["reason"] = h("action.unlock_reason") + w("action.unlock_reason")
                self.keep(self.hub.client(who).attempt("POST", "/v1/supervision/guess-budgets/unlock", body))
        for path in (f"/v1/deliveries/{w('path.delivery')}/replay", "/v1/deliveries/replay"):
            body = {"target": w("replay.target"), "from": w("replay.from")}
            self.keep(self.hub.client("operator").attempt("POST", path, body))

    def act(self, path: str, action: str, rest: dict) -> Answer | None:
        """One action, by whoever may take it, with a key that nobody may find again."""
        client = self.authority if action in ("approve", "reject") else self.agency
        headers = {"Idempotency-Key": self.c.word("header.key")}
        return self.keep(client.attempt("POST", path, {"action": action} | rest, headers=headers))

    def transport(self) -> None:
        """Paths, queries, headers, methods and content types; known and unknown callers."""
        w = self.c.word
        for path in (
            f"/v1/{w('path')}",
            f"/v1/verifications/{w('path.id')}/explanation",
            f"/v1/datasets/{w('path.ds')}",
            f"/v1/datasets/{w('path.ds2')}/records/query",
            f"/v1/receipts/{w('path.origin')}/1",
            f"/{w('path.top')}",
            f"/problems/{w('path.code')}",
            f"/log/tile/0/{w('path.tile')}",
            f"/v1/datasets?x={w('query')}",
            f"/v1/datasets?{w('query.name')}=1",
            f"/openapi.json?{w('query.public')}",
            f"/docs/{w('path.docs')}",
            "/v1/" + urllib.parse.quote(self.c.han("path.han")),
        ):
            for token in (self.hub.tokens["agency"], None):
                self.keep(self.agency.attempt("GET", path, token=token))
            self.keep(self.agency.attempt("POST", path, {}))
        for name in (
            "User-Agent",
            "X-Request-Id",
            "Traceparent",
            "Accept",
            "Accept-Language",
            "X-Forwarded-For",
            "Cookie",
            "Referer",
            "Origin",
            "Prefer",
            "If-Match",
            "Idempotency-Key",
            "X-Anything",
            "Content-Digest",
            "Signature",
            "Signature-Input",
            "Forwarded",
            "Host",
            "Expect",
            "Range",
            "If-None-Match",
        ):
            self.keep(self.agency.attempt("GET", "/v1/datasets", headers={name: w(f"header.{name}")}))
            self.keep(self.agency.attempt("GET", "/v1/datasets", token=None, headers={name: w(f"header.{name}")}))
        self.keep(self.agency.attempt("GET", "/v1/datasets", token=w("token")))
        self.keep(self.agency.attempt("GET", "/v1/datasets", token=f"{w('token.a')}.{w('token.b')}.{w('token.c')}"))
        self.keep(
            self.agency.attempt(
                "GET", "/v1/datasets", token=None, headers={"Authorization": f"Basic {w('authorization')}"}
            )
        )
        self.keep(self.agency.attempt("POST", "/v1/verifications", w("body.text"), ctype=f"text/{w('ctype')}"))
        self.keep(raw(self.hub.url, f"{w('method').upper()} / HTTP/1.1\r\nHost: x\r\n\r\n".encode(), timeout=3))
        self.keep(raw(self.hub.url, f"GET / HTTP/9.{w('version')}\r\nHost: x\r\n\r\n".encode(), timeout=3))
        self.keep(raw(self.hub.url, f"{w('line')}\r\n\r\n".encode(), timeout=3))
        self.keep(raw(self.hub.url, f"GET / HTTP/1.1\r\nHost: x\r\n{w('header.raw')} : 1\r\n\r\n".encode(), timeout=3))

    def tokens(self) -> None:
        """Token requests with every member a canary, in all three ways to authenticate."""
        w, form = self.c.word, "application/x-www-form-urlencoded"
        for _ in range(5):
            pair = f"{w('oauth.id')}:{w('oauth.secret')}"
            basic = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
            self.c.known("oauth.basic", basic["Authorization"][6:])
            self.keep(
                self.agency.attempt(
                    "POST", "/oauth/token", "grant_type=client_credentials", ctype=form, token=None, headers=basic
                )
            )
            for body in (
                f"grant_type=client_credentials&client_id={w('oauth.client_id')}&client_secret={w('oauth.client_secret')}",
                f"grant_type={w('oauth.grant_type')}",
                f"{w('oauth.member')}={w('oauth.value')}",
                f"grant_type=client_credentials&scope={w('oauth.scope')}&client_assertion={w('oauth.assertion')}"
                "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            ):
                self.keep(self.agency.attempt("POST", "/oauth/token", body, ctype=form, token=None))
            self.keep(self.agency.attempt("POST", "/oauth/token", {"client_id": w("oauth.json")}, token=None))

    def administration(self) -> None:
        """Names given to agencies, grants and users, by somebody who may and somebody who may not."""
        for client in (self.hub.client("manager"), self.agency):
            for path in ("/v1/agencies", "/v1/grants", "/v1/users"):
                body = {
                    "id": self.c.word("admin.id"),
                    "name": self.c.han("admin.name"),
                    "credit_code": self.c.word("admin.code"),
                    "agency": self.c.word("admin.agency"),
                    "dataset": self.c.word("admin.dataset"),
                    "fields": [self.c.word("admin.field")],
                    "networks": [self.c.word("admin.network")],
                }
                self.keep(client.attempt("POST", path, body))


def nested_problems(answer: Answer) -> list:
    """Problem members inside batch and stream answers."""
    try:
        docs = answer.lines() if answer.ctype == NDJSON else [answer.json()]
    except ValueError:
        return []
    results = [r for d in docs if isinstance(d, dict) for r in [d, *(d.get("results") or [])] if isinstance(r, dict)]
    return [r["problem"] for r in results if "problem" in r]


def entry_tiles(hub: Hub) -> bytes:
    """The bytes of every published entry tile."""
    client = hub.client("auditor")
    checkpoint = client.get("/log/checkpoint").body.split(b"\n")
    size, data = int(checkpoint[1]) if len(checkpoint) > 1 else 0, b""
    for n in range((size + 255) // 256):
        width = min(256, size - n * 256)
        data += client.get(f"/log/tile/entries/{n:03}" + (f".p/{width}" if width < 256 else "")).body
    return data


def search(checks: Checks, canaries: Canaries, where: str, data: bytes, place: str) -> int:
    hits = canaries.hits(data, where)
    checks.ok(f"no canary in {place}", not hits, hits[:8])
    return len(data)


def try_the_search(checks: Checks) -> None:
    """A test of the test: each form of each word must be found."""
    c = Canaries(1)
    for word in (c.word("a"), c.han("b")):
        for text in (
            word.encode(),
            word.encode().hex().encode(),
            base64.b64encode(b"1234" + word.encode() + b"56"),
            base64.b64encode(b"12345" + word.encode() + b"678"),
            urllib.parse.quote(word).encode(),
            json.dumps({"x": word}).encode(),
        ):
            checks.ok("the search finds every form", c.hits(b"zz " + text + b" zz", "x"), text)


def main() -> None:
    args = arguments(__doc__, ("--seed", {"type": int, "default": int(time.time())}))
    folder, checks, canaries = workdir("canary"), Checks("canary"), Canaries(args.seed)
    try_the_search(checks)
    trace = {"RUST_LOG": "trace", "HEYAN__LOG__LEVEL": "trace", "RUST_BACKTRACE": "1"}
    with Receivers(2) as receivers, Hub(folder / "data", env=settings(receivers.ports, 1) | trace) as hub:
        drill = Run(hub, canaries)
        drill.records()
        drill.verifications()
        drill.turn(receivers)
        for part in (drill.transport, drill.tokens, drill.administration):
            part()
        told = receivers.wait(lambda c: all(one.get("said_500") and one["effects"] for one in c), 10)
        checks.ok("receivers refused, and were told", told, receivers.counts())
        checks.ok("every way to act was taken", drill.taken >= 14, drill.taken)
        time.sleep(1.2)  # the newest checkpoint must cover all that was sent
        scanned = search(checks, canaries, "metrics", hub.admin().get("/metrics").body, "/metrics")
        scanned += search(checks, canaries, "ledger", entry_tiles(hub), "the entry tiles")
        sealed = canaries.only(*SEALED)
        for path in sorted(p for p in hub.data.rglob("*.sqlite*") if p.is_file()):
            scanned += search(checks, sealed, "database", path.read_bytes(), path.name)
        # On PostgreSQL there is none of ours.
        has_wal = any(p.stat().st_size for p in hub.data.rglob("*-wal"))
        checks.ok("the WAL was searched", has_wal or os.environ.get("HEYAN_TEST_POSTGRES"))
        ledger, ledger_key = hub.ledger_dir, hub.info["ledger_key"]
        for role, token in hub.tokens.items():
            canaries.known(f"token of {role}", token)
    for path in (hub.stdout_path, hub.stderr_path):
        data = path.read_bytes()
        if path == hub.stdout_path:  # the ready line is how the tokens are handed over
            data = b"\n".join(line for line in data.split(b"\n") if b'"admin_url"' not in line)
        scanned += search(checks, canaries, "logs", data, path.name)
    checks.ok("the log was written at TRACE", hub.stderr_path.stat().st_size + hub.stdout_path.stat().st_size > 50_000)
    for path in sorted(p for p in Path(ledger).rglob("*") if p.is_file()):
        scanned += search(checks, canaries, "ledger", path.read_bytes(), f"ledger file {path.name}")
    if canaries.hits(b"\n".join(drill.problems), "problems"):  # one by one only to say which
        for document in drill.problems:
            search(checks, canaries, "problems", document, f"a problem: {document[-300:]!r}")
    checks.ok("there were problems to search", len(drill.problems) > 200, len(drill.problems))
    scanned += sum(map(len, drill.problems))
    said = run("ledger", "verify", str(ledger), "--key", ledger_key)
    scanned += search(checks, canaries, "logs", (said.stdout + said.stderr).encode(), "what `ledger verify` says")
    checks.ok("requests were answered well and badly", {200, 401, 404, 422} <= set(drill.statuses), drill.statuses)
    print("statuses:", dict(sorted(drill.statuses.items())))
    checks.finish(
        canaries=len(canaries.words), requests=drill.sent, problems=len(drill.problems), scanned_bytes=scanned
    )


if __name__ == "__main__":
    main()
