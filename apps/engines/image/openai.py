"""Picture engine for servers of the OpenAI protocol (`POST …/images/generations`). Gives no previews.

Servers differ in the fields that they accept; a field that a server refuses is left out from then on
(`openai_compat.py`). An answer holds the picture itself or its address on the same server. Other hosts are never
fetched, since a server could name any in this network. Regions are drawn by `…/images/edits`, if the operator says that
the server has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx2

from apps.engines.image.inpainting import composite_region, make_region_transparent, read_mask
from apps.engines.image.openai_compat import ServerCompatibility, Size
from apps.engines.image.openai_responses import (
    build_refusal,
    decode_base64,
    extract_picture,
    open_picture,
    parse_response,
)
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep, PictureModel
from apps.engines.image.validation import encode_png, fit_to_size, open_start_picture, validate_request
from apps.engines.pinned_transport import Resolve, SyncPinnedTransport
from apps.engines.types import EngineBroken, EngineUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
_CONNECT_S = 10.0
_SIDE, _LARGEST = 1024, 2048
_TRIES = 6  # one for each field that a server may refuse, and two more, since a server lists its sizes only once asked

Files = dict[str, tuple[str, bytes, str]]


class OpenAIPainter:
    """Picture engine of one server and model. `url` includes `/v1`; `edits` says that it has `/images/edits`. Cookies
    are never kept, redirects never followed."""

    def __init__(
        self,
        url: str = "",
        model: str = "",
        api_key: str = "",
        timeout_s: float = 300,
        edits: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        self._url, self._name, self._key, self._timeout = url.rstrip("/"), model, api_key, timeout_s
        self._edits, self._resolve = edits, resolve
        self._compatibility = {"generations": ServerCompatibility(), "edits": ServerCompatibility()}

    def model(self) -> PictureModel:
        if not self._url or not self._name:
            raise EngineUnavailable("No picture model is set up.")
        return PictureModel(
            self._name, f"{self._name} of a server", _SIDE, _SIDE, 1, 0.0, 8, _LARGEST, 1, accepts_mask=self._edits
        )

    def draw(self, request: DrawRequest, on_step: Callable[[DrawStep], None]) -> DrawnPicture:
        validate_request(request, self.model())
        size = request.width, request.height
        start = open_start_picture(request.start, *size) if request.mask else None
        part = read_mask(request.mask, request.start, *size) if request.mask else None
        started = time.perf_counter()
        answer = self._request(request, start, part)
        model_s = time.perf_counter() - started  # includes the network
        plain = open_picture(self._content(answer))
        on_step(DrawStep(1, 1))
        if start is not None and part is not None:  # the server may have drawn it in another shape
            return DrawnPicture(composite_region(plain.resize(size), start, part), model_s=model_s)
        return DrawnPicture(fit_to_size(plain, *size), model_s=model_s)

    def _request(self, request: DrawRequest, start: Image | None, part: Image | None) -> dict[str, Any]:
        """Return the server's answer, retrying without the fields that it refuses. Raise EngineError for other
        refusals."""
        kind = "edits" if start is not None else "generations"
        compatibility = self._compatibility[kind]
        for _ in range(_TRIES):
            size = compatibility.choose_size((request.width, request.height))
            fields = compatibility.fit_fields(
                {"model": self._name, "prompt": request.prompt, "seed": request.seed}, size
            )
            files: Files = _files(start, part, size) if start is not None and part is not None else {}
            status, body = self._post(kind, fields, files)
            if status == 200:
                return parse_response(body)
            if status not in (400, 422) or not compatibility.learn(fields, body):
                break
        raise build_refusal(status, body, request.mask != b"")

    def _post(self, kind: str, fields: dict[str, Any], files: Files) -> tuple[int, bytes]:
        payload: dict[str, Any] = {"data": fields, "files": files} if files else {"json": fields}
        return self._send("POST", f"{self._url}/images/{kind}", **payload)

    def _content(self, answer: dict[str, Any]) -> bytes:
        """Return the picture's bytes, fetching them if the answer holds only an address."""
        encoded, address = extract_picture(answer)
        if encoded:
            return decode_base64(encoded)
        try:
            server, url = httpx2.URL(self._url), httpx2.URL(self._url).join(address)
        except httpx2.InvalidURL as error:
            raise EngineBroken("The picture server returned a picture that does not exist.") from error
        if (url.scheme, url.host, url.port) != (server.scheme, server.host, server.port):
            raise EngineBroken(
                "The picture server returned a link to another server, which is not allowed. It must send "
                "the picture itself."
            )
        status, content = self._send("GET", str(url))
        if status != 200:
            raise EngineBroken("The picture server returned a picture that does not exist.")
        return content

    def _make_client(self) -> httpx2.Client:
        """Return a client; that of a server of the page connects only to addresses that are allowed now."""
        return httpx2.Client(transport=SyncPinnedTransport(self._resolve) if self._resolve is not None else None)

    def _send(self, method: str, url: str, **payload: Any) -> tuple[int, bytes]:
        """Return status and body. The whole body must arrive within the timeout, however slowly."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx2.Timeout(self._timeout, connect=min(_CONNECT_S, self._timeout))
        body, deadline = bytearray(), time.monotonic() + self._timeout
        try:
            with (
                self._make_client() as client,
                client.stream(method, url, headers=headers, timeout=timeout, **payload) as response,
            ):
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST_ANSWER:
                        raise EngineBroken("The picture server's answer is too large.")
                    if time.monotonic() > deadline:
                        raise EngineUnavailable("The picture server does not answer.")
        except httpx2.HTTPError as error:
            raise EngineUnavailable("The picture server does not answer.") from error
        return response.status_code, bytes(body)


def _files(start: Image, part: Image, size: Size) -> Files:
    """Return picture and mask in the requested size, stretched rather than cropped, so that the answer overlays the
    picture."""
    picture, mask = start.resize(size), make_region_transparent(start.resize(size), part.resize(size))
    return {"image": ("picture.png", encode_png(picture), "image/png"), "mask": ("mask.png", mask, "image/png")}
