"""SIGHUP, SIGUSR1 and SIGUSR2 under load end nothing and cost no call; SIGHUP reads the certificate again."""

import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

from hub import Checks, Hub, arguments, binary, person, verification, workdir


def under_load(checks: Checks, work: Path) -> int:
    with Hub(work / "hub", persons=5) as hub:
        halt, good, bad = threading.Event(), [], []

        def load() -> None:
            client = hub.client("agency", 10)
            while not halt.is_set():
                answer = client.attempt("POST", "/v1/verifications", verification(person(1), "name"))
                (good if answer is not None and answer.status == 200 else bad).append(answer)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                hub.process.send_signal(number)
                time.sleep(0.1)
        halt.set()
        for thread in threads:
            thread.join()
        checks.ok("the process lives", hub.process.poll() is None, hub.process.poll())
        checks.ok("no call is lost", not bad and len(good) > 10, (len(good), bad[:1]))
        code = hub.stop()
    checks.ok("SIGTERM still drains", code == 0, code)
    return len(good)


def certificate(folder: Path, name: str) -> None:
    """A new key and a certificate of it, in place at once."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    new = [folder / "new.key", folder / "new.pem"]
    subprocess.run([*made, "-subj", f"/CN={name}", "-keyout", new[0], "-out", new[1]], check=True, capture_output=True)
    new[0].rename(folder / "tls.key")
    new[1].rename(folder / "tls.pem")


def shown(port: int) -> bytes | None:
    """The certificate that the listener shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw) as line:
            return line.getpeercert(binary_form=True)
    except OSError:
        return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reloads(checks: Checks, work: Path) -> None:
    folder = work / "tls"
    folder.mkdir()
    certificate(folder, "first")
    port = free_port()
    (folder / "hub.toml").write_text(
        f'[http]\nlisten = "127.0.0.1:{port}"\nadmin_listen = "127.0.0.1:0"\n'
        f'[http.tls]\ncertificate_file = "{folder}/tls.pem"\nkey_file = "{folder}/tls.key"\n'
        f'[node]\ndata_dir = "{folder}/data"\nroot_key_file = "{folder}/keys/root"\n'
    )
    log = open(folder / "log", "wb")
    hub = subprocess.Popen([binary(), "serve", "--config", folder / "hub.toml"], stderr=log, stdout=log, cwd=folder)
    try:
        until, first = time.monotonic() + 30, None
        while first is None and time.monotonic() < until:
            first = shown(port)
            time.sleep(0.05)
        checks.ok("it speaks TLS", first is not None, (folder / "log").read_text()[-500:])
        certificate(folder, "second")
        hub.send_signal(signal.SIGHUP)
        until, second = time.monotonic() + 5, first
        while second == first and time.monotonic() < until:
            second = shown(port)
            time.sleep(0.05)
        checks.ok("SIGHUP reads the certificate again", second not in (None, first))
        (folder / "tls.pem").write_text("nonsense")
        hub.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        checks.ok("one that cannot be used leaves the old one", shown(port) == second)
        checks.ok("and is told", "the old one stays" in (folder / "log").read_text())
    finally:
        hub.terminate()
        hub.wait(40)


def main() -> None:
    arguments(__doc__)
    checks, work = Checks("signals"), workdir("signals")
    good = under_load(checks, work)
    reloads(checks, work)
    checks.finish(calls=good)


main()
