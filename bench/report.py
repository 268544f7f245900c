"""What a benchmark found, and how it is printed: every figure beside its baseline, its goal and the verdict."""

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

Unit = Literal["×", "ms", "%", "points"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for a row's result: at most, or with `at_least` at least, this."""

    limit: float
    at_least: bool = False

    def met_by(self, result: float) -> bool:
        """Whether the result keeps to the limit."""
        return result >= self.limit if self.at_least else result <= self.limit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured number with its unit; `p95` beside a p50."""

    value: float
    unit: str
    p95: float | None = None

    def __str__(self) -> str:
        number = f"{_number(self.value)} {self.unit}"
        return number if self.p95 is None else f"{number} (p95 {_number(self.p95)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `result` compares the value to the baseline of the same run, in `unit`; the goal limits it."""

    figure: str
    value: Quantity
    baseline: Quantity | None = None
    against: str = ""
    result: float | None = None
    unit: Unit = "×"
    goal: Goal | None = None

    @property
    def passed(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None or self.result is None else self.goal.met_by(self.result)


def ratio(figure: str, value: Quantity, baseline: Quantity, against: str, goal: Goal | None = None) -> Row:
    """A row that divides a value by its baseline."""
    result = value.value / baseline.value
    return Row(figure=figure, value=value, baseline=baseline, against=against, result=result, goal=goal)


def share(figure: str, value: Quantity, baseline: Quantity, against: str, goal: Goal | None = None) -> Row:
    """A row that gives a value in per cent of its baseline."""
    result = 100 * value.value / baseline.value
    return Row(figure=figure, value=value, baseline=baseline, against=against, result=result, unit="%", goal=goal)


def show(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Prints the rows as a table."""
    console.print(f"\n[bold]{title}[/]")
    table = Table()
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("baseline of the same run")
    table.add_column("result", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(
            row.figure,
            str(row.value),
            f"{row.baseline} {row.against}".strip() if row.baseline else row.against,
            "" if row.result is None else _with_unit(row.result, row.unit),
            "" if row.goal is None else ("≥ " if row.goal.at_least else "≤ ") + _with_unit(row.goal.limit, row.unit),
            {None: "", True: "[green]pass[/]", False: "[bold red]miss[/]"}[row.passed],
        )
    console.print(table)


def verdict(rows: Iterable[Row]) -> str:
    """How many goals were met, and the names of those that were not."""
    judged = [row for row in rows if row.passed is not None]
    missed = [row.figure for row in judged if not row.passed]
    line = f"{len(judged) - len(missed)} of {len(judged)} goals met"
    return line + (f"; missed: {'; '.join(missed)}" if missed else "")


def machine() -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} × {model}, load {os.getloadavg()[0]:.1f}, {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _with_unit(number: float, unit: Unit) -> str:
    return f"{_number(number)}{'' if unit in ('×', '%') else ' '}{unit}"


def _number(number: float) -> str:
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
