"""Any server that speaks the OpenAI protocol for pictures (`POST …/images/generations`); it shows no previews."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any

import httpx

from apps.engines.base import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable
from apps.engines.image.base import Drawn, DrawRequest, DrawStep, PictureModel
from apps.engines.image.checks import check, opened

_LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
_SIDE, _LARGEST = 1024, 2048


class OpenAIPainter:
    """`url` with its `/v1`. Cookies are never kept, redirects never followed."""

    def __init__(self, url: str = "", model: str = "", api_key: str = "", timeout_s: float = 300) -> None:
        self._url, self._name, self._key, self._timeout = url.rstrip("/"), model, api_key, timeout_s

    def model(self) -> PictureModel:
        if not self._url or not self._name:
            raise EngineUnavailable("No picture model is set up.")
        return PictureModel(self._name, f"{self._name} of a server", _SIDE, _SIDE, 1, 0.0, 8, _LARGEST, 1)

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> Drawn:
        check(request, self.model())
        asked: dict[str, Any] = {"model": self._name, "prompt": request.prompt, "n": 1, "response_format": "b64_json"}
        asked |= {"size": f"{request.width}x{request.height}", "seed": request.seed}
        began = time.perf_counter()
        answer = self._post(asked)
        model_s = time.perf_counter() - began  # as it is seen from here
        try:
            picture = base64.b64decode(answer["data"][0]["b64_json"], validate=True)
        except (KeyError, IndexError, TypeError, ValueError, binascii.Error) as error:
            raise EngineBroken("The picture server's answer holds no picture.") from error
        try:
            plain = opened(picture, request.width, request.height)
        except EngineRefused as error:
            raise EngineBroken("What the picture server sent is no picture.") from error
        seen(DrawStep(1, 1))
        return Drawn(plain, model_s=model_s)

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with httpx.stream(
                "POST", f"{self._url}/images/generations", json=asked, headers=headers, timeout=self._timeout
            ) as said:
                body = b""
                for piece in said.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST_ANSWER:
                        raise EngineBroken("The picture server's answer is too large.")
        except httpx.HTTPError as error:
            raise EngineUnavailable("The picture server does not answer.") from error
        if said.status_code != 200:
            raise _refusal(said.status_code)
        try:
            answer = httpx.Response(200, content=body).json()
        except ValueError as error:
            raise EngineBroken("The picture server's answer cannot be read.") from error
        if not isinstance(answer, dict):
            raise EngineBroken("The picture server's answer cannot be read.")
        return answer


def _refusal(status: int) -> EngineError:
    if status in (429, 503):
        return EngineBusy("The picture server is busy; it is asked again later.")
    if 400 <= status < 500:
        return EngineRefused(f"The picture server refused this picture (status {status}); describe it otherwise.")
    return EngineUnavailable(f"The picture server failed (status {status}).")
