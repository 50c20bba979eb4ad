"""Decide which web addresses may be fetched: public pages, never this machine, its network or its cloud.

`parse_address` splits an address once; exactly the checked parts are connected to. `resolve_address` resolves a name
once and requires every result to be public.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna
from django.conf import settings
from django.utils.translation import gettext

MAX_CHARACTERS = 2000  # characters of an address
PORTS = {"http": 80, "https": 443}
ADDRESS_REFUSED = (
    "This address cannot be fetched. Enter the http:// or https:// address of a public page, with "
    "the default port and without a user name or password. Pages of a private network have to be "
    "saved and uploaded."
)
HOST_UNKNOWN = "There is no server with this name. Check the address."

AllowedEndpoints = Set[tuple[str, int]]  # IP and port
IP = ipaddress.IPv4Address | ipaddress.IPv6Address

# Python's `is_global` follows the registries of its release and ignores addresses that embed another one.
_UNICAST = ipaddress.IPv6Network("2000::/3")  # IPv6 range that IANA assigns to the public internet
# IANA's special-purpose registries of both versions, including reachable ranges: they hold no pages.
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a virtual machine's host at Azure
        "2001::/23",  # Teredo, ORCHID, benchmarking and the like
        "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20",
    )
)  # fmt: skip
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # a last label that makes programs parse the name as a number
_KEPT = "/%:@!$&'()*+,;=~-._"


class FetchRefused(Exception):
    """Reason why a page was not fetched, as a message for the user."""


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Parsed address. `host` is a name in ASCII or an IP address without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def netloc(self) -> str:
        """Host and port as written in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def without_query(self) -> str:
        """Address without its query, which may hold a secret; for logs and for read-only users."""
        return self.text.partition("?")[0]

    def resolve(self, reference: str) -> WebAddress:
        """Return the target of a redirect from this address. Raise FetchRefused."""
        found = parse_address(urljoin(self.text, reference.strip()))
        if self.scheme == "https" and found.scheme == "http":
            raise FetchRefused(gettext("The page redirects to an unencrypted address, which is not followed."))
        return found


def parse_address(text: str, allowed: AllowedEndpoints = frozenset()) -> WebAddress:
    """Return the address in parts. Raise FetchRefused for anything but the plain address of a page.

    `allowed` are endpoints that the operator allows although they are not public.
    """
    text = text.strip()
    if not 0 < len(text) <= MAX_CHARACTERS or any(
        unicodedata.category(char)[0] in "CZ" or char == "\\" for char in text
    ):
        raise FetchRefused(ADDRESS_REFUSED)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise FetchRefused(ADDRESS_REFUSED) from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS or "@" in parts.netloc or not parts.hostname:
        raise FetchRefused(ADDRESS_REFUSED)
    target = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT + '/?')}" if parts.query else "")
    address = WebAddress(scheme, _normalize_host(parts.hostname), PORTS[scheme] if port is None else port, target)
    literal = _parse_ip(address.host)
    if literal is not None and not _is_allowed(
        literal, address.port, allowed
    ):  # names are checked by `resolve_address`
        raise FetchRefused(ADDRESS_REFUSED)
    return address


def resolve_address(address: WebAddress, allowed: AllowedEndpoints = frozenset()) -> list[str]:
    """Return the IP addresses of the host, to connect to.

    Raise FetchRefused if any is not public or the name is unknown.
    """
    literal = _parse_ip(address.host)
    if literal is not None:
        ips = [literal]
    else:
        try:
            answers = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise FetchRefused(HOST_UNKNOWN) from error
        ips = [ipaddress.ip_address(str(socket_address[0]).partition("%")[0]) for *_, socket_address in answers]
    if not ips or not all(_is_allowed(ip, address.port, allowed) for ip in ips):
        raise FetchRefused(ADDRESS_REFUSED)
    return list(dict.fromkeys(str(ip) for ip in ips))


def is_public(ip: IP) -> bool:
    """Return whether the IP address belongs to the public internet.

    A mapped IPv4 address is judged as IPv4. Other forms that embed one (NAT64, 6to4, Teredo, compatible) are not
    public.
    """
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _UNICAST:
        return False
    return not any(ip in network for network in _SPECIAL)


def _is_allowed(ip: IP, port: int, allowed: AllowedEndpoints) -> bool:
    return (
        (str(ip), port) in settings.FETCH_ALSO
        or (str(ip), port) in allowed
        or (is_public(ip) and port in PORTS.values())
    )


def _parse_ip(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _normalize_host(host: str) -> str:
    """Return the host in ASCII and canonical form. Numbers in unusual notations are refused rather than interpreted."""
    if ":" in host:
        found = _parse_ip(host)
        if found is None or "%" in host:
            raise FetchRefused(ADDRESS_REFUSED)
        return str(found)
    host = unicodedata.normalize("NFKC", host).lower().rstrip(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise FetchRefused(ADDRESS_REFUSED) from error
    if not _NAME.fullmatch(host):
        raise FetchRefused(ADDRESS_REFUSED)
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and _parse_ip(host) is None:
        raise FetchRefused(ADDRESS_REFUSED)
    return host
