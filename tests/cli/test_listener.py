"""The console command serves behind a web configuration, refuses a bad one, and writes the metrics to a file."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from tests.support.console import command, free_port, scraped, serving, until, write_estate
from tests.support.web import PASSWORD, USER, basic, hashed, write


def publicly(config: Path, *lines: str) -> None:
    """Have a configuration listen to everybody."""
    text = config.read_text().replace("127.0.0.1", "0.0.0.0").replace("[metrics]", "\n".join(("[metrics]", *lines)))
    config.write_text(text)


def asked(port: int, user: str = USER) -> int:
    """Ask for the metrics with a password; gives the status, 0 while nobody answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": basic(user, PASSWORD)}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except OSError:
        return 0


def test_users_make_a_public_address_possible(tmp_path: Path) -> None:
    """``serve --web.config.file`` listens to everybody and lets in those who are known; a reload changes that."""
    port = free_port()
    publicly(write_estate(tmp_path, port=port))
    write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    with serving(tmp_path, after=("--web.config.file", "web.yml")):
        until(lambda: asked(port) == 200)
        assert asked(port, "nobody") == 401
        assert scraped(port) == ""
        write(tmp_path / "web.yml", basic_auth_users={"other": hashed()})
        until(lambda: asked(port, "other") == 200)
        assert asked(port) == 401
        (tmp_path / "web.yml").write_text("{")
        until(lambda: "web_config=refused faults=1" in (tmp_path / "serve.log").read_text())
        assert asked(port, "other") == 200
    assert PASSWORD not in (tmp_path / "serve.log").read_text()


def test_a_public_address_without_protection_is_refused(tmp_path: Path) -> None:
    """The message names all three ways out."""
    publicly(write_estate(tmp_path, port=free_port()))
    done = command("serve", folder=tmp_path)
    assert done.returncode == 2
    for way in ("tls_server_config", "basic_auth_users", "127.0.0.1", "metrics.allow_public = true"):
        assert way in done.stderr


def test_a_web_configuration_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    """Exit code 2 and its path, from the flag as from the configuration."""
    config = write_estate(tmp_path, port=free_port())
    done = command("serve", "--web.config.file", "none.yml", folder=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert f"{tmp_path / 'none.yml'}: cannot be read: No such file or directory" in done.stderr
    config.write_text(config.read_text().replace("[metrics]", '[metrics]\nweb_config = "other.yml"'))
    done = command("serve", folder=tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / 'other.yml'}: cannot be read" in done.stderr


def test_config_check_tells_the_faults_of_the_web_configuration(tmp_path: Path) -> None:
    """All at once; and that a public address is left without protection."""
    config = write_estate(tmp_path, port=1)
    publicly(config, 'web_config = "web.yml"')
    (tmp_path / "web.yml").write_text("basic_auth_user: {}\nhttp_server_config: {http2: true}\n")
    done = command("config", "check", folder=tmp_path)
    assert done.returncode == 2
    assert 'web.yml: basic_auth_user: unknown key, did you mean "basic_auth_users"?' in done.stderr
    assert "web.yml: http_server_config.http2: HTTP/2 is not served" in done.stderr
    (tmp_path / "web.yml").write_text("http_server_config: {http2: false}\n")
    done = command("config", "check", folder=tmp_path)
    assert done.returncode == 2
    assert "can be reached from other machines" in done.stderr
    write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    assert command("config", "check", folder=tmp_path).returncode == 0


def test_config_check_takes_the_web_configuration_that_serve_takes(tmp_path: Path) -> None:
    """The flag stands for the configuration's own, so that the command of the alert finds what serve refuses."""
    publicly(write_estate(tmp_path, port=1), 'web_config = "none.yml"')
    (tmp_path / "web.yml").write_text("basic_auth_user: {}\n")
    check = ("config", "check", "--web.config.file", "web.yml")
    done = command(*check, folder=tmp_path)
    assert (done.returncode, "none.yml" in done.stderr) == (2, False)
    assert f'{tmp_path / "web.yml"}: basic_auth_user: unknown key, did you mean "basic_auth_users"?' in done.stderr
    write(tmp_path / "web.yml", basic_auth_users={USER: hashed()})
    assert command(*check, folder=tmp_path).returncode == 0


def test_other_commands_need_not_read_the_web_configuration(tmp_path: Path) -> None:
    """Who may judge need not be able to read the listener's key."""
    publicly(write_estate(tmp_path, port=1), 'web_config = "none.yml"')
    assert command("check", folder=tmp_path).returncode == 0


def test_serve_writes_the_textfile(tmp_path: Path) -> None:
    """Also without a listener; the states are in it."""
    config = write_estate(tmp_path)
    config.write_text(config.read_text().replace("[metrics]", '[metrics]\ntextfile = "controlwatch.prom"'))
    path = tmp_path / "controlwatch.prom"
    with serving(tmp_path):
        until(lambda: path.is_file() and 'state="pass"} 1' in path.read_text())
    assert "process_" not in path.read_text()


def test_a_textfile_that_no_collector_reads_is_a_fault(tmp_path: Path) -> None:
    """In the configuration, and on the command line before anything is asked."""
    config = write_estate(tmp_path)
    done = command("check", "--textfile", "metrics.txt", folder=tmp_path)
    assert (done.returncode, "must end in .prom" in done.stderr, done.stdout) == (2, True, "")
    config.write_text(config.read_text().replace("[metrics]", '[metrics]\ntextfile = "metrics.txt"'))
    done = command("config", "check", folder=tmp_path)
    assert (done.returncode, 'metrics.textfile: "metrics.txt" must end in .prom' in done.stderr) == (2, True)


def test_check_writes_the_textfile_and_keeps_its_exit_code(tmp_path: Path) -> None:
    """One shot for cron: a failing check is in the file, and the code stays that of the states."""
    write_estate(tmp_path)
    assert command("check", "--textfile", "controlwatch.prom", folder=tmp_path).returncode == 0
    passing = (tmp_path / "controlwatch.prom").read_text()
    (tmp_path / "dumps" / "db.sql").unlink()
    done = command("check", "--textfile", "controlwatch.prom", folder=tmp_path)
    failing = (tmp_path / "controlwatch.prom").read_text()
    state = 'controlwatch_check_state{check="backups",family="backup",state="pass"}'
    assert f"{state} 1" in passing
    assert f"{state} 0" in failing
    assert done.returncode == command("check", folder=tmp_path).returncode != 0
    assert "process_" not in passing


def test_check_says_when_the_textfile_cannot_be_written(tmp_path: Path) -> None:
    """A cron job that writes nothing must not look like one that did."""
    write_estate(tmp_path)
    done = command("check", "--textfile", "none/controlwatch.prom", folder=tmp_path)
    assert done.returncode == 4
    assert "none/controlwatch.prom cannot be written: No such file or directory" in done.stderr
