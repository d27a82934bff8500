"""Schemathesis hooks: how NDJSON bodies are written, and ids of things that are there."""

import json
import os
import random

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    """A string is sent as it is; anything else that negative testing makes up becomes one line."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return (json.dumps(value) + "\n").encode()


# `/v1/mismatches` and the like to the ids of such things, as `openapi.py` made them.
MADE = json.loads(os.environ.get("HEYAN_MADE", "{}"))


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of the made-up ids become ids of things that are there: a 404 has no body to be held against the document."""
    collection = "/".join(context.operation.path.split("/")[:3])
    ids = MADE.get(collection)
    if ids and path_parameters and "id" in path_parameters and random.random() < 0.5:
        return path_parameters | {"id": random.choice(ids)}
    return path_parameters
