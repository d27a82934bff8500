"""Schemathesis hooks: how NDJSON bodies are written."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    """A string is sent as it is; anything else that negative testing makes up becomes one line."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return (json.dumps(value) + "\n").encode()
