#!/usr/bin/env bash
# Schemathesis over /openapi.json as each kind of caller, all checks; a 5xx, an undocumented status or an answer that its
# own schema does not allow fails. Ends by itself.
#
#   tests/drills/schemathesis.sh [--max-time 60] [--roles agency,authority,manager,auditor,operator,none]
#
# `st` is taken from the virtual environment that tests/run made, or from SCHEMATHESIS.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "${PYTHON:-python3}" "$here/openapi.py" "$@"
