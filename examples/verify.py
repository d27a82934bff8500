#!/usr/bin/env python3
"""Asks a heyan hub one question and prints the verdicts. Python 3.9 or later, standard library only.

    python3 examples/verify.py URL CLIENT SECRET_FILE [REQUEST_FILE]

URL is the hub's address, such as http://127.0.0.1:8080. CLIENT is the agency's client id, SECRET_FILE holds its secret.
REQUEST_FILE is a JSON body of `POST /v1/verifications`; without it the body is read from standard input.

Exit code: 0 if the outcome is `verified`, 1 for any other outcome, 2 if the hub gave no answer.
"""

import base64
import email.utils
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ATTEMPTS_MAX = 5  # attempts for one request
WAIT_MAX_S = 30  # longest Retry-After that is waited for: a daily ceiling asks for hours
TIMEOUT_S = 20  # for connecting, and for each read
RETRY = {408, 429, 500, 502, 503, 504}  # the same request may succeed later
OUTCOMES = {"verified", "mismatched", "review", "incomplete", "not_found"}
VERDICTS = {"match", "review", "mismatch", "absent", "not_permitted", "unavailable"}


class ProblemError(Exception):
    """A request that got no answer: a problem document (RFC 9457), or no HTTP response at all."""

    def __init__(self, status, document, retry_after_s=None):
        self.status, self.document, self.retry_after_s = status, document, retry_after_s
        self.code = document.get("code", "")
        super().__init__(f"{status} {self.code}: {document.get('detail') or document.get('title') or 'no details'}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: the token must not go to another address."""

    def redirect_request(self, *_args):
        return None


HTTP = urllib.request.build_opener(NoRedirect)


def send_once(request):
    """Sends `request` and returns the JSON answer. Raises `ProblemError` for everything else."""
    try:
        with HTTP.open(request, timeout=TIMEOUT_S) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        body = error.read()
        document = {}
        # A proxy in front of the hub may answer with a page of its own.
        if error.headers.get_content_type() == "application/problem+json":
            document = json.loads(body)
        raise ProblemError(error.code, document, retry_after_s(error.headers.get("Retry-After"))) from None
    except (OSError, ValueError) as error:  # refused, reset, timed out; or an answer that is not JSON
        raise ProblemError(503, {"title": f"no answer: {error}"}) from None


def retry_after_s(text):
    """Seconds to wait by a `Retry-After` header, which holds seconds or a date; `None` if it holds neither."""
    if text is None:
        return None
    if text.strip().isdigit():
        return int(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def send(request):
    """Sends `request`; waits and sends it again while the hub says that it may succeed later.

    A verification may be sent twice without harm: each attempt that reaches the hub is one more entry of its ledger.
    """
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return send_once(request)
        except ProblemError as problem:
            wait_s = problem.retry_after_s if problem.retry_after_s is not None else 2 ** (attempt - 1)
            if problem.status not in RETRY or attempt == ATTEMPTS_MAX or wait_s > WAIT_MAX_S:
                raise
            print(f"{problem}; next attempt in {wait_s:.0f} s", file=sys.stderr)
            time.sleep(wait_s)


class Hub:
    """One client of one hub. Keeps its token until half a minute before it expires."""

    def __init__(self, url, client, secret):
        self.url, self.client, self.secret = url.rstrip("/"), client, secret
        self.token, self.token_until = None, 0.0

    def get_token(self):
        """An access token by client credentials (RFC 6749 §4.4)."""
        if self.token is None or time.monotonic() >= self.token_until:
            # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
            pair = f"{urllib.parse.quote_plus(self.client)}:{urllib.parse.quote_plus(self.secret)}"
            head = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(), "Accept-Language": "en"}
            answer = send(urllib.request.Request(f"{self.url}/oauth/token", b"grant_type=client_credentials", head))
            self.token, self.token_until = answer["access_token"], time.monotonic() + answer["expires_in"] - 30
        return self.token

    def verify(self, body):
        """The answer to one verification; `body` is JSON text in UTF-8."""
        for last in (False, True):
            head = {
                "Authorization": f"Bearer {self.get_token()}",
                "Content-Type": "application/json",
                "Accept-Language": "en",
            }
            try:
                return send(urllib.request.Request(f"{self.url}/v1/verifications", body, head))
            except ProblemError as problem:
                if problem.status != 401 or last:
                    raise
                self.token = None  # expired or no longer accepted: get a new one, once
        raise AssertionError("unreachable")


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    url, client, secret_file = sys.argv[1:4]
    with open(secret_file, encoding="utf-8") as file:
        hub = Hub(url, client, file.read().strip())
    if len(sys.argv) == 5:
        with open(sys.argv[4], "rb") as file:
            body = file.read()
    else:
        body = sys.stdin.buffer.read()

    try:
        answer = hub.verify(body)
    except ProblemError as problem:
        print(problem, file=sys.stderr)
        for error in problem.document.get("errors", []):
            print(f"  {error.get('pointer')}: {error.get('code')}", file=sys.stderr)
        if "trace_id" in problem.document:
            print(f"  trace_id {problem.document['trace_id']}", file=sys.stderr)
        return 2

    # A later hub may add members and words. Members that are not known are ignored; a word that is not known never
    # counts as agreement: a person must look, as for `review`.
    outcome = answer["outcome"] if answer["outcome"] in OUTCOMES else "review"
    print(f"{outcome}  {answer['id']}")
    for name, field in answer["fields"].items():
        verdict = field["verdict"] if field["verdict"] in VERDICTS else "review"
        why = field.get("basis") or field.get("reason") or ""
        print(f"  {name}: {verdict} {why}".rstrip())
    if "mismatch" in answer:
        print(f"  mismatch {answer['mismatch']['id']}, due on {answer['mismatch'].get('due_on', 'no date')}")
    return 0 if outcome == "verified" else 1


if __name__ == "__main__":
    sys.exit(main())
