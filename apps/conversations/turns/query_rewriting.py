"""Rewrite a follow-up question into one that stands alone, with a model that passed the reading check.

Entry point: `start_rewriting`. It runs beside the search for the question as asked and as completed by rules
(`apps/documents/retrieval/follow_up_rewriting.py`). It starts once the gate has approved the question and is given up
after LONGEST_S.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing

from django.conf import settings

from apps.conversations.assistants import answer_style
from apps.conversations.core.turn_input import PastExchange
from apps.conversations.turns.state import Turn
from apps.documents.retrieval.follow_up_rewriting import is_follow_up
from apps.engines.types import ChatEngine, ChatMessage, ChatRequest, Delta, EngineError, Sampling
from apps.lib.text.analyzer import extract_content_terms
from apps.safety.gate import gate
from apps.safety.text.prompt_tokens import escape_template_tokens

LONGEST_S = 0.8  # seconds; a model on a GPU needs a third of it
_ASK = (
    "Rewrite the last question so that it can be understood without the conversation before it. Keep its language and "
    "what it asks; do not answer it. Reply with the rewritten question alone."
)
_BACK = 3  # exchanges that the model is shown
_QUESTION, _ANSWER = 300, 300  # characters of each
_TOKENS = 48
_LONGEST = 300  # characters of a rewritten question
_OWN = 0.6  # share of its terms that the conversation must hold too
_PREFIX = re.compile(r"^\s*(?:rewritten question|rewritten|question)\s*:\s*", re.IGNORECASE)
_EDGES = ' \t"“”„«»*`'


def start_rewriting(turn: Turn, allowed: asyncio.Event) -> asyncio.Task[str] | None:
    """Start a task that rewrites the question once `allowed` is set; None if it is no follow-up or the setting is off.

    The task returns "" if the model fails the reading check, is unreachable, too slow, or writes something else.
    """
    prepared = turn.input
    if not settings.REWRITE or not prepared.history or not is_follow_up(prepared.text):
        return None
    return asyncio.create_task(_rewrite(turn, allowed), name="rewrite a follow-up")


def parse_rewritten_question(reply: str, question: str, history: Sequence[PastExchange]) -> str:
    """Return the rewritten question in the model's text; "" if it adds no term or has too many unknown ones. Pure."""
    line = next((line for line in reply.splitlines() if line.strip(_EDGES)), "")
    line = " ".join(_PREFIX.sub("", line.strip(_EDGES)).strip(_EDGES).split())
    terms = extract_content_terms(line)
    known = {term for past in history for text in (past.question, past.answer) for term in extract_content_terms(text)}
    known.update(asked := set(extract_content_terms(question)))
    if not terms or len(line) > _LONGEST or asked.issuperset(terms):
        return ""
    return line if sum(term in known for term in terms) >= _OWN * len(terms) else ""


async def _rewrite(turn: Turn, allowed: asyncio.Event) -> str:
    await allowed.wait()
    prepared, history = turn.input, [past for past in turn.input.history if not past.only_called_tool][-_BACK:]
    try:
        async with asyncio.timeout(LONGEST_S):
            if not await answer_style.passes_reading_check((await turn.chat.info()).name, prepared.model):
                return ""
            line = parse_rewritten_question(
                await _ask_model(turn.chat, prepared.text, history, str(prepared.user.pk)), prepared.text, history
            )
            return line if line and (await gate.check_sentence(line, level=turn.strictness)).allowed else ""
    except (EngineError, TimeoutError):
        return ""


async def _ask_model(chat: ChatEngine, question: str, history: Sequence[PastExchange], cache: str) -> str:
    lines = [
        f"{name}: {escape_template_tokens(' '.join(text.split())[:most])}"
        for past in history
        for name, text, most in (("Question", past.question, _QUESTION), ("Answer", past.answer, _ANSWER))
    ]
    asked = "\n".join([*lines, f"Last question: {escape_template_tokens(question[:_QUESTION])}", "", _ASK])
    sampling = Sampling(max_tokens=_TOKENS, temperature=0.0)
    request = ChatRequest((ChatMessage("user", asked),), sampling, cache, reasoning=False)
    reply = ""
    async with aclosing(chat.stream(request)) as items:
        async for item in items:
            reply += item.text if isinstance(item, Delta) else ""
    return reply
