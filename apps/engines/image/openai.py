"""Any server that speaks the OpenAI protocol for pictures (`POST …/images/generations`); it shows no previews.

Servers differ in what they take, and strict ones refuse what they do not know. What one refuses is left out from then
on (`openai_tolerance.py`). A part of a picture is drawn anew by `…/images/edits`, where the operator says that it is
there.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

from apps.engines.base import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable
from apps.engines.image.base import Drawn, DrawRequest, DrawStep, PictureModel
from apps.engines.image.checks import check, fitted, opened, png, upright
from apps.engines.image.openai_tolerance import Size, Tolerance
from apps.engines.image.parts import cut_out, put_together, region
from apps.lib import filled

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
_SIDE, _LARGEST = 1024, 2048
_TRIES = 6  # one for each thing that a server may not take, and two: sizes are told once they are asked for

Files = dict[str, tuple[str, bytes, str]]


class OpenAIPainter:
    """`url` with its `/v1`; `edits` where it has `/images/edits`. Cookies are never kept, redirects never followed."""

    def __init__(
        self, url: str = "", model: str = "", api_key: str = "", timeout_s: float = 300, edits: bool = False
    ) -> None:
        self._url, self._name, self._key, self._timeout = url.rstrip("/"), model, api_key, timeout_s
        self._edits = edits
        self._takes = {"generations": Tolerance(), "edits": Tolerance()}

    def model(self) -> PictureModel:
        if not self._url or not self._name:
            raise EngineUnavailable("No picture model is set up.")
        return PictureModel(
            self._name, f"{self._name} of a server", _SIDE, _SIDE, 1, 0.0, 8, _LARGEST, 1, masks=self._edits
        )

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> Drawn:
        check(request, self.model())
        size = request.width, request.height
        start = opened(request.start, *size) if request.mask else None
        part = region(request.mask, request.start, *size) if request.mask else None
        began = time.perf_counter()
        answer = self._asked(request, start, part)
        model_s = time.perf_counter() - began  # as it is seen from here
        plain = _picture(answer)
        seen(DrawStep(1, 1))
        if start is not None and part is not None:  # it was asked for in another shape, maybe, and drawn in that
            return Drawn(put_together(plain.resize(size), start, part), model_s=model_s)
        return Drawn(fitted(plain, *size), model_s=model_s)

    def _asked(self, request: DrawRequest, start: Image | None, part: Image | None) -> dict[str, Any]:
        """The server's answer, when it was asked for nothing more that it does not take."""
        kind = "edits" if start is not None else "generations"
        takes = self._takes[kind]
        for _ in range(_TRIES):
            size = takes.size((request.width, request.height))
            fields = takes.fitted({"model": self._name, "prompt": request.prompt, "seed": request.seed}, size)
            files: Files = _files(start, part, size) if start is not None and part is not None else {}
            status, body = self._post(kind, fields, files)
            if status == 200:
                return _read(body)
            if status not in (400, 422) or not takes.learn(fields, body):
                raise _refusal(status, request.mask != b"")
        raise _refusal(status, request.mask != b"")

    def _post(self, kind: str, fields: dict[str, Any], files: Files) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        sent: dict[str, Any] = {"data": fields, "files": files} if files else {"json": fields}
        try:
            with httpx.stream(
                "POST", f"{self._url}/images/{kind}", headers=headers, timeout=self._timeout, **sent
            ) as said:
                body = b""
                for piece in said.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST_ANSWER:
                        raise EngineBroken("The picture server's answer is too large.")
        except httpx.HTTPError as error:
            raise EngineUnavailable("The picture server does not answer.") from error
        return said.status_code, body


def _files(start: Image, part: Image, size: Size) -> Files:
    """Picture and mask in the size that is asked for, stretched rather than cropped: what comes back lies over it."""
    whole, cut = start.resize(size), cut_out(start.resize(size), part.resize(size))
    return {"image": ("picture.png", png(whole), "image/png"), "mask": ("mask.png", cut, "image/png")}


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = httpx.Response(200, content=body).json()
    except ValueError as error:
        raise EngineBroken("The picture server's answer cannot be read.") from error
    if not isinstance(answer, dict):
        raise EngineBroken("The picture server's answer cannot be read.")
    return answer


def _picture(answer: dict[str, Any]) -> Image:
    try:
        content = base64.b64decode(answer["data"][0]["b64_json"], validate=True)
    except (KeyError, IndexError, TypeError, ValueError, binascii.Error) as error:
        raise EngineBroken("The picture server's answer holds no picture.") from error
    try:
        return upright(content)
    except EngineRefused as error:
        raise EngineBroken("What the picture server sent is no picture.") from error


def _refusal(status: int, part: bool) -> EngineError:
    if status in (429, 503):
        return EngineBusy("The picture server is busy; it is asked again later.")
    if part and status in (404, 405):
        return EngineRefused("The picture server cannot draw a part of a picture anew.")
    if 400 <= status < 500:
        return EngineRefused(filled.PICTURE_REFUSED % {"status": status})
    return EngineUnavailable(filled.PICTURE_FAILED % {"status": status})
