"""The GitHub replica's answers validate against models generated from GitHub's own OpenAPI document.

GitHubKit's schemas (MIT) are made from github/rest-api-description; these are of Enterprise Cloud, version 2022-11-28.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from demo.replicas import github
from demo.replicas.serve import serving
from tests.demo.replicas.asking import Client
from tests.demo.replicas.vendor import needs_models
from tests.support.clock import NOW

MODULE = "githubkit_schemas.ghec_v2022_11_28.models"
PACKAGE = "'githubkit-schemas[ghec-2022-11-28]' 'hishel<2'"
ORG = "/orgs/example"


def estate() -> github.GithubTenant:
    """Return an organisation with one of everything, filled and empty."""
    kinds = ("personal access token", "OAuth app token", "GitHub app token", "SSH key")
    return github.GithubTenant(
        members=[github.GithubUser("ana", role="admin"), github.GithubUser("ci", type="Bot", site_admin=True)],
        outside_collaborators=[github.GithubUser("dee")],
        installations=[github.Installation("renovate"), github.Installation("old", suspended_at=NOW)],
        credential_authorizations=[
            *(github.CredentialAuthorization("ana", kind, title="laptop") for kind in kinds),
            github.CredentialAuthorization("ana", accessed_at=NOW, expires_at=NOW),
        ],
        fine_grained_tokens=[
            github.FineGrainedToken("ana", "ci", expires_at=NOW, last_used_at=NOW),
            github.FineGrainedToken("gone", "old", expired=True, permissions={"organization": {"members": "read"}}),
        ],
        repositories=[github.Repository("site", [github.DeployKey("a", last_used=NOW), github.DeployKey("b")])],
        audit_events=[github.AuditEvent("ana", NOW, user="ben"), github.AuditEvent("ana", NOW)],
        credentials={"github-token": github.GithubToken(), "app": github.GithubToken(kind="app")},
        two_factor_requirement_enabled=True,
    )


async def told(session: aiohttp.ClientSession, path: str, credential: str = "github-token", status: int = 200) -> Any:
    """Return one answer of the estate."""
    async with serving(github.app(estate())) as origin:
        answer = await Client(session, origin, {"Authorization": f"Bearer {credential}"}).get(path)
    assert answer.status == status
    return answer.body


def judged(model: Any, row: dict[str, Any]) -> None:
    """Validate a row, and hold it to say nothing that the model does not know."""
    model.model_validate(row)
    assert set(row) <= {info.alias or name for name, info in model.model_fields.items()}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (f"{ORG}/members", "SimpleUser"),
        (f"{ORG}/public_members", "SimpleUser"),
        (f"{ORG}/outside_collaborators", "SimpleUser"),
        (f"{ORG}/credential-authorizations", "CredentialAuthorization"),
        (f"{ORG}/repos", "MinimalRepository"),
        ("/repos/example/site/keys", "DeployKey"),
        (f"{ORG}/audit-log", "AuditLogEvent"),
    ],
)
async def test_rows_are_of_the_published_model(session: aiohttp.ClientSession, path: str, model: str) -> None:
    """Each row has what is required, of the right type, and nothing else."""
    models = needs_models(MODULE, package=PACKAGE)
    rows = await told(session, path)
    assert rows
    for row in rows:
        judged(getattr(models, model), row)


async def test_fine_grained_tokens_are_of_the_published_model(session: aiohttp.ClientSession) -> None:
    """An app's list of them validates."""
    models = needs_models(MODULE, package=PACKAGE)
    rows = await told(session, f"{ORG}/personal-access-tokens", "app")
    assert rows
    for row in rows:
        judged(models.OrganizationProgrammaticAccessGrant, row)


async def test_the_organisation_is_of_the_published_model(session: aiohttp.ClientSession) -> None:
    """With what an owner sees and without."""
    models = needs_models(MODULE, package=PACKAGE)
    judged(models.OrganizationFull, await told(session, ORG))
    judged(models.OrganizationFull, await told(session, ORG, "app"))


async def test_installations_are_of_the_published_model(session: aiohttp.ClientSession) -> None:
    """The envelope and each installation validate."""
    models = needs_models(MODULE, package=PACKAGE)
    body = await told(session, f"{ORG}/installations")
    judged(models.OrgsOrgInstallationsGetResponse200, body)
    for row in body["installations"]:
        judged(models.Installation, row)


@pytest.mark.parametrize(
    ("path", "credential", "status", "model"),
    [
        (ORG, "wrong", 401, "BasicError"),
        ("/orgs/elsewhere", "github-token", 404, "BasicError"),
        (f"{ORG}/personal-access-tokens", "github-token", 403, "BasicError"),
        (f"{ORG}/members?filter=none", "github-token", 422, "ValidationError"),
    ],
)
async def test_errors_are_of_the_published_model(
    session: aiohttp.ClientSession, path: str, credential: str, status: int, model: str
) -> None:
    """Each error validates as the document says for its status."""
    models = needs_models(MODULE, package=PACKAGE)
    getattr(models, model).model_validate(await told(session, path, credential, status))
