"""Requests are signed as botocore signs them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from sources.common.sigv4 import Keys, Scope, signed_headers

USER = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
ROLE = Keys("ASIAEXAMPLE", "another+secret/key", "a-session-token==")
IAM = Scope("us-east-1", "iam")
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize("keys", [pytest.param(USER, id="user"), pytest.param(ROLE, id="role")])
@pytest.mark.parametrize(
    ("method", "url", "headers", "body"),
    [
        pytest.param("POST", "https://iam.amazonaws.com/", FORM, b"Action=ListUsers&Version=2010-05-08", id="form"),
        pytest.param("GET", "https://iam.amazonaws.com/", {}, b"", id="no-body"),
        pytest.param("POST", "http://127.0.0.1:5000/", FORM, b"Action=X", id="port"),
        pytest.param("GET", "https://sts.amazonaws.com/?b=2&a=%2F&a=1&c", {}, b"", id="query"),
        pytest.param("GET", "https://example.org/a%20b/c~d", {"X-Note": "  two   words "}, b"", id="path-and-spaces"),
    ],
)
def test_a_signature_is_that_of_botocore(
    keys: Keys, method: str, url: str, headers: dict[str, str], body: bytes
) -> None:
    """Whatever the path, the query, the headers and the body, botocore signs the same at the same instant."""
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(credentials, IAM.service, IAM.region).add_auth(request)
    at = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    ours = signed_headers(keys, IAM, method, URL(url, encoded=True), headers, body, at)

    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours.get("X-Amz-Security-Token") == request.headers.get("X-Amz-Security-Token")


def test_another_body_has_another_signature() -> None:
    """The body is signed, so that nobody can change what is asked."""
    at = datetime(2026, 11, 21, tzinfo=UTC)
    url = URL("https://iam.amazonaws.com/")
    first, second = (signed_headers(USER, IAM, "POST", url, FORM, body, at) for body in (b"a", b"b"))
    assert first["Authorization"] != second["Authorization"]


def test_the_text_of_a_key_holds_no_secret() -> None:
    """A key that is printed by accident shows its public name alone."""
    text = f"{ROLE!r} {ROLE}"
    assert ROLE.access_key_id in text
    assert ROLE.secret_access_key not in text
    assert str(ROLE.session_token) not in text
