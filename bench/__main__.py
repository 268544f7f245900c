"""Runs the benchmarks, each in a process of its own: `python -m bench --help`."""

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.report import Row, machine, show, verdict
from bench.setup import Options, in_fresh_process, measure

BENCHMARKS = (
    "embedding",
    "recall",
    "http",
    "ingest",
    "saving",
    "data_layer",
    "store",
    "workers",
    "chroma",
    "crash",
    "startup",
    "dashboard",
    "mcp_startup",
)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--locomo", type=Path, metavar="FILE", help="LoCoMo in its neutral form: adds retrieval quality"
    )
    parser.add_argument("--only", nargs="+", choices=(*BENCHMARKS, "locomo"), metavar="NAME", help="|".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also append the rows to FILE, one JSON line each")
    arguments = parser.parse_args()
    if arguments.locomo is not None and not arguments.locomo.is_file():
        parser.error(f"{arguments.locomo} is not a file")

    options = Options(quick=arguments.quick, locomo=arguments.locomo)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"[dim]{machine()}[/]")
    rows: list[Row] = []
    for name in arguments.only or BENCHMARKS:
        if name != "locomo":
            rows += _run(console, name, options, arguments.json)
    console.print(verdict(rows))
    if arguments.locomo is not None and (arguments.only is None or "locomo" in arguments.only):
        importlib.import_module("bench.locomo").main(arguments.locomo)


def _run(console: Console, name: str, options: Options, log: Path | None) -> list[Row]:
    with console.status(f"Measuring {name}"):
        title, rows = in_fresh_process(measure, name, options)
    show(console, title, rows)
    if log is not None:
        with log.open("a") as lines:
            lines.writelines(json.dumps({"benchmark": name} | asdict(row)) + "\n" for row in rows)
    return rows


if __name__ == "__main__":
    main()
