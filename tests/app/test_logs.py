"""What a log line holds when something breaks, and what it never holds."""

import json
import subprocess
import sys

import pytest

CRASH = """
import logging
from polymem.app.logs import configure_logging
from polymem.settings import load_settings

configure_logging(load_settings(log_format={log_format!r}))
secret = "mk_" + "topsecret"
try:
    {{}}[len(secret)]
except KeyError:
    logging.getLogger("polymem.dialects").exception("request failed")
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_crash_is_logged_with_its_traceback_and_without_what_was_sent(log_format: str) -> None:
    script = CRASH.format(log_format=log_format)
    log = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    assert "request failed" in log
    assert "KeyError: 12" in log
    assert "topsecret" not in log.replace('"mk_" + "topsecret"', "")
    if log_format == "json":
        assert json.loads(log)["level"] == "error"
