#!/usr/bin/env bash
# Starts deploy/heyan.service as it ships under a real systemd: a minimal Debian in a container of systemd-nspawn, with no network.
# The hub must start, be ready when `systemctl start` returns, stand a kill -9, restart, stop with 0, and not be started again and
# again with settings that are wrong. Needs root, debootstrap and systemd-container; `tests/run --long` installs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binary=${HEYAN_BIN:-${CARGO_TARGET_DIR:-target}/release/heyan}
work=$(mktemp -d /tmp/heyan-unit-XXXXXX)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT

debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$root" \
  >"$work/debootstrap.log" 2>&1 || { tail -5 "$work/debootstrap.log"; exit 1; }
install -D -m 0755 "$binary" "$root/usr/local/bin/heyan"
install -D -m 0755 deploy/ready "$root/usr/local/lib/heyan/ready"
install -D -m 0644 deploy/heyan.sysusers "$root/usr/lib/sysusers.d/heyan.conf"
install -D -m 0644 deploy/heyan.service "$root/etc/systemd/system/heyan.service"
install -D -m 0644 deploy/hub.toml "$root/etc/heyan/hub.toml"
deploy/compose/prepare "$work/secrets" >/dev/null
mkdir "$root/etc/heyan/tls" && cp "$work"/secrets/hub.{pem,key} "$root/etc/heyan/tls"

cat >"$root/usr/local/bin/probe" <<'PROBE'
#!/bin/bash
# Runs inside, once; each line of /said is one check.
check() { if eval "$2"; then echo "ok $1"; else echo "FAIL $1"; fi >>/said; }
of() { systemctl show -P "$1" heyan; }
ready=/usr/local/lib/heyan/ready
chown -R heyan /etc/heyan/tls && chmod 0500 /etc/heyan/tls
check 'starts' 'systemctl start heyan'
check 'is ready when start returns' '$ready'
pid=$(of MainPID)
check 'runs as heyan, with no capability, filtered' \
  'grep -q "^CapEff:.0*$" /proc/$pid/status && grep -q "^Seccomp:.2" /proc/$pid/status && [ "$(stat -c %U /proc/$pid)" != root ]'
check 'keeps its folders to itself' '[ "$(stat -c %a%U /var/lib/heyan /var/lib/heyan-keys /var/lib/heyan-keys/root | xargs)" = "700heyan 700heyan 400heyan" ]'
check 'reaches its manager by its secret, over TLS' \
  'SSL_CERT_FILE=/etc/heyan/ca.pem heyan token --client manager --secret-file /var/lib/heyan/first-manager.secret --url https://hub-1.heyan.local:8443 | grep -q ^ey'
kill -9 "$pid"
for _ in $(seq 50); do sleep 0.2; [ "$(of ActiveState)" = active ] && [ "$(of NRestarts)" = 1 ] && break; done
check 'is back after kill -9' '[ "$(of NRestarts)" = 1 ] && $ready'
check 'restarts' 'systemctl restart heyan && $ready'
check 'stops with 0' 'systemctl stop heyan && [ "$(of Result)$(of ExecMainStatus)" = success0 ]'
sed -i 's/^origin/orijin/' /etc/heyan/hub.toml
check 'does not start with wrong settings' '! systemctl start heyan'
sleep 3
check 'and is not tried again' '[ "$(of ActiveState)$(of NRestarts)$(of ExecMainStatus)" = failed02 ]'
journalctl -u heyan --no-pager >/journal
systemctl poweroff
PROBE
chmod 0755 "$root/usr/local/bin/probe"
cp "$work/secrets/ca.pem" "$root/etc/heyan/ca.pem" && echo '127.0.0.1 hub-1.heyan.local' >>"$root/etc/hosts"
printf '[Service]\nType=oneshot\nExecStart=/usr/local/bin/probe\n' >"$root/etc/systemd/system/probe.service"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/probe.service"
# TERM lets nspawn end the container; a kill would leave its processes behind.
timeout -k 30 120 systemd-nspawn -q --register=no --keep-unit --private-network --boot -D "$root" >"$work/nspawn.log" 2>&1 </dev/null || true

touch "$root/said"
grep '^FAIL' "$root/said" || true
passed=$(grep -c '^ok' "$root/said") || true
if [ "$passed" -ne 10 ]; then tail -20 "$work/nspawn.log"; tail -30 "$root/journal" 2>/dev/null; fi
echo "drill unit: $passed passed, $((10 - passed)) failed"
[ "$passed" -eq 10 ]
