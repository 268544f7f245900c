"""Which representation a caller wants, and whether they have it already."""


def prefers_json(accept: str, other: str) -> bool:
    """Whether an Accept header asks for JSON, and for the media type `other` not rather. "*/*" asks for neither."""
    weights = {}
    for one in accept.lower().split(","):
        name, *parameters = one.split(";")
        weights[name.strip()] = _weight(parameters)
    json = max(weights.get("application/json", 0.0), weights.get("application/*", 0.0))
    return json > 0 and json >= weights.get(other, 0.0)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def validators(digest: str) -> dict[str, str]:
    """The headers of an answer that its caller may keep, but must ask about each time."""
    return {"etag": f'"{digest}"', "vary": "Accept, Authorization", "cache-control": "private, no-cache"}


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether an If-None-Match header names this ETag."""
    known = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return etag in known or "*" in known
