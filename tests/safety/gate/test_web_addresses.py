"""What is not plainly a public page is refused with one sentence, in whatever form it is written."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.safety.gate.web_addresses import ADDRESS_REFUSED, FetchRefused, is_public, parse_address, resolve_address

PRIVATE = [
    "http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f.1", "http://0x7f000001", "http://0177.0.0.1",
    "http://①②⑦.⓪.⓪.①", "http://127。0。0。1", "http://１２７.０.０.１", "http://[::1]", "http://[::]", "http://0.0.0.0",
    "http://[::ffff:a9fe:a9fe]", "http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]", "http://[64:ff9b::7f00:1]",
    "http://[64:ff9b:1::7f00:1]", "http://[2002:7f00:1::]", "http://[2001:0:7f00:1::]", "http://[::127.0.0.1]",
    "http://[fec0::1]", "http://[fc00::1]", "http://[fe80::1]", "http://[fe80::1%25eth0]", "http://[ff0e::1]",
    "http://100.100.100.200", "http://100.64.0.1", "http://192.0.0.8", "http://192.88.99.1", "http://224.0.0.1",
    "http://240.0.0.1", "http://255.255.255.255", "http://168.63.129.16", "http://169.254.169.254", "http://10.0.0.1",
    "http://172.16.0.1", "http://192.168.1.1", "http://127.0.0.1.", "http://a@127.0.0.1", "http://127.0.0.1\\@example.com",
    "http://example.com:6379", "http://example.com:8000", "http://example.com:22", "http://example.com:99999",
    "file:///etc/passwd", "gopher://example.com", "data:text/html,x", "ftp://example.com", "javascript:alert(1)",
    "//example.com", "example.com", "http://", "http:///x", "http://exa mple.com", "http://example.com/\r\nHost: x",
    "http://u:p@example.com/", "https://user@example.com/", "http://@example.com", "http://[::1", "http://a..b",
    "http://-a.com", "http://%31%32%37.0.0.1", "http://exam%70le.com", "", " ", "http://x.com/" + "a" * 2000,
]  # fmt: skip


SPECIAL = [
    "0.0.0.1", "0.255.255.255", "10.255.0.3", "100.64.0.0", "100.127.255.254", "127.255.255.254", "169.254.170.2",
    "172.31.255.255", "192.0.0.9", "192.0.0.192", "192.0.2.77", "192.31.196.5", "192.52.193.9", "192.88.99.2",
    "192.168.255.1", "192.175.48.6", "198.18.0.1", "198.19.255.255", "198.51.100.14", "203.0.113.200", "224.0.0.251",
    "239.255.255.250", "240.1.2.3", "255.255.255.255", "168.63.129.16", "::", "::1", "::8.8.8.8", "::ffff:10.1.2.3",
    "::ffff:0:8.8.8.8", "64:ff9b::808:808", "64:ff9b:1:fffe::808:808", "100::1", "100:0:0:1::5", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:1::1", "2001:2::9", "2001:3::1", "2001:4:112::1", "2001:10::1",
    "2001:20::7", "2001:30::f", "2001:1ff::1", "2001:db8:85a3::8a2e", "2002:808:808::1", "2620:4f:8000::1", "3ffe::1",
    "3fff::1", "3fff:fff:ffff::9", "4000::1", "5f00::1", "fc00::3", "fd00:ec2::254", "fe80::5", "febf::1", "fec0::2",
    "feff::1", "ff02::1", "ff0e::c",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "128.0.0.1", "169.253.255.255",
    "172.15.255.255", "172.32.0.1", "191.255.255.255", "192.0.1.1", "192.0.3.1", "192.167.255.255", "192.169.0.1",
    "198.17.255.255", "198.20.0.1", "223.255.255.254", "168.63.129.17", "::ffff:8.8.8.8", "2000::1", "2001:200::1",
    "2001:4860:4860::8888", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111", "2620:4f:8001::1",
    "2a00:1450:4001::200e", "3ffd::1", "3fff:1000::1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name leads to a public address: what is refused here is refused for itself."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: answers("93.184.215.14", port=port))


def answers(*ips: str, port: int = 80) -> list[Any]:
    families = [socket.AF_INET6 if ":" in ip else socket.AF_INET for ip in ips]
    return [(family, socket.SOCK_STREAM, 6, "", (ip, port)) for family, ip in zip(families, ips, strict=True)]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_address_in_any_form_is_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(FetchRefused) as caught:
        resolve_address(parse_address(text))
    assert str(caught.value) == ADDRESS_REFUSED


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A?b=c#d", "https://example.com/A?b=c"),
        ("https://bücher.example/straße?q=ä", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4"),
        ("http://93.184.215.14/x", "http://93.184.215.14/x"),
        ("http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"),
        ("https://example.com:80/a%20b", "https://example.com:80/a%20b"),
    ],
)
def test_a_public_page_is_known_by_one_address(text: str, known: str) -> None:
    assert parse_address(text).text == known
    assert resolve_address(parse_address(text))


def test_host_name_is_refused_unless_all_its_addresses_are_public(monkeypatch: pytest.MonkeyPatch) -> None:
    for ips in (["93.184.215.14", "10.0.0.1"], ["::1"], ["2606:2800::1", "fe80::1"], []):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=ips, **__: answers(*found))
        with pytest.raises(FetchRefused, match="cannot be fetched"):
            resolve_address(parse_address("http://example.com/"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers("2606:2800::1"))
    assert resolve_address(parse_address("http://example.com/")) == ["2606:2800::1"]


@pytest.mark.parametrize(("ip", "said"), [(ip, False) for ip in SPECIAL] + [(ip, True) for ip in PUBLIC])
def test_special_purpose_addresses_are_not_public_and_their_neighbours_are(ip: str, said: bool) -> None:
    assert is_public(ipaddress.ip_address(ip)) is said


def test_a_name_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", gone)
    with pytest.raises(FetchRefused, match="no server with this name"):
        resolve_address(parse_address("http://example.invalid/"))


def test_a_shown_address_holds_no_query() -> None:
    address = parse_address("https://example.com/a/b?token=secret#part")
    assert (address.without_query, address.text) == ("https://example.com/a/b", "https://example.com/a/b?token=secret")


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_as_public_as_the_one_inside(ip: ipaddress.IPv4Address) -> None:
    assert is_public(ipaddress.IPv6Address(f"::ffff:{ip}")) == is_public(ip)
    assert not is_public(ipaddress.IPv6Address(f"64:ff9b::{ip}")) and not is_public(ipaddress.IPv6Address(f"::{ip}"))


@given(st.text(max_size=80))
def test_text_is_parsed_as_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except FetchRefused:
        return
    assert parse_address(address.text) == address
