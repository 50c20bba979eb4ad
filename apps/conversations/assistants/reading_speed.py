"""Measure how many tokens of a prompt a model reads in a second. Entry point: `measure_prompt_speed`.

The speed decides how much of the documents the model is given (`reading_budget.py`).
"""

from __future__ import annotations

import time
from contextlib import aclosing
from uuid import uuid4

from apps.engines.types import ChatEngine, ChatMessage, ChatRequest, Finish, Sampling

_SENTENCE = "The harbour library opened in 1931 and was rebuilt after the flood, and its oldest map shows the bay."
_SENTENCES = 60  # about 1,500 tokens: enough to measure by, and 3 s for a model on a CPU
_QUESTION = "Question: Is this about a library? Answer yes or no."
_LEAST_S = 0.005  # seconds; servers on the same machine differ by as much from request to request


async def measure_prompt_speed(chat: ChatEngine) -> float:
    """Return tokens per second: the tokens of a long prompt beyond a short one by the additional time to the first
    token.

    Each prompt begins with a random word, so that no prefix cache holds it. Raise EngineError.
    """
    short, long = f"{uuid4().hex}. {_QUESTION}", " ".join([f"{uuid4().hex}.", *[_SENTENCE] * _SENTENCES, _QUESTION])
    await _measure_first_token(chat, short)  # opens the connection
    base = await _measure_first_token(chat, short)
    tokens = chat.count([long])[0] - chat.count([short])[0]
    return tokens / max(_LEAST_S, await _measure_first_token(chat, long) - base)


async def _measure_first_token(chat: ChatEngine, text: str) -> float:
    """Return the seconds until the model has written its first token."""
    start = time.perf_counter()
    request = ChatRequest(
        (ChatMessage("user", text),), Sampling(max_tokens=1, temperature=0.0, seed=1), reasoning=False
    )
    elapsed = 0.0
    async with aclosing(chat.stream(request)) as stream:
        async for part in stream:
            elapsed = elapsed or time.perf_counter() - start
            if isinstance(part, Finish):
                break
    return elapsed or time.perf_counter() - start
