#!/usr/bin/env bash
# A throw-away Apache Kafka on loopback, in KRaft mode, with plain `java`: no Docker, no ZooKeeper, no installation.
#
#   kafka.sh fetch            brings the programs from Maven Central into $KAFKA_LIB (default target/tools/kafka); once
#   kafka.sh start DIR [N]    starts N brokers (1 or 3) with their data below DIR; prints their addresses, comma separated
#   kafka.sh resume DIR [I]   starts the stopped broker I (default: every one) again, on its old port and data
#   kafka.sh stop DIR [I]     SIGTERM to broker I (default: every one), and waits; DIR/I/server.log says what happened
#   kafka.sh kill DIR [I]     SIGKILL instead
#   kafka.sh pause|cont DIR [I]   SIGSTOP, SIGCONT
#
# With KAFKA_OWNER=PID `start` also leaves a watcher that kills the brokers and removes DIR once that process is gone.
# Only processes whose ids stand in DIR/I/pid, and which still are such brokers, are ever signalled.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${KAFKA_LIB:-${CARGO_TARGET_DIR:-$here/../../target}/tools/kafka}
ready_s=${KAFKA_READY_S:-60}

usage() { sed -n '4,9s/^#   //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
fail() { echo "kafka.sh: $*" >&2; exit 1; }

fetch() {
  [ -e "$lib/.whole" ] && return
  command -v mvn >/dev/null || fail "Maven is missing: apt-get install maven"
  mkdir -p "$lib"
  mvn -B -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$lib" >&2
  ls "$lib"/kafka_2.13-*.jar >/dev/null
  touch "$lib/.whole"
}

java_of() { java -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$lib/*" "$@"; }

# Ports that nobody holds at this moment.
free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PY
}

write_properties() { # DIR I PORT CONTROLLER_PORT VOTERS REPLICAS
  cat >"$1/$2/server.properties" <<P
process.roles=broker,controller
node.id=$2
listeners=PLAINTEXT://127.0.0.1:$3,CONTROLLER://127.0.0.1:$4
advertised.listeners=PLAINTEXT://127.0.0.1:$3,CONTROLLER://127.0.0.1:$4
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
$5
log.dirs=$1/$2/data
offsets.topic.replication.factor=$6
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=$6
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$6
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=2097152
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
P
}

start() {
  local dir=$1 n=${2:-1} id ports i voters format replicas
  [ "$n" = 1 ] || [ "$n" = 3 ] || fail "1 or 3 brokers, not $n"
  fetch
  mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
  read -r -a ports <<<"$(free_ports $((2 * n)))"
  id=$(java_of kafka.tools.StorageTool random-uuid)
  if [ "$n" = 1 ]; then
    voters="controller.quorum.bootstrap.servers=127.0.0.1:${ports[1]}" format=(--standalone) replicas=1
  else
    voters="controller.quorum.voters=1@127.0.0.1:${ports[1]},2@127.0.0.1:${ports[3]},3@127.0.0.1:${ports[5]}" format=() replicas=3
  fi
  for ((i = 1; i <= n; i++)); do
    mkdir -p "$dir/$i"
    write_properties "$dir" "$i" "${ports[2 * i - 2]}" "${ports[2 * i - 1]}" "$voters" "$replicas"
    java_of kafka.tools.StorageTool format "${format[@]}" --ignore-formatted -t "$id" -c "$dir/$i/server.properties" >/dev/null
    echo "${ports[2 * i - 2]}" >"$dir/$i/port"
  done
  resume "$dir"
  if [ -n "${KAFKA_OWNER:-}" ]; then
    setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 0.5; done; "$2" kill "$3"; rm -rf "$3"' \
      watcher "$KAFKA_OWNER" "$here/kafka.sh" "$dir" >/dev/null 2>&1 </dev/null &
  fi
  for ((i = 1; i <= n; i++)); do printf '%s127.0.0.1:%s' "$([ "$i" -gt 1 ] && echo ,)" "$(cat "$dir/$i/port")"; done
  echo
}

members() { if [ -n "${2:-}" ]; then echo "$2"; else (cd "$1" && ls -d [0-9]* | sort -n); fi; }

# The process of broker I, when it still is one.
pid_of() {
  local pid
  pid=$(cat "$1/$2/pid" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$1/$2/server.properties" && echo "$pid"
}

resume() {
  local dir i until
  dir=$(cd "$1" && pwd)
  for i in $(members "$dir" "${2:-}"); do
    pid_of "$dir" "$i" >/dev/null && continue
    # `setsid`: a signal for the test's own group is not for the broker.
    setsid java -Xmx384m -Xms64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
      -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$lib/*" kafka.Kafka "$dir/$i/server.properties" \
      >>"$dir/$i/server.log" 2>&1 </dev/null &
    echo $! >"$dir/$i/pid"
  done
  for i in $(members "$dir" "${2:-}"); do
    until=$((SECONDS + ready_s))
    until (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$dir/$i/port")") 2>/dev/null; do
      [ "$SECONDS" -lt "$until" ] || fail "broker $i is not up after $ready_s s: $(tail -3 "$dir/$i/server.log")"
      pid_of "$dir" "$i" >/dev/null || fail "broker $i ended: $(tail -3 "$dir/$i/server.log")"
      sleep 0.1
    done
  done
}

signal() { # SIGNAL DIR [I]
  local dir i pid
  [ -d "$2" ] || return 0
  dir=$(cd "$2" && pwd)
  for i in $(members "$dir" "${3:-}"); do pid=$(pid_of "$dir" "$i") && kill "-$1" "$pid" || true; done
  case "$1" in TERM | KILL) ;; *) return 0 ;; esac
  for i in $(members "$dir" "${3:-}"); do
    for _ in $(seq 300); do pid_of "$dir" "$i" >/dev/null || continue 2; sleep 0.1; done
    pid=$(pid_of "$dir" "$i") && kill -KILL "$pid" || true
  done
}

[ $# -ge 1 ] || usage
command=$1
shift
case "$command" in
  fetch) fetch ;;
  start) start "${1:?DIR}" "${2:-1}" ;;
  resume) resume "${1:?DIR}" "${2:-}" ;;
  stop) signal TERM "${1:?DIR}" "${2:-}" ;;
  kill) signal KILL "${1:?DIR}" "${2:-}" ;;
  pause) signal STOP "${1:?DIR}" "${2:-}" ;;
  cont) signal CONT "${1:?DIR}" "${2:-}" ;;
  *) usage ;;
esac
