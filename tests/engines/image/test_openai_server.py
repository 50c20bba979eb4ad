"""Tests of picture servers of the OpenAI protocol over real HTTP: both forms of pictures, and all failures."""

from __future__ import annotations

import base64
import socket
import time
from dataclasses import replace

import pytest

from apps.engines.image import openai
from apps.engines.image.openai import OpenAIPainter
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep
from apps.engines.types import EngineBroken, EngineBusy, EngineError, EngineRefused, EngineUnavailable
from tests.engines.image.scripted_server import Answer, PictureServer, answer, picture, pictured

ASK = DrawRequest("a red cat", seed=7, width=96, height=64, steps=1, guidance=0)
PNG = base64.b64encode(picture()).decode()


def draw(server: PictureServer, request: DrawRequest = ASK, **options: float) -> DrawnPicture:
    return OpenAIPainter(server.url, "flux", "secret", **options).draw(request, lambda _: None)


def named(url: str) -> Answer:
    return answer(200, {"data": [{"url": url, "b64_json": None}]})


def test_picture_server_is_asked_in_the_protocol_and_draws() -> None:
    steps: list[DrawStep] = []
    with PictureServer(pictured((96, 64))) as server:
        drawn = OpenAIPainter(f"{server.url}/", "flux", "secret").draw(ASK, steps.append)
        method, path, headers, sent = server.requests[0]
    assert (drawn.picture.size, drawn.picture.mode, drawn.is_reduced) == ((96, 64), "RGB", False)
    assert [(step.step, step.steps, step.preview) for step in steps] == [(1, 1, None)]
    assert (method, path, headers["Authorization"]) == ("POST", "/v1/images/generations", "Bearer secret")
    assert sent == {
        "model": "flux", "prompt": "a red cat", "seed": 7, "size": "96x64", "response_format": "b64_json",
    }  # fmt: skip


@pytest.mark.parametrize("size", [(1024, 1024), (8, 8), (64, 300)])
def test_picture_of_another_size_is_resized_to_the_wanted_one(size: tuple[int, int]) -> None:
    with PictureServer(pictured(size)) as server:
        assert draw(server).picture.size == (96, 64)


@pytest.mark.parametrize(
    "said", [f"data:image/png;base64,{PNG}", "\n".join(PNG[at : at + 60] for at in range(0, 999, 60))]
)
def test_base64_may_come_in_lines_or_as_an_address_that_holds_it(said: str) -> None:
    with PictureServer(answer(200, {"data": [{"b64_json": said}]}), named(said)) as server:
        assert draw(server).picture.getpixel((5, 5)) == (0, 128, 0)
        if said.startswith("data:"):
            assert draw(server).picture.getpixel((5, 5)) == (0, 128, 0)


@pytest.mark.parametrize("whole", [True, False])
def test_a_picture_that_has_an_address_on_the_same_server_is_fetched(whole: bool) -> None:
    with PictureServer(named("/"), files={"/made/1.png": answer(200, picture())}) as server:
        server._answers = [named(f"{server.origin if whole else ''}/made/1.png")]
        assert draw(server).picture.getpixel((5, 5)) == (0, 128, 0)
        assert [(method, path) for method, path, *_ in server.requests][1:] == [("GET", "/made/1.png")]


def test_api_key_and_requests_go_to_no_other_server() -> None:
    other = PictureServer(answer(200), files={"/1.png": answer(200, picture())})
    with other, PictureServer(named(f"{other.origin}/1.png")) as server:
        with pytest.raises(EngineBroken, match="another server"):
            draw(server)
        for url in (
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "//[::1]/x",
            "http://[broken",
            "//a\x00b",
        ):
            server._answers = [named(url)]
            with pytest.raises(EngineBroken):
                draw(server)
        server._answers = [named("/there")]
        server.files["/there"] = Answer(302, headers={"Location": f"{other.origin}/1.png"})
        with pytest.raises(EngineBroken, match="does not exist"):
            draw(server)
        server._answers = [Answer(307, headers={"Location": f"{other.origin}/v1/images/generations"})]
        with pytest.raises(EngineUnavailable, match="307"):
            draw(server)
    assert not other.requests


REFUSALS = [
    (429, b"", EngineBusy, "busy"), (503, b"", EngineBusy, "busy"),
    (429, b'{"error": {"code": "insufficient_quota"}}', EngineRefused, "no credit left"),
    (400, b'{"error": {"code": "moderation_blocked", "message": "secret"}}', EngineRefused, "rules of the picture"),
    (400, b'{"error": {"code": "content_policy_violation"}}', EngineRefused, "rules of the picture"),
    (403, b'{"error": {"message": "rejected by our safety system"}}', EngineRefused, "rules of the picture"),
    (400, b'{"error": {"message": "secret"}}', EngineRefused, "status 400"), (413, b"", EngineRefused, "status 413"),
    (401, b"secret", EngineRefused, "IMAGE_API_KEY"), (403, b"", EngineRefused, "IMAGE_API_KEY"),
    (404, b'{"error": {"code": "model_not_found"}}', EngineRefused, "IMAGE_MODEL"),
    (408, b"", EngineUnavailable, "failed"), (500, b"secret", EngineUnavailable, "failed"),
    (504, b"", EngineUnavailable, "failed"), (302, b"", EngineUnavailable, "failed"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "words"), REFUSALS)
def test_a_refusal_is_told_in_words_and_asked_again_only_where_that_helps(
    status: int, body: bytes, kind: type[EngineError], words: str
) -> None:
    with PictureServer(answer(status, body)) as server, pytest.raises(kind, match=words) as caught:
        draw(server)
    assert type(caught.value) is kind and "secret" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>", b"", b"[]", b"{}", b"[" * 100_000, b'{"data": []}', b'{"data": [null]}', b'{"data": {"0": 1}}',
        b'{"data": [{"b64_json": 5}]}', b'{"data": [{"b64_json": "!"}]}', b'{"data": [{"b64_json": "aGk="}]}',
        b'{"data": [{"url": "data:image/png;base64,aGk="}]}', b'{"data": [{"url": "data:"}]}',
    ],
)  # fmt: skip
def test_an_answer_without_a_picture_is_said_to_be_so(body: bytes) -> None:
    with PictureServer(answer(200, body)) as server, pytest.raises(EngineBroken, match="picture"):
        draw(server)


@pytest.mark.parametrize(
    "content", [picture((4, 4)), picture((64, 64), "GIF"), picture()[:60], b"<svg onload=alert(1)>"]
)
def test_a_hostile_file_is_no_picture(content: bytes) -> None:
    body = {"data": [{"b64_json": base64.b64encode(content).decode()}]}
    with PictureServer(answer(200, body)) as server, pytest.raises(EngineBroken, match="is not a picture"):
        draw(server)


@pytest.mark.parametrize(
    "slow",
    [pictured(pause_s=60), pictured(pieces=600, pause_s=0.1), pictured(short=True)],
    ids=["silent", "drips", "ends"],
)
def test_a_server_that_is_too_slow_or_hangs_up_is_asked_again_later(slow: Answer) -> None:
    began = time.monotonic()
    with PictureServer(slow) as server, pytest.raises(EngineUnavailable, match="does not answer"):
        draw(server, timeout_s=0.5)
    assert time.monotonic() - began < 30


def test_unreachable_picture_server_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(EngineUnavailable, match="does not answer"):
            OpenAIPainter(url, "flux").draw(ASK, lambda _: None)
    with pytest.raises(EngineUnavailable):
        OpenAIPainter("", "flux").draw(ASK, lambda _: None)


def test_an_endless_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_LARGEST_ANSWER", 1000)
    large = PictureServer(answer(200, b"x" * 5000), files={"/1.png": answer(200, b"x" * 5000)})
    with large as server:
        for _ in range(2):
            with pytest.raises(EngineBroken, match="too large"):
                draw(server)
            server._answers = [named("/1.png")]


@pytest.mark.parametrize("size", [(60, 64), (100, 64), (4096, 64), (96, 0)])
def test_a_size_that_is_out_of_range_is_not_even_asked_for(size: tuple[int, int]) -> None:
    with PictureServer(pictured()) as server, pytest.raises(EngineRefused, match=r"width|height"):
        draw(server, replace(ASK, width=size[0], height=size[1]))
    assert not server.requests
