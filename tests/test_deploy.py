"""What deploy/ holds is what the program, systemd and the manifests' own rules accept, as far as can be seen here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cli.notify import SHORTEST_PATIENCE
from engine.config import load
from engine.serve import TICK_MAX_AGE
from tests.support.console import COMMAND, command, free_port, scraped, serving, until, write_estate
from tests.support.servers import needs

ROOT: Final = Path(__file__).resolve().parent.parent
DEPLOY: Final = ROOT / "deploy"
UNIT: Final = DEPLOY / "systemd" / "controlwatch.service"
CONTAINERFILE: Final = DEPLOY / "container" / "Containerfile"
KUBERNETES: Final = DEPLOY / "kubernetes"
MANIFESTS: Final = sorted(path.name for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
MOST_EXPOSURE: Final = 1.5
"""What ``systemd-analyze security`` may say, of 10; it calls up to 2 safe."""


@pytest.mark.parametrize(
    "path", sorted(DEPLOY.rglob("*.toml")), ids=lambda path: str(path.relative_to(DEPLOY).as_posix())
)
def test_a_configuration_that_is_shipped_has_no_fault(path: Path, tmp_path: Path) -> None:
    """Whoever deploys the example gets an engine that starts, on the state folder that is kept."""
    done = command("--config", str(path), "config", "check", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert load(path).state_dir.is_relative_to("/var/lib/controlwatch")


# -- systemd -----------------------------------------------------------------------------------------


def unit() -> Mapping[str, Sequence[str]]:
    """Read the unit as {key: values}."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def installed(folder: Path) -> Path:
    """Copy the units with the path of this environment's command, which stands where they are verified."""
    shutil.copytree(UNIT.parent, folder / "units")
    path = folder / "units" / UNIT.name
    path.write_text(path.read_text(encoding="utf-8").replace("/opt/controlwatch/bin/controlwatch", str(COMMAND)))
    return path


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    """Every key is known to systemd, the drop-in's too, and every value can be read."""
    analyze = needs("systemd-analyze", package="systemd")
    copied = installed(tmp_path)
    done = subprocess.run(
        [analyze, "verify", "--man=no", "--generators=no", copied],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    ours = [line for line in done.stderr.splitlines() if "controlwatch" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_sandbox_is_scored_well() -> None:
    """The service can do little but read what it is given, keep its state, and speak to the network."""
    analyze = needs("systemd-analyze", package="systemd")
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", f"--threshold={int(MOST_EXPOSURE * 10)}", UNIT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_watchdog_bears_what_the_scheduler_may_take() -> None:
    """It is longer than a scheduler may stand in any case, and shorter than what makes an engine unhealthy."""
    [watchdog] = unit()["WatchdogSec"]
    seconds = int(watchdog.removesuffix("min")) * 60

    assert SHORTEST_PATIENCE < seconds < TICK_MAX_AGE.total_seconds()


def test_a_hanging_unit_is_started_again_and_a_broken_one_stays_down() -> None:
    """Restarts are limited, so that a fault is loud and no endless loop."""
    found = unit()

    assert found["Type"] == ["notify"]
    assert found["Restart"] == ["on-failure"]
    assert found["StartLimitBurst"] == ["5"]
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


# -- container ---------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Read the Containerfile as (instruction, arguments)."""
    text = re.sub(r"\\\n", " ", CONTAINERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def copied() -> list[str]:
    """List what is copied out of the build context."""
    given = [shlex.split(rest) for word, rest in instructions() if word == "COPY" and "--from=" not in rest]
    return [source for words in given for source in words[:-1]]


def told(instruction: str) -> Any:
    """Give the last arguments of an instruction in their JSON form."""
    [*_, rest] = [rest for word, rest in instructions() if word == instruction]
    return json.loads(rest[rest.index("[") :])


def test_the_containerfile_speaks_known_instructions() -> None:
    """No line is a slip of the pen; no image engine runs here to say so."""
    known = {"ARG", "FROM", "WORKDIR", "RUN", "ENV", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}

    assert {word for word, _ in instructions()} == known | {"HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    """Kubernetes can see by the number that it is not root, and the manifests name the same one."""
    [user] = [rest for word, rest in instructions() if word == "USER"]
    pod = manifest("statefulset.yaml")["spec"]["template"]["spec"]["securityContext"]

    assert user == f"{pod['runAsUser']}:{pod['runAsGroup']}"
    assert pod["runAsUser"] > 0


def test_all_that_is_copied_exists_and_is_let_through() -> None:
    """Each source stands in the tree and in the allow-list of .containerignore, which begins by refusing everything."""
    lines = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_packages_are_installed_by_their_hashes_alone() -> None:
    """Nothing comes from an index that was not reviewed; our own packages come without one."""
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]

    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_no_instruction_holds_a_secret() -> None:
    """Neither an argument of the build nor a variable of the image is one."""
    assert [rest for word, rest in instructions() if re.search(r"(?i)token|password|secret|_key\b", rest)] == []


def test_what_is_copied_builds_a_wheel_whose_command_runs(tmp_path: Path) -> None:
    """The build context is enough to build from, and the entry point starts from the built wheel."""
    for source in copied():
        target = tmp_path / "context" / source
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, target)
    build = ["-m", "pip", "--isolated", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([sys.executable, *build, "--wheel-dir", tmp_path, tmp_path / "context"], check=True, timeout=100)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    entry = [sys.executable, "-c", "from cli.main import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    arguments = ["--config", str(KUBERNETES / "controlwatch.toml"), "config", "check"]
    done = subprocess.run(
        [*entry, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert told("ENTRYPOINT") == ["controlwatch"]
    assert done.returncode == 0, done.stderr


def test_the_health_check_tells_a_live_engine_from_none(tmp_path: Path) -> None:
    """Its command ends with 0 while the engine is healthy, and with 1 when nobody answers."""
    port = free_port()
    write_estate(tmp_path, port=port)
    program, *arguments = told("HEALTHCHECK")
    environment = {**os.environ, "HEALTH_URL": f"http://127.0.0.1:{port}/-/healthy"}

    def asked() -> int:
        return subprocess.run(
            [sys.executable, *arguments], env=environment, stderr=subprocess.DEVNULL, check=False, timeout=30
        ).returncode

    with serving(tmp_path):
        until(lambda: bool(scraped(port)))
        alive = asked()

    assert program == "python"
    assert (alive, asked()) == (0, 1)


# -- kubernetes --------------------------------------------------------------------------------------


def manifest(name: str) -> Any:
    """Read one manifest."""
    return yaml.safe_load((KUBERNETES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_one_named_object(name: str) -> None:
    """Each file is one object with a kind, a version and a name."""
    found = manifest(name)

    assert {"apiVersion", "kind", "metadata"} <= set(found)
    assert found["metadata"]["name"] == "controlwatch"


def test_the_kustomization_names_files_that_exist_and_no_secret() -> None:
    """What kubectl applies is there; the example of a secret is not part of it."""
    found = manifest("kustomization.yaml")
    named = [*found["resources"], *(file for one in found["configMapGenerator"] for file in one["files"])]

    assert [name for name in named if not (KUBERNETES / name).is_file()] == []
    assert "secret.example.yaml" not in named


def test_the_pod_fits_the_restricted_profile() -> None:
    """It passes the strictest of the pod security standards, which the namespace enforces."""
    pod = manifest("statefulset.yaml")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    own = container["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert manifest("serviceaccount.yaml")["automountServiceAccountToken"] is False
    assert {key for volume in pod["volumes"] for key in volume} == {"name", "configMap", "secret", "emptyDir"}


def test_there_is_one_engine_a_state_folder() -> None:
    """One replica, on a volume that one node mounts; secrets are such as a reference accepts."""
    spec = manifest("statefulset.yaml")["spec"]
    volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
    [claim] = spec["volumeClaimTemplates"]

    assert spec["replicas"] == 1
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert volumes["secrets"]["secret"]["defaultMode"] == 0o440


def test_the_listener_is_what_is_probed_let_through_and_scraped() -> None:
    """One port goes by one number and one name from the configuration to Prometheus."""
    [container] = manifest("statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    [service] = manifest("service.yaml")["spec"]["ports"]
    [[let]] = [rule["ports"] for rule in manifest("networkpolicy.yaml")["spec"]["ingress"]]
    [endpoint] = manifest("servicemonitor.yaml")["spec"]["endpoints"]

    number, name = port["containerPort"], port["name"]
    assert load(KUBERNETES / "controlwatch.toml").metrics.listen == f":{number}"
    assert probes == {
        "startup": {"path": "/-/ready", "port": name},
        "readiness": {"path": "/-/ready", "port": name},
        "liveness": {"path": "/-/healthy", "port": name},
    }
    assert (service["port"], service["targetPort"], let["port"]) == (number, name, number)
    assert endpoint["port"] == service["name"]


def test_every_selector_finds_the_pod() -> None:
    """A label that is missing would leave the pod without its network policy, and nobody would notice."""
    labels = manifest("statefulset.yaml")["spec"]["template"]["metadata"]["labels"]

    assert manifest("statefulset.yaml")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("service.yaml")["spec"]["selector"] == labels
    assert manifest("networkpolicy.yaml")["spec"]["podSelector"]["matchLabels"] == labels


def test_state_and_configuration_lie_on_volumes() -> None:
    """Nothing is written into the image, whose file system is read-only."""
    [container] = manifest("statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]

    assert any(load(KUBERNETES / "controlwatch.toml").state_dir.is_relative_to(path) for path in mounts)
    assert str(Path(container["args"][1]).parent) in mounts


def test_the_job_is_the_one_that_the_rules_expect() -> None:
    """The service's name becomes Prometheus' job label, and the rules look for that job."""
    assert manifest("service.yaml")["metadata"]["name"] == load(KUBERNETES / "controlwatch.toml").alerts.job


def test_the_rules_for_the_operator_are_written_from_the_shipped_configuration(tmp_path: Path) -> None:
    """What the kustomization names as made by a command is made by it, and lands beside the others."""
    done = command("--config", str(KUBERNETES / "controlwatch.toml"), "rules", "--format", "operator", folder=tmp_path)
    found = yaml.safe_load(done.stdout)

    assert (found["apiVersion"], found["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
