"""Fetching from a real server: redirects are checked, size and time have limits, and nothing of ours is sent along."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.documents.library import web_fetcher
from apps.documents.library.web_fetcher import fetch_url
from apps.safety.gate.web_addresses import ADDRESS_REFUSED, FetchRefused
from tests.safety.web_server import Site, site

BODY = b"<html><body><p>Thirty days of leave.</p></body></html>"


@pytest.fixture
def web(settings: Any) -> Iterator[Site]:
    with site() as found:
        settings.FETCH_ALSO = {("127.0.0.1", found.port)}
        yield found


def reason(address: str) -> str:
    with pytest.raises(FetchRefused) as caught:
        fetch_url(address)
    return str(caught.value)


def test_a_page_comes_with_what_the_server_says_of_it(web: Site) -> None:
    page = fetch_url(web.page("/a?b=c", BODY, 'Text/HTML; Charset="ISO-8859-1"'))
    assert (page.content, page.media_type, page.charset) == (BODY, "text/html", "iso-8859-1")
    assert page.address.without_query == web.address("/a")


def test_fetcher_sends_no_data_of_the_site_and_keeps_no_cookies(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    fetch_url(web.page("/a", BODY, more="Set-Cookie: id=1; Path=/\r\n"))
    fetch_url(web.address("/a"))
    assert len(web.requests) == 2
    for request in web.requests:
        line, *headers = request.decode().strip().split("\r\n")
        assert line == "GET /a HTTP/1.1"
        assert sorted(header.partition(":")[0].lower() for header in headers) == [
            "accept", "accept-encoding", "host", "user-agent",
        ]  # fmt: skip
        assert f"Host: 127.0.0.1:{web.port}" in headers


def test_redirects_are_followed_up_to_three(web: Site) -> None:
    web.page("/end", BODY)
    for n in range(4):
        web.redirect(f"/{n}", f"/{n + 1}" if n < 3 else "/end")
    assert fetch_url(web.address("/1")).address.target == "/end"
    assert "more than 3 times" in reason(web.address("/0"))
    web.redirect("/loop", "/loop")
    assert "more than 3 times" in reason(web.address("/loop"))


@pytest.mark.parametrize(
    "to",
    ["http://169.254.169.254/latest/meta-data/", "//[::ffff:127.0.0.1]/", "http://127.0.0.1:6379/", "file:///etc/passwd",
     "http://u:p@example.com/", "http://2130706433/", "gopher://x/"],
)  # fmt: skip
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_like_the_first_address(web: Site, to: str, status: int) -> None:
    assert reason(web.redirect("/go", to, status)) == ADDRESS_REFUSED
    assert len(web.requests) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when asked and private a moment later: it is asked once a hop, and nobody asks again."""
    asked = _named(monkeypatch, ["127.0.0.1", "10.0.0.1"])
    web.page("/a", BODY)
    assert fetch_url(web.address("/a", "rebinding.example")).content == BODY
    assert asked == ["rebinding.example"]
    assert b"Host: rebinding.example:%d" % web.port in web.requests[0]


def test_oversized_response_is_stopped_whatever_was_announced(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_fetcher, "MAX_BYTES", 100_000)
    web.answers["/announced"] = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
    web.answers["/unannounced"] = _endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x" * 65536)
    web.answers["/chunked"] = _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"
    )
    for path in ("/announced", "/unannounced", "/chunked"):
        assert "larger than the limit" in reason(web.address(path))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_unpacked_no_further_than_may_be(web: Site, coding: str) -> None:
    packed = gzip.compress(bytes(300_000_000), 9) if coding == "gzip" else zlib.compress(bytes(300_000_000), 9)
    address = web.page("/bomb", packed, more=f"Content-Encoding: {coding}\r\n")
    assert "larger than the limit" in reason(address)


def test_packed_pages_are_unpacked(web: Site) -> None:
    for coding, packed in (("gzip", gzip.compress(BODY)), ("deflate", zlib.compress(BODY)), ("identity", BODY)):
        assert fetch_url(web.page("/a", packed, more=f"Content-Encoding: {coding}\r\n")).content == BODY
    for coding in ("br", "zstd", "gzip, gzip", "gzip"):  # not asked for, or not what it says
        assert "does not answer" in reason(web.page("/a", BODY, more=f"Content-Encoding: {coding}\r\n"))


def test_slow_servers_are_left(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_fetcher, "TOTAL_S", 1.0)
    monkeypatch.setattr(web_fetcher, "IDLE_S", 0.5)
    web.answers["/silent"] = lambda connection: time.sleep(60)
    web.answers["/headers"] = _dripping(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000)
    web.answers["/body"] = _dripping(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for path in ("/silent", "/headers", "/body"):
        began = time.monotonic()
        assert "did not load within" in reason(web.address(path))
        assert time.monotonic() - began < 30


def test_answers_that_are_none_are_told_in_words(web: Site) -> None:
    for status, words in (
        (401, "sign-in"),
        (403, "sign-in"),
        (404, "no page"),
        (500, "later"),
        (429, "later"),
        (206, "206"),
    ):
        web.answers["/a"] = f"HTTP/1.1 {status} No\r\nContent-Length: 1\r\n\r\nx".encode()
        assert words in reason(web.address("/a"))
    for answer in (
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ):
        web.answers["/a"] = answer
        assert "does not answer" in reason(web.address("/a"))
    assert reason(web.page("/a", b"")) == "The page is empty."


def test_a_port_that_nobody_listens_on_is_told(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.FETCH_ALSO = {("127.0.0.1", port)}
    assert "does not answer" in reason(f"http://127.0.0.1:{port}/")


def test_query_of_a_fetched_address_is_not_logged(web: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web.redirect("/a?token=s3cret", "/b?key=s3cret")
    web.page("/b?key=s3cret", BODY)
    fetch_url(web.address("/a?token=s3cret"))
    ours = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert any("/a" in line for line in ours) and "s3cret" not in "".join(ours)


def test_the_certificate_has_to_be_that_of_the_name(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path, "pages.example"))
    _named(monkeypatch, ["127.0.0.1"] * 9)
    with site(context) as web:
        settings.FETCH_ALSO = {("127.0.0.1", web.port)}
        web.page("/a", BODY)
        web.redirect("/down", f"http://pages.example:{web.port}/a")
        address = web.address("/a", "pages.example")
        assert "certificate" in reason(address)  # nobody vouches for it
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pages.example.pem"))
        assert fetch_url(address).content == BODY
        assert web.names[-1] == "pages.example"
        assert "certificate" in reason(web.address("/a", "other.example"))
        assert "unencrypted address" in reason(web.address("/down", "pages.example"))


def _named(monkeypatch: pytest.MonkeyPatch, ips: list[str]) -> list[str]:
    """Names are answered with one of the addresses after the other; returns the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if not host.endswith(".example"):  # an address that is to be connected to
            return list(real(host, port, *more, **options))
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ips[len(asked) - 1], port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def _endless(head: bytes, part: bytes) -> Any:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:  # until the other side has had enough
            connection.sendall(part)

    return answer


def _dripping(words: bytes, head: bytes = b"") -> Any:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for at in range(600):
            connection.sendall(words[at : at + 1] or b"x")
            time.sleep(0.1)

    return answer


def _certificate(folder: Path, name: str) -> Path:
    """Key and certificate of a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path
