"""Contract tests of caption engines: the fake, a server and local models, with the failures of each."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from apps.engines.caption.fake import FakeCaption
from apps.engines.caption.local import LocalCaption
from apps.engines.caption.openai import OpenAICaption
from apps.engines.caption.protocol import CAPTION_PROMPT, MAX_CHARACTERS, MAX_SIDE, CaptionEngine, clean_caption
from apps.engines.types import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable
from assistant.config.engine_backends import build_backends
from tests.engines.caption import tiny_models
from tests.engines.chat.scripted_server import answer, serving, stream
from tests.support.env_reading import read_env


def picture(form: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else None).save(out, form)
    return out.getvalue()


def told(words: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": words}, "finish_reason": "stop"}]}


# Importing what runs a model takes ten seconds.
LOCAL = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("blip", "llava")]


@pytest.fixture(params=["fake", "served", *LOCAL])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CaptionEngine]:
    match request.param:
        case "fake":
            yield FakeCaption()
        case "served":
            async with serving(answer(200, told("A red field.\nNothing else."))) as server:
                yield OpenAICaption(server.url, "tiny-vl")
        case kind:
            build: Callable[[Path], Path] = getattr(tiny_models, kind)
            yield LocalCaption(str(build(tmp_path)), timeout_s=20)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
async def test_a_picture_is_described_in_one_plain_line(engine: CaptionEngine, form: str) -> None:
    said = await asyncio.to_thread(engine.caption, picture(form))
    assert engine.name and said and "\n" not in said and len(said) <= MAX_CHARACTERS and said == said.strip()
    assert said == await asyncio.to_thread(engine.caption, picture(form))


async def test_grey_and_large_pictures_are_described_too(engine: CaptionEngine) -> None:
    assert await asyncio.to_thread(engine.caption, picture(mode="L"))
    assert await asyncio.to_thread(engine.caption, picture(size=(1500, 300)))


@pytest.mark.parametrize("junk", [b"", b"no picture", picture()[:40], b"GIF89a" + bytes(20)])
async def test_file_that_is_no_picture_is_refused(engine: CaptionEngine, junk: bytes) -> None:
    with pytest.raises(EngineRefused, match="not a readable picture"):
        await asyncio.to_thread(engine.caption, junk)


async def test_the_server_is_sent_our_own_small_jpeg_and_told_what_to_do() -> None:
    async with serving(answer(200, told("Red."))) as server:
        said = await asyncio.to_thread(OpenAICaption(server.url, "m", "secret").caption, picture(size=(3000, 100)))
    (asked,), headers = server.chats, server.requests[0][1]
    image, text = asked["messages"][0]["content"]
    content = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(content)) as sent:
        assert sent.format == "JPEG" and sent.width == MAX_SIDE
    assert said == "Red." and text == {"type": "text", "text": CAPTION_PROMPT} and asked["model"] == "m"
    assert headers["authorization"] == "Bearer secret" and not {"cookie", "referer"} & set(headers)


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (answer(429, {}), EngineBusy), (answer(503, {}), EngineBusy), (answer(404, {}), EngineRefused),
        (answer(500, {}), EngineUnavailable), (answer(302, b"", "Location: http://127.0.0.1:1/"), EngineUnavailable),
        (answer(200, b"no json"), EngineBroken), (answer(200, {"choices": []}), EngineBroken),
        (answer(200, told([1])), EngineBroken), (answer(200, told(" \n ")), EngineBroken),
        (answer(200, b"x" * 300_000), EngineBroken), (answer(200, b"[" * 100_000), EngineBroken),
        (stream(5.0), EngineUnavailable), (stream(b"{", 0.4, b"}", 0.4, b"}", 0.4, b"}", 0.4), EngineUnavailable),
    ],
)  # fmt: skip
async def test_caption_server_faults_end_with_a_reason(play: Any, error: type[EngineError]) -> None:
    async with serving(play) as server:
        with pytest.raises(error, match="describes pictures"):
            await asyncio.to_thread(OpenAICaption(server.url, "m", timeout_s=0.6).caption, picture())


def test_a_server_that_is_away_and_one_without_a_model_are_said_so() -> None:
    with pytest.raises(EngineUnavailable, match="does not answer"):
        OpenAICaption("http://127.0.0.1:1/v1", "m").caption(picture())
    with pytest.raises(EngineRefused, match="CAPTION_MODEL"):
        OpenAICaption("http://127.0.0.1:1/v1", "").caption(picture())


@pytest.mark.slow
def test_a_folder_without_a_model_is_said_to_be_broken(tmp_path: Path) -> None:
    with pytest.raises(EngineBroken, match="cannot be loaded"):
        LocalCaption(str(tmp_path)).caption(picture())


@pytest.mark.slow
def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    folder = tiny_models.blip(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EngineBroken, match="cannot be loaded"):
        LocalCaption(str(folder)).caption(picture())


def test_a_sentence_that_was_cut_off_is_left_out() -> None:
    assert clean_caption("A red field. There is nothing el") == "A red field."
    assert clean_caption("a red\tfield\x00 on\u202e white") == "a red field on white"
    assert len(clean_caption("word " * 1000)) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({}, None), ({"CAPTION_MODEL": "m"}, LocalCaption), ({"CAPTION_URL": "http://x/v1"}, OpenAICaption),
        ({"CAPTION_MODEL": "m", "CAPTION_URL": "http://x/v1", "CAPTION_API_KEY": "k"}, OpenAICaption),
    ],
)  # fmt: skip
def test_the_environment_names_it(env: dict[str, str], kind: type | None) -> None:
    config = build_backends(read_env(env), Path("/nonexistent"), Path("/nonexistent"))[1]["caption"]
    assert config.get("BACKEND") == (kind and f"{kind.__module__}.{kind.__name__}")
    assert kind is None or kind(**config["OPTIONS"]).name == env.get("CAPTION_MODEL", "")
