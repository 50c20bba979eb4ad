"""Caption engine that calls a vision model on a server of the OpenAI protocol (`POST …/chat/completions` with a
picture)."""

from __future__ import annotations

import base64
import io
import json
import time

import httpx2

from apps.engines.caption.protocol import CAPTION_PROMPT, clean_caption, open_picture
from apps.engines.types import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable

_LARGEST_ANSWER = 256 * 1024  # bytes; a caption has a few sentences
_TOKENS = 200


class OpenAICaption:
    """Caption engine of a remote model. `url` includes `/v1`. Uses no cookies, redirects or proxies, and never shows
    the server's own error texts."""

    def __init__(self, url: str, model: str, api_key: str = "", timeout_s: float = 30.0) -> None:
        self.name = model
        self._url, self._timeout_s = url.rstrip("/"), timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def caption(self, picture: bytes) -> str:
        if not self.name:
            raise EngineRefused("No model that describes pictures is set up. An administrator sets CAPTION_MODEL.")
        jpeg = io.BytesIO()
        open_picture(picture).save(jpeg, "JPEG", quality=90)
        address = f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"
        parts = [{"type": "image_url", "image_url": {"url": address}}, {"type": "text", "text": CAPTION_PROMPT}]
        payload = {
            "model": self.name, "messages": [{"role": "user", "content": parts}], "temperature": 0,
            "max_tokens": _TOKENS, "stream": False,
        }  # fmt: skip
        try:
            return clean_caption(_parse_caption(self._post(payload)))
        except httpx2.HTTPError as error:
            raise EngineUnavailable("The server that describes pictures does not answer.") from error

    def _post(self, payload: dict[str, object]) -> bytes:
        deadline, body = time.monotonic() + self._timeout_s, b""
        with (
            httpx2.Client(timeout=self._timeout_s, trust_env=False, headers=self._headers) as client,
            client.stream("POST", f"{self._url}/chat/completions", json=payload) as response,
        ):
            if response.status_code != 200:
                raise _refusal(response.status_code)
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise EngineBroken("The answer of the server that describes pictures is too long.")
                if time.monotonic() > deadline:
                    raise EngineUnavailable("The server that describes pictures did not answer in time.")
        return body


def _refusal(status: int) -> EngineError:
    if status in (429, 503):
        return EngineBusy("The server that describes pictures is busy.")
    if 400 <= status < 500:
        return EngineRefused("The server that describes pictures refused this one.")
    return EngineUnavailable("The server that describes pictures failed.")


def _parse_caption(body: bytes) -> str:
    try:
        text = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise EngineBroken("The answer of the server that describes pictures cannot be read.") from error
    if not isinstance(text, str):
        raise EngineBroken("The answer of the server that describes pictures cannot be read.")
    return text
