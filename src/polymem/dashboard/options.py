"""What the settings tell the dashboard, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardOptions:
    """How the server is set up, as far as the dashboard needs to know.

    `local` says that a browser without a session acts as the local owner. `allowed_hosts` are the names a Host header
    may carry, None for any. `limits` are how often a minute some calls are taken, by what they are called; 0 is no
    limit. `logins_a_minute` is how often one account can be tried from one address; 0 is no limit.
    `storage_kind` is "sqlite" or "postgresql", `data_dir` where the server keeps its files.
    """

    version: str
    local: bool = True
    allowed_hosts: frozenset[str] | None = None
    logins_a_minute: int = 10
    storage_kind: str = "sqlite"
    data_dir: str = "."
    limits: Mapping[str, int] = field(default_factory=dict)
