"""Every TLS endpoint shows a certificate that is trusted, fits its name and is not about to expire.

Population: the endpoints configured.
Fails:      the chain does not lead to a trusted root; the certificate does not cover the name asked for; the leaf, or
            the first certificate of the chain to end, has expired; the leaf is not valid yet. Trust, name and time are
            three facts: any of them fails, whatever is known of the others.
Warned:     the end comes within min(``warn_before``, a quarter of the lifetime); urgent within min(``urgent_before``,
            a tenth of it).
Unknown:    the endpoint was not reached, or one of the facts is not told; the last known end stays in the facts.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from checks.model.check import EXAMPLE_NOW, AlarmKind, Check, Example, Family, Mapped
from checks.model.doubt import Cause
from checks.model.facts import Facts, compared
from checks.model.judgement import Judgement, Outcome, failed, passed, warned
from checks.model.known import Known
from checks.model.records import TlsEndpoint
from checks.model.units import Duration, duration
from checks.model.untold import not_told, untold


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When the end of a certificate is near."""

    warn_before: Duration = duration("30d")
    """Time before the end in which an endpoint is warned; at most a quarter of the certificate's lifetime."""
    urgent_before: Duration = duration("7d")
    """Time before the end in which the warning is urgent; at most a tenth of the certificate's lifetime."""


EXPIRED, EARLY = "shows a certificate that has expired", "shows a certificate that is not valid yet"
UNTRUSTED, WRONG_NAME = "shows a certificate that is not trusted", "shows a certificate for another name"
SOON, VERY_SOON = "shows a certificate that expires soon", "shows a certificate that expires very soon"
NOT_TOLD = "did not show its certificate, or not all of it could be judged"


def judge(endpoint: TlsEndpoint, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one endpoint."""
    wrong = _wrong(endpoint, now)
    if wrong:
        early = endpoint.not_before if wrong == [EARLY] else None
        return failed(wrong[0], {**_facts(endpoint), **compared(faults="; ".join(wrong))}, until=early)
    begin, leaf_end, end = endpoint.not_before, endpoint.not_after, endpoint.effective_not_after
    told = endpoint.trusted is not None and endpoint.name_matches is not None
    if begin is None or leaf_end is None or end is None or not told:
        return _untold(endpoint, now)
    return _by_time(
        endpoint, policy, now, end=min(end, leaf_end), lifetime=Duration(seconds=(leaf_end - begin).total_seconds())
    )


def _wrong(endpoint: TlsEndpoint, now: datetime) -> list[str]:
    """List what is told to be wrong, the plainest first."""
    ends = [end for end in (endpoint.effective_not_after, endpoint.not_after) if end is not None]
    faults = []
    if ends and min(ends) <= now:
        faults.append(EXPIRED)
    if endpoint.trusted is False:
        faults.append(UNTRUSTED)
    if endpoint.name_matches is False:
        faults.append(WRONG_NAME)
    if endpoint.not_before is not None and now < endpoint.not_before:
        faults.append(EARLY)
    return faults


def _untold(endpoint: TlsEndpoint, now: datetime) -> Judgement:
    """Say what is not told; what is told may still fail with time."""
    missing = not_told(endpoint, ("effective_not_after", "not_after", "not_before", "trusted", "name_matches"))
    ends = [end for end in (endpoint.effective_not_after, endpoint.not_after) if end is not None]
    return untold(endpoint, NOT_TOLD, missing, _facts(endpoint), until=min(ends, default=None))


def _by_time(endpoint: TlsEndpoint, policy: Policy, now: datetime, *, end: datetime, lifetime: Duration) -> Judgement:
    """Judge an endpoint that is right but for the time that it has left."""
    warn_from = end - min(policy.warn_before, lifetime / 4)
    urgent_from = end - min(policy.urgent_before, lifetime / 10)
    if now < min(warn_from, urgent_from):
        return passed(until=min(warn_from, urgent_from))
    facts = {**_facts(endpoint), **compared(warn_from=warn_from, urgent_from=urgent_from)}
    if now < urgent_from:
        return warned(SOON, facts, until=urgent_from)
    return warned(VERY_SOON, facts, until=end, urgent=True)


def _facts(endpoint: TlsEndpoint) -> Facts:
    return compared(
        not_before=endpoint.not_before,
        not_after=endpoint.not_after,
        effective_not_after=endpoint.effective_not_after,
        last_known_not_after=endpoint.last_known_not_after,
        trusted=endpoint.trusted,
        trust_error=endpoint.trust_error,
        name_matches=endpoint.name_matches,
        issuer=endpoint.issuer,
        fingerprint=endpoint.fingerprint,
        protocol=endpoint.protocol,
    )


def _endpoint(name: str, **told: object) -> TlsEndpoint:
    base = TlsEndpoint(
        id=f"{name}.example.org:443",
        source="selftest",
        label=f"{name}.example.org:443",
        not_before=EXAMPLE_NOW - duration("30d"),
        not_after=EXAMPLE_NOW + duration("60d"),
        effective_not_after=EXAMPLE_NOW + duration("60d"),
        trusted=True,
        name_matches=True,
    )
    return msgspec.structs.replace(base, **told)


def _ending(name: str, end: datetime, **told: object) -> TlsEndpoint:
    return _endpoint(name, not_after=end, effective_not_after=end, **told)


_DOWN = dict.fromkeys(("not_before", "not_after", "effective_not_after", "trusted", "name_matches"))
_WHY = dict.fromkeys(_DOWN, Cause.UNREACHABLE.value)

EXAMPLES = (
    Example("long to go", Outcome.PASS, [_endpoint("good")]),
    Example("expires soon", Outcome.WARN, [_ending("soon", EXAMPLE_NOW + duration("9d"))]),
    Example("expires very soon", Outcome.WARN, [_ending("hurry", EXAMPLE_NOW + duration("2d"))]),
    Example("expired", Outcome.FAIL, [_ending("late", EXAMPLE_NOW - duration("1h"))]),
    Example(
        "intermediate expired",
        Outcome.FAIL,
        [_endpoint("chain", effective_not_after=EXAMPLE_NOW - duration("1h"))],
    ),
    Example("not valid yet", Outcome.FAIL, [_endpoint("early", not_before=EXAMPLE_NOW + duration("1d"))]),
    Example("not trusted", Outcome.FAIL, [_endpoint("self", trusted=False, trust_error="self-signed certificate")]),
    Example("wrong name", Outcome.FAIL, [_endpoint("other", name_matches=False)]),
    Example(
        "not reached",
        Outcome.UNKNOWN,
        [_endpoint("down", **_DOWN, why=_WHY, last_known_not_after=EXAMPLE_NOW + duration("60d"))],
    ),
    Example("trust not told", Outcome.UNKNOWN, [_endpoint("blind", trusted=None)]),
)

CHECK = Check(
    title="Every TLS certificate is trusted, fits its name and is not about to expire",
    family=Family.CERTIFICATION,
    over=(TlsEndpoint,),
    reads=frozenset(
        {
            "tls_endpoint.not_before",
            "tls_endpoint.not_after",
            "tls_endpoint.effective_not_after",
            "tls_endpoint.last_known_not_after",
            "tls_endpoint.trusted",
            "tls_endpoint.trust_error",
            "tls_endpoint.name_matches",
            "tls_endpoint.issuer",
            "tls_endpoint.fingerprint",
            "tls_endpoint.protocol",
        },
    ),
    judge=judge,
    policy=Policy,
    controls=(
        Mapped("soc2:CC6.7", "data in transit is protected by certificates that clients can trust", partial=True),
        Mapped("soc2:A1.2", "an outage by an expired certificate is seen coming", partial=True),
        Mapped("iso27001:A.8.24", "certificates are renewed in time and fit their purpose", partial=True),
        Mapped("nist80053:SC-8", "connections are protected by certificates that verify", partial=True),
        Mapped("nist80053:SC-12", "keys are replaced before their certificates end", partial=True),
        Mapped("nist80053:SC-17", "certificates come from issuers that are trusted", partial=True),
        Mapped("cis8:3.10", "sensitive data is encrypted in transit by valid certificates", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        EXPIRED: "Renew the certificate (or the intermediate named) and install it.",
        EARLY: "Compare the clocks, or install the certificate that is valid today.",
        UNTRUSTED: "Install the full chain from a trusted issuer, or name the private root in `ca_file`.",
        WRONG_NAME: "Install a certificate that covers the name asked for, or correct the target.",
        SOON: "Renew the certificate; automatic renewal should have done so by now.",
        VERY_SOON: "Renew the certificate today.",
        NOT_TOLD: "Reach the endpoint from this host: address, port, firewall, STARTTLS.",
    },
    alarms=dict.fromkeys((EXPIRED, UNTRUSTED, WRONG_NAME, EARLY), AlarmKind.TLS_BROKEN),
)
