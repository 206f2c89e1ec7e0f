"""A local tool is run bounded and alone, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sources.common.command import Ran, last_line, minimal_env, run
from sources.common.errors import Unconfigured, Unreachable

SECOND = timedelta(seconds=1)
Tool = Callable[[str], Path]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Write an executable shell script and return its path."""

    def write(body: str) -> Path:
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o700)
        return path

    return write


async def go(
    path: Path | str,
    *arguments: str,
    timeout: timedelta = 20 * SECOND,  # noqa: ASYNC109 - it is what is under test
    stdin: bytes | None = None,
    handed: Mapping[str, str] | None = None,
    cap: int = 1_000_000,
) -> Ran:
    """Run a tool with what every test shares."""
    return await run(
        [str(path), *arguments],
        source="offsite",
        env=minimal_env(Path("/nowhere"), EXTRA="1"),
        timeout=timeout,
        install="apt-get install tool",
        handed=handed,
        input=stdin,
        stdout_cap=cap,
        stderr_cap=cap,
    )


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def gone(pid: int) -> bool:
    """Tell whether a process ends within a minute (an orphan is collected by init, not by us)."""
    for _ in range(3_000):
        if not alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_code_and_both_outputs_are_told_apart(tool: Tool) -> None:
    """The exit code, standard output and standard error come back as they are."""
    ran = await go(tool("echo out; echo err >&2; exit 3"))
    assert ran == Ran(3, b"out\n", "err\n", truncated=False)


async def test_arguments_are_not_read_by_a_shell(tool: Tool) -> None:
    """An argument with shell characters arrives as one word."""
    assert (await go(tool('printf "%s" "$1"'), "a; rm -rf $HOME")).stdout == b"a; rm -rf $HOME"


async def test_the_environment_is_ours_alone(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool sees UTC, the C locale, its own home and what is given, and nothing of our environment."""
    monkeypatch.setenv("RESTIC_HOST", "elsewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    names = {line.split(b"=")[0] for line in (await go(tool("env"))).stdout.splitlines()}
    assert names - {b"PWD", b"SHLVL", b"_", b"OLDPWD"} == {b"PATH", b"HOME", b"TZ", b"LC_ALL", b"EXTRA"}
    assert (await go(tool("date +%Z"))).stdout == b"UTC\n"


async def test_standard_input_is_at_its_end(tool: Tool) -> None:
    """A tool that asks for a password on standard input or on the terminal gets none, and does not wait."""
    assert (await go(tool("cat; (: < /dev/tty) 2>/dev/null || echo none"))).stdout == b"none\n"


async def test_standard_input_is_given(tool: Tool) -> None:
    """What is given arrives whole, also when it is larger than a pipe."""
    assert (await go(tool("wc -c"), stdin=b"x" * 300_000)).stdout.strip() == b"300000"


async def test_input_that_is_not_read_is_no_fault(tool: Tool) -> None:
    """A tool may end before it has read its input."""
    assert (await go(tool("exit 0"), stdin=b"x" * 300_000)).code == 0


async def test_a_secret_is_handed_over_as_a_file_that_is_not_on_disk(tool: Tool) -> None:
    """The child reads the secret from the path in the variable; neither arguments nor environment hold it."""
    body = 'cat "$SECRET_FILE"; echo; tr "\\0" "\\n" < /proc/$$/cmdline; env'
    lines = (await go(tool(body), handed={"SECRET_FILE": "s3cret"})).stdout.decode().splitlines()
    assert lines[0] == "s3cret"
    assert not any("s3cret" in line for line in lines[1:])
    assert any(line.startswith("SECRET_FILE=/dev/fd/") for line in lines)


async def test_no_descriptor_is_left_open(tool: Tool) -> None:
    """Twenty runs with a handed secret leave no open file behind."""
    path = tool('cat "$SECRET_FILE"')
    await go(path, handed={"SECRET_FILE": "s"})
    before = descriptors()
    for _ in range(20):
        await go(path, handed={"SECRET_FILE": "s"})
    assert descriptors() <= before


def descriptors() -> int:
    """Count our own open files."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_missing_binary_names_itself_and_how_to_get_it() -> None:
    """A binary that is not there is a configuration fault with a next step."""
    with pytest.raises(Unconfigured, match=r"offsite: no-such-tool is not installed.*apt-get install tool"):
        await go("no-such-tool")


async def test_a_file_that_is_no_program_is_a_configuration_fault(tmp_path: Path) -> None:
    """An executable file that the system cannot run says so."""
    path = tmp_path / "tool"
    path.write_bytes(b"\x7fELF broken")
    path.chmod(0o700)
    with pytest.raises(Unconfigured, match="tool cannot be run"):
        await go(path)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("echo $$ >pids; sleep 60", id="plain"),
        pytest.param('trap "" TERM; echo $$ >pids; while :; do sleep 60; done', id="ignores-sigterm"),
        pytest.param("sleep 60 & echo $! >pids; wait", id="with-a-child"),
        pytest.param("sleep 60 & echo $! >pids; exit 0", id="child-holds-the-output"),
    ],
)
async def test_at_the_timeout_the_whole_group_ends(tool: Tool, tmp_path: Path, body: str) -> None:
    """A tool that hangs raises Unreachable, and neither it nor its child lives on."""
    pids, path = tmp_path / "pids", tool(f"cd {tmp_path}; {body}")
    for seconds in (1, 5, 25):  # a machine that is busy starts no shell within the first
        with pytest.raises(Unreachable, match=f"offsite: tool did not end within {seconds} s"):
            await go(path, timeout=seconds * SECOND)
        if pids.exists() and pids.read_text():
            break
    for pid in pids.read_text().split():
        assert await gone(int(pid))


async def test_a_cancelled_run_ends_the_tool(tool: Tool, tmp_path: Path) -> None:
    """Cancelling ends the tool, and the cancellation is passed on."""
    task = asyncio.ensure_future(go(tool(f"echo $$ >{tmp_path}/pids; echo ready; sleep 60")))
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():  # noqa: ASYNC110 - another process writes
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(int((tmp_path / "pids").read_text()))


@pytest.mark.parametrize("stream", ["", ">&2"], ids=["stdout", "stderr"])
async def test_an_output_past_its_cap_ends_the_tool(tool: Tool, stream: str) -> None:
    """An endless output is cut off at its cap and said to be; it neither fills memory nor waits for the timeout."""
    path = tool(f"yes {stream}")
    for _ in range(20):  # whether a full pipe hides the end of the tool is a race
        ran = await go(path, cap=300_000)
        assert ran.truncated is True
        assert len(ran.stdout) + len(ran.stderr) == 300_000
        assert ran.code < 0


async def test_a_cancelled_flood_ends(tool: Tool, tmp_path: Path) -> None:
    """Cancelling in the middle of an endless output ends the tool, though nobody reads its pipe any more."""
    task = asyncio.ensure_future(go(tool(f"echo $$ >{tmp_path}/pids; exec yes"), cap=1_000_000_000))
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():  # noqa: ASYNC110 - another process writes
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(int((tmp_path / "pids").read_text()))


async def test_both_outputs_are_read_at_once(tool: Tool) -> None:
    """A tool that fills standard error before standard output does not wait for ever."""
    body = f'{sys.executable} -c \'import sys; sys.stderr.write("e" * 300000); sys.stdout.write("o" * 300000)\''
    ran = await go(tool(body))
    assert (len(ran.stdout), len(ran.stderr), ran.truncated) == (300_000, 300_000, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("first\nFatal: no\n\n", "Fatal: no", id="last"),
        pytest.param("rest:https://ana:pw@host/x refused", "rest:https://***@host/x refused", id="user-in-url"),
        pytest.param("key hunter2 refused", "key *** refused", id="secret"),
        pytest.param("a\x1b[31mb\tc", "a [31mb c", id="control-characters"),
        pytest.param("x" * 999, "x" * 200, id="long"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_line_of_an_error_output_is_fit_for_a_message(text: str, expected: str) -> None:
    """What a message quotes of a tool is its last line, short, without secrets and control characters."""
    assert last_line(text, ["hunter2", ""]) == expected
