"""Walks the route table that the hub itself publishes and tries every operation as every kind of caller.

The expectation (`authz_table.py`) is independent of the code. A route without a row fails, so does an answer to a known
caller that leaves no ledger entry, and so does an entry made by somebody unknown. Then things that are somebody's, a
mismatch, a subscription, a delivery: its owner's, another's, nobody's.
"""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

from authz_table import FIRST, LISTS, OWNED, PRINCIPALS, RECORD, ROWS, Owned, Row
from hub import ROLES, Answer, Checks, Client, Hub, arguments, find, put_records, verification, workdir
from parties import credit_code, settings
from receivers import Receivers

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
        return self.client.request(
            method, path, body, token=self.tokens[principal], ctype=row.ctype, headers=row.headers
        )

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


class Owners:
    """Things that belong to somebody, and everybody who tries them."""

    def __init__(self, walk: Walk, receivers: Receivers):
        self.walk, self.hub, self.checks, self.receivers = walk, walk.hub, walk.checks, receivers
        self.made: dict[str, str] = {}
        self.keys = 0

    def prepare(self) -> None:
        agency, authority = self.hub.client("agency"), self.hub.client("authority")
        self.second_authority()
        wrong = agency.post("/v1/verifications", verification(RECORD, name="王小明")).json()
        self.made["$mismatch"] = find((wrong or {}).get("mismatch"), "id") or "mis_none"
        for name, client in (("$subscription", agency), ("$theirs", authority)):
            body = {"url": self.receivers.url(0), "events": ["mismatch"], "datasets": ["natural-person"]}
            answer = client.post("/v1/subscriptions", body)
            doc = answer.json() or {}
            self.checks.ok(f"{name} is made", answer.status == 201, answer)
            self.made[name] = doc.get("id", "sub_none")
            if name == "$subscription":
                self.receivers.secrets(0, doc.get("secret", "whsec_AAAA"))
        tested = agency.post(f"/v1/subscriptions/{self.made['$subscription']}/test", {})
        self.made["$delivery"] = (tested.json() or {}).get("delivery", "dlv_none")
        self.checks.ok("the test arrives", self.receivers.wait(lambda c: c[0].get("other"), 5), self.receivers.counts())
        self.checks.ok("all is made", not any(id_.endswith("_none") for id_ in self.made.values()), self.made)

    def second_authority(self) -> None:
        """An authority that owns nothing."""
        body = {"id": "drill-authority", "name": "演练部门", "credit_code": credit_code(71), "role": "authority"}
        answer = self.hub.client("manager").post("/v1/agencies", body)
        self.checks.ok("a second authority is made", answer.status == 201, answer)
        doc = answer.json() or {}
        pair = base64.b64encode(f"{doc.get('client_id')}:{doc.get('client_secret')}".encode()).decode()
        token = Client(self.hub.url).post(
            "/oauth/token",
            "grant_type=client_credentials",
            token=None,
            ctype="application/x-www-form-urlencoded",
            headers={"Authorization": f"Basic {pair}"},
        )
        self.walk.tokens["authority2"] = find(token.json(), "access_token") or "x.y.z"

    def filled(self, text: str) -> str:
        for name, value in self.made.items():
            text = text.replace(name, value)
        return text

    def ask(self, method: str, path: str, who: str, body=None) -> Answer:
        self.keys += 1
        self.walk.cases += 1
        body = body if body is None else json.loads(self.filled(json.dumps(body)))
        headers = {"Idempotency-Key": f"authz-{self.keys}"} if path.endswith("/actions") else {}
        return self.walk.client.request(method, self.filled(path), body, token=self.walk.tokens[who], headers=headers)

    def standing(self) -> tuple:
        """What a refused caller must not have changed."""
        seen = self.hub.client("operator")
        mismatch = seen.get(f"/v1/mismatches/{self.made['$mismatch']}").json() or {}
        subscriptions = seen.get("/v1/subscriptions").json() or {}
        return len(mismatch.get("history", [])), json.dumps(subscriptions)

    def one(self, row: Owned) -> None:
        what = f"{row.method} {row.path} {(row.body or {}).get('action', '')}".rstrip()
        before = self.standing()
        for who in PRINCIPALS:
            if who in row.allow:
                continue
            answer = self.ask(row.method, row.path, who, row.body)
            wanted = {401} if who == "none" else {403, 404}
            self.walk.unexpected_allow += answer.status not in wanted | {401, 403, 404}
            self.checks.ok(f"{what} as {who}: refused", answer.status in wanted, answer)
        if before[0] < 4:  # later the mismatch closes by itself, as soon as its correction is delivered
            self.checks.ok(f"{what}: those who were refused changed nothing", self.standing() == before)
        for who, statuses in row.allow.items():
            answer = self.ask(row.method, row.path, who, row.body)
            self.walk.unexpected_deny += answer.status in (401, 403, 404)
            self.checks.ok(f"{what} as {who}: {sorted(statuses)}", answer.status in statuses, answer)

    def lists(self) -> None:
        for path, id_, found, hidden in LISTS:
            for who in PRINCIPALS:
                answer = self.ask("GET", path, who)
                is_there = self.made[id_].encode() in answer.body
                if who in found:
                    self.walk.unexpected_deny += not is_there
                    self.checks.ok(f"{path} as {who}: is listed", answer.status == 200 and is_there, answer)
                    continue
                wanted = {200} if who in hidden else {401} if who == "none" else {403}
                self.walk.unexpected_allow += is_there or answer.status not in wanted | {401, 403, 404}
                self.checks.ok(f"{path} as {who}: is not listed", answer.status in wanted and not is_there, answer)

    def sealed_from_the_bureau(self) -> None:
        """Those who supervise see that there is a dispute, not what it is about."""
        for who in ("operator", "manager", "auditor"):
            body = self.ask("GET", "/v1/mismatches/$mismatch", who).body.decode()
            self.checks.ok(f"{who} does not see what is proposed", "王小明" not in body and "drill" not in body, body)


def main() -> None:
    arguments(__doc__)
    checks = Checks("authz")
    data = workdir("authz") / "data"
    expired = expired_token(data)
    checks.ok("a token of one second's life can be had", expired)
    with Receivers(1) as receivers, Hub(data, persons=0, env=settings(receivers.ports, 2)) as hub:
        walk = Walk(hub, checks, expired or "x.y.z")
        walk.prepare()
        spec = walk.client.get("/openapi.json").json() or {}
        checks.ok("the route table is published", spec.get("paths"))
        seen = walk.walk(spec)
        for key in sorted(FIRST - seen):
            checks.ok(f"{key} is in the route table", False)
        walk.other_methods(spec)
        owners = Owners(walk, receivers)
        owners.prepare()
        owners.lists()
        for n, row in enumerate(OWNED):
            owners.one(row)
            if n == 1:
                owners.sealed_from_the_bureau()
        print(f"rows without a route yet: {len(set(ROWS) - seen)}")
    checks.finish(
        routes=len(seen), cases=walk.cases, unexpected_allow=walk.unexpected_allow, unexpected_deny=walk.unexpected_deny
    )


if __name__ == "__main__":
    main()
