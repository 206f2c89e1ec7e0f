"""A GitHub organisation's things as the REST API writes them (github/rest-api-description, version 2022-11-28)."""

from __future__ import annotations

import base64
from typing import Final

from demo.replicas.github_tenant import (
    AuditEvent,
    CredentialAuthorization,
    DeployKey,
    FineGrainedToken,
    GithubTenant,
    GithubUser,
    Installation,
    Repository,
    number,
)
from demo.replicas.paging import Row, stamp

_USER_URLS: Final = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_URLS: Final = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks"),
    *("issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams"),
    "trees",
)


def _node_id(kind: str, ident: int) -> str:
    return base64.b64encode(f"{len(kind):02d}:{kind}{ident}".encode()).decode()


def user_row(user: GithubUser, origin: str) -> Row:
    """Write a user as lists show it, without any activity or second factor."""
    url = f"{origin}/users/{user.login}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": _node_id(user.type, user.id),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{user.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{user.login}",
        **{name: url + path for name, path in _USER_URLS.items()},
        "type": user.type,
        "user_view_type": "public",
        "site_admin": user.site_admin,
    }


def account_row(tenant: GithubTenant, origin: str) -> Row:
    """Write the organisation as the owner of things."""
    return user_row(GithubUser(tenant.org, type="Organization"), origin)


def organization_row(tenant: GithubTenant, origin: str, *, owner: bool) -> Row:
    """Write the organisation; only its owners see how it is set up."""
    url = f"{origin}/orgs/{tenant.org}"
    row: Row = {
        "login": tenant.org,
        "id": number(tenant.org),
        "node_id": _node_id("Organization", number(tenant.org)),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number(tenant.org)}?v=4",
        "description": None,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": sum(not repository.private for repository in tenant.repositories),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": f"https://github.com/{tenant.org}",
        "type": "Organization",
        "created_at": stamp(tenant.created_at),
        "updated_at": stamp(tenant.created_at),
        "archived_at": None,
    }
    return row | _owners_row(tenant) if owner else row


def _owners_row(tenant: GithubTenant) -> Row:
    """Write what the owners of the organisation see beside."""
    return {
        "total_private_repos": sum(repository.private for repository in tenant.repositories),
        "default_repository_permission": "read",
        "members_can_create_repositories": True,
        "two_factor_requirement_enabled": tenant.two_factor_requirement_enabled,
        "plan": {
            "name": "enterprise" if tenant.enterprise_cloud else "team",
            "space": 976562499,
            "private_repos": 999999,
            "filled_seats": len(tenant.members),
            "seats": len(tenant.members) + 5,
        },
    }


def installation_row(app: Installation, tenant: GithubTenant, origin: str) -> Row:
    """Write an installed GitHub App."""
    return {
        "id": app.id,
        "account": account_row(tenant, origin),
        "repository_selection": app.repository_selection,
        "access_tokens_url": f"{origin}/app/installations/{app.id}/access_tokens",
        "repositories_url": f"{origin}/installation/repositories",
        "html_url": f"https://github.com/organizations/{tenant.org}/settings/installations/{app.id}",
        "app_id": number(app.app_slug),
        "app_slug": app.app_slug,
        "target_id": number(tenant.org),
        "target_type": "Organization",
        "permissions": app.permissions,
        "events": [],
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": stamp(app.suspended_at),
    }


def credential_row(credential: CredentialAuthorization) -> Row:
    """Write a credential that a member authorised for SAML."""
    row: Row = {
        "login": credential.login,
        "credential_id": credential.credential_id,
        "credential_type": credential.credential_type,
        "credential_authorized_at": stamp(credential.authorized_at),
        "credential_accessed_at": stamp(credential.accessed_at),
        "authorized_credential_id": credential.credential_id + 1,
    }
    if credential.credential_type == "SSH key":
        return row | {"fingerprint": f"{credential.credential_id:x}", "authorized_credential_title": credential.title}
    return row | {
        "token_last_eight": f"{credential.credential_id:08x}"[-8:],
        "authorized_credential_expires_at": stamp(credential.expires_at),
        "scopes": credential.scopes,
    }


def grant_row(token: FineGrainedToken, owner: GithubUser, tenant: GithubTenant, origin: str) -> Row:
    """Write a fine-grained token's access to the organisation."""
    return {
        "id": token.id,
        "owner": user_row(owner, origin),
        "repository_selection": token.repository_selection,
        "repositories_url": (
            f"{origin}/organizations/{number(tenant.org)}/personal-access-tokens/{token.id}/repositories"
        ),
        "permissions": token.permissions,
        "access_granted_at": stamp(token.granted_at),
        "token_id": token.id + 1,
        "token_name": token.name,
        "token_expired": token.expired,
        "token_expires_at": stamp(token.expires_at),
        "token_last_used_at": stamp(token.last_used_at),
    }


def repository_row(repository: Repository, tenant: GithubTenant, origin: str) -> Row:
    """Write a repository as lists show it."""
    url = f"{origin}/repos/{tenant.org}/{repository.name}"
    return {
        "id": repository.id,
        "node_id": _node_id("Repository", repository.id),
        "name": repository.name,
        "full_name": f"{tenant.org}/{repository.name}",
        "owner": account_row(tenant, origin),
        "private": repository.private,
        "html_url": f"https://github.com/{tenant.org}/{repository.name}",
        "description": None,
        "fork": False,
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_URLS},
        "archived": repository.archived,
    }


def deploy_key_row(key: DeployKey, repository: Repository, tenant: GithubTenant, origin: str) -> Row:
    """Write a deploy key."""
    return {
        "id": key.id,
        "key": "ssh-ed25519 AAAA",
        "url": f"{origin}/repos/{tenant.org}/{repository.name}/keys/{key.id}",
        "title": key.title,
        "verified": True,
        "created_at": stamp(key.created_at),
        "read_only": key.read_only,
        "added_by": key.added_by,
        "last_used": stamp(key.last_used),
        "enabled": key.enabled,
    }


def event_row(event: AuditEvent, position: int, tenant: GithubTenant) -> Row:
    """Write an audit event; its instants are epoch milliseconds."""
    at = int(event.at.timestamp() * 1000)
    row: Row = {
        "@timestamp": at,
        "_document_id": base64.urlsafe_b64encode(f"{position}-{at}".encode()).decode().rstrip("="),
        "action": event.action,
        "actor": event.actor,
        "created_at": at,
        "org": tenant.org,
    }
    return row if event.user is None else row | {"user": event.user}
