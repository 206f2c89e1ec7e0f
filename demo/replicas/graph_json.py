"""An Entra tenant's things as Graph v1.0 writes them (the types of microsoftgraph/msgraph-metadata's CSDL)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from demo.replicas.graph_tenant import (
    ROLES,
    AppCredential,
    GraphApplication,
    GraphGroup,
    GraphServicePrincipal,
    GraphTenant,
    GraphUser,
    RoleAssignment,
    SignIn,
)
from demo.replicas.paging import Row, stamp

SENTINEL: Final = "0001-01-01T00:00:00Z"
"""What Graph writes for an instant that never was."""

USER_DEFAULTS: Final = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What ``/users`` tells without ``$select`` (learn.microsoft.com/graph/api/user-list)."""

_UNTOLD: Final = dict.fromkeys(
    [
        *("ageGroup", "city", "companyName", "country", "creationType", "deletedDateTime", "department"),
        *("employeeHireDate", "givenName", "jobTitle", "mobilePhone", "officeLocation"),
        *("onPremisesDomainName", "onPremisesImmutableId", "onPremisesLastSyncDateTime"),
        *("onPremisesSamAccountName", "onPremisesUserPrincipalName", "passwordPolicies", "preferredLanguage"),
        *("securityIdentifier", "state", "surname", "usageLocation"),
    ]
)
"""Properties of a user that may be selected and that no tenant here fills."""

_NOT_MFA: Final = frozenset({"email", "securityQuestion", "password"})
"""Registered methods that only reset passwords."""


_PREFERRED: Final = {
    "microsoftAuthenticatorPush": "push",
    "softwareOneTimePasscode": "oath",
    "mobilePhone": "sms",
    "alternateMobilePhone": "voiceAlternateMobile",
    "officePhone": "voiceOffice",
}
"""``userPreferredMethodForSecondaryAuthentication`` by method."""


def user_row(user: GraphUser) -> Row:
    """Write every property of a user that may be selected, ``signInActivity`` only for users who signed in."""
    row: Row = {
        **_UNTOLD,
        "businessPhones": [],
        "displayName": user.display_name or user.user_principal_name.partition("@")[0].replace(".", " ").title(),
        "mail": user.mail or user.user_principal_name,
        "userPrincipalName": user.user_principal_name,
        "id": user.id,
        "accountEnabled": user.account_enabled,
        "userType": user.user_type,
        "createdDateTime": stamp(user.created),
        "employeeId": user.employee_id,
        "employeeType": user.employee_type,
        "employeeLeaveDateTime": stamp(user.employee_leave),
        "externalUserState": user.external_user_state,
        "externalUserStateChangeDateTime": stamp(user.external_user_state_changed),
        "onPremisesSyncEnabled": user.on_premises_sync_enabled,
        "lastPasswordChangeDateTime": stamp(user.last_password_change),
    }
    if user.sign_in is not None:
        row["signInActivity"] = _sign_in(user.sign_in)
    return row


def selectable() -> frozenset[str]:
    """Return what ``$select`` may name on a user."""
    return frozenset(user_row(GraphUser("nobody@example.org", sign_in=SignIn())))


def _sign_in(activity: SignIn) -> Row:
    return {
        "lastSignInDateTime": stamp(activity.interactive) or SENTINEL,
        "lastSignInRequestId": _request_id(activity.interactive),
        "lastNonInteractiveSignInDateTime": stamp(activity.non_interactive) or SENTINEL,
        "lastNonInteractiveSignInRequestId": _request_id(activity.non_interactive),
        "lastSuccessfulSignInDateTime": stamp(activity.successful),
        "lastSuccessfulSignInRequestId": _request_id(activity.successful) or None,
    }


def _request_id(at: datetime | None) -> str:
    return "" if at is None else f"d4d31c40-4c36-4775-ad59-{int(at.timestamp()):012x}"


def registration_row(user: GraphUser, tenant: GraphTenant, admins: frozenset[str]) -> Row:
    """Write a user's row of the registration report; ``admins`` are the ids of those who hold a role."""
    derived = any(method not in _NOT_MFA for method in user.methods)
    registered = derived if user.mfa_registered is None else user.mfa_registered
    preferred = next((_PREFERRED[method] for method in user.methods if method in _PREFERRED), "none")
    return {
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "userDisplayName": user.display_name or user.user_principal_name.partition("@")[0],
        "userType": "guest" if user.user_type == "Guest" else "member",
        "isAdmin": user.id in admins if user.admin is None else user.admin,
        "isSsprRegistered": "email" in user.methods or registered,
        "isSsprEnabled": False,
        "isSsprCapable": False,
        "isMfaRegistered": registered,
        "isMfaCapable": registered if user.mfa_capable is None else user.mfa_capable,
        "isPasswordlessCapable": any(
            method.startswith(("fido2", "passKey", "windowsHello")) for method in user.methods
        ),
        "methodsRegistered": list(user.methods),
        "isSystemPreferredAuthenticationMethodEnabled": True,
        "systemPreferredAuthenticationMethods": [preferred] if preferred != "none" else [],
        "userPreferredMethodForSecondaryAuthentication": preferred,
        "lastUpdatedDateTime": stamp(user.report_updated or tenant.report_updated, "microseconds"),
    }


def role_assignment_row(assignment: RoleAssignment) -> Row:
    """Write a role assignment, nothing expanded."""
    return {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "roleDefinitionId": assignment.role_definition_id,
        "directoryScopeId": assignment.directory_scope_id,
    }


def role_definition_row(definition_id: str) -> Row:
    """Write a built-in directory role."""
    return {
        "id": definition_id,
        "description": None,
        "displayName": ROLES.get(definition_id, "Custom role"),
        "isBuiltIn": definition_id in ROLES,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "rolePermissions": [],
        "templateId": definition_id,
        "version": "1",
    }


def principal_rows(tenant: GraphTenant, ids: set[str]) -> dict[str, Row]:
    """Return those that may hold a role or be a group's member, by object id, as ``$expand`` and ``members`` show."""
    return (
        {user.id: _user_object(user) for user in tenant.users if user.id in ids}
        | {group.id: _group_object(group) for group in tenant.groups if group.id in ids}
        | {each.id: _service_principal_object(each) for each in tenant.service_principals if each.id in ids}
    )


def _user_object(user: GraphUser) -> Row:
    row = user_row(user)
    return {"@odata.type": "#microsoft.graph.user"} | {name: row[name] for name in (*USER_DEFAULTS, "accountEnabled")}


def _group_object(group: GraphGroup) -> Row:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": group.id,
        "displayName": group.display_name,
        "isAssignableToRole": True,
        "securityEnabled": True,
    }


def _service_principal_object(principal: GraphServicePrincipal) -> Row:
    return {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": principal.id,
        "appId": principal.app_id,
        "displayName": principal.display_name,
        "servicePrincipalType": "Application",
        "accountEnabled": True,
    }


def application_row(application: GraphApplication) -> Row:
    """Write an application registration with its credentials."""
    return {
        "id": application.id,
        "appId": application.app_id,
        "displayName": application.display_name,
        "createdDateTime": stamp(application.created),
        "deletedDateTime": None,
        "description": None,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "identifierUris": [],
        "passwordCredentials": [_secret(credential) for credential in application.passwords],
        "keyCredentials": [_certificate(credential) for credential in application.keys],
    }


def _secret(credential: AppCredential) -> Row:
    return {
        "customKeyIdentifier": None,
        "displayName": credential.display_name,
        "endDateTime": stamp(credential.end),
        "hint": credential.hint,
        "keyId": credential.key_id,
        "secretText": None,
        "startDateTime": stamp(credential.start),
    }


def _certificate(credential: AppCredential) -> Row:
    return {
        "customKeyIdentifier": None,
        "displayName": credential.display_name,
        "endDateTime": stamp(credential.end),
        "key": None,
        "keyId": credential.key_id,
        "startDateTime": stamp(credential.start),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
