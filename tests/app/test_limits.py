"""Calls are counted in moving windows, in the process or in a real Redis."""

import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from polymem.app.limits import MovingWindowLimiter

MINUTE = timedelta(minutes=1)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of our own that keeps nothing."""
    program = shutil.which("redis-server")
    assert program, "no redis-server on the PATH: scripts/redis installs it"
    path = tmp_path / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("ready to accept" in line.lower() for line in process.stdout)
            yield f"unix://{path}"
        finally:
            process.kill()


async def allowed(limiter: MovingWindowLimiter, caller: str = "me", times: int = 1) -> list[bool]:
    return [(await limiter.hit("search", caller, 3, MINUTE)).allowed for _ in range(times)]


async def test_so_many_calls_and_no_more_for_each_caller_and_operation() -> None:
    limiter = MovingWindowLimiter()
    told = [await limiter.hit("search", "me", 3, MINUTE) for _ in range(4)]
    assert [one.allowed for one in told] == [True, True, True, False]
    assert [one.remaining for one in told] == [2, 1, 0, 0]
    assert all(one.limit == 3 and 1 <= one.reset_after <= 60 for one in told)
    assert await allowed(limiter, "you") == [True]
    assert (await limiter.hit("create", "me", 3, MINUTE)).allowed
    await limiter.close()


async def test_processes_that_share_a_redis_count_together(redis_url: str) -> None:
    one, other = MovingWindowLimiter(redis_url), MovingWindowLimiter(redis_url)
    assert await allowed(one, times=2) == [True, True]
    assert await allowed(other, times=2) == [True, False]
    await one.close()
    await other.close()


async def test_redis_never_learns_a_secret(redis_url: str) -> None:
    limiter = MovingWindowLimiter(redis_url)
    await allowed(limiter, "at_a-very-secret-token")
    await limiter.close()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(redis_url.removeprefix("unix://"))
        connection.settimeout(10)
        connection.sendall(b"KEYS *\r\n")
        said = connection.recv(65536)
    assert b"search" in said
    assert b"secret" not in said


async def test_while_redis_does_not_answer_each_process_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = MovingWindowLimiter(f"unix://{tmp_path}/nobody.sock")
    with caplog.at_level(logging.WARNING):
        assert await allowed(limiter, times=4) == [True, True, True, False]
    assert len([record for record in caplog.records if "Redis does not answer" in record.message]) == 1
    await limiter.close()
