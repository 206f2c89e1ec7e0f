"""What may be sources on a machine is found, and no secret is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.finding import Machine, found_on
from tui.setup import Found

SECRET = "hunter2-hunter2"


def found(tmp_path: Path, environment: Mapping[str, str] | None = None, **files: str) -> list[Found]:
    """Look on a machine with an environment and files in its home (``__`` is a slash, a leading one a dot)."""
    for name, text in files.items():
        path = tmp_path / f".{name.replace('__', '/')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    machine = Machine(environment or {}, tmp_path, tmp_path / "live")
    return list(found_on(machine, tmp_path))


@pytest.mark.parametrize(
    ("environment", "kind", "values"),
    [
        pytest.param(
            {"OKTA_ORG_URL": "https://example.okta.com/", "OKTA_API_TOKEN": SECRET},
            "okta",
            {"url": "https://example.okta.com", "token": "env:OKTA_API_TOKEN"},
            id="okta",
        ),
        pytest.param(
            {"OKTA_ORG_NAME": "example", "OKTA_BASE_URL": "oktapreview.com"},
            "okta",
            {"url": "https://example.oktapreview.com"},
            id="okta as terraform has it",
        ),
        pytest.param(
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": SECRET},
            "entra",
            {"tenant_id": "t", "client_id": "c", "client_secret": "env:AZURE_CLIENT_SECRET"},
            id="azure",
        ),
        pytest.param(
            {"ARM_TENANT_ID": "t", "ARM_CLIENT_ID": "c", "ARM_CLIENT_SECRET": SECRET},
            "entra",
            {"tenant_id": "t", "client_id": "c", "client_secret": "env:ARM_CLIENT_SECRET"},
            id="azure as terraform has it",
        ),
        pytest.param({"GITHUB_TOKEN": SECRET}, "github", {"token": "env:GITHUB_TOKEN"}, id="github"),
        pytest.param(
            {"GH_TOKEN": SECRET, "GITHUB_ORG": "example", "GITHUB_API_URL": "https://git.example.org/api/v3"},
            "github",
            {"org": "example", "token": "env:GH_TOKEN", "url": "https://git.example.org/api/v3"},
            id="github of one's own",
        ),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-west-1"},
            "aws_iam",
            {
                "access_key_id": "env:AWS_ACCESS_KEY_ID",
                "secret_access_key": "env:AWS_SECRET_ACCESS_KEY",
                "region": "eu-west-1",
            },
            id="aws keys",
        ),
        pytest.param(
            {"RESTIC_REPOSITORY": "s3:s3.example.org/b", "RESTIC_PASSWORD": SECRET, "AWS_SESSION_TOKEN": SECRET},
            "restic",
            {
                "repository": "s3:s3.example.org/b",
                "password": "env:RESTIC_PASSWORD",
                "environment": "AWS_SESSION_TOKEN",
            },
            id="restic",
        ),
        pytest.param(
            {"RESTIC_REPOSITORY": f"rest:https://ana:{SECRET}@r.example.org/x", "RESTIC_PASSWORD_FILE": "/etc/restic"},
            "restic",
            {"repository": "rest:https://ana@r.example.org/x", "password": "file:/etc/restic"},
            id="restic with a password in its address",
        ),
    ],
)
def test_sources_are_found_in_the_environment(
    tmp_path: Path, environment: Mapping[str, str], kind: str, values: Mapping[str, str]
) -> None:
    """Settings as they are, secrets as references; the variables are named."""
    (one,) = [each for each in found(tmp_path, environment) if each.kind == kind]

    assert one.values == values
    assert one.basis.startswith("environment: ")
    assert SECRET not in repr(one)


@pytest.mark.parametrize("address", [f"rest:https://u:p@{SECRET}@h/x", f"rest:https://u:p/{SECRET}@h/x"])
def test_no_part_of_an_odd_password_is_left_over(tmp_path: Path, address: str) -> None:
    """What cannot be told apart is left out: rather too little of an address than a part of a password."""
    (one,) = found(tmp_path, {"RESTIC_REPOSITORY": address})

    assert one.values == {"repository": "rest:https://u@h/x"}


def test_a_repository_may_be_named_in_a_file(tmp_path: Path) -> None:
    """RESTIC_REPOSITORY_FILE holds it; one that is not there finds nothing."""
    file = tmp_path / "repository"
    file.write_text("/srv/restic\n")

    assert found(tmp_path, {"RESTIC_REPOSITORY_FILE": str(file)})[0].values == {"repository": "/srv/restic"}
    assert found(tmp_path, {"RESTIC_REPOSITORY_FILE": str(tmp_path / "none")}) == []


def test_profiles_of_the_aws_tools_are_found_by_name_alone(tmp_path: Path) -> None:
    """Sections that are no profiles are left out, and no key of a section is looked at."""
    text = f"[default]\naws_secret_access_key = {SECRET}\n[profile Audit EU]\nrole_arn = x\n[sso-session a]\n"

    profiles = found(tmp_path, aws__config=text)

    assert [(each.name, each.values) for each in profiles] == [
        ("aws", {"profile": "default"}),
        ("aws-audit-eu", {"profile": "Audit EU"}),
    ]
    assert SECRET not in repr(profiles)


@pytest.mark.parametrize("text", ["", "no section", "[a\n[b]", "\0", "[profile x]\n[profile x]\n"])
def test_a_broken_file_of_the_aws_tools_stops_nothing(tmp_path: Path, text: str) -> None:
    """Others own the file."""
    assert all(each.values == {"profile": "x"} for each in found(tmp_path, aws__config=text))


KUBECONFIG = f"""\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {SECRET}
    server: https://10.0.0.1:6443
  name: one
- cluster: {{}}
- cluster:
    server: "https://k8s.example.org"   # the other
- cluster:
    server: https://[::1]:6443/path
- cluster:
    server: http://plain.example.org
- cluster:
    server: https://bad.example.org:port
users:
- user: {{token: {SECRET}}}
"""


def test_api_servers_of_kubeconfig_are_targets(tmp_path: Path) -> None:
    """Only servers with TLS, each once; tokens are not looked at."""
    (one,) = found(tmp_path, kube__config=KUBECONFIG + KUBECONFIG)

    assert (one.name, one.kind) == ("kubernetes", "tls")
    assert one.values == {"targets": "10.0.0.1:6443, k8s.example.org:443, [::1]:6443"}
    assert SECRET not in repr(one)


def test_kubeconfig_may_be_several_files(tmp_path: Path) -> None:
    """KUBECONFIG names them; one that is missing or no file is passed over."""
    file = tmp_path / "a.yaml"
    file.write_text("    server: https://one.example.org\n")

    (one,) = found(tmp_path, {"KUBECONFIG": f"{file}:{tmp_path}/none:{tmp_path}"})

    assert one.values == {"targets": "one.example.org:443"}


def test_hosts_of_the_certificates_that_are_kept_here_are_targets(tmp_path: Path) -> None:
    """Folders are named after hosts, a renewed one with a number; what is no host is left out."""
    for name in ("www.example.org", "mail.example.org-0001", "internal"):
        (tmp_path / "live" / name).mkdir(parents=True)
    (tmp_path / "live" / "README").touch()

    (one,) = found(tmp_path)

    assert one.values == {"targets": "mail.example.org:443, www.example.org:443"}


def test_a_register_beside_the_configuration_is_found(tmp_path: Path) -> None:
    """``attestations.toml`` is its usual name."""
    (tmp_path / "attestations.toml").touch()

    assert [each.kind for each in found(tmp_path)] == ["register"]


def test_nothing_is_found_on_an_empty_machine(tmp_path: Path) -> None:
    """And nothing is made up."""
    assert found(tmp_path) == []
