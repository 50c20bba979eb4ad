"""Let a model name a conversation after the first answer, unless the user has named it. Entry point: `schedule_title`.

Until then, the first words of the question are the title. Only models that passed the reading check are asked. Titles
that the question does not support, or that the gate refuses, are dropped.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import aclosing

from django.conf import settings
from django.db.models import Q

from apps.conversations.assistants import answer_style
from apps.conversations.core import notifications
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.models import Conversation, Message
from apps.conversations.turns.state import Turn
from apps.engines.types import ChatMessage, ChatRequest, Delta, EngineError, Sampling
from apps.lib.concurrency.threads import in_db
from apps.lib.text.analyzer import extract_content_terms
from apps.safety.gate import gate
from apps.safety.text.prompt_tokens import escape_template_tokens

log = logging.getLogger(__name__)

_ASK = (
    "Write a title for this conversation: two to six words, in the language of the question, without quotation marks. "
    "Reply with the title alone."
)
_QUESTION, _ANSWER = 400, 600  # characters that the model is shown
_TOKENS = 24
_LONGEST = 60  # characters of a title
_WORDS = 9
_OWN = 0.5  # share of its terms (word stems) that the question must hold too
_PREFIX = re.compile(r"^\s*(?:title|titel|título|titre)\s*:\s*", re.IGNORECASE)
_EDGES = " \t\"'“”„«»‹›*_#`.:-–—"

_tasks: set[asyncio.Task[None]] = set()


def schedule_title(turn: Turn) -> None:
    """Start a task that names the conversation, if its title comes from the question of this turn."""
    if settings.TITLES and turn.input.gives_title and turn.text:
        task = asyncio.create_task(_ask_for_title(turn), name=f"title of {turn.input.conversation_id}")
        _tasks.add(task)
        task.add_done_callback(_finish_naming)


async def wait_until_idle() -> None:
    """Wait until no conversation is being named in this process (tests)."""
    while _tasks:
        await asyncio.wait(list(_tasks))


def parse_title(reply: str, question: str) -> str:
    """Return the title in the model's text; "" if there is none, or most of its terms are not in the question. Pure."""
    line = next((line for line in reply.splitlines() if line.strip(_EDGES)), "")
    line = " ".join(_PREFIX.sub("", line.strip(_EDGES)).strip(_EDGES).split())
    terms = extract_content_terms(line)
    if not terms or len(line) > _LONGEST or len(line.split()) > _WORDS:
        return ""
    asked = set(extract_content_terms(question))
    return line if sum(term in asked for term in terms) >= _OWN * len(terms) else ""


async def _ask_for_title(turn: Turn) -> None:
    if not await answer_style.passes_reading_check(turn.model, turn.input.model):
        return
    question, answer = turn.input.text[:_QUESTION], turn.text[:_ANSWER]
    asked = f"Question: {escape_template_tokens(question)}\nAnswer: {escape_template_tokens(answer)}\n\n{_ASK}"
    request = ChatRequest(
        (ChatMessage("user", asked),),
        Sampling(max_tokens=_TOKENS, temperature=0.0),
        str(turn.input.user.pk),
        reasoning=False,
    )
    reply = ""
    async with aclosing(turn.chat.stream(request)) as items:
        async for item in items:
            reply += item.text if isinstance(item, Delta) else ""
    name = parse_title(reply, question)
    if not name or not (await gate.check_sentence(name, level=turn.strictness)).allowed:
        return
    if await in_db(_save_title, turn.input, turn.text, name):
        await notifications.notify_conversation_changed(turn.input.user.pk, turn.input.conversation_id)


def _save_title(prepared: TurnInput, answer_text: str, name: str) -> bool:
    made_of = Q(pk=prepared.question_id, text=prepared.text) | Q(pk=prepared.answer_id, text=answer_text)
    if Message.objects.filter(made_of).count() < 2:  # question or answer was redacted meanwhile
        return False
    unnamed = Conversation.objects.filter(pk=prepared.conversation_id, title_origin=Conversation.TitleOrigin.QUESTION)
    unnamed = unnamed.exclude(messages__retracted__isnull=False)  # the title may repeat retracted text
    return bool(unnamed.update(title=name, title_origin=Conversation.TitleOrigin.MODEL))


def _finish_naming(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, EngineError):
        log.info("A conversation keeps the words of its question as its title: %s", error)
    else:
        log.error("A conversation could not be named", exc_info=error)
