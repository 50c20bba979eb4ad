"""Decide which links an answer may have: places that its sources or the user named. Each link shows its host.

Decided once while the answer is written and stored with it, so that later changes of sources do not change links.

Entry points: `collect_allowed_links`, `LinkPolicy.allow`.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from apps.safety.text import links

_MOST_CHARACTERS = 200_000  # of the texts that may name places, at most; scanned in 20 ms


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """Allowed hosts, URLs and mail addresses. `stored_links` were links when a stored answer was written."""

    hosts: Collection[str] = ()
    addresses: Collection[str] = ()
    mailboxes: Collection[str] = ()
    stored_links: Collection[str] = ()
    used_links: dict[str, None] = field(default_factory=dict)  # allowed URLs, in order

    def allow(self, address: str) -> bool:
        """Return whether the URL may be a link, and record it in `used_links` if so."""
        known = address in self.stored_links or links.is_link_allowed(
            address, self.hosts, self.addresses, self.mailboxes
        )
        if known and links.link_target(address):
            self.used_links[address] = None
            return True
        return False


def collect_allowed_links(texts: Iterable[str]) -> LinkPolicy:
    """Return the policy that allows the places named in these texts. For `in_pool`."""
    text = "\n".join(texts)[:_MOST_CHARACTERS]
    return LinkPolicy(links.find_hosts(text), links.find_addresses(text), links.find_mailboxes(text))


def normalise_address(address: str) -> str:
    """Return the address with a scheme, as a browser needs it."""
    return f"https://{address}" if address[:4].casefold() == "www." else address


def render_host(address: str, words: str) -> str:
    """Return the host of a link as HTML, to stand behind its text; "" if the text is the address."""
    if words.strip() in {address, address.partition("://")[2], address.partition(":")[2]}:
        return ""
    return f' <span class="host">({html.escape(links.link_target(address))})</span>'
