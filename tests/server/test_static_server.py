"""Static files as a browser gets them: before Django, with the headers that every page has, compressed and in parts."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings
from django.core.handlers.asgi import ASGIHandler

from assistant.request_ids import RequestIds
from assistant.static_server import _PART, StaticFilesApp

SCRIPT, FONT = b"export const answer = 42;\n" * 40, bytes(range(256)) * 4000
Ask = Callable[..., Any]


async def _django(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


@pytest.fixture
def files(tmp_path: Path, settings: LazySettings) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "a.js").write_bytes(SCRIPT)
    (folder / "a.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "font.woff2").write_bytes(FONT)
    (tmp_path / "secret_key").write_text("hidden")
    settings.STATIC_ROOT, settings.DEBUG = folder, False
    return folder


@pytest.fixture
def ask(files: Path) -> Ask:
    transport = httpx2.ASGITransport(StaticFilesApp(_django))

    async def _ask(path: str, method: str = "GET", **headers: str) -> httpx2.Response:
        asked = {"accept-encoding": "identity", **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with httpx2.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.request(method, path, headers=asked)

    return _ask


async def test_a_file_comes_whole_with_the_headers_of_every_page(ask: Ask) -> None:
    answer = await ask("/static/a.js")
    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers["content-type"] == 'text/javascript; charset="utf-8"'
    assert answer.headers["content-length"] == str(len(SCRIPT))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("size", [0, 1, _PART - 1, _PART, _PART + 1, 3 * _PART])
async def test_a_large_one_comes_in_parts(files: Path, size: int) -> None:
    content = (FONT * 4)[:size]
    (files / "any.bin").write_bytes(content)
    parts = [message for message in await _raw("/static/any.bin") if message["type"] == "http.response.body"]
    assert b"".join(part["body"] for part in parts) == content
    assert max(len(part["body"]) for part in parts) <= _PART
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert len(parts) == max(1, -(-size // _PART))


@pytest.mark.parametrize(("scheme", "told"), [("https", True), ("http", False), ("wss", False), ("", False)])
async def test_static_file_over_https_sends_strict_transport_security(
    settings: LazySettings, files: Path, scheme: str, told: bool
) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    begin, *_ = await _raw("/static/a.js", scheme=scheme)
    assert begin["status"] == 200
    assert dict(begin["headers"]).get(b"strict-transport-security") == (b"max-age=60" if told else None)


async def test_static_file_is_sent_compressed_to_who_accepts_it(ask: Ask) -> None:
    answer = await ask("/static/a.js", accept_encoding="gzip, br")
    assert answer.headers["content-encoding"] == "gzip" and answer.content == SCRIPT
    assert int(answer.headers["content-length"]) < len(SCRIPT)
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_static_file_that_the_browser_has_is_not_sent_again(ask: Ask) -> None:
    first = await ask("/static/a.js")
    for name, header in (("if_none_match", "etag"), ("if_modified_since", "last-modified")):
        again = await ask("/static/a.js", **{name: first.headers[header]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await ask("/static/a.js", if_none_match='"another"')).content == SCRIPT


async def test_a_part_is_sent_where_one_is_asked_for(ask: Ask) -> None:
    answer = await ask("/static/font.woff2", range="bytes=256000-")
    assert (answer.status_code, answer.content) == (206, FONT[256_000:])
    assert answer.headers["content-range"] == f"bytes 256000-{len(FONT) - 1}/{len(FONT)}"
    assert (await ask("/static/font.woff2", range="bytes=9999999-")).status_code == 416


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405), ("DELETE", 405)])
async def test_static_file_is_not_sent_to_other_methods(ask: Ask, method: str, status: int) -> None:
    answer = await ask("/static/a.js", method)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "path",
    ["/", "/static/", "/static", "/static/nothing.js", "/a.js", "/statics/a.js", "/static/../secret_key",
     "/static/..\\secret_key", "/static//a.js", "/static/./a.js", "/static/js/../../secret_key", "/static/a.js/",
     "/static/a.js\0", "/static//etc/passwd", "/static/" + "a" * 5000],
)  # fmt: skip
async def test_path_outside_static_files_is_asked_of_django(
    files: Path, settings: LazySettings, debug: bool, path: str
) -> None:
    settings.DEBUG = debug
    (files / "js").mkdir()
    begin, body = await _raw(path)
    assert (begin["status"], body["body"]) == (404, b"a page")


@pytest.mark.parametrize("debug", [True, False])
async def test_static_file_added_later_is_served_in_debug_mode(
    files: Path, settings: LazySettings, debug: bool
) -> None:
    settings.DEBUG = debug
    statics = StaticFilesApp(_django)
    shutil.copy(files / "a.js", files / "later.js")
    begin, *_ = await _raw("/static/later.js", statics=statics)
    assert begin["status"] == (200 if debug else 404)


def test_the_product_asks_them_first() -> None:
    from assistant.asgi import application

    first = application.application_mapping["http"]
    assert isinstance(first, RequestIds) and isinstance(first._application, StaticFilesApp)
    assert isinstance(first._application._other, ASGIHandler)


async def _raw(path: str, scheme: str = "http", statics: StaticFilesApp | None = None) -> list[dict[str, Any]]:
    """What is sent for a path as it stands: a client would tidy it up."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "scheme": scheme}
    await (statics or StaticFilesApp(_django))(scope, receive, send)
    return sent
