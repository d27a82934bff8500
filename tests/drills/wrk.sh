#!/usr/bin/env bash
# Cached single verification beside a bare actix-web constant answer of the same size, in alternating rounds.
# Absolute figures drift with the machine: only the ratio of what was measured in the same run counts.
#
#   tests/drills/wrk.sh [--rounds 5] [--seconds 8] [--connections 64] [--workers 2] [--ratio-min 0.35]
#
# Needs target/release/heyan and target/release/examples/floor (HEYAN_BIN, FLOOR_BIN name others), and wrk.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "${PYTHON:-python3}" "$here/wrk.py" "$@"
