"""Tests of strict picture servers over real HTTP: a refused field is left out from then on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from apps.engines.image.openai import OpenAIPainter
from apps.engines.image.openai_compat import ServerCompatibility
from apps.engines.image.protocol import DrawRequest
from apps.engines.image.validation import encode_png
from apps.engines.types import EngineRefused
from tests.engines.image.strict_server import KNOWN, StrictServer

ASK = DrawRequest("a red cat", seed=7, width=512, height=768, steps=1, guidance=0)
SIZES = ("1024x1024", "1536x1024", "1024x1536")


def sent(server: StrictServer) -> list[set[str]]:
    return [set(fields) for _, fields in server.requests]


@pytest.mark.parametrize("pydantic", [False, True])
def test_field_unknown_to_a_picture_server_is_left_out_from_then_on(pydantic: bool) -> None:
    with StrictServer(pydantic=pydantic) as server:
        painter = OpenAIPainter(server.url, "strict")
        assert painter.draw(ASK, lambda _: None).picture.size == (512, 768)
        first = len(server.requests)
        assert first == 3 and sent(server)[-1] == {"model", "prompt", "size"}
        painter.draw(replace(ASK, seed=8), lambda _: None)
        assert len(server.requests) == first + 1, "it is asked once only from then on"


def test_size_nearest_in_shape_is_chosen_from_the_listed_sizes() -> None:
    with StrictServer(KNOWN | {"response_format", "seed"}, SIZES) as server:
        painter = OpenAIPainter(server.url, "strict")
        for size, asked in (((512, 768), "1024x1536"), ((640, 640), "1024x1024"), ((1024, 1024), "1024x1024")):
            drawn = painter.draw(replace(ASK, width=size[0], height=size[1]), lambda _: None).picture
            assert (drawn.size, server.requests[-1][1]["size"]) == (size, asked)
        assert len(server.requests) == 4, "the first one once more"
        assert {"response_format", "seed"} <= sent(server)[-1], "what it knows is still sent"


def test_a_server_that_takes_no_size_draws_its_own() -> None:
    with StrictServer({"model", "prompt"}) as server:
        drawn = OpenAIPainter(server.url, "strict").draw(ASK, lambda _: None)
        assert drawn.picture.size == (512, 768) and sent(server)[-1] == {"model", "prompt"}


def test_refused_words_are_no_reason_to_ask_again() -> None:
    with StrictServer(KNOWN | {"response_format", "seed"}) as server:
        painter = OpenAIPainter(server.url, "strict")
        with pytest.raises(EngineRefused, match="Change the description"):
            painter.draw(replace(ASK, prompt="something forbidden"), lambda _: None)
        assert len(server.requests) == 1


def test_a_server_that_refuses_without_end_is_given_up() -> None:
    with StrictServer({"nothing"}) as server:
        with pytest.raises(EngineRefused, match="status 400"):
            OpenAIPainter(server.url, "strict").draw(ASK, lambda _: None)
        assert len(server.requests) <= 5


def part() -> DrawRequest:
    mask = Image.new("L", (512, 768))
    mask.paste(255, (0, 0, 256, 768))
    return replace(ASK, start=encode_png(Image.new("RGB", (512, 768), "navy")), mask=encode_png(mask))


def test_a_part_is_drawn_anew_by_edits_with_a_mask() -> None:
    with StrictServer(sizes=("1024x1024",)) as server:
        painter = OpenAIPainter(server.url, "strict", "key", edits=True)
        assert painter.model().accepts_mask
        now = np.asarray(painter.draw(part(), lambda _: None).picture)
    assert (now[:, 256:] == (0, 0, 128)).all(), "the rest stays, to the last pixel"
    assert (now[:, :240] == (0, 128, 0)).all()
    assert {path for path, _ in server.requests} == {"/v1/images/edits"} and server.requests[-1][1][
        "size"
    ] == "1024x1024"


def test_redrawing_a_part_is_refused_by_a_server_without_edits() -> None:
    with pytest.raises(EngineRefused, match="cannot change a part"):
        OpenAIPainter("http://nobody.test/v1", "strict").draw(part(), lambda _: None)
    with StrictServer(edits=False) as server, pytest.raises(EngineRefused, match="cannot change a part"):
        OpenAIPainter(server.url, "strict", edits=True).draw(part(), lambda _: None)


@pytest.mark.parametrize(
    ("body", "learnt"),
    [
        (b"", False), (b"\xff\xfe", False), (b"[" * 10_000, False), (b'{"error": {"message": "no"}}', False),
        (b'{"error": {"message": "the prompt speaks of a seed"}}', False),
        (b'{"detail": "unexpected argument: seed"}', True),
        (b"'512x768' is not one of ['256x256', '1024x1024'] - 'size'", True),
    ],
)  # fmt: skip
def test_refusal_is_learnt_from_only_if_it_names_a_field_or_sizes(body: bytes, learnt: bool) -> None:
    takes = ServerCompatibility()
    fields = takes.fit_fields({"prompt": "x", "seed": 1}, (512, 768))
    assert takes.learn(fields, body) is learnt
