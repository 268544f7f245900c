"""Whether the parts of the server are well: real checks of the database, the memory and the disk."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from polymem.core import Core
from polymem.core.errors import Unavailable
from polymem.dialects.dialect import DialectOptions
from polymem.dialects.selfmemory.mapping.values import from_instant

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"

MEMORY_PERCENT = 95
"""Share of the machine's memory above which the server counts as degraded."""

DISK_PERCENT = 90
"""Share of the disk above which the server counts as degraded."""

LEAST_DISK_BYTES = 16 * 1024 * 1024
"""Free space below which nothing can be kept safely any more."""

_MEMINFO = Path("/proc/meminfo")
_MIB, _GIB = 1024**2, 1024**3

Check = dict[str, Any]


async def report(core: Core, options: DialectOptions) -> Check:
    """The state of every part, and of the whole: that of the worst."""
    checks = {"database": await check_database(core, options), "memory": check_memory(), "disk": check_disk(options)}
    found = {check["status"] for check in checks.values()}
    status = next((one for one in (UNHEALTHY, DEGRADED) if one in found), HEALTHY)
    return {"status": status, "timestamp": timestamp(core), "checks": checks}


def timestamp(core: Core) -> str:
    """The present instant."""
    return from_instant(core.clock.now())


async def check_database(core: Core, options: DialectOptions) -> Check:
    """Asks the database for an answer."""
    started = perf_counter()
    try:
        await core.store.ping()
    except Unavailable:
        state, connection = UNHEALTHY, "lost"
    else:
        state, connection = HEALTHY, "connected"
    return {
        "status": state,
        "latency_ms": round((perf_counter() - started) * 1000, 2),
        "details": {"version": options.storage_kind, "connection": connection},
    }


def check_memory() -> Check:
    """How much of the machine's memory is in use."""
    total, available = _memory()
    used = total - available
    percent = 100 * used / total
    threshold = total * MEMORY_PERCENT / 100
    details = {
        "used_mb": round(used / _MIB, 1),
        "total_mb": round(total / _MIB, 1),
        "percent_used": round(percent, 1),
        "threshold_mb": round(threshold / _MIB, 1),
    }
    if used <= threshold:
        return {"status": HEALTHY, "details": details}
    return {"status": DEGRADED, "message": "The machine is short of memory", "details": details}


def _memory() -> tuple[int, int]:
    # Bytes in all, and bytes that programs can still have. What only caches files counts as free where that is told.
    page = os.sysconf("SC_PAGE_SIZE")
    total = page * os.sysconf("SC_PHYS_PAGES")
    try:
        told = _to_entries(_MEMINFO.read_text())
        return told["MemTotal"], told["MemAvailable"]
    except (OSError, KeyError):
        names = os.sysconf_names
        return total, page * os.sysconf("SC_AVPHYS_PAGES") if "SC_AVPHYS_PAGES" in names else total


def _to_entries(text: str) -> Mapping[str, int]:
    lines = (line.split() for line in text.splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 2 and words[1].isdigit()}


def check_disk(options: DialectOptions) -> Check:
    """How much room there is where the server keeps its files."""
    try:
        usage = shutil.disk_usage(options.data_dir)
    except OSError:
        return {"status": UNHEALTHY, "message": "The data directory cannot be reached", "details": {}}
    # What is kept back for the system is not free, but neither is it used.
    percent = 100 * usage.used / max(1, usage.used + usage.free)
    details = {
        "used_gb": round(usage.used / _GIB, 2),
        "free_gb": round(usage.free / _GIB, 2),
        "total_gb": round(usage.total / _GIB, 2),
        "percent_used": round(percent, 1),
    }
    if usage.free < LEAST_DISK_BYTES:
        return {"status": UNHEALTHY, "message": "The disk is full", "details": details}
    if percent > DISK_PERCENT:
        return {"status": DEGRADED, "message": "The disk is nearly full", "details": details}
    return {"status": HEALTHY, "details": details}
