"""kill -9 while eight writers write, round after round; the checks are those of tests/storage/test_crash.py."""

import importlib
import os
import time

from bench.report import Goal, Quantity, Row
from bench.setup import Options, run_on_uvloop, scratch

TITLE = "kill -9 during 8 concurrent writers (every acknowledged save kept, none doubled, indexes agree with the rows)"


def run(options: Options) -> list[Row]:
    """The rows of this benchmark. Raises AssertionError when anything was lost, doubled or disagrees."""
    rounds = options.sized(20, 2)
    # Read when the module is imported, which in this process is now.
    os.environ["POLYMEM_TEST_CRASH_ROUNDS"] = str(rounds)
    crash = importlib.import_module("tests.storage.test_crash")
    start = time.perf_counter()
    with scratch() as directory:
        run_on_uvloop(crash.test_what_was_acknowledged_survives_kill_minus_nine(directory))
    # Whatever the test finds it raises, so who gets here has survived all rounds.
    seconds = Quantity(time.perf_counter() - start, "s")
    goal = Goal(100, at_least=True)
    return [Row(figure=f"{crash.ROUNDS} rounds survived", value=seconds, result=100, unit="%", goal=goal)]
