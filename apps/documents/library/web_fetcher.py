"""Fetch a web page that a user named: the only requests of the server to addresses that users give.

Connections go to the address that `apps.safety.gate.web_addresses` checked, under the name of the host. Each redirect
is checked like the first address. No cookie and no credential is sent, nothing is stored between requests, and no proxy
of the environment is used. Size and time are limited.
"""

from __future__ import annotations

import logging
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2
from django.utils.translation import gettext

from apps.lib.text import message_templates
from apps.safety.gate import gate
from apps.safety.gate.web_addresses import PORTS, FetchRefused, WebAddress, parse_address, resolve_address
from apps.safety.models.verdict_log import Surface

log = logging.getLogger(__name__)

MAX_BYTES = 20 * 1024**2  # decoded
TOTAL_S, IDLE_S, CONNECT_S = 30.0, 10.0, 5.0
MAX_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_SIGNED_IN = {401, 402, 403, 407, 451}
_LATER = {408, 425, 429}
_HEADERS = (
    (b"User-Agent", b"Openbook (fetches single pages for people)"),
    (b"Accept", b"text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.5"),
    (b"Accept-Encoding", b"gzip"),
)

TOO_LARGE = message_templates.PAGE_LARGE % {"most": MAX_BYTES // 1024**2}
TOO_SLOW = message_templates.PAGE_SLOW % {"seconds": f"{TOTAL_S:.0f}"}
SERVER_UNREACHABLE = "The server does not answer correctly. Check the address."
ADDRESS_LEAKS_PROMPT = (
    "This address contains confidential instructions of the assistant, so it was not fetched. Enter another address."
)
CERTIFICATE_INVALID = (
    "The server’s certificate is not valid, so the page was not fetched. Save the page and upload the file."
)


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """Fetched page. `media_type` and `charset` are in lower case as the server sent them; "" if it sent none."""

    address: WebAddress
    content: bytes
    media_type: str
    charset: str


def fetch_url(text: str) -> FetchedPage:
    """Return the page after redirects. Takes up to TOTAL_S seconds, plus name resolution. Raise FetchRefused."""
    address, deadline = parse_address(text), time.monotonic() + TOTAL_S
    for _ in range(MAX_REDIRECTS + 1):
        if not gate.check_outgoing(address.text, Surface.DOCUMENTS).allowed:
            raise FetchRefused(ADDRESS_LEAKS_PROMPT)
        log.info("Fetching %s", address.without_query)
        found = _request(address, resolve_address(address), deadline)
        if isinstance(found, FetchedPage):
            return found
        address = found
    raise FetchRefused(
        gettext("The address redirects more than %(hops)s times. Enter the final address.") % {"hops": MAX_REDIRECTS}
    )


def _request(address: WebAddress, ips: list[str], deadline: float) -> FetchedPage | WebAddress:
    """Return the page, or the target of its redirect."""
    waits = {"connect": CONNECT_S, "read": IDLE_S, "write": IDLE_S, "pool": CONNECT_S}
    url = httpcore2.URL(
        scheme=address.scheme.encode(),
        host=address.host.encode(),
        target=address.target.encode(),
        port=None if address.port == PORTS[address.scheme] else address.port,
    )
    headers = [(b"Host", address.netloc.encode()), *_HEADERS]
    try:
        with (
            httpcore2.ConnectionPool(
                ssl_context=httpx2.create_ssl_context(), network_backend=_Pinned(ips, deadline), retries=0
            ) as pool,
            pool.stream("GET", url, headers=headers, extensions={"timeout": waits}) as response,
        ):
            return _read(address, response, deadline)
    except httpcore2.TimeoutException as error:
        raise FetchRefused(TOO_SLOW) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, ValueError) as error:
        distrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error)
        raise FetchRefused(CERTIFICATE_INVALID if distrusted else SERVER_UNREACHABLE) from error


def _read(address: WebAddress, response: httpcore2.Response, deadline: float) -> FetchedPage | WebAddress:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status in _REDIRECTS and b"location" in headers:
        return address.resolve(headers[b"location"])
    if response.status != 200:
        raise FetchRefused(_explain_status(response.status))
    if headers.get(b"content-length", "0").strip().isdecimal() and int(headers.get(b"content-length", "0")) > MAX_BYTES:
        raise FetchRefused(TOO_LARGE)
    coding = headers.get(b"content-encoding", "").strip().lower()
    content = b"".join(_limited(_decoded(response.iter_stream(), coding), deadline))
    if not content:
        raise FetchRefused(gettext("The page is empty."))
    kind, _, more = headers.get(b"content-type", "").lower().partition(";")
    charset = more.partition("charset=")[2].partition(";")[0].strip(" \"'")
    return FetchedPage(address, content, kind.strip(), charset)


def _limited(parts: Iterable[bytes], deadline: float) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_BYTES:
            raise FetchRefused(TOO_LARGE)
        if time.monotonic() > deadline:
            raise FetchRefused(TOO_SLOW)
        yield part


def _decoded(parts: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Yield the decoded bytes, at most one byte more than MAX_BYTES for any compression ratio."""
    if coding in ("", "identity"):
        yield from parts
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise FetchRefused(SERVER_UNREACHABLE)
    unpacker, left = zlib.decompressobj(zlib.MAX_WBITS | 32 if coding != "deflate" else zlib.MAX_WBITS), MAX_BYTES + 1
    try:
        for part in parts:
            while part and left > 0:
                out = unpacker.decompress(part, left)
                left -= len(out)
                part = unpacker.unconsumed_tail
                yield out
    except zlib.error as error:
        raise FetchRefused(SERVER_UNREACHABLE) from error


def _explain_status(status: int) -> str:
    if status in _SIGNED_IN:
        message = message_templates.PAGE_SIGN_IN
    elif status in (404, 410):
        message = message_templates.PAGE_GONE
    elif status in _LATER or status >= 500:
        message = message_templates.PAGE_LATER
    else:
        message = message_templates.PAGE_OTHER
    return message % {"status": status}


class _Timed(httpcore2.NetworkStream):
    """Stream on which no operation waits beyond the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining_s(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining_s(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _remaining_s(timeout, self._deadline))
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Pinned(httpcore2.NetworkBackend):
    """Network backend that connects only to the checked IP addresses, for any host name."""

    def __init__(self, ips: list[str], deadline: float) -> None:
        self._ips, self._deadline = ips, deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:  # fmt: skip
        error: Exception | None = None
        for ip in self._ips:
            try:
                stream = self._sockets.connect_tcp(ip, port, timeout=_remaining_s(timeout, self._deadline))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
            else:
                return _Timed(stream, self._deadline)
        raise error or httpcore2.ConnectError("no address")


def _remaining_s(timeout: float | None, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time is over")
    return min(left, timeout or left)
