"""Reads all of deploy/ and holds it against the rest of the repository and against the tools that will read it.

Every metric that a rule or a panel names exists in src/telemetry/metrics.rs, with the labels that it is asked by; every
setting exists in config/hub.toml; every file that a compose file or an image names is there; and promtool, haproxy, nginx,
systemd-analyze, hadolint and shellcheck find nothing. A tool that is not here is said, and with CI=true it is a failure.
With `--live` (needs the release build): the shipped settings pass `heyan config check`, the hub makes no system call that
the unit forbids, and /metrics serves what the rules ask of the process.

No container engine runs here: the image is never built and the compose file never started by this drill.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import jsonschema_rs
import yaml

from hub import ROOT, Checks, Client, arguments, binary, person, put_records, verification, workdir
from proxies import DEPLOY, haproxy, nginx, tool

# What other parts of the project are about to bring: a row goes when its setting or metric is there.
COMING_KEYS: set[str] = set()
COMING_METRICS: dict[str, set[str]] = {}
# What is not the hub's: Prometheus' own, HAProxy's exporter, and the process collector of the crate `prometheus`.
OTHERS = {
    "up": {"job"},
    "ALERTS": {"alertname", "alertstate"},
    "haproxy_server_status": {"proxy", "server", "state"},
    **{
        f"process_{n}": set()
        for n in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds")
    },
}
OF_A_TARGET = {"job", "instance", "le"}
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The worst exposure that the unit may have, in tenths, as systemd-analyze counts.
EXPOSURE_MAX = 20
HAN = re.compile(r"[\u4e00-\u9fff]")


class Missing(Exception):
    """A tool is not here."""


def run(*command, cwd: Path | None = None, env: dict | None = None) -> tuple[int, str]:
    """Runs a tool to its end: exit status and all that it said."""
    path = tool(str(command[0])) or shutil.which(Path(sys.executable).parent / str(command[0]))
    if not path:
        raise Missing(str(command[0]))
    done = subprocess.run([path, *map(str, command[1:])], cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def declared() -> dict[str, set[str]]:
    """Metrics of src/telemetry/metrics.rs with their labels; a histogram under the names of its series."""
    text = (ROOT / "src/telemetry/metrics.rs").read_text()
    found: dict[str, set[str]] = {}
    for match in re.finditer(r'"(heyan_\w+)",\s*"[^"]*"\)?(?:,\s*&\[([^\]]*)\])?', text):
        name, labels = match[1], set(re.findall(r'"(\w+)"', match[2] or ""))
        suffixes = ("_bucket", "_sum", "_count") if name.endswith("_duration_seconds") else ("",)
        found |= {name + suffix: labels for suffix in suffixes}
    return found


def expressions() -> dict[str, str]:
    """Every query of the rules and of the dashboard, by where it stands."""
    found = {}
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]:
        found |= {f"rules.yml {rule['alert']}": rule["expr"] for rule in group["rules"]}
    board = json.loads((DEPLOY / "grafana/heyan.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            found[f"heyan.json {panel['title']} {target['refId']}"] = target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found[f"heyan.json variable {variable['name']}"] = variable["query"]["query"]
    found |= {f"heyan.json {a['name']}": a["expr"] for a in board["annotations"]["list"]}
    return found


def metrics(checks: Checks) -> set[str]:
    """Names and labels in queries; returns the metrics that are named."""
    known, named_anywhere = declared() | COMING_METRICS | OTHERS, set()
    checks.ok("metrics.rs declares metrics", len(known) > 30, len(known))
    for where, query in expressions().items():
        bare = re.sub(r'"[^"]*"', '""', query)
        named = {
            n
            for n in re.findall(r"\b[A-Za-z_]\w*\b", bare)
            if n in known or n.startswith(("heyan_", "process_", "haproxy_"))
        }
        checks.ok(f"{where}: names a metric", named, query)
        checks.ok(f"{where}: each metric exists", named <= known.keys(), sorted(named - known.keys()))
        for name, inside in re.findall(r"\b(\w+)\{([^}]*)\}", bare):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
            wrong = asked - known.get(name, set()) - OF_A_TARGET
            checks.ok(f"{where}: {name} has the labels that it is asked by", not wrong, sorted(wrong))
        by = {label.strip() for part in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare) for label in part.split(",")}
        has = set().union(OF_A_TARGET, *(known.get(n, set()) for n in named))
        checks.ok(f"{where}: what is grouped by exists", by <= has, sorted(by - has))
        named_anywhere |= named
    unseen = sorted(declared().keys() - named_anywhere)
    unseen = [
        n for n in unseen if not n.endswith(("_sum", "_count", "_bucket")) or n.rsplit("_", 1)[0] + "_bucket" in unseen
    ]
    print(f"metrics that no rule and no panel shows: {', '.join(unseen) or 'none'}")
    return named_anywhere


def alerts(checks: Checks) -> None:
    tested = (DEPLOY / "prometheus/rules_test.yml").read_text()
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            name, notes = rule["alert"], rule["annotations"]
            checks.ok(f"{name}: has a severity", rule["labels"]["severity"] in {"info", "warning", "critical"})
            checks.ok(f"{name}: is tested", f'alertname="{name}"' in tested)
            for key in ("summary", "runbook"):
                chinese, english = notes.get(f"{key}_zh", ""), notes.get(key, "")
                checks.ok(
                    f"{name}: {key} in both languages", HAN.search(chinese) and english and not HAN.search(english)
                )


def dashboard(checks: Checks) -> None:
    board = json.loads((DEPLOY / "grafana/heyan.json").read_text())
    checks.ok("the dashboard has a fixed uid", board["uid"] == "heyan-hub" and "id" not in board)
    ids = [panel["id"] for panel in board["panels"]]
    checks.ok("panel ids are distinct", len(ids) == len(set(ids)))
    places = set()
    for panel in board["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        checks.ok(f"panel {panel['title']} lies over no other", not cells & places and grid["x"] + grid["w"] <= 24)
        places |= cells
        sources = [panel.get("datasource")] + [t.get("datasource") for t in panel.get("targets", [])]
        fine = panel["type"] == "row" or all(s and s["uid"] == "${datasource}" for s in sources)
        checks.ok(f"panel {panel['title']} asks $datasource", fine)


def flat(settings: dict, above: str = "") -> set[str]:
    keys: set[str] = set()
    for key, value in settings.items():
        keys |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key}
    return keys


def settings(checks: Checks) -> None:
    known = flat(tomllib.loads((ROOT / "config/hub.toml").read_text()))
    there = sorted(COMING_KEYS & known)
    print(f"settings that have come, to be taken from COMING_KEYS: {', '.join(there) or 'none'}")
    used = {f"{path.relative_to(ROOT)}": flat(tomllib.loads(path.read_text())) for path in DEPLOY.rglob("*.toml")}
    for path in (p for p in DEPLOY.rglob("*") if p.is_file() and p.suffix != ".toml" and "secrets" not in p.parts):
        names = re.findall(r"\bHEYAN__([A-Z0-9_]+)", path.read_text())
        used[f"{path.relative_to(ROOT)}"] = {n.lower().replace("__", ".") for n in names}
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", (DEPLOY / "README.md").read_text(), re.S)):
        used[f"README.md, block {number}"] = flat(tomllib.loads(block))
    checks.ok("settings are used", sum(map(len, used.values())) > 10)
    for where, keys in used.items():
        checks.ok(f"{where}: each setting exists", keys <= known | COMING_KEYS, sorted(keys - known - COMING_KEYS))


def compose(checks: Checks, folder: Path) -> None:
    doc = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    schema = next(iter((TARGET / "tools").glob("docker-compose/**/compose_spec.json")), None)
    if schema is None:
        raise_missing(checks, "the compose schema (Debian's docker-compose)")
    else:
        # Debian's schema is of 2021; `name` came a little later.
        old = {key: value for key, value in doc.items() if key != "name"}
        faults = jsonschema_rs.validator_for(json.loads(schema.read_text())).iter_errors(old)
        checks.ok("compose.yaml fits the compose schema", not (found := [f.message for f in faults]), found[:3])
    subprocess.run([DEPLOY / "compose/prepare", folder / "secrets"], check=True, capture_output=True)
    for name, secret in doc["secrets"].items():
        file = Path(secret["file"])
        made = file.parts[:2] == ("compose", "secrets") and (folder / "secrets" / file.name).is_file()
        checks.ok(f"secret {name} is made by prepare", made, str(file))
    for name, config in doc["configs"].items():
        checks.ok(f"config {name} is there", (DEPLOY / config["file"]).is_file(), config["file"])
    grace = int(str(doc["x-hub"]["stop_grace_period"]).rstrip("s")) * 1000
    stop = tomllib.loads((ROOT / "config/hub.toml").read_text())["http"]["stop_timeout_ms"]
    checks.ok("a hub has time to drain", grace >= stop + 10_000, f"{grace} {stop}")
    for name, service in doc["services"].items():
        image = service["image"]
        checks.ok(
            f"{name}: its image has a version", re.search(r":[^:]*\d|:local$", image) and "latest" not in image, image
        )
        checks.ok(
            f"{name}: no privileges beyond the image's", not service.get("privileged") and not service.get("cap_add")
        )
        for kind in ("networks", "secrets", "configs"):
            asked = {item if isinstance(item, str) else item["source"] for item in service.get(kind) or []}
            checks.ok(f"{name}: its {kind} are declared", asked <= doc[kind].keys(), sorted(asked - doc[kind].keys()))
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in doc["volumes"]
            checks.ok(f"{name}: {source} is there", there)
        for other in service.get("depends_on", {}):
            waits = service["depends_on"][other]["condition"] == "service_healthy"
            checks.ok(f"{name}: {other} can be waited for", not waits or "healthcheck" in doc["services"][other], other)
        if image == "heyan:local":
            hard = service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] == "65532:65532"
            checks.ok(f"{name}: read-only, no capability, not root", hard)
    published = {p for s in doc["services"].values() for p in s.get("ports", [])}
    checks.ok(
        "one port is published, Grafana's on loopback alone",
        published == {"8443:8443", "127.0.0.1:3000:3000"},
        published,
    )


def image(checks: Checks) -> None:
    code, said = run("hadolint", DEPLOY / "Dockerfile")
    checks.ok("hadolint finds nothing in deploy/Dockerfile", code == 0, said)
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    checks.ok("the image's user is a number, not 0", users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), users)
    admitted = [
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    inside = lambda path: any(path == a or path.startswith(f"{a}/") for a in admitted)
    for source in (s for s in sorted((ROOT / "src").rglob("*.rs")) if "tests" not in s.parts):
        live = source.read_text().split("#[cfg(test)]")[0]
        for wanted in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', live):
            path = os.path.relpath((source.parent / wanted).resolve(), ROOT)
            checks.ok(f"the image's build sees {path}, which {source.relative_to(ROOT)} includes", inside(path))
    for path in ("Cargo.toml", "Cargo.lock", "config/hub.toml", "config/reference", "deploy/ready"):
        checks.ok(f"the image's build sees {path}", inside(path))


def unit(checks: Checks, folder: Path) -> None:
    text = (DEPLOY / "heyan.service").read_text()
    # Whether the unit is sound does not depend on the hub's being installed on this machine.
    (folder / "heyan.service").write_text(text.replace("=/usr/local/bin/heyan", "=/bin/true"))
    code, said = run("systemd-analyze", "verify", "./heyan.service", cwd=folder)
    checks.ok("systemd-analyze verify finds nothing", code == 0 and not said.strip(), said)
    command = (
        "systemd-analyze",
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={EXPOSURE_MAX}",
        "./heyan.service",
    )
    code, said = run(*command, cwd=folder)
    level = (re.search(r"exposure level[^:]*: ([\d.]+)", said) or [said, said])[1]
    checks.ok("the unit's exposure is below its limit", code == 0, level)
    backup_unit(checks, folder, command[:-1])
    print(f"systemd-analyze security: {level}")
    stop = tomllib.loads((ROOT / "config/hub.toml").read_text())["http"]["stop_timeout_ms"]
    checks.ok("the unit gives time to drain", int(re.search(r"TimeoutStopSec=(\d+)", text)[1]) * 1000 >= stop + 10_000)


def backup_unit(checks: Checks, folder: Path, security: tuple[str, ...]) -> None:
    """The timer, the unit that it starts, and the program that this runs."""
    text = (DEPLOY / "heyan-backup.service").read_text()
    folder.joinpath("heyan-backup.service").write_text(text.replace("=/usr/local/lib/heyan/backup", "=/bin/true"))
    shutil.copy2(DEPLOY / "heyan-backup.timer", folder)
    for name in ("heyan-backup.service", "heyan-backup.timer"):
        code, said = run("systemd-analyze", "verify", f"./{name}", cwd=folder)
        checks.ok(f"systemd-analyze verify finds nothing in {name}", code == 0 and not said.strip(), said)
    code, said = run(*security, "./heyan-backup.service", cwd=folder)
    checks.ok("the backup's exposure is below its limit", code == 0, said[-200:])
    when = re.search(r"^OnCalendar=(.*)$", (DEPLOY / "heyan-backup.timer").read_text(), re.M)[1]
    code, said = run("systemd-analyze", "calendar", when)
    checks.ok("the timer's time is one", code == 0 and "Next elapse" in said, said)
    # The program with a hub's command that does nothing, or finds a backup unsound.
    tools, made = folder / "tools", folder / "made"
    tools.mkdir()
    made.mkdir()
    fake = tools / "heyan"
    fake.write_text('#!/bin/sh\n[ "$2" = verify ] && exit ${UNSOUND:-0}\nmkdir "$2"\n')
    fake.chmod(0o755)
    for day in range(1, 5):
        (made / f"heyan-2020-01-0{day}T000000Z").mkdir()
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    for unsound, kept in (("1", 4), ("0", 3)):
        done = subprocess.run([DEPLOY / "backup", made, "3"], env=env | {"UNSOUND": unsound}, capture_output=True)
        names = sorted(p.name for p in made.glob("heyan-*"))
        checks.ok("a backup is counted when it is proven", (done.returncode == int(unsound)) and len(names) == kept, names)
        time.sleep(1.1)
    checks.ok("the newest stay", names[0] == "heyan-2020-01-03T000000Z" and len(list(made.glob("unsound-*"))) == 1, names)


def tools(checks: Checks, folder: Path) -> None:
    prometheus = DEPLOY / "prometheus"
    for command in (
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ):
        code, said = run("promtool", *command, cwd=prometheus)
        checks.ok(f"promtool {' '.join(command)}", code == 0, said)
    # Only as rules does promtool read what panels ask.
    asked = [e for where, e in expressions().items() if where.startswith("heyan.json") and " variable " not in where]
    filled = [e.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$dataset", ".*") for e in asked]
    rules = [{"record": f"panel:{n}", "expr": expression} for n, expression in enumerate(filled)]
    panels = folder / "panels.yml"
    panels.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    code, said = run("promtool", "check", "rules", panels)
    checks.ok("promtool reads what every panel asks", code == 0 and len(rules) > 30, said)
    checks.ok("no variable is left in it", not [e for e in filled if "$" in e])


def proxies(checks: Checks, folder: Path) -> None:
    nodes = [SimpleNamespace(port=18443 + n, admin_port=19090 + n) for n in (1, 2)]
    for make, check in ((haproxy, ("-c",)), (nginx, ("-t",))):
        (folder / make.__name__).mkdir()
        command, _, _ = make(folder / make.__name__, nodes, folder / "secrets")
        code, said = run(make.__name__, *command[1:], *check)
        said = said.replace("[NOTICE]", "")
        checks.ok(f"{make.__name__} takes its file without a warning", code == 0 and "warn" not in said.lower(), said)


def scripts(checks: Checks) -> None:
    code, said = run(
        "shellcheck", "-e", "SC2016", DEPLOY / "ready", DEPLOY / "backup", DEPLOY / "compose/prepare", ROOT / "tests/drills/unit.sh"
    )
    checks.ok("shellcheck finds nothing", code == 0, said)


def raise_missing(checks: Checks, name: str) -> None:
    print(f"not here, and so not checked: {name}")
    if os.environ.get("CI") == "true":
        checks.ok(f"{name} is here", False)


def forbidden(text: str) -> set[str]:
    """Every system call that the unit's filters refuse, of those that systemd knows."""
    groups: dict[str, set[str]] = {}
    for line in run("systemd-analyze", "syscall-filter")[1].splitlines():
        if line.startswith("@"):
            members = groups.setdefault(line.strip(), set())
        elif line.strip() and not line.strip().startswith("#"):
            members.add(line.strip())

    def all_of(name: str) -> set[str]:
        return set().union(*(all_of(m) for m in groups.get(name, ()))) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for signed in re.findall(r"^SystemCallFilter=(.*)$", text, re.M):
        calls = set().union(*(all_of(name) for name in signed.lstrip("~").split()))
        allowed = allowed - calls if signed.startswith("~") else allowed | calls
    return set().union(*(all_of(name) for name in groups)) - allowed


def live(checks: Checks, folder: Path, named: set[str]) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HEYAN_")}
    check = (binary(), "config", "check", "--config", DEPLOY / "hub.toml")
    code, said = run(*check, env=env)
    checks.ok("deploy/hub.toml without its certificate is refused", code == 2 and "http.tls.certificate_file" in said, said)
    pair = {"CERTIFICATE_FILE": folder / "hub.pem", "KEY_FILE": folder / "hub.key"}
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
    run(*make, "-days", "2", "-keyout", pair["KEY_FILE"], "-out", pair["CERTIFICATE_FILE"])
    pair["KEY_FILE"].chmod(0o400)
    code, said = run(*check, env=env | {f"HEYAN__HTTP__TLS__{key}": str(file) for key, file in pair.items()})
    checks.ok("heyan config check takes deploy/hub.toml", code == 0, said)
    home, user = folder / "hub", "65534"
    home.mkdir(mode=0o700)
    os.chown(home, int(user), int(user))
    folder.chmod(0o711)
    # Not as root: SQLite makes other calls then.
    command = [
        "strace",
        "-f",
        "-qq",
        "-o",
        str(folder / "calls"),
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
    ]
    hub = [
        binary(),
        "demo",
        "--output",
        "json",
        "--persons",
        "1000",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]
    with open(folder / "ready.json", "wb") as out:
        traced = subprocess.Popen(
            [*command, *hub, "--data", str(home / "d")], stdout=out, stderr=subprocess.DEVNULL, cwd=home
        )
    try:
        deadline = time.monotonic() + 60
        while (
            b"\n" not in (folder / "ready.json").read_bytes() and time.monotonic() < deadline and traced.poll() is None
        ):
            time.sleep(0.1)
        admin = json.loads((folder / "ready.json").read_text())["admin_url"]
        code, text = run("curl", "-sf", f"{admin}/metrics")
        served = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        wanted = {n for n in named if n.startswith("process_")}
        checks.ok("/metrics serves what is asked of the process", wanted <= served, sorted(wanted - served))
        ours = {n for n in served if n.startswith("heyan_")}
        known = {re.sub(r"_(bucket|sum|count)$", "", n) for n in declared()} | declared().keys() | COMING_METRICS.keys()
        checks.ok("this drill read every metric out of metrics.rs", ours <= known, sorted(ours - known))
        # Records, answers, a batch of them, and a webhook for a change: what a day is made of.
        told = json.loads((folder / "ready.json").read_text())
        authority, agency = (Client(told["url"], told["tokens"][role], 60) for role in ("authority", "agency"))
        for edition in (0, 1):
            taken, refused = put_records(authority, "natural-person", [person(n, edition) for n in range(50)])
            checks.ok(f"edition {edition} goes in", taken == 50, refused[:2])
            answers = [agency.post("/v1/verifications", verification(person(n), "name")).status for n in range(50)]
            checks.ok(f"edition {edition} is asked for", set(answers) == {200}, set(answers))
        deadline = time.monotonic() + 30
        while (
            "heyan_deliveries_total{" not in run("curl", "-sf", f"{admin}/metrics")[1] and time.monotonic() < deadline
        ):
            time.sleep(0.2)
        checks.ok("a change is pushed", time.monotonic() < deadline)
        address = admin.split("//")[1]
        checks.ok("deploy/ready says that a ready hub is ready", run(DEPLOY / "ready", address)[0] == 0)
        checks.ok("and that a path it does not have is not", run(DEPLOY / "ready", address, "/nothing")[0] == 1)
    finally:
        child = run("pgrep", "-P", str(traced.pid))[1].split()
        for pid in child:
            os.kill(int(pid), 15)
        traced.wait(60)
    text = (folder / "calls").read_text(errors="replace")
    # What setpriv does before it becomes the hub is systemd's part in service.
    text = text[text.rfind("execve(") :]
    used = set(re.findall(r"^\d+\s+(\w+)\(", text, re.M))
    refused = used & forbidden((DEPLOY / "heyan.service").read_text())
    checks.ok("the hub makes no system call that the unit refuses", len(used) > 30 and not refused, sorted(refused))
    checks.ok("no memory is writable and executable", not re.search(r"PROT_WRITE\|PROT_EXEC", text))
    families = set(re.findall(r"socket\((AF_\w+)", text))
    checks.ok("nor opens a socket of another family", families <= {"AF_INET", "AF_INET6", "AF_UNIX"}, families)


def main() -> None:
    chosen = arguments(__doc__, ("--live", {"action": "store_true", "help": "also run the release build"}))
    checks, folder = Checks("deploy"), workdir("deploy")
    named = metrics(checks)
    for part in (alerts, dashboard, settings):
        part(checks)
    for part in (compose, image, unit, tools, proxies, scripts, live):
        if part is live and not chosen.live:
            continue
        given = {"checks": checks, "folder": folder, "named": named}
        try:
            part(*(given[name] for name in part.__code__.co_varnames[: part.__code__.co_argcount]))
        except Missing as gone:
            raise_missing(checks, str(gone))
    checks.finish()


if __name__ == "__main__":
    main()
