"""A second raise of an alarm is told while the first still is, and none is told as resolved before all have ended."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.alerts.conftest import FACTOR
from tests.support.console import until
from tests.support.monitoring import monitoring
from tests.support.servers import needs
from tests.support.webhook import Webhook, webhook


def lost(raised: int) -> Mapping[str, str]:
    """Give the labels of an administrator who lost MFA at an instant."""
    about = {"job": "controlwatch", "instance": "a", "check": "admin-mfa", "raised": str(raised)}
    return {"alertname": "ControlwatchAdminLostMfa", "severity": "page", **about}


def send(port: int, *alerts: Mapping[str, str], ended: bool = False) -> None:
    """Tell Alertmanager that alerts fire, or that they ended."""
    now = datetime.now(UTC)
    ends = now - timedelta(seconds=1) if ended else now + timedelta(minutes=9)
    body = [
        {"labels": labels, "startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": ends.isoformat()}
        for labels in alerts
    ]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/alerts",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=5).close()


def told(hook: Webhook, raised: int, status: str) -> int:
    """Count how often a raise was told with a status, all of it to the pager."""
    found = [one for one in hook.told if one.about(raised=str(raised)) and one.alert.status == status]
    assert {one.receiver for one in found} <= {"pager"}
    return len(found)


def test_a_second_victim_is_told_and_ends_nothing(tmp_path: Path) -> None:
    """Both are in the second notification; the pager is told of their end once, when both have ended."""
    needs("prometheus", package="prometheus")
    needs("prometheus-alertmanager", package="prometheus-alertmanager")
    with webhook() as hook, monitoring(tmp_path, hook, [], FACTOR) as watch:
        until(lambda: _ready(watch.alertmanager), seconds=30)
        send(watch.alertmanager, lost(1))
        until(lambda: told(hook, 1, "firing") == 1, seconds=30)
        send(watch.alertmanager, lost(1), lost(2))
        until(lambda: told(hook, 2, "firing") == 1, seconds=30)
        assert (told(hook, 1, "firing"), told(hook, 1, "resolved")) == (2, 0)
        send(watch.alertmanager, lost(1), lost(2), ended=True)
        until(lambda: told(hook, 2, "resolved") == 1, seconds=30)
        assert (told(hook, 1, "firing"), told(hook, 1, "resolved")) == (2, 1)
    assert told(hook, 2, "firing") == 1


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
