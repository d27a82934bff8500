"""Walks the route table that the hub itself publishes and tries every operation as every kind of caller.

The expectation (`authz_table.py`) is independent of the code. A route without a row fails, so does an answer to a known
caller that leaves no ledger entry, and so does an entry made by somebody unknown.
"""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

from authz_table import FIRST, RECORD, ROWS, Row
from hub import ROLES, Answer, Checks, Hub, arguments, find, put_records, verification, workdir

STRANGERS = ("none", "garbage", "forged", "expired")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token: str) -> tuple[dict, dict]:
    """Header and claims of a JWT; empty when the token is not one."""
    try:
        head, body, _ = token.split(".")
        return tuple(json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in (head, body))
    except ValueError:
        return {}, {}


def expired_token(data: Path) -> str | None:
    """A token that the hub itself signed for the agency, and that has ended: made by a first start with a short life."""
    with Hub(data, persons=0, env={"HEYAN__AUTH__TOKEN_TTL_S": "1"}) as hub:
        token = hub.tokens["agency"]
    _, claims = claims_of(token)
    if claims.get("exp", time.time() + 99) > time.time() + 10:
        return None
    while time.time() <= claims["exp"] + 1:
        time.sleep(0.1)
    return token


def forged_token(hub: Hub) -> str:
    """The agency's token with its caller's role or id replaced, the signature left as it was."""
    token = hub.tokens["agency"]
    head, claims = claims_of(token)
    if not claims:
        return token[::-1]
    body = segment(json.dumps(claims | {"role": "manager", "exp": int(time.time()) + 99999}).encode())
    return f"{token.split('.')[0]}.{body}.{token.rsplit('.', 1)[1]}"


def operations(spec: dict):
    """(method, template, key) of every documented operation; the key writes each path parameter as `{}`."""
    for template, item in spec.get("paths", {}).items():
        for method in METHODS:
            if method.lower() in item:
                yield method, template, f"{method} {re.sub(r'{[^}]*}', '{}', template)}"


class Walk:
    """The walk: what it made at first for others to look at, and what it counts."""

    def __init__(self, hub: Hub, checks: Checks, expired: str):
        self.hub, self.checks, self.client = hub, checks, hub.client()
        self.made: dict[str, str] = {}
        self.tokens: dict[str, str | None] = {r: hub.tokens[r] for r in ROLES} | {
            "none": None,
            "garbage": "not.a.token",
            "forged": forged_token(hub),
            "expired": expired,
        }
        self.cases = self.unexpected_allow = self.unexpected_deny = 0

    def prepare(self) -> None:
        """One record and one verification of the first agency: the things that belong to somebody."""
        put_records(self.hub.client("authority"), "natural-person", [RECORD])
        answer = self.hub.client("agency").post("/v1/verifications", verification(RECORD, "sex"))
        doc = answer.json() or {}
        self.checks.ok("the agency's verification is answered", answer.status == 200, answer)
        self.made = {
            "$verification": doc.get("id", "ver_none"),
            "$origin": (find(doc, "origin") or "none"),
            "$index": str(find(doc, "index") or 0),
        }

    def send(self, method: str, template: str, row: Row, principal: str) -> Answer:
        values = iter(row.path.values())
        path = re.sub(r"{([^}:*]*)[^}]*}", lambda m: self.value(row, m[1], values), template)
        body = {} if row.body is None and method in ("POST", "PUT", "PATCH") else row.body
        return self.client.request(method, path, body, token=self.tokens[principal], ctype=row.ctype)

    def value(self, row: Row, name: str, values) -> str:
        value = row.path.get(name) or next(values, "none")
        return self.made.get(value, value)

    def size(self) -> float:
        return self.hub.metric("heyan_ledger_size")

    def grown(self, before: float) -> bool:
        """Whether the ledger grew; entries that come with a database commit may follow a moment later."""
        deadline = time.monotonic() + 2
        while self.size() <= before:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def strangers(self, method: str, template: str, key: str, row: Row) -> None:
        before = self.size()
        for principal in STRANGERS:
            answer = self.send(method, template, row, principal)
            self.cases += 1
            if row.public:
                self.checks.ok(f"{key} is open", answer.status not in (401, 403) and answer.status < 500, answer)
                continue
            wanted = (400, 401) if row.credentials else (401,)
            self.unexpected_allow += answer.status not in wanted
            self.checks.ok(f"{key} as {principal}: 401", answer.status in wanted, answer)
            challenge = answer.headers.get("www-authenticate", "")
            self.checks.ok(f"{key} as {principal}: says how to authenticate", challenge or answer.status != 401)
        self.checks.ok(f"{key}: strangers make no entry", self.size() == before)

    def known(self, method: str, template: str, key: str, row: Row, role: str) -> None:
        before = self.size()
        answer = self.send(method, template, row, role)
        self.cases += 1
        status = answer.status
        self.checks.ok(f"{key} as {role}: no 5xx", status < 500, answer)
        if role in row.allow:
            self.unexpected_deny += status in (401, 403)
            self.checks.ok(f"{key} as {role}: let in", status not in (401, 403), answer)
        elif role not in row.either:
            denied = (403, 404) if role in row.hidden else (403,)
            self.unexpected_allow += status not in (403, 404)
            self.checks.ok(f"{key} as {role}: refused", status in denied, answer)
        if row.entered:
            self.checks.ok(f"{key} as {role}: is in the ledger", self.grown(before), answer)

    def walk(self, spec: dict) -> set[str]:
        seen = set()
        for method, template, key in operations(spec):
            seen.add(key)
            row = ROWS.get(key)
            if not self.checks.ok(f"{key} has a row in authz_table.py", row):
                continue
            self.strangers(method, template, key, row)
            if not row.public and not row.credentials:
                for role in ROLES:
                    self.known(method, template, key, row, role)
        return seen

    def other_methods(self, spec: dict) -> None:
        """A method that the route table does not name must not be answered."""
        for template, item in spec.get("paths", {}).items():
            path = re.sub(r"{[^}]*}", "none", template)
            for method in METHODS:
                if method.lower() not in item:
                    status = self.client.request(method, path, None, token=self.tokens["manager"]).status
                    self.cases += 1
                    self.unexpected_allow += status < 400
                    self.checks.ok(f"{method} {template} is not there", status in (401, 403, 404, 405), status)


def main() -> None:
    arguments(__doc__)
    checks = Checks("authz")
    data = workdir("authz") / "data"
    expired = expired_token(data)
    checks.ok("a token of one second's life can be had", expired)
    with Hub(data, persons=0) as hub:
        walk = Walk(hub, checks, expired or "x.y.z")
        walk.prepare()
        spec = walk.client.get("/openapi.json").json() or {}
        checks.ok("the route table is published", spec.get("paths"))
        seen = walk.walk(spec)
        for key in sorted(FIRST - seen):
            checks.ok(f"{key} is in the route table", False)
        walk.other_methods(spec)
        print(f"rows without a route yet: {len(set(ROWS) - seen)}")
    checks.finish(
        routes=len(seen), cases=walk.cases, unexpected_allow=walk.unexpected_allow, unexpected_deny=walk.unexpected_deny
    )


if __name__ == "__main__":
    main()
