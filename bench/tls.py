"""TLS targets a second against prometheus-blackbox-exporter, both on one core, both verifying.

    python bench/tls.py [--targets 1000] [--rounds 7]

nginx shows one certificate a port on loopback: of a hundred, 80 are good, 5 expired, 5 self-signed, 5 for another name
and 5 without their intermediate. Each prober is pinned to the first core; nginx, the driver of the exporter and this
program to the second. Rounds alternate. Needs nginx (nginx-light) and prometheus-blackbox-exporter on the PATH.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT: Final = Path(__file__).resolve().parent.parent
NAME: Final = "farm.test"
PROBER: Final = {0}
REST: Final = {1}
BAD: Final = {0: "expired", 1: "self-signed", 2: "wrong-name", 3: "incomplete"}
"""Of twenty targets, the first four are bad, each in its own way."""


@dataclass(frozen=True)
class Round:
    """What one round of one prober took, and what it told."""

    seconds: float
    cpu: float
    expiries: int
    bad_expiries: int
    reasons: int


# ---------------------------------------------------------------------------------------------------------- the farm


Party = tuple[str, ec.EllipticCurvePrivateKey]
"""A common name and its key."""


def _signed(subject: Party, issuer: Party, days: int, names: tuple[str, ...] = ()) -> bytes:
    now = datetime.now(UTC)
    named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one, _ in (subject, issuer)]
    builder = x509.CertificateBuilder().subject_name(named[0]).issuer_name(named[1])
    builder = builder.public_key(subject[1].public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(issuer[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def make_certificates(folder: Path, targets: int) -> None:
    """Write a root, and one chain and key a target, the bad ones among them."""
    root, middle = ((name, ec.generate_private_key(ec.SECP256R1())) for name in ("root", "issuing"))
    (folder / "root.pem").write_bytes(_signed(root, root, 3_650))
    intermediate = _signed(middle, root, 1_000)
    for index in range(targets):
        own = (f"target-{index}", ec.generate_private_key(ec.SECP256R1()))
        kind = BAD.get(index % 20, "good")
        days = -3 if kind == "expired" else 1 + index % 89
        names = ("other.test",) if kind == "wrong-name" else (NAME,)
        leaf = _signed(own, own if kind == "self-signed" else middle, days, names)
        whole = leaf if kind in {"self-signed", "incomplete"} else leaf + intermediate
        (folder / f"{index}.pem").write_bytes(whole)
        (folder / f"{index}.key").write_bytes(_pem(own[1]))


def _free_ports(count: int) -> range:
    for base in range(20_000, 30_000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for port, bound in enumerate(sockets, base):
                bound.bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return range(base, base + count)
        finally:
            for bound in sockets:
                bound.close()
    sys.exit("no free range of ports")


def _nginx_configuration(folder: Path, ports: range) -> str:
    servers = "\n".join(
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/{index}.pem;"
        f" ssl_certificate_key {folder}/{index}.key; return 204; }}"
        for index, port in enumerate(ports)
    )
    return (
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;\n"
        f"worker_rlimit_nofile 20000; events {{ worker_connections {4 * len(ports)}; }}\n"
        f"http {{ access_log off; ssl_session_cache off; ssl_session_tickets off; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;\n"
        f"uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{servers}\n}}\n"
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{process.args!r} does not listen on port {port}")


@contextmanager
def _running(
    command: list[str], port: int, cores: set[int], env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cores)), *command],
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait()


# --------------------------------------------------------------------------------------------------------------- ours


def ours(folder: Path, ports: range) -> Round:
    """Run the source once in a fresh process on the prober's core; the time is that of the collection alone."""
    command = [sys.executable, __file__, "--child", str(folder), "--ports", f"{ports.start},{ports.stop}"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    return Round(**json.loads(done.stdout))


def child(folder: Path, ports: range) -> None:
    """Collect every target with the source, and print a ``Round`` as JSON."""
    os.sched_setaffinity(0, PROBER)
    sys.path.insert(0, str(ROOT))
    from checks.model.records import TlsEndpoint
    from sources.tls import SOURCE, Config
    from tests.support.context import collect, lent_context

    targets = tuple(f"127.0.0.1:{port}@{NAME}" for port in ports)
    records: list[TlsEndpoint] = []

    async def run() -> None:
        async with lent_context(folder) as context:
            context.at = datetime.now(UTC)
            collected = await collect(SOURCE.fetch(Config(targets=targets, ca_file="root.pem"), context))
            records[:] = [record for record in collected.records if isinstance(record, TlsEndpoint)]

    # Both probers are daemons, so each has asked every target once before the clock starts.
    asyncio.run(run())
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    now = datetime.now(UTC)
    told = [one for one in records if one.not_after is not None]
    index = {target: number for number, target in enumerate(targets)}
    bad = [one for one in told if index[one.id] % 20 in BAD]
    late = {one.id for one in bad if one.not_after is not None and one.not_after < now}
    reasons = [one for one in bad if one.trust_error or one.name_matches is False or one.id in late]
    print(json.dumps(asdict(Round(wall, cpu, len(told), len(bad), len(reasons)))))


# ------------------------------------------------------------------------------------------------ blackbox_exporter


def _blackbox_configuration(folder: Path) -> str:
    tls = {"ca_file": f"{folder}/root.pem", "server_name": NAME}
    return json.dumps(
        {"modules": {"tls": {"prober": "tcp", "timeout": "10s", "tcp": {"tls": True, "tls_config": tls}}}}
    )


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def blackbox(pid: int, port: int, ports: range, concurrency: int) -> Round:
    """Ask the exporter for every target over connections that are kept open, as Prometheus does."""
    pending = iter(list(enumerate(ports)))
    told: set[int] = set()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index, target in pending:
            ask = f"GET /probe?module=tls&target=127.0.0.1:{target} HTTP/1.1\r\nHost: x\r\n\r\n"
            writer.write(ask.encode())
            if b"\nprobe_ssl_earliest_cert_expiry " in await _body(reader):
                told.add(index)
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(concurrency)))

    wall, cpu = time.perf_counter(), _cpu_seconds(pid)
    asyncio.run(run())
    wall, cpu = time.perf_counter() - wall, _cpu_seconds(pid) - cpu
    return Round(wall, cpu, len(told), sum(index % 20 in BAD for index in told), 0)


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length: " in head:
        return await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
    body = bytearray()
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return bytes(body)


# ------------------------------------------------------------------------------------------------------------ report


def report(name: str, rounds: list[Round], targets: int) -> float:
    """Print the medians of one prober and return its targets a second."""
    rate = statistics.median(targets / one.seconds for one in rounds)
    cpu = statistics.median(one.cpu / targets * 1_000 for one in rounds)
    best = max(targets / one.seconds for one in rounds)
    last = rounds[-1]
    bad = sum(index % 20 in BAD for index in range(targets))
    speed = f"{rate:6.0f} targets/s (best {best:.0f}), {cpu:.2f} ms CPU a target"
    print(f"{name:26} {speed}; expiry told of {last.expiries}/{targets}", end="")
    print(f", of the bad {last.bad_expiries}/{bad}, with its reason {last.reasons}/{bad}")
    return rate


def main() -> None:
    """Set the farm up, alternate the probers, print medians and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--targets", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--concurrency", type=int, default=50, help="of the exporter's driver")
    arguments.add_argument("--child", type=Path)
    arguments.add_argument("--ports")
    asked = arguments.parse_args()
    if asked.child is not None:
        first, _, last = asked.ports.partition(",")
        child(asked.child, range(int(first), int(last)))
        return
    nginx, exporter = (shutil.which(one) for one in ("nginx", "prometheus-blackbox-exporter"))
    if nginx is None or exporter is None:
        sys.exit("install nginx-light and prometheus-blackbox-exporter")
    os.sched_setaffinity(0, REST)
    with tempfile.TemporaryDirectory() as name:
        _compare(Path(name), nginx, exporter, asked)


def _compare(folder: Path, nginx: str, exporter: str, asked: argparse.Namespace) -> None:
    make_certificates(folder, asked.targets)
    free = _free_ports(asked.targets + 1)
    ports, listen = free[:-1], free[-1]
    (folder / "nginx.conf").write_text(_nginx_configuration(folder, ports))
    (folder / "blackbox.yml").write_text(_blackbox_configuration(folder))
    farm = [nginx, "-c", f"{folder}/nginx.conf", "-p", str(folder), "-e", f"{folder}/error.log"]
    probe = [
        exporter,
        f"--config.file={folder}/blackbox.yml",
        f"--web.listen-address=127.0.0.1:{listen}",
        "--log.level=error",
    ]
    with _running(farm, ports[-1], REST, {}), _running(probe, listen, PROBER, {"GOMAXPROCS": "1"}) as process:
        blackbox(process.pid, listen, ports, asked.concurrency)
        pairs = [
            (ours(folder, ports), blackbox(process.pid, listen, ports, asked.concurrency)) for _ in range(asked.rounds)
        ]
    mine = report("controlwatch tls", [one for one, _ in pairs], asked.targets)
    theirs = report("blackbox_exporter tcp+tls", [one for _, one in pairs], asked.targets)
    print(f"ratio of medians {mine / theirs:.2f}x")


if __name__ == "__main__":
    main()
