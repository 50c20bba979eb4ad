"""An answer links only to places that its sources or the person named."""

from __future__ import annotations

import pytest

from apps.safety.text.links import find_addresses, find_hosts, find_mailboxes, is_link_allowed, link_target

SOURCE = (
    "See https://docs.example.org/guide/start?lang=en, www.ferry.example/times (or tea.example). Mail: me@mail.example"
)


def test_hosts_are_found_in_addresses_and_bare() -> None:
    assert find_hosts(SOURCE) == {"docs.example.org", "ferry.example", "tea.example"}
    assert find_addresses(SOURCE) == {"https://docs.example.org/guide/start?lang=en", "www.ferry.example/times"}
    assert find_addresses("(https://en.example/wiki/Tea_(drink)).") == {"https://en.example/wiki/Tea_(drink)"}


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.org/other/page#part",
        "http://DOCS.example.org",
        "https://ferry.example/times",
        "https://www.ferry.example/",
        "https://docs.example.org/guide/start?lang=en",
        "https://docs.example.org:8443/x",
    ],
)
def test_a_place_that_was_named_may_be_linked(url: str) -> None:
    assert is_link_allowed(url, find_hosts(SOURCE), find_addresses(SOURCE))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?d=SECRET",
        "https://docs.example.org/?d=SECRET",
        "https://docs.example.org/guide/start?lang=SECRET",
        "https://docs.example.org/" + "S" * 400,
        "https://docs.example.org/#" + "S" * 100,
        "https://docs.example.org.evil.example/",
        "https://docs.example.org@evil.example/",
        "https://evil.example\\@docs.example.org/",
        "https://docs.example.org\\.evil.example/",
        "//docs.example.org/x",
        "/documents/1/delete/",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://docs.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://docs.exаmple.org/",
        "https://docs.example.org:99999/",
        "https://docs.example.org/\u202e",
        "",
    ],
)
def test_link_to_an_unknown_place_is_shown_as_text(url: str) -> None:
    assert not is_link_allowed(url, find_hosts(SOURCE) | {"127.0.0.1"}, find_addresses(SOURCE))


def test_a_mailbox_that_was_named_may_be_written_to_and_nothing_is_put_into_the_letter() -> None:
    known = find_mailboxes(SOURCE)
    assert known == {"me@mail.example"}
    assert is_link_allowed("mailto:Me@mail.example", (), (), known)
    for url in (
        "mailto:me@mail.example?body=SECRET",
        "mailto:me@mail.example,x@evil.example",
        "mailto:",
        "mailto:x@y.zz",
    ):
        assert not is_link_allowed(url, find_hosts(SOURCE), find_addresses(SOURCE), known)
    assert link_target("https://www.Dócs.example/x") == "xn--dcs-gna.example"
    assert link_target("mailto:me@mail.example") == "me@mail.example"
    assert link_target("javascript:alert(1)") == link_target("mailto:x?y") == ""
