"""Decide which links in an answer may be clickable.

A manipulated model could send what it read to a stranger in a URL. So a link whose host is neither in a cited source
nor in the user's own words is shown as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"'`\\]{1,2000}", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}(?![\w.-]*@)", re.IGNORECASE)
_MAILBOX = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}(?![\w@-])", re.IGNORECASE
)
_TRAILING = ".,;:!?)]}*_~'\"”’»"


def find_addresses(text: str) -> set[str]:
    """Return the web addresses written out in the text, without trailing punctuation."""
    return {text[start:end] for start, end in find_address_spans(text)}


def find_address_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of web addresses written out in the text, without trailing punctuation."""
    return [(match.start(), match.start() + len(_trimmed(match.group()))) for match in _ADDRESS.finditer(text)]


def find_mailboxes(text: str) -> set[str]:
    """Return the email addresses in the text, in lower case."""
    return {match.group().casefold() for match in _MAILBOX.finditer(text)}


def find_hosts(text: str) -> set[str]:
    """Return the hosts in the text, in addresses or bare (`example.org`), in lower case without `www.`."""
    found = {host for address in find_addresses(text) if (host := _host(address))}
    return found | {_plain(match.group()) for match in _BARE.finditer(text)}


def link_target(url: str) -> str:
    """Return the target of a link for display: the host in ASCII and lower case, or the email address; "" for any
    other."""
    if url[:7].casefold() == "mailto:":
        mailbox = url[7:].casefold()
        return mailbox if _MAILBOX.fullmatch(mailbox) else ""
    return _host(url)


def is_link_allowed(
    url: str, known_hosts: Collection[str], known_addresses: Collection[str] = (), known_mailboxes: Collection[str] = ()
) -> bool:
    """Return whether an answer may link to the URL.

    A web link needs a known host. With a query, the whole address must be known, as a new query could carry what the
    model read. A mail link needs a known mailbox, without subject and text.
    """
    if url[:7].casefold() == "mailto:":
        return link_target(url) in known_mailboxes
    place = _host(url)
    if not place or place not in known_hosts:
        return False
    return not _carries(url) or url in known_addresses or _trimmed(url) in known_addresses


def _host(url: str) -> str:
    """Return the host; "" if the URL has no plain host, or anything that browsers and parsers read differently."""
    if url.casefold().startswith("www."):
        url = f"https://{url}"
    if not url.isprintable() or any(char in url for char in "\\ \t\n\r"):
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        encoded = host.encode("idna").decode() if not host.isascii() else host
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme.casefold() not in ("http", "https") or "@" in parts.netloc or not _BARE.fullmatch(encoded):
        return ""
    return _plain(encoded)


def _plain(host: str) -> str:
    return host.casefold().rstrip(".").removeprefix("www.")


def _carries(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.query or ";" in parts.path or len(parts.fragment) > 80 or len(parts.path) > 300)


def _trimmed(address: str) -> str:
    while address and address[-1] in _TRAILING:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address
