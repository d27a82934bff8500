"""Who may call what: the expectation that `authz.py` holds against the running hub.

Written from the contract, never from the code: a row changes only when the contract does. Roles outside `allow`,
`hidden` and `either` must be refused with 403; no, bad and expired credentials with 401, unless the row is public.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from hub import NDJSON, PURPOSE, person, verification

EVERYONE = frozenset({"agency", "agency2", "authority", "operator", "manager", "auditor"})
AGENCIES = frozenset({"agency", "agency2"})
MANAGER = frozenset({"manager"})
BUREAU = frozenset({"operator", "manager", "auditor"})
SUBSCRIBERS = AGENCIES | {"authority"}
# Read where systems listen and what reached them, because they mend or supervise it; they change nothing there.
WATCHERS = frozenset({"operator", "auditor"})
# The record that the drill contributes first, and asks about afterwards.
RECORD = person(7)
_ITEM = {
    "ref": "1",
    "dataset": "natural-person",
    "subject": RECORD["subject"],
    "claims": {"sex": RECORD["fields"]["sex"]},
}


@dataclass(frozen=True)
class Row:
    """One operation: the roles that are let in, and a request that is whole enough to reach the decision."""

    allow: frozenset[str] = frozenset()  # answered, whatever the answer says about the request itself
    hidden: frozenset[str] = frozenset()  # refused with 403, or with the 404 of a thing that is not there
    either: frozenset[str] = frozenset()  # the contract leaves it open
    public: bool = False  # no credentials are needed, and none are looked at
    credentials: bool = False  # the credentials are in the body: nothing but 4xx without them
    body: object = None
    ctype: str = "application/json"
    path: dict[str, str] = field(default_factory=dict)  # values of path parameters; `$name` = made by the drill
    headers: dict[str, str] = field(default_factory=dict)
    entered: bool = True  # the ledger grows by at least one for each known caller


_BATCH = {"purpose": PURPOSE, "items": [_ITEM]}
_STREAM = (
    '{"purpose":{"item_code":"1","application_no":"1","operator":"1"},"dataset":"natural-person"}\n'
    f'{{"ref":"1","subject":{{"id_number":"{RECORD["subject"]["id_number"]}"}},"claims":{{"sex":"1"}}}}\n'
)
_DATASET = {"dataset": "natural-person"}
_NOWHERE = {
    "id": "drill-none",
    "agency": "drill-none",
    "agency_id": "drill-none",
    "grant": "grt_none",
    "client": "drill-none",
    "user": "drill-none",
    "client_id": "drill-none",
    "grant_id": "grt_none",
    "user_id": "drill-none",
}


def _public(**kw) -> Row:
    return Row(public=True, entered=False, **kw)


def _manager(body: object = None) -> Row:
    """Agencies, grants and users belong to the manager alone; reading them is open to supervision by the others."""
    return Row(allow=MANAGER, body=body, path=_NOWHERE)


def _managed_list() -> Row:
    return Row(allow=MANAGER, either=frozenset({"operator", "auditor"}), path=_NOWHERE)


# `METHOD /path`, every path parameter written `{}`. A route that has no row fails the drill.
ROWS: dict[str, Row] = {
    # CONTRACT §4
    "POST /v1/verifications": Row(allow=AGENCIES, body=verification(RECORD, "sex")),
    "POST /v1/verifications/batch": Row(allow=AGENCIES, body=_BATCH),
    "POST /v1/verifications/stream": Row(allow=AGENCIES, body=_STREAM, ctype=NDJSON),
    # Needs `read`, which the demo's agencies do not hold; another's verification is not there at all.
    "GET /v1/verifications/{}/explanation": Row(
        hidden=EVERYONE, either=frozenset({"auditor"}), path={"id": "$verification"}
    ),
    "GET /v1/receipts/{}/{}": Row(
        allow=frozenset({"agency", "auditor"}),
        hidden=EVERYONE - {"agency", "auditor"},
        path={"origin": "$origin", "index": "$index"},
    ),
    # CONTRACT §5
    "PUT /v1/datasets/{}/records": Row(allow=frozenset({"authority"}), body=RECORD, path=_DATASET),
    "POST /v1/datasets/{}/records/query": Row(
        either=frozenset({"authority"}), path=_DATASET, body={"subject": RECORD["subject"], "purpose": PURPOSE}
    ),
    "GET /v1/datasets": Row(allow=EVERYONE),
    "GET /v1/datasets/{}": Row(allow=EVERYONE, path=_DATASET),
    # What is whose is in `OWNED`: here nothing belongs to anybody, and only the role decides.
    "GET /v1/mismatches": Row(allow=AGENCIES | {"authority"}, either=BUREAU),
    "GET /v1/mismatches/{}": Row(allow=AGENCIES | {"authority"}, either=BUREAU, path={"id": "mis_none"}),
    "POST /v1/mismatches/{}/actions": Row(
        allow=AGENCIES | {"authority"},
        body={"action": "close", "reason": "drill"},
        hidden=BUREAU,
        path={"id": "mis_none"},
        headers={"Idempotency-Key": "authz-walk"},
    ),
    "POST /v1/subscriptions": Row(allow=SUBSCRIBERS, body={}),
    "GET /v1/subscriptions": Row(allow=SUBSCRIBERS, either=WATCHERS),
    "GET /v1/subscriptions/{}": Row(allow=SUBSCRIBERS, either=WATCHERS, path={"id": "sub_none"}),
    "DELETE /v1/subscriptions/{}": Row(allow=SUBSCRIBERS, path={"id": "sub_none"}),
    "POST /v1/subscriptions/{}/test": Row(allow=SUBSCRIBERS, path={"id": "sub_none"}),
    "POST /v1/subscriptions/{}/rotate-secret": Row(allow=SUBSCRIBERS, path={"id": "sub_none"}),
    "GET /v1/deliveries": Row(allow=SUBSCRIBERS | {"operator"}, either=WATCHERS),
    "POST /v1/deliveries/{}/replay": Row(allow=frozenset({"operator"}), either=AGENCIES, path={"id": "dlv_none"}),
    "POST /v1/deliveries/replay": Row(allow=frozenset({"operator"}), either=AGENCIES, body={"target": "sub_none"}),
    # CONTRACT §6
    "POST /v1/checks": Row(allow=AGENCIES, body={"purpose": PURPOSE, "applicant": {}, "materials": {}}),
    "GET /v1/quality": Row(allow=WATCHERS | {"authority"}),
    "GET /v1/quality/report": Row(allow=WATCHERS | {"authority"}),
    "POST /v1/cases": Row(allow=AGENCIES, body={}),
    "GET /v1/cases": Row(allow=AGENCIES),
    "GET /v1/cases/{}": Row(allow=AGENCIES, path={"id": "cas_none"}),
    "DELETE /v1/cases/{}": Row(allow=AGENCIES, path={"id": "cas_none"}),
    "POST /v1/cases/{}/checks": Row(allow=AGENCIES, path={"id": "cas_none"}, body={}),
    "POST /v1/cases/{}/checks/{}/reuse": Row(allow=AGENCIES, path={"id": "cas_none", "number": "1"}, body={}),
    # Items decide what is asked of whom, as grants do: the manager alone registers them.
    "PUT /v1/items": Row(allow=MANAGER, body={}),
    "GET /v1/items": Row(allow=EVERYONE),
    "GET /v1/items/report": Row(allow=WATCHERS),
    "GET /v1/items/{}": Row(allow=EVERYONE, path={"code": "none"}),
    "POST /v1/licences/verify-file": Row(allow=AGENCIES, body=b"", ctype="multipart/form-data; boundary=x"),
    "POST /v1/licences/query": Row(allow=AGENCIES, body={"purpose": PURPOSE, "key": {}}),
    "POST /v1/traces/query": Row(
        allow=frozenset({"auditor"}),
        body={"dataset": "natural-person", "subject": RECORD["subject"], "reason": "drill"},
    ),
    "POST /v1/traces/seals": Row(allow=frozenset({"auditor"}), body={}),
    "GET /v1/traces/seals": Row(allow=frozenset({"auditor"})),
    "POST /v1/traces/seals/{}/confirm": Row(allow=frozenset({"auditor"}), body={}, path={"id": "sea_none"}),
    "POST /v1/traces/seals/{}/lift": Row(allow=frozenset({"auditor"}), body={}, path={"id": "sea_none"}),
    "POST /v1/archives/query": Row(allow=frozenset({"auditor"}), body={"application_no": "drill", "reason": "drill"}),
    # An optional report of the agency itself.
    "POST /v1/applications": Row(
        allow=AGENCIES,
        body={"application_no": "drill", "item_code": "drill", "accepted_at": "2026-11-22T00:00:00Z"},
    ),
    "GET /v1/supervision/alerts/{}": Row(
        allow=frozenset({"auditor"}), either=frozenset({"operator", "manager"}), path={"id": "alt_none"}
    ),
    "POST /v1/supervision/alerts/{}/actions": Row(
        allow=frozenset({"auditor"}),
        body={"action": "acknowledge"},
        path={"id": "alt_none"},
        headers={"Idempotency-Key": "authz-walk"},
    ),
    "GET /v1/supervision/rules": Row(allow=WATCHERS),
    "POST /v1/supervision/rules/{}/replay": Row(allow=WATCHERS, body={"days": 1}, path={"id": "none"}),
    "GET /v1/supervision/alerts": Row(allow=frozenset({"auditor"}), either=frozenset({"operator", "manager"})),
    # Two persons: whoever asks first is only noted.
    "POST /v1/supervision/guess-budgets/unlock": Row(
        allow=frozenset({"operator", "manager"}),
        body={"dataset": "natural-person", "subject": RECORD["subject"], "reason": "drill"},
    ),
    # CONTRACT §3: administration
    "POST /v1/agencies": _manager({}),
    "GET /v1/agencies": _managed_list(),
    "GET /v1/agencies/{}": _managed_list(),
    "PATCH /v1/agencies/{}": _manager({}),
    "DELETE /v1/agencies/{}": _manager(),
    "POST /v1/agencies/{}/rotate-secret": _manager(),
    "POST /v1/agencies/{}/disable": _manager(),
    "POST /v1/agencies/{}/enable": _manager(),
    "POST /v1/grants": _manager({}),
    "GET /v1/grants": _managed_list(),
    "GET /v1/grants/{}": _managed_list(),
    "DELETE /v1/grants/{}": _manager(),
    "POST /v1/grants/{}/revoke": _manager(),
    "POST /v1/users": _manager({}),
    "GET /v1/users": _managed_list(),
    "GET /v1/users/{}": _managed_list(),
    "PATCH /v1/users/{}": _manager({}),
    "DELETE /v1/users/{}": _manager(),
    "POST /v1/users/{}/rotate-secret": _manager(),
    "POST /v1/users/{}/disable": _manager(),
    "POST /v1/users/{}/enable": _manager(),
    "GET /v1/approvals": Row(allow=frozenset({"manager", "auditor"})),
    "POST /v1/approvals/{}/confirm": Row(allow=MANAGER, path={"id": "apr_none"}, body={}),
    "GET /v1/administration/log": Row(allow=frozenset({"auditor"})),
    "POST /v1/access/explain": Row(allow=EVERYONE, body={}),
    # CONTRACT §2: open to everybody
    "POST /oauth/token": Row(
        credentials=True, entered=False, body="grant_type=client_credentials", ctype="application/x-www-form-urlencoded"
    ),
    "GET /openapi.json": _public(),
    "GET /asyncapi.yaml": _public(),
    "GET /schemas/events/{}": _public(path={"name": "heyan.feed.v1.json"}),
    "GET /docs": _public(),
    "GET /problems": _public(),
    "GET /problems/{}": _public(path={"code": "not_found"}),
    "GET /log/checkpoint": _public(),
    "GET /log/cosigned": _public(),
    "GET /log/key": _public(),
    "GET /log/tile/{}/{}": _public(path={"level": "0", "tail": "000", "path": "000", "index": "000", "n": "000"}),
    # Who asked for what is for the auditor; hashes and checkpoints are for everybody.
    "GET /log/tile/entries/{}": Row(allow=frozenset({"auditor"}), path={"path": "000"}),
    "GET /oauth/jwks": _public(),
    "GET /": _public(),
    "GET /assets/{}": _public(path={"path": "site.css"}),
    "GET /assets/site.css": _public(),
    "GET /.well-known/oauth-authorization-server": _public(),
}


def _of_capabilities() -> dict[str, Row]:
    """Rows that a capability keeps in a file of its own: `authz/<capability>.json`."""
    rows = {}
    for file in sorted((Path(__file__).parent / "authz").glob("*.json")):
        for name, row in json.loads(file.read_text()).items():
            sets = {key: frozenset(row.pop(key)) for key in ("allow", "hidden", "either") if key in row}
            rows[name] = Row(**sets, **row)
    return rows


ROWS |= _of_capabilities()

# Whoever may own a thing or stand beside it. `authority2` is an authority whose dataset it is not.
PRINCIPALS = ("none", "agency2", "authority2", "manager", "auditor", "operator", "authority", "agency")


@dataclass(frozen=True)
class Owned:
    """One operation on a thing that is somebody's: who is answered, and how; everybody else must be refused."""

    method: str
    path: str  # `$name` = made by the drill
    allow: dict[str, set[int]]
    body: object = None


def _act(action: str, allow: dict[str, set[int]], **rest) -> Owned:
    return Owned("POST", "/v1/mismatches/$mismatch/actions", allow, {"action": action, "reason": "drill"} | rest)


def _only(*roles: str, status: int = 200) -> dict[str, set[int]]:
    return {role: {status} for role in roles}


# In this order: each row leaves the thing as the next one needs it. `$mismatch`, `$subscription` and `$delivery` are the
# first agency's; `$theirs` is a subscription of the authority.
OWNED: tuple[Owned, ...] = (
    Owned("GET", "/v1/mismatches/$mismatch", _only("agency", "authority", *BUREAU)),
    _act("propose_correction", _only("agency"), fields={"name": "王小明"}, evidence=["drill"]),
    _act("reject", _only("authority")),
    _act("propose_correction", _only("agency"), fields={"name": "王小明"}, evidence=["drill"]),
    _act("approve", _only("authority")),
    _act("accept_record", {"agency": {409, 422}}),
    _act("report_false_claim", {"agency": {409, 422}}),
    _act("close", {"agency": {200, 409, 422}, "authority": {200, 409, 422}}),
    _act("reopen", {"agency": {200, 409, 422}, "authority": {200, 409, 422}}),
    Owned("GET", "/v1/subscriptions/$subscription", _only("agency", *WATCHERS)),
    Owned("GET", "/v1/subscriptions/$theirs", _only("authority", *WATCHERS)),
    Owned("POST", "/v1/subscriptions/$subscription/test", _only("agency", status=202)),
    Owned("POST", "/v1/subscriptions/$subscription/rotate-secret", _only("agency")),
    # What arrived is not sent again: the operator is let in and told so.
    Owned("POST", "/v1/deliveries/$delivery/replay", {"operator": {200, 409, 422}}),
    Owned("POST", "/v1/deliveries/replay", _only("operator"), {"target": "$subscription"}),
    Owned("DELETE", "/v1/subscriptions/$theirs", _only("authority", status=204)),
    Owned("DELETE", "/v1/subscriptions/$subscription", _only("agency", status=204)),
)

# Lists: who must find the first agency's thing in it, and who must not. Everybody else must be refused.
LISTS: tuple[tuple[str, str, frozenset[str], frozenset[str]], ...] = (
    ("/v1/mismatches", "$mismatch", BUREAU | {"agency", "authority"}, frozenset({"agency2", "authority2"})),
    ("/v1/subscriptions", "$subscription", WATCHERS | {"agency"}, frozenset({"agency2", "authority", "authority2"})),
    (
        "/v1/deliveries?target=$subscription",
        "$delivery",
        WATCHERS | {"agency"},
        frozenset({"agency2", "authority", "authority2"}),
    ),
)

# Rows whose routes must exist from the first release on; the others may come later.
FIRST = frozenset(
    {
        "POST /v1/verifications",
        "POST /v1/verifications/batch",
        "POST /v1/verifications/stream",
        "GET /v1/verifications/{}/explanation",
        "GET /v1/receipts/{}/{}",
        "PUT /v1/datasets/{}/records",
        "POST /v1/datasets/{}/records/query",
        "GET /v1/datasets",
        "GET /v1/datasets/{}",
        "POST /oauth/token",
        "POST /v1/agencies",
        "GET /v1/agencies",
        "POST /v1/grants",
        "GET /v1/grants",
        "POST /v1/users",
        "GET /v1/users",
        "GET /v1/mismatches",
        "GET /v1/mismatches/{}",
        "POST /v1/mismatches/{}/actions",
        "POST /v1/subscriptions",
        "GET /v1/subscriptions",
        "GET /v1/subscriptions/{}",
        "DELETE /v1/subscriptions/{}",
        "POST /v1/subscriptions/{}/test",
        "POST /v1/subscriptions/{}/rotate-secret",
        "GET /v1/deliveries",
        "POST /v1/deliveries/{}/replay",
        "POST /v1/deliveries/replay",
        "GET /v1/supervision/alerts",
    }
)
