"""Verifies licence files from outside: inputs that `openssl` makes, the same altered, and a file of 200 MB whose memory is measured.

The hub may take 20 MB more than before while it verifies the large file: it is hashed as it comes and never held whole.
"""

import hashlib
import http.client
import json
import os
import subprocess
import time
import urllib.parse
from pathlib import Path

from hub import PURPOSE, Checks, Hub, arguments, put_records, workdir

MIB = 1 << 20
LARGE_BYTES, EXTRA_BYTES_MAX = 200 * MIB, 20 * MIB
PIECE = 256 * 1024
BOUNDARY = "heyan-drill"
SM2_ID = "distid:1234567812345678"
KINDS = {
    "ed25519": ("-algorithm ED25519", ""),
    "rsa": ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-sha256"),
    "p256": ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-sha256"),
    "sm2": ("-algorithm SM2", f"-sm3 -sigopt {SM2_ID}"),
}
LARGE, SMALL = (
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
)


def openssl(folder: Path, line: str) -> bytes:
    """What `openssl` says to a line of words."""
    return subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True).stdout


def part_head(name: str) -> bytes:
    """What stands before the bytes of a part."""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'.encode()


def verify(hub: Hub, token: str, question: dict, path: Path, more: dict[str, bytes] | None = None) -> tuple[int, dict, float]:
    """Sends a file as a stream; answers the status, the body and the seconds that it took."""
    parts = {"purpose": json.dumps(PURPOSE).encode(), "question": json.dumps(question).encode(), **(more or {})}
    before = b"".join(part_head(name) + bytes_ + b"\r\n" for name, bytes_ in parts.items()) + part_head("file")
    after = f"\r\n--{BOUNDARY}--\r\n".encode()
    url = urllib.parse.urlsplit(hub.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=300)
    begun = time.monotonic()
    connection.putrequest("POST", "/v1/licences/verify-file")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(before) + path.stat().st_size + len(after)))
    connection.endheaders()
    connection.send(before)
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            connection.send(piece)
    connection.send(after)
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body, time.monotonic() - begun


def memory(pid: int, name: str) -> int:
    """A figure of /proc/PID/status, bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def reset_peak(pid: int) -> None:
    """Lets the kernel count the peak of the resident memory anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def licence(licence_id: str, path: Path, sm3: str) -> dict:
    """A record whose file is `path`."""
    fields = {
        "type_name": "食品经营许可证",
        "licence_no": "皖C324506226815",
        "holder_name": "张三丰",
        "holder_id": "11010519491231002X",
        "valid_from": "2020-01-01",
        "valid_until": "长期",
        "status": "有效",
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "file_sm3": sm3,
    }
    return {"subject": {"licence_id": licence_id}, "fields": fields}


def signatures(checks: Checks, hub: Hub, token: str, folder: Path, path: Path) -> None:
    """Each kind of key signs the file; an altered file, an altered signature and another certificate are refused."""
    question = {"subject": {"licence_id": SMALL}}
    other = {"ed25519": "rsa", "rsa": "p256", "p256": "sm2", "sm2": "ed25519"}
    altered = folder / "altered"
    altered.write_bytes(path.read_bytes()[:-1] + b"?")
    for kind in KINDS:
        certificate, signature = (folder / f"{kind}.pem").read_bytes(), (folder / f"{kind}.sig").read_bytes()
        parts = {"signature": signature, "certificate": certificate}
        status, body, _ = verify(hub, token, question, path, parts)
        told = body.get("signature", {})
        good = status == 200 and told.get("verdict") == "valid" and told["certificate"]["trust"] == "trusted"
        checks.ok(f"{kind}: what openssl signed is valid and trusted", good, body)
        status, body, _ = verify(hub, token, question, altered, parts)
        bad = status == 200 and body["signature"]["verdict"] == "invalid" and body["file"]["sm3"]["verdict"] == "mismatch"
        checks.ok(f"{kind}: an altered file is not", bad, body)
        wrong = {**parts, "signature": signature[:-1] + bytes([signature[-1] ^ 1])}
        status, body, _ = verify(hub, token, question, path, wrong)
        bad = status == 422 or body["signature"]["verdict"] == "invalid"
        checks.ok(f"{kind}: an altered signature is not", bad, body)
        wrong = {**parts, "certificate": (folder / f"{other[kind]}.pem").read_bytes()}
        status, body, _ = verify(hub, token, question, path, wrong)
        bad = status == 422 or body["signature"]["verdict"] == "invalid"
        checks.ok(f"{kind}: a signature under another's certificate is not", bad, body)


def main() -> None:
    """Runs the drill."""
    arguments(__doc__)
    checks = Checks("licences")
    folder = workdir("licences")
    roots = folder / "roots"
    roots.mkdir()
    large, small = folder / "large", folder / "small"
    with large.open("wb") as file:
        seed = os.urandom(MIB)
        for _ in range(LARGE_BYTES // MIB):
            file.write(seed)
    small.write_bytes(b"%OFD " + os.urandom(20_000) + b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n")
    for kind, (key, hash_) in KINDS.items():
        openssl(folder, f"genpkey {key} -out {kind}.key")
        openssl(folder, f"req -x509 -new -key {kind}.key -subj /CN={kind} -days 30 {hash_} -out {kind}.pem")
        (roots / f"{kind}.pem").write_bytes((folder / f"{kind}.pem").read_bytes())
        if kind == "ed25519":
            openssl(folder, f"pkeyutl -sign -inkey {kind}.key -rawin -in small -out {kind}.sig")
        else:
            openssl(folder, f"dgst {hash_} -sign {kind}.key -out {kind}.sig small")
    sm3 = {path: openssl(folder, f"dgst -sm3 -r {path.name}").split()[0].decode() for path in (large, small)}
    with Hub(folder / "data", env={"HEYAN__LICENCES__ROOTS_DIR": str(roots)}) as hub:
        token = hub.info["tokens"]["agency"]
        taken, refused = put_records(hub.client("authority"), "e-licence", [licence(LARGE, large, sm3[large]), licence(SMALL, small, sm3[small])])
        checks.ok("the register holds both", taken == 2, refused)
        signatures(checks, hub, token, folder, small)
        before = memory(hub.process.pid, "VmRSS")
        reset_peak(hub.process.pid)
        status, body, seconds = verify(hub, token, {"subject": {"licence_id": LARGE}}, large)
        extra = memory(hub.process.pid, "VmHWM") - before
        checks.ok("a file of 200 MB is verified", status == 200 and body["outcome"] == "verified", body)
        checks.ok("all of it was hashed", body.get("file", {}).get("bytes") == LARGE_BYTES, body.get("file"))
        checks.ok(f"it took {extra / MIB:.1f} MiB more memory, less than 20", extra < EXTRA_BYTES_MAX, extra)
        held = [path for path in (folder / "data").rglob("*") if path.is_file() and path.stat().st_size > LARGE_BYTES // 4]
        checks.ok("nothing of it was stored", not held, held)
    checks.finish(
        seconds=round(seconds, 2),
        mib_per_s=round(LARGE_BYTES / MIB / seconds),
        extra_mib=round(extra / MIB, 1),
        before_mib=round(before / MIB),
    )


if __name__ == "__main__":
    main()
