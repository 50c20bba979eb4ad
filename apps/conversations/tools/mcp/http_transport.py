"""HTTP transport to MCP servers that connects only to checked addresses and limits the size of responses.

Redirects are checked like the first address; the HTTP package keeps them within the origin. Entry point: `make_client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
from django.conf import settings

from apps.conversations.tools.mcp.limits import MAX_BYTES
from apps.lib.concurrency.threads import in_pool
from apps.safety.gate.web_addresses import parse_address, resolve_address

_CONNECT_S, _READ_S = 5.0, 60.0


def make_client(token: str, exceeded: asyncio.Event) -> httpx2.AsyncClient:
    """Return a client that uses no proxy, cookie or credential except the operator's `token` for the server.

    `exceeded` is set if a response is larger than MAX_BYTES.
    """
    headers = {"User-Agent": "openbook", "Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx2.Timeout(_CONNECT_S, read=_READ_S)
    return httpx2.AsyncClient(transport=CheckedTransport(exceeded), headers=headers, timeout=timeout, trust_env=False)


class CheckedTransport(httpx2.AsyncBaseTransport):
    """Transport that resolves and checks the host, then connects to the checked IP address.

    Raises FetchRefused for an address that may not be connected to.
    """

    def __init__(self, exceeded: asyncio.Event) -> None:
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, retries=0)
        self._exceeded = exceeded

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to the checked address. Raise FetchRefused, and DecodingError for a compressed response."""
        address = parse_address(str(request.url), settings.MCP_HOSTS)
        ips = await in_pool(resolve_address, address, settings.MCP_HOSTS)
        checked = httpx2.Request(
            request.method, request.url.copy_with(host=ips[0]), headers=request.headers, stream=request.stream,
            extensions={**request.extensions, "sni_hostname": address.host},
        )  # fmt: skip
        response = await self._inner.handle_async_request(checked)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.DecodingError("packed, though that was not asked for", request=request)
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=_Limited(response.stream, self._exceeded, request),
            extensions=response.extensions,
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Limited(httpx2.AsyncByteStream):
    """Response stream that ends with ReadError beyond MAX_BYTES."""

    def __init__(self, stream: object, exceeded: asyncio.Event, request: httpx2.Request) -> None:
        if not isinstance(stream, httpx2.AsyncByteStream):
            raise TypeError("a stream that is read asynchronously is expected")
        self._stream, self._exceeded, self._request = stream, exceeded, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > MAX_BYTES:
                self._exceeded.set()
                raise httpx2.ReadError("more than is read", request=self._request)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
