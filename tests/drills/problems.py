"""Checks the admin listener: metric names of the contract, `promtool check metrics`, and the health endpoints.

A metric that has never been touched may have no series, but its HELP and TYPE lines must be there.
"""

import shutil
import subprocess
import time

from hub import DATASETS, Checks, Hub, arguments, person, put_records, raw, verification, workdir

# CONTRACT §9, those that a hub of this stage must declare.
REQUIRED = """heyan_verifications_total heyan_verification_duration_seconds heyan_http_request_duration_seconds
heyan_cache_lookups_total heyan_cache_entries heyan_ledger_append_duration_seconds heyan_ledger_size
heyan_checkpoint_age_seconds heyan_build_info heyan_mismatches heyan_mismatches_overdue heyan_deliveries_total
heyan_delivery_oldest_seconds heyan_dead_letters heyan_outbox_depth heyan_supervision_alerts_total""".split()
# The first two have no series before a source was asked.
LATER = "heyan_source_requests_total heyan_source_duration_seconds heyan_kafka_lag heyan_shed_total".split()


def main() -> None:
    arguments(__doc__)
    checks = Checks("problems")
    with Hub(workdir("problems") / "data", persons=0) as hub:
        put_records(hub.client("authority"), DATASETS[0], [person(1)])
        agency = hub.client("agency")
        for body in (verification(person(1), "name"), verification(person(1), "name", name="不对"), {"dataset": 1}):
            agency.post("/v1/verifications", body)
        agency.get("/v1/nothing-here")
        for n in range(8):  # more guesses than anybody is told the answer to: an alert
            agency.post("/v1/verifications", verification(person(1), name=f"不对{'一二三四五六七八'[n]}"))
        # Gauges of what the store holds are counted every five seconds.
        deadline = time.monotonic() + 12
        wanted = (("heyan_supervision_alerts_total", ""), ("heyan_deliveries_total", ""), ("heyan_mismatches", 'state="open"'))
        while not all(hub.metric(*one) for one in wanted):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        checks.ok("one mismatch is open", hub.metric("heyan_mismatches", 'state="open"') >= 1)
        for path in ("/livez", "/readyz", "/startupz"):
            answer = hub.admin().get(path)
            checks.ok(f"{path} is 200", answer.status == 200, answer)
            checks.ok(f"{path} is not on the public listener", agency.get(path).status in (401, 404))
        checks.ok("/metrics is not on the public listener", agency.get("/metrics").status in (401, 404))
        checks.ok("/v1 is not on the admin listener", hub.admin().get("/v1/datasets").status == 404)
        text = hub.admin().get("/metrics").body
        declared = {line.split()[2] for line in text.decode().splitlines() if line.startswith("# HELP ")}
        for name in REQUIRED:
            checks.ok(f"{name} is declared with a help text", name in declared)
        checks.ok(
            "every metric begins with heyan_ or process_",
            all(n.startswith(("heyan_", "process_")) for n in declared),
            sorted(declared),
        )
        series = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
        if promtool := shutil.which("promtool"):
            done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30)
            said = (done.stdout + done.stderr).decode()
            checks.ok("promtool check metrics is clean", done.returncode == 0 and not said.strip(), said)
        else:
            checks.ok("promtool is installed", False)
        gone = raw(hub.url, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        checks.ok("the server does not name itself", gone is not None and not gone.headers.get("server"))
        began = time.monotonic()
        status = hub.stop()
        stop_s = time.monotonic() - began
        checks.ok("SIGTERM ends the hub with exit status 0 within 10 s", status == 0 and stop_s < 10, (status, stop_s))
    checks.finish(
        metrics=len(declared),
        series=series,
        later=f"{len(declared & set(LATER))}/{len(LATER)}",
        stop_s=round(stop_s, 2),
    )


if __name__ == "__main__":
    main()
