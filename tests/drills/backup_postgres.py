"""The recipe of docs/backup.md for PostgreSQL: a base backup and archived WAL, the ledger by `heyan backup`; then server and node are lost,
the database is recovered to `made_at` of the ledger's backup, and the ledger is restored. Every answer and version that was acknowledged
before `made_at` is there; what came later is not given again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from backup import City, check_restored, elsewhere, settings
from faults import sound
from hub import Checks, arguments, run, workdir
from postgres import NOBODY, URL, Postgres, url_file


def owned(folder: Path) -> Path:
    """A folder of the server's user."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def archiving(server: Postgres) -> Path:
    """The server archives its WAL from now on."""
    archive = owned(server.folder / "wal")
    server.sql("ALTER SYSTEM SET archive_mode = on")
    server.sql(f"ALTER SYSTEM SET archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'")
    server.restart()
    return archive


def recovered(server: Postgres, archive: Path, base: Path, moment: str) -> float:
    """The server is lost with its disk, and comes back from base and archive as of `moment`; seconds that it took."""
    server.kill()
    shutil.rmtree(server.folder / "data")
    began = time.monotonic()
    base.rename(server.folder / "data")
    with open(server.folder / "data/postgresql.auto.conf", "a") as conf:
        conf.write(f"restore_command = 'cp {archive}/%f %p'\n")
        when = moment.replace("Z", "+00")
        # PostgreSQL does not take the Z of RFC 3339 here.
        conf.write(f"recovery_target_time = '{when}'\nrecovery_target_action = 'promote'\n")
    signal = server.folder / "data/recovery.signal"
    signal.touch()
    if os.geteuid() == 0:
        os.chown(signal, NOBODY, NOBODY)
    server.start()
    while server.sql("SELECT pg_is_in_recovery()") != "f":
        time.sleep(0.05)
    return time.monotonic() - began


def main() -> None:
    arguments(__doc__)
    checks, work = Checks("backup_postgres"), workdir("backup-postgres")
    server = Postgres()
    os.environ[URL] = server.url
    archive, base = archiving(server), server.folder / "base"
    city = City(work)
    time.sleep(1)
    make = ["-D", str(base), "-h", "127.0.0.1", "-p", str(server.port), "-U", "heyan", "-X", "stream", "-c", "fast"]
    subprocess.run(server._humble("pg_basebackup", *make), cwd=server.folder, check=True)
    time.sleep(1)
    url = {"HEYAN__STORE__POSTGRES__URL_FILE": str(url_file(city.home))}
    folder = work / "monday"
    before = city.acks()
    made = run("--output", "json", "backup", str(folder), env=settings(city.home) | url)
    checks.ok("the ledger is backed up while the hub serves", made.returncode == 0, made.stderr)
    manifest = json.loads((folder / "manifest.json").read_text())
    proven = run("backup", "verify", str(folder))
    checks.ok("it is sound", proven.returncode == 0 and sound(folder / "ledger"), proven.stdout + proven.stderr)
    checks.ok("the database is not in it", not (folder / "heyan.sqlite").exists() and manifest["database"] == {"engine": "postgres"})
    time.sleep(1)
    odd = city.end()
    checks.ok("the load was never refused", not odd, odd[:3])
    # The segment of that moment must be in the archive.
    last = server.sql("SELECT pg_walfile_name(pg_switch_wal())")
    until = time.monotonic() + 20
    while not (archive / last).exists() and time.monotonic() < until:
        time.sleep(0.1)
    checks.ok("the WAL is archived", (archive / last).exists(), sorted(p.name for p in archive.iterdir()))
    city.hub.kill()
    took = recovered(server, archive, base, manifest["made_at"])
    home = elsewhere(city, work / "elsewhere")
    shutil.copy2(url_file(city.home), home.parent / f"{home.name}.postgres-url")
    restored = run("restore", str(folder), env=settings(home) | url)
    checks.ok("the ledger is restored elsewhere", restored.returncode == 0, restored.stdout + restored.stderr)
    lost = check_restored(checks, city, home, before, manifest)
    checks.finish(acknowledged=len(before), lost=lost, recovery_s=f"{took:.1f}")


main()
