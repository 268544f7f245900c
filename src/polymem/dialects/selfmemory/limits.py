"""How often a credential may do what costs most, in one minute."""

from datetime import timedelta
from enum import StrEnum

from polymem.core import Core
from polymem.core.errors import TooManyRequests
from polymem.core.people import Principal
from polymem.dialects.dialect import DialectOptions

_WINDOW = timedelta(minutes=1)


class Operation(StrEnum):
    """What is limited. The values are the names of the numbers in `DialectOptions.rate_limits`."""

    CREATE_MEMORY = "memory_create"
    SEARCH_MEMORIES = "memory_search"
    CREATE_ORGANIZATION = "organization_create"
    CREATE_PROJECT = "project_create"
    INVITE = "invitation_create"
    ACCEPT = "invitation_accept"


async def count(core: Core, options: DialectOptions, principal: Principal, operation: Operation) -> dict[str, str]:
    """Count one call; the headers that tell how many are left. Raises TooManyRequests."""
    limit = options.rate_limits.get(operation.value)
    if limit is None:
        return {}
    token = principal.actor if principal.token is None else f"token:{principal.token.id}"
    allowance = await core.limiter.hit(f"selfmemory:{operation.value}", token, limit, _WINDOW)
    if not allowance.allowed:
        raise TooManyRequests(operation.value, limit, max(1, allowance.reset_after))
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.reset_after),
    }
