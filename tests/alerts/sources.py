"""Scenarios in which sources are cut or lie, checks fail, and waivers end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Final

from demo.replicas.okta import OktaTenant, OktaUser, app
from engine.attach.client import AttachedThread
from engine.port import Pause
from tests.alerts.scenario import HOUR, Expected, Scenario, aged, backups, dump, files, plain
from tests.support.console import command, scraped, until
from tests.support.engines import EngineProcess
from tests.support.pki import Farm, Issued, Pki
from tests.support.replicas import Replicas

TOKEN: Final = "okta-token"
CHECKS: Final = 200
USERS: Final = 50
LEFT: Final = 2
"""4 % of them."""
DEADLINE: Final = timedelta(seconds=40)
"""Time from the cut of a source to the deadline of the backup that it told of last."""
_MANY: Final = 1_000_000


# -- one source under many checks --------------------------------------------------------------------


def cut(folder: Path, replicas: Replicas) -> Scenario:
    """One directory is cut, and 200 checks read it."""
    names = [f"workforce-{number:03}" for number in range(CHECKS)]
    tenant = _tenant([_user(number) for number in range(3)])
    replica = replicas.serve(lambda: app(tenant))
    engine = EngineProcess("cut", folder / "cut")
    checks = "".join(_check(name, "mfa_coverage", "okta", 'max_age = "25s"') for name in names)
    engine.write(_okta(engine.folder, "okta", replica.origin, every="10s") + checks)
    return Scenario(
        engine,
        engine.start,
        [Expected("ControlwatchSourceBlind", {"source": "okta"})],
        lambda: replicas.cut(replica),
        lambda: replicas.mend(replica),
        steady=names,
    )


def silent(folder: Path, farm: Farm) -> Scenario:
    """A source never answers from the first run on; each run is given up after ten seconds."""
    engine = EngineProcess("silent", folder / "silent")
    engine.write(_mute(farm, 'timeout = "10s"') + _check("certificates", "tls_expiry", "mute"))
    blind = Expected("ControlwatchSourceBlind", {"source": "mute"}, ends=False, early=True)
    return Scenario(engine, engine.start, [blind], steady=())


def starved(folder: Path, farm: Farm) -> Scenario:
    """A source that never answers holds the only slot, so another is never asked and its check never judged."""
    engine = plain(folder, "starved")
    engine.write(
        _mute(farm)
        + _check("certificates", "tls_expiry", "mute", _SHORT)
        + files("dumps")
        + backups("backups", "dumps", _SHORT),
        "concurrency = 1",
    )
    blind = [Expected("ControlwatchSourceBlind", {"source": source}, ends=False) for source in ("mute", "dumps")]
    return Scenario(engine, engine.start, blind, steady=())


_SHORT: Final = 'max_age = "20s"'


def _mute(farm: Farm, more: str = "") -> str:
    """Configure a source whose one endpoint accepts connections and never says a word."""
    target = f"127.0.0.1:{farm.silent()}@localhost"
    return f'\n[sources.mute]\nkind = "tls"\nevery = "4s"\ntarget_timeout = "20m"\ntargets = ["{target}"]\n{more}\n'


# -- an estate in which much goes wrong at once ------------------------------------------------------


class Estate:
    """One engine over directories, backups, an endpoint and a waiver, each of which breaks in a way of its own."""

    def __init__(self, folder: Path, replicas: Replicas, farm: Farm) -> None:
        """Furnish it."""
        self.engine = EngineProcess("estate", folder / "estate")
        self.people = _tenant([_user(number) for number in range(USERS)])
        self.admins = _tenant([_user(0, roles=["SUPER_ADMIN"]), _user(1, roles=["SUPER_ADMIN"]), _sealed()])
        home = self.engine.folder
        home.mkdir(parents=True)
        self.endpoint = Endpoint(farm, home)
        for name in ("late", "cut", "old"):
            dump(home / name)
        aged(home / "old" / "db.sql", timedelta(days=3))
        self._waive(timedelta(days=60))
        self.engine.write(
            _okta(home, "people", replicas.serve(lambda: app(self.people)).origin, every="5s")
            + _okta(home, "admins", replicas.serve(lambda: app(self.admins)).origin)
            + _SEALED
            + files("late", more=_OBJECTIVE)
            + files("cut", more=_OBJECTIVE)
            + files("old")
            + f'[sources.edge]\nkind = "tls"\nevery = "4s"\nca_file = "root.pem"\ntargets = ["{self.endpoint.target}"]'
            + _check("workforce", "mfa_coverage", "people")
            + _check("admin-mfa", "admin_mfa", "admins")
            + _check("sealed", "stale_access", "admins")
            + backups("late-backups", "late", _CRITICAL)
            + backups("cut-backups", "cut", _CRITICAL)
            + backups("lent-backups", "old")
            + _check("certificates", "tls_expiry", "edge")
        )

    def scenario(self) -> Scenario:
        """Give the scenario."""
        return Scenario(
            self.engine,
            self.engine.start,
            [
                Expected("ControlwatchSourceBlind", {"source": "people"}),
                Expected("ControlwatchSourceBlind", {"source": "cut"}),
                Expected("ControlwatchAdminLostMfa", {"check": "admin-mfa"}, "pager"),
                Expected("ControlwatchBreakGlassUsed", {"check": "sealed"}, "pager", ends=False),
                Expected("ControlwatchBackupOverdue", {"check": "late-backups"}, "pager"),
                Expected("ControlwatchBackupOverdue", {"check": "cut-backups"}, "pager"),
                Expected("ControlwatchTlsBroken", {"check": "certificates"}, "pager"),
                Expected("ControlwatchWaiverExpiring", {"check": "lent-backups"}),
            ],
            self.breaks,
            self.mends,
            steady=("workforce", "admin-mfa", "sealed", "late-backups", "cut-backups", "certificates"),
        )

    def breaks(self) -> None:
        """Break all of it."""
        home = self.engine.folder
        aged(home / "cut" / "db.sql", _RPO + timedelta(minutes=1) - DEADLINE)
        was = self._deadline()
        self.people.users[LEFT:] = []
        self.admins.users[0].factors = []
        self.admins.users[2].last_login = datetime.now(UTC)
        aged(home / "late" / "db.sql", timedelta(days=1))
        self.endpoint.show("late")
        self._waive(timedelta(days=5))
        until(lambda: self._deadline() != was, seconds=60)
        (home / "cut").rename(home / "cut.away")

    def mends(self) -> None:
        """Mend all that can be mended at once."""
        home = self.engine.folder
        told = command("source", "accept", "people", "--reason", "the subsidiary was sold", folder=home)
        assert told.returncode == 0, told.stdout + told.stderr
        self.admins.users[0].factors = ["webauthn"]
        dump(home / "late")
        (home / "cut.away").rename(home / "cut")
        dump(home / "cut")
        self.endpoint.show("good")
        self._waive(timedelta(days=60))

    def _deadline(self) -> str:
        lines = scraped(self.engine.port).splitlines()
        return next(
            (
                line
                for line in lines
                if line.startswith("controlwatch_backup_deadline_timestamp_seconds{") and 'source="cut"' in line
            ),
            "",
        )

    def _waive(self, left: timedelta) -> None:
        _waiver(self.engine.folder, "lent-backups", "old", left)


class Endpoint:
    """A TLS listener whose certificate changes."""

    def __init__(self, farm: Farm, folder: Path) -> None:
        """Listen with a good certificate; the root is ``root.pem`` in the folder."""
        home = folder / "pki"
        home.mkdir()
        pki = Pki(home)
        (folder / "root.pem").write_bytes(pki.ca_file.read_bytes())
        self._issued = {"good": pki.leaf("good", days=90), "late": pki.leaf("late", days=-3)}
        self._shown = "good"
        self.target = f"127.0.0.1:{farm.serve(self._answer)}@localhost"

    def show(self, name: str) -> None:
        """Show another certificate from now on."""
        self._shown = name

    def _answer(self, connection: socket) -> None:
        issued: Issued = self._issued[self._shown]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.chain, issued.key)
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)


_RPO: Final = 6 * HOUR
_OBJECTIVE: Final = 'rpo = "6h"\ngrace = "1m"'
_CRITICAL: Final = 'severity = "critical"'
_SEALED: Final = """
[[sources.admins.classify]]
match = { login = "break-glass*" }
class = "break_glass"
reason = "emergency access"
owner = "security"
review_by = 2031-03-31
"""


# -- what never notifies -----------------------------------------------------------------------------


def quiet(folder: Path, farm: Farm) -> Scenario:
    """One check fails under a waiver, one fails and is paused, one waits for a source that never answered."""
    more = (
        files("old")
        + backups("waived", "old")
        + files("older")
        + backups("paused", "older")
        + _mute(farm)
        + _check("pending", "tls_expiry", "mute")
    )
    engine = plain(folder, "quiet", more)
    for name in ("old", "older"):
        dump(engine.folder / name, age=timedelta(days=3))
    _waiver(engine.folder, "waived", "old", timedelta(days=60))

    def start() -> None:
        engine.start()
        until(lambda: scraped(engine.port) != "", seconds=60)
        _pause(engine, "paused")

    return Scenario(engine, start)


def _pause(engine: EngineProcess, check: str) -> None:
    attached = AttachedThread(engine.folder / "state")
    port = attached.start()
    try:
        until_ = datetime.now(UTC) + timedelta(days=1)
        reply = asyncio.run(port.send(Pause(check=check, reason="moved tonight", by="ana", until=until_)))
    finally:
        attached.stop()
    assert reply.ok, reply.message


# -- pieces ------------------------------------------------------------------------------------------


def _check(name: str, check: str, source: str, more: str = "") -> str:
    return f'\n[checks.{name}]\ncheck = "{check}"\nsources = ["{source}"]\n{more}\n'


def _okta(folder: Path, name: str, origin: str, *, every: str = "4s", more: str = "") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "okta-token"
    secret.write_text(f"{TOKEN}\n")
    secret.chmod(0o600)
    return f"""
[sources.{name}]
kind = "okta"
every = "{every}"
url = "{origin}"
token = "file:okta-token"
requests_per_minute = 60000
{more}
"""


def _tenant(users: Sequence[OktaUser]) -> OktaTenant:
    tenant = OktaTenant(users=list(users))
    tenant.per_minute = dict.fromkeys(tenant.per_minute, _MANY)
    return tenant


def _user(number: int, *, roles: Sequence[str] = ()) -> OktaUser:
    return OktaUser(
        id=f"00u{number:017}",
        login=f"person{number}@example.org",
        last_login=datetime.now(UTC) - HOUR,
        factors=["webauthn"],
        roles=list(roles),
    )


def _sealed() -> OktaUser:
    return OktaUser(id="00u99999999999999999", login="break-glass@example.org", factors=["webauthn"])


def _waiver(folder: Path, check: str, subject: str, left: timedelta) -> None:
    now = datetime.now(UTC)
    fresh = folder / "waivers.fresh"
    fresh.write_text(
        f"""
[[waiver]]
id = "W-01"
check = "{check}"
subjects = ["{subject}"]
reason = "the host moves to the new vault this quarter"
requested_by = "it"
approved_by = "security"
starts = {(now - timedelta(days=10)).date()}
expires = {(now + left).date()}
"""
    )
    fresh.replace(folder / "waivers.toml")
