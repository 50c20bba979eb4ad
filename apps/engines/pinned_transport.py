"""HTTP client of engines whose server an administrator set on the page: it connects only to addresses that are allowed
now. A name may point elsewhere than when it was stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx2

Resolve = Callable[[str, int], list[str]]


def make_client(headers: Mapping[str, str], timeout_s: float, resolve: Resolve | None) -> httpx2.AsyncClient:
    """Return a client without cookies, redirects and proxies. `resolve` returns the IP addresses of a host that may be
    connected to, or raises; None: any may."""
    transport = PinnedTransport(resolve) if resolve is not None else None
    return httpx2.AsyncClient(timeout=timeout_s, trust_env=False, headers=dict(headers), transport=transport)


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Transport that connects to the IP address which `resolve` gave, and checks the certificate of the host."""

    def __init__(self, resolve: Resolve) -> None:
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, retries=0)
        self._resolve = resolve

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Raise ConnectError for a host that may not be connected to."""
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            ips = await asyncio.get_running_loop().run_in_executor(None, self._resolve, host, port)
        except Exception as error:  # whatever the function refuses with: no connection is made
            raise httpx2.ConnectError("this host may not be connected to", request=request) from error
        return await self._inner.handle_async_request(_pin(request, host, ips[0]))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class SyncPinnedTransport(httpx2.BaseTransport):
    """Transport for threads that connects as `PinnedTransport`."""

    def __init__(self, resolve: Resolve) -> None:
        self._inner = httpx2.HTTPTransport(trust_env=False, retries=0)
        self._resolve = resolve

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request. Raise ConnectError for a host that may not be connected to."""
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            ips = self._resolve(host, port)
        except Exception as error:  # whatever the function refuses with: no connection is made
            raise httpx2.ConnectError("this host may not be connected to", request=request) from error
        return self._inner.handle_request(_pin(request, host, ips[0]))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _pin(request: httpx2.Request, host: str, ip: str) -> httpx2.Request:
    return httpx2.Request(
        request.method, request.url.copy_with(host=ip), headers=request.headers, stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )  # fmt: skip
