"""Addresses of this server, as those who call it know them. Pure functions."""

from urllib.parse import urlsplit, urlunsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_USUAL_PORTS = {"http": ":80", "https": ":443"}


def own_origin(scheme: str, host: str, public_url: str | None) -> str:
    """The address a request reached this server at, without a slash at the end: where the operator says people reach
    it or, from this machine itself and where the operator says nothing, what the request's Host says."""
    if public_url is not None and not is_loopback_name(host):
        return canonical(public_url)
    return canonical(f"{scheme}://{host}")


def is_loopback_name(host: str) -> bool:
    """Whether a host, with or without a port, is a name of this machine."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower() in _LOOPBACK


def canonical(url: str) -> str:
    """An address in the one form that is compared: scheme and host in small letters, no usual port, fragment or slash
    at the end. Raises ValueError for what is none."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    if scheme not in _USUAL_PORTS or not host or "@" in host:
        raise ValueError(f"{url!r} is not an address of a server")
    host = host.removesuffix(_USUAL_PORTS[scheme])
    return urlunsplit((scheme, host, parts.path.rstrip("/"), parts.query, ""))


def is_within(resource: str, origin: str) -> bool:
    """Whether a resource (an address in its canonical form) is one of the server at this origin."""
    return resource == origin or resource.startswith(f"{origin}/")
