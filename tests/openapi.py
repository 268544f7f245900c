"""Trying what an OpenAPI document allows, and what it forbids."""

from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy


def try_cases(
    cases: SearchStrategy[schemathesis.Case[Any]], hold: Callable[[schemathesis.Case[Any]], object], examples: int = 10
) -> None:
    """Calls `hold` with so many cases, the same in every run; the first that raises fails the test.

    A failing case is told as it was found: making it smaller would take many more calls to a server.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def holds(case: schemathesis.Case[Any]) -> None:
        hold(case)

    holds()
