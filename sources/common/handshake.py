"""One TLS handshake tells the verdict *and* shows the chain, so a bad certificate never hides its own expiry.

The handshake runs over ``ssl.MemoryBIO``: when OpenSSL refuses the chain, the ``SSLObject`` still holds what the server
sent. The public ``get_unverified_chain`` came with Python 3.13; 3.11 and 3.12 have the same function on the private
``_sslobj``. Where neither exists, a second connection that verifies nothing fetches the leaf.

Trust is judged dates and names apart: the context sets OpenSSL's ``X509_V_FLAG_NO_CHECK_TIME`` and checks no host
name, so ``trusted`` is the verifier's word on path, signatures, purposes, constraints and key strength alone, and an
expired certificate, whose dates the caller reads, cannot hide a wrong name or an unknown issuer. Without dates OpenSSL
may follow an expired issuer though a valid one is there (cross-signs); only then a second handshake asks for a path
that is valid today.

Sessions are never resumed, since a resumed one shows no chain. A server that asks for a client certificate gets none.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from checks.model.doubt import Cause
from sources.common.errors import Absent, Malformed, SourceError, Unconfigured, Unreachable
from sources.common.exchange import Ended, Endpoint, exchange
from sources.common.x509 import Certificate, Validity, read_certificate, read_validity

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL 1.1.0 and later (x509_vfy.h); Python has no name for it."""
_DER: Final = 2
"""``_ssl.ENCODING_DER``, for the private chain functions of Python 3.11 and 3.12."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server showed."""

    leaf: Certificate
    """The server's own certificate."""
    issuers: tuple[Validity | None, ...]
    """Dates of the rest of the chain: the path to a trusted root when ``trusted``, else as sent; None: not told."""
    trusted: bool | None
    """Whether the chain leads to a trusted root, dates and names apart; None: the handshake broke off before that."""
    trust_error: str | None
    """OpenSSL's reason when ``trusted`` is False, ours when it is None."""
    protocol: str
    """``TLSv1.3`` or ``TLSv1.2``."""

    @property
    def effective_not_after(self) -> datetime | None:
        """The earliest end of validity over the chain, UTC; None when an issuer's is not told."""
        told = [self.leaf.validity.not_after, *(one.not_after for one in self.issuers if one is not None)]
        return None if None in self.issuers else min(told)


class Trust:
    """The roots that a collection trusts: one context, shared by all of its handshakes."""

    def __init__(self, ca_file: Path | None = None) -> None:
        """Load the roots of a PEM file, else the system's; raises ``Unconfigured`` when there are none."""
        self._ca_file = ca_file
        self.timeless = _verifying_context(ca_file)
        self.timeless.verify_flags |= _NO_CHECK_TIME
        self.issuer_validity = lru_cache(maxsize=1_024)(_issuer_validity)

    @cached_property
    def dated(self) -> ssl.SSLContext:
        """A context that refuses an out-of-date path; loading the system's roots takes some 17 ms, so only at need."""
        return _verifying_context(self._ca_file)

    @cached_property
    def blind(self) -> ssl.SSLContext:
        """A context that verifies nothing, for a Python that hides the chain of a refused handshake."""
        context = _bare_context()
        context.verify_mode = ssl.CERT_NONE
        return context


async def shake(endpoint: Endpoint, trust: Trust, now: datetime) -> Shown:
    """Shake hands once and return what the server showed; the caller bounds the time.

    Raises ``Unreachable`` (no name, no route, no answer), ``Malformed`` (no TLS, no readable certificate) or
    ``SourceError`` with the cause ``unsupported`` (no STARTTLS, no TLS 1.2 or newer, nothing that we could agree on).
    """
    shown = await _attempt(endpoint, trust.timeless, trust)
    if shown.trusted is not True or not _only_an_issuer_is_out_of_date(shown, now):
        return shown
    other = await _attempt(endpoint, trust.dated, trust)
    if other.trusted is True and other.leaf.fingerprint == shown.leaf.fingerprint:
        return other
    early = any(one.not_before > now for one in shown.issuers if one is not None)
    return replace(shown, trusted=False, trust_error="an issuer is not yet valid") if early else shown


def _only_an_issuer_is_out_of_date(shown: Shown, now: datetime) -> bool:
    def in_date(one: Validity) -> bool:
        return one.not_before <= now <= one.not_after

    return in_date(shown.leaf.validity) and not all(in_date(one) for one in shown.issuers if one is not None)


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    return context


def _verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    context = _bare_context()
    # What the operator lists is an anchor even if it is an intermediate, as in curl, Go and Python 3.13.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=ca_file)
    except FileNotFoundError as fault:
        raise Absent(f"the roots in {ca_file} are not there", "put them there, or mend ca_file", "ca_file") from fault
    except OSError as fault:
        raise Unconfigured(f"the roots in {ca_file} cannot be read: {fault.strerror or fault}") from fault
    if context.cert_store_stats()["x509"] == 0 and not (ca_file is None and _has_root_folder()):
        message = f"there is no root certificate in {ca_file or 'the system store'}; set ca_file"
        raise Unconfigured(message)
    return context


def _has_root_folder() -> bool:
    """Tell whether OpenSSL reads roots one by one from a folder, which its statistics do not count."""
    folder = ssl.get_default_verify_paths().capath or ""
    return folder != "" and any(Path(folder).glob("*.[0-9]"))


def _issuer_validity(der: bytes) -> Validity | None:
    try:
        return read_validity(der)
    except Malformed:
        return None


async def _attempt(endpoint: Endpoint, context: ssl.SSLContext, trust: Trust) -> Shown:
    ended = await exchange(endpoint, context)
    trusted, why = _verdict(ended)
    chain = _chain(ended.tls, "get_verified_chain" if trusted is True else "get_unverified_chain")
    issuers: tuple[Validity | None, ...]
    if chain is None:
        chain, issuers = await _leaf_alone(ended, endpoint, trust), (None,)
    else:
        issuers = tuple(trust.issuer_validity(der) for der in chain[1:])
    if not chain:
        raise _refusal(endpoint, ended.error)
    return Shown(read_certificate(chain[0]), issuers, trusted, why, _protocol(ended.tls))


async def _leaf_alone(ended: Ended, endpoint: Endpoint, trust: Trust) -> tuple[bytes, ...]:
    """Fetch the leaf where this Python hides chains; a refused handshake takes a second connection."""
    if isinstance(ended.error, ssl.SSLCertVerificationError):
        ended = await exchange(endpoint, trust.blind)
    leaf = None if ended.error is not None else ended.tls.getpeercert(binary_form=True)
    return () if leaf is None else (leaf,)


def _verdict(ended: Ended) -> tuple[bool | None, str | None]:
    """Say trusted only when OpenSSL verified the path *and* the server's proof that it holds the leaf's key.

    A TLS 1.2 server that wants a client certificate breaks off after our second flight, when both are done.
    """
    if isinstance(ended.error, ssl.SSLCertVerificationError):
        return False, ended.error.verify_message
    if ended.error is None or (ended.flights > 1 and _protocol(ended.tls) == "TLSv1.2"):
        return True, None
    return None, f"the handshake broke off: {_reason(ended.error)}"


def _protocol(tls: ssl.SSLObject) -> str:
    """Tell the version even of a refused handshake, where only TLS 1.3 has settled on its cipher."""
    cipher = tls.cipher()
    return "TLSv1.3" if cipher is not None and cipher[1] == "TLSv1.3" else "TLSv1.2"


def _chain(tls: ssl.SSLObject, function: str) -> tuple[bytes, ...] | None:
    """Give a chain, empty when no certificate came; None when this Python hides it."""
    public = getattr(tls, function, None)
    private: Any = getattr(getattr(tls, "_sslobj", None), function, None)
    if public is not None:
        return tuple(public())
    if private is not None:
        return tuple(one.public_bytes(_DER) for one in private() or ())
    return None


def _refusal(endpoint: Endpoint, error: Exception | None) -> SourceError:
    """Name who must act when no certificate was shown."""
    if isinstance(error, SourceError):
        return error
    where = f"{endpoint.host} port {endpoint.port}"
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return Unreachable(f"{where} broke off the handshake: {_reason(error)}")
    reason = error.reason or ""
    if "ALERT" in reason or reason in {"UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"}:
        return SourceError(f"{where} refuses a TLS 1.2 or 1.3 handshake: {_reason(error)}", cause=Cause.UNSUPPORTED)
    return Malformed(f"{where} does not speak TLS: {_reason(error)}")


def _reason(error: Exception | None) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error)
