"""What an answer may link to: places that its sources or the person named, and each link says where it leads.

Decided once, while the answer is written, and kept with it: a page shows the same links later, whatever has become of
the sources.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from apps.safety.text import links

_MOST_CHARACTERS = 200_000  # of the texts that may name places; read in 20 ms


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """`kept` are whole addresses that an answer had as links when it was written."""

    hosts: Collection[str] = ()
    addresses: Collection[str] = ()
    mailboxes: Collection[str] = ()
    kept: Collection[str] = ()
    used: dict[str, None] = field(default_factory=dict)  # addresses that were let through, in order

    def allow(self, address: str) -> bool:
        known = address in self.kept or links.is_link_allowed(address, self.hosts, self.addresses, self.mailboxes)
        if known and links.link_target(address):
            self.used[address] = None
            return True
        return False


def collect_allowed_links(texts: Iterable[str]) -> LinkPolicy:
    """Links to the places that these texts name. For `in_pool`."""
    text = "\n".join(texts)[:_MOST_CHARACTERS]
    return LinkPolicy(links.find_hosts(text), links.find_addresses(text), links.find_mailboxes(text))


def find_addresses(text: str) -> list[tuple[int, int]]:
    """Where web addresses stand in running text."""
    return links.find_address_spans(text)


def normalise_address(address: str) -> str:
    """The address as a browser takes it."""
    return f"https://{address}" if address[:4].casefold() == "www." else address


def render_host(address: str, words: str) -> str:
    """Where the link leads, in words behind its own; "" where they are the address already."""
    if words.strip() in {address, address.partition("://")[2], address.partition(":")[2]}:
        return ""
    return f' <span class="host">({html.escape(links.link_target(address))})</span>'
