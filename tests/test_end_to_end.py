"""A real configuration over restic, TLS, AWS and a register shows the truth, and all three readings agree."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support.console import command, free_port, scraped, serving, until
from tests.support.pki import Farm, Pki
from tests.support.servers import needs

CHECKS = ("admins", "attestations", "backups", "certificates", "keys", "workforce")


@pytest.fixture
def aws() -> Iterator[str]:
    """Run moto's IAM over HTTP with one person without MFA, one with, and one old key."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST")).close()
    iam: Any = boto3.client(
        "iam",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    for name in ("ana", "bea"):
        iam.create_user(UserName=name)
        iam.create_login_profile(UserName=name, Password="Correct-horse-7")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]["SerialNumber"]
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    iam.enable_mfa_device(UserName="ana", SerialNumber=device, **codes)
    iam.create_access_key(UserName="bea")
    try:
        yield url
    finally:
        server.stop()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a restic repository with one fresh snapshot of one set."""
    needs("restic", package="restic")
    folder, data = tmp_path / "repository", tmp_path / "www"
    data.mkdir()
    (data / "index.html").write_text("hello")
    secret = tmp_path / "restic-password"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    env = {**os.environ, "RESTIC_REPOSITORY": str(folder), "RESTIC_PASSWORD_FILE": str(secret), "HOME": str(tmp_path)}
    for arguments in (["init"], ["backup", "--host", "web1", str(data)]):
        subprocess.run(["restic", *arguments], env=env, check=True, capture_output=True)
    return folder


@pytest.fixture
def estate(tmp_path: Path, repository: Path, aws: str) -> Iterator[tuple[Path, int]]:
    """Write the configuration of a security engineer; gives its folder and the metrics port."""
    (tmp_path / "pki").mkdir()
    pki, port = Pki(tmp_path / "pki"), free_port()
    today = datetime.now(UTC).date()
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 a report")
    (tmp_path / "attestations.toml").write_text(_register(today))
    with Farm() as farm:
        good = farm.tls(pki.leaf("good", days=90, names=["localhost"]))
        bad = farm.tls(pki.leaf("bad", days=-5, names=["localhost"]))
        (tmp_path / "controlwatch.toml").write_text(
            _configuration(port, pki.ca_file, good, bad, farm.closed(), repository, tmp_path / "www", aws),
        )
        yield tmp_path, port


def _register(today: date) -> str:
    return f"""
[[attestation]]
vendor = "Example AI"
offering = "API"
kind = "soc2_type2"
status = "issued"
period_start = {today - timedelta(days=500)}
period_end = {today - timedelta(days=135)}
issued = {today - timedelta(days=90)}
categories = ["security"]
required_categories = ["security"]
opinion = "unqualified"
document = "report.pdf"
reviewed_by = "risk"
reviewed_on = {today - timedelta(days=60)}
"""


def _configuration(
    port: int,
    ca_file: Path,
    good: int,
    bad: int,
    closed: int,
    repository: Path,
    data: Path,
    aws: str,
) -> str:
    return f"""
[metrics]
listen = "127.0.0.1:{port}"

[sources.edge]
kind = "tls"
targets = ["127.0.0.1:{good}@localhost", "127.0.0.1:{bad}@localhost", "127.0.0.1:{closed}@localhost"]
ca_file = "{ca_file}"

[sources.offsite]
kind = "restic"
repository = "{repository}"
password = "file:restic-password"
sets = [{{ set = "web", host = "web1", paths = ["{data}"] }}, {{ set = "db", host = "db1", paths = ["/srv/db"] }}]

[sources.aws]
kind = "aws_iam"
region = "us-east-1"
endpoint_url = "{aws}"
access_key_id = "env:AWS_KEY"
secret_access_key = "env:AWS_SECRET"

[sources.register]
kind = "register"
path = "attestations.toml"

[checks.certificates]
check = "tls_expiry"
sources = ["edge"]

[checks.backups]
check = "backup_freshness"
sources = ["offsite"]

[checks.attestations]
check = "certification_expiry"
sources = ["register"]

[checks.workforce]
check = "mfa_coverage"
sources = ["aws"]
enrolment_grace = "0s"

[checks.admins]
check = "admin_mfa"
sources = ["aws"]

[checks.keys]
check = "key_age"
sources = ["aws"]
"""


@pytest.fixture
def told(estate: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, Any], str, Path, int]]:
    """Serve the estate; gives what ``check --format json`` and ``/metrics`` say of it."""
    folder, port = estate
    monkeypatch.setenv("AWS_KEY", "testing")
    monkeypatch.setenv("AWS_SECRET", "testing")
    with serving(folder):
        until(lambda: scraped(port).count("controlwatch_check_population{") == len(CHECKS), seconds=60)
        time.sleep(2)
        document = json.loads(command("check", "--format", "json", folder=folder).stdout)
        yield {check["name"]: check for check in document["checks"]}, scraped(port), folder, port


def test_the_three_readings_agree_on_the_truth(told: tuple[dict[str, Any], str, Path, int]) -> None:
    """What is broken fails with its reason, what is doubtful is unknown with its cause, what holds passes."""
    checks, exposition, folder, _ = told
    reasons = {
        name: {finding["label"]: (finding["verdict"], finding["reason"]) for finding in check["findings"]}
        for name, check in checks.items()
    }

    assert set(checks) == set(CHECKS)
    assert checks["certificates"]["state"] == "fail"
    assert sorted(verdict for verdict, _ in reasons["certificates"].values()) == ["fail", "unknown"]
    assert (checks["certificates"]["passed"], checks["certificates"]["failed"]) == (1, 1)
    assert (checks["backups"]["state"], checks["backups"]["passed"], checks["backups"]["failed"]) == ("fail", 1, 1)
    assert list(reasons["backups"]) == ["db"]
    assert checks["attestations"]["state"] == "pass"
    assert checks["attestations"]["depths"] == {"reviewed": 1}
    assert (checks["workforce"]["passed"], checks["workforce"]["failed"]) == (1, 1)
    assert reasons["workforce"]["bea"][0] == "fail"
    for name, check in checks.items():
        labels = f'check="{name}",family="{check["family"]}"'
        assert check["read"] == check["population"] + sum(check["excluded"].values())
        assert check["population"] == check["passed"] + check["failed"] + check["unknown"]
        assert f'controlwatch_check_state{{{labels},state="{check["state"]}"}} 1\n' in exposition
        for count in ("read", "population", "passed", "failed", "unknown", "warned"):
            assert f"controlwatch_check_{count}{{{labels}}} {check[count]}\n" in exposition
    assert command("evidence", "verify", folder=folder).returncode == 0


def test_nothing_secret_and_nobody_is_in_the_metrics_or_the_log(told: tuple[dict[str, Any], str, Path, int]) -> None:
    """Neither a password nor a name nor a path leaves by the exposition; no secret lies in the state folder."""
    _, exposition, folder, _ = told
    for word in ("correct horse", "bea", "ana@", "report.pdf", "web1"):
        assert word not in exposition
    kept = b"".join(path.read_bytes() for path in (folder / "state").rglob("*") if path.is_file())
    assert b"correct horse" not in kept + (folder / "serve.log").read_bytes()


def test_a_real_prometheus_sees_green_where_it_is_proven(
    told: tuple[dict[str, Any], str, Path, int],
    tmp_path: Path,
) -> None:
    """The one line of PromQL gives the checks that pass or warn, and no other."""
    checks, _, _, port = told
    prometheus, web = needs("prometheus", package="prometheus"), free_port()
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: cw, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n",
    )
    arguments = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
    process = subprocess.Popen(
        [prometheus, *arguments, f"--web.listen-address=127.0.0.1:{web}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: bool(_asked(web, "up == 1")), seconds=30)
        green = (
            '(controlwatch_check_state{state=~"pass|warn"} == 1)'
            " and on (check, family) (controlwatch_check_valid_until_timestamp_seconds > time())"
        )
        seen = {series["metric"]["check"] for series in _asked(web, green)}
    finally:
        process.kill()
        process.wait()

    assert seen == {name for name, check in checks.items() if check["state"] in {"pass", "warn"}}
    assert "attestations" in seen


def _asked(port: int, query: str) -> list[dict[str, Any]]:
    """Ask Prometheus; nothing while it does not answer."""
    url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return list(json.load(answer)["data"]["result"])
    except OSError:
        return []
