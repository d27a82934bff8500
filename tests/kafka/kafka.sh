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
# With KAFKA_TLS=1 it also gives each broker the listeners of `protected` below. DIR/tls then holds the addresses of each (tls, mutual,
# …), certificates and keys (ca, other-ca, server, elsewhere, expired, client: .pem and .key), and the password of the user heyan.
# Only processes whose ids stand in DIR/I/pid, and which still are such brokers, are ever signalled.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${KAFKA_LIB:-${CARGO_TARGET_DIR:-$here/../../target}/tools/kafka}
ready_s=${KAFKA_READY_S:-60}
# TLS; TLS that demands a client's certificate; TLS and SASL/SCRAM; TLS with a certificate for another name; with one that is over.
protected=(TLS:SSL MUTUAL:SSL SCRAM:SASL_SSL ELSEWHERE:SSL EXPIRED:SSL)
[ -n "${KAFKA_TLS:-}" ] || protected=()

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

# NAME.pem and NAME.key of the authority in TLS, valid for so many days from now, and both in NAME.store for the broker.
sign() { # TLS NAME DAYS SUBJECT_ALT_NAME
  openssl req -new "${key[@]}" -subj "/CN=$2" -keyout "$1/$2.key" -out "$1/$2.csr"
  openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days "$3" \
    -extfile <(echo "subjectAltName=$4") -out "$1/$2.pem"
  cat "$1/$2.key" "$1/$2.pem" >"$1/$2.store"
}

make_certificates() { # TLS
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes) name
  for name in ca other-ca; do
    openssl req -x509 "${key[@]}" -days 30 -subj "/CN=$name" -keyout "$1/$name.key" -out "$1/$name.pem"
  done
  sign "$1" server 30 IP:127.0.0.1
  sign "$1" elsewhere 30 DNS:elsewhere.example,IP:127.0.0.2
  sign "$1" expired -1 IP:127.0.0.1
  sign "$1" client 30 DNS:hub.example
  openssl rand -hex 16 >"$1/password"
}

# What stands later in the file holds.
add_protected() { # DIR I PORT…
  local tls=$1/tls file=$1/$2/server.properties listeners map one name
  listeners=$(sed -n 's/^listeners=//p' "$file") map=$(sed -n 's/^listener.security.protocol.map=//p' "$file")
  shift 2
  for one in "${protected[@]}"; do
    name=${one%:*} listeners+=,${one%:*}://127.0.0.1:$1 map+=,$one
    printf '%s127.0.0.1:%s' "$([ -s "$tls/${name,,}" ] && echo ,)" "$1" >>"$tls/${name,,}"
    shift
  done
  cat >>"$file" <<P
listeners=$listeners
advertised.listeners=$listeners
listener.security.protocol.map=$map
ssl.keystore.type=PEM
ssl.keystore.location=$tls/server.store
ssl.truststore.type=PEM
ssl.truststore.location=$tls/ca.pem
listener.name.mutual.ssl.client.auth=required
listener.name.elsewhere.ssl.keystore.location=$tls/elsewhere.store
listener.name.expired.ssl.keystore.location=$tls/expired.store
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.scram.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
P
}

start() {
  local dir=$1 n=${2:-1} id ports own i voters format replicas each=$((2 + ${#protected[@]}))
  [ "$n" = 1 ] || [ "$n" = 3 ] || fail "1 or 3 brokers, not $n"
  fetch
  mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
  read -r -a ports <<<"$(free_ports $((each * n)))"
  id=$(java_of kafka.tools.StorageTool random-uuid)
  if [ "$n" = 1 ]; then
    voters="controller.quorum.bootstrap.servers=127.0.0.1:${ports[1]}" format=(--standalone) replicas=1
  else
    voters="controller.quorum.voters=1@127.0.0.1:${ports[1]},2@127.0.0.1:${ports[each + 1]},3@127.0.0.1:${ports[2 * each + 1]}" format=() replicas=3
  fi
  if [ ${#protected[@]} -gt 0 ]; then
    mkdir -m 700 "$dir/tls"
    (umask 077 && make_certificates "$dir/tls" 2>"$dir/tls/openssl.log") || fail "openssl: $(tail -3 "$dir/tls/openssl.log")"
    for i in 256 512; do format+=(--add-scram "SCRAM-SHA-$i=[name=heyan,password=$(cat "$dir/tls/password")]"); done
  fi
  for ((i = 1; i <= n; i++)); do
    mkdir -p "$dir/$i"
    own=("${ports[@]:(i - 1) * each:each}")
    write_properties "$dir" "$i" "${own[0]}" "${own[1]}" "$voters" "$replicas"
    [ ${#protected[@]} -eq 0 ] || add_protected "$dir" "$i" "${own[@]:2}"
    java_of kafka.tools.StorageTool format "${format[@]}" --ignore-formatted -t "$id" -c "$dir/$i/server.properties" >/dev/null
    echo "${own[0]}" >"$dir/$i/port"
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
