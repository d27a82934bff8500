#!/usr/bin/env bash
# The public checkers of schemas/openapi.json and schemas/asyncapi.yaml, and the generator of clients, in versions of their own.
#
#   tools.sh fetch            brings the checkers into $CONTRACT_TOOLS (default target/tools/contract); once for each package.json
#   tools.sh check            holds both documents to them: any error or warning fails
#   tools.sh fetch-generator  brings OpenAPI Generator and what the Python client needs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
schemas=$here/../../schemas
tools=${CONTRACT_TOOLS:-${CARGO_TARGET_DIR:-$here/../../target}/tools/contract}
generator=7.25.0

fail() { echo "tools.sh: $*" >&2; exit 1; }

fetch() {
  cmp -s "$here/package.json" "$tools/.whole" && return
  command -v npm >/dev/null || fail "npm is missing: apt-get install npm"
  mkdir -p "$tools"
  cp "$here/package.json" "$tools/package.json"
  (cd "$tools" && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error)
  cp "$here/package.json" "$tools/.whole"
}

check() {
  local code=0 bin=$tools/node_modules/.bin
  "$bin/spectral" lint --ruleset "$here/spectral.yaml" --fail-severity hint "$schemas/openapi.json" "$schemas/asyncapi.yaml" || code=1
  REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
    "$bin/redocly" lint --config "$here/redocly.yaml" --format json "$schemas/openapi.json" >"$tools/redocly.json" || code=1
  node "$here/redocly.mjs" "$tools/redocly.json" || code=1
  node "$here/asyncapi.mjs" "$tools" "$schemas/asyncapi.yaml" || code=1
  return $code
}

fetch_generator() {
  if [ ! -e "$tools/openapi-generator-cli-$generator.jar" ]; then
    command -v mvn >/dev/null || fail "Maven is missing: apt-get install maven"
    mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact="org.openapitools:openapi-generator-cli:$generator" -DoutputDirectory="$tools" >&2
  fi
  if ! cmp -s "$here/requirements.txt" "$tools/venv/.installed"; then
    rm -rf "$tools/venv"
    /usr/bin/python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install -q -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/venv/.installed"
  fi
}

case "${1:-}" in
  fetch) fetch ;;
  check) check ;;
  fetch-generator) fetch && fetch_generator ;;
  *) sed -n '4,6s/^#   //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
