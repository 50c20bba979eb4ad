"""Let the chat model expand a few words to a full description of a picture; the moderated text is returned for editing.

Nothing is drawn here: the user reads, changes or discards the text. For a model that draws fixed names only, the
nearest names are returned instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from django.utils.translation import gettext

from apps.engines import registry
from apps.engines.image.protocol import PictureModel, VocabularyLimited
from apps.engines.image.validation import PROMPT_CHARACTERS
from apps.engines.types import ChatMessage, ChatRequest, Delta, Finish, Sampling
from apps.images.generation import model_info
from apps.images.moderation.picture_cases import flag_prompt
from apps.images.moderation.prompts import match_blocklists
from apps.images.requests.submission import PictureRequestRefused
from apps.lib.concurrency.threads import in_db, in_pool
from apps.lib.text.analyzer import extract_content_terms
from apps.safety.gate import gate
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.safety.models.verdict_log import Surface
from apps.safety.policy.verdicts import Verdict, strictest_verdict
from apps.safety.text.prompt_tokens import escape_template_tokens
from apps.safety.verdict_log.recorder import use_surface
from apps.users import rate_limits, usage, usage_limits
from apps.users.i18n import translate_stored
from apps.users.models import User

TIMEOUT_S = 40.0  # a model on two cores writes a description in half of it
MAX_SUGGESTIONS = 6  # names that are suggested
_INSTRUCTION = (
    "Describe this picture more fully, for a model that draws from words: keep everything that is said and its "
    "language; add what the subject and its surroundings look like, the light, the colours, and the style. One "
    "paragraph of 30 to 60 words, no text in the picture, no names of people or brands. Reply with the description "
    "alone."
)
_TOKENS = 160
_LONGEST = 700  # characters of a description
_PREFIX = re.compile(r"^\s*(?:prompt|description|beschreibung|descripción)\s*:\s*", re.IGNORECASE)
_EDGES = " \t\n\"'“”„«»*_#`"
_END = re.compile(r"[.!?…](?=\s|$)")


@dataclass(frozen=True, slots=True)
class PromptExpansion:
    """Result of an expansion: a description for the field, or names to choose from."""

    prompt: str = ""
    names: tuple[str, ...] = ()  # for a model that draws fixed names only


@dataclass(slots=True)
class _ModelOutput:
    """Text received from the model. `tokens` are counted per delta if the server reports no usage."""

    text: str = ""
    tokens: int = 0
    is_complete: bool = False
    verdicts: list[Verdict] = field(default_factory=list)  # of the gate, on its pieces


async def expand_prompt(user: User, words: str) -> PromptExpansion:
    """Return the expansion of the words. Raises PictureRequestRefused, RateLimited and EngineError with a reason."""
    if refusal := await in_db(restriction_message, user, Feature.PICTURES):
        raise PictureRequestRefused(refusal)
    words = gate.normalise(words).strip()
    if not words:
        raise PictureRequestRefused(gettext("Describe the picture first."))
    if len(words) > PROMPT_CHARACTERS:
        raise PictureRequestRefused(gettext("Only short descriptions can be expanded. Yours is long enough."))
    await _check(user, words)
    model = await in_db(model_info.get_model)
    if model.vocabulary:
        painter = await in_pool(registry.get_image_engine)
        names = (
            await in_pool(painter.nearest_names, words, MAX_SUGGESTIONS)
            if isinstance(painter, VocabularyLimited)
            else []
        )
        return PromptExpansion(names=tuple(names))
    await in_db(_charge_limits, user)
    answer = await _generate(user, words)
    text = clean_description(answer.text, words, is_complete=answer.is_complete)
    if not text:
        raise PictureRequestRefused(
            gettext("The model’s text did not match your description. Try again, or add details yourself.")
        )
    await _check(user, text, answer.verdicts)
    return PromptExpansion(text)


def suggest_names(model: PictureModel, words: str) -> list[str]:
    """Return the nearest names for a model that draws fixed names and knows none in the words; else [].

    Raises EngineError.
    """
    if not model.vocabulary:
        return []
    painter = registry.get_image_engine()
    if isinstance(painter, VocabularyLimited) and not painter.has_known_name(words):
        return painter.nearest_names(words, MAX_SUGGESTIONS)
    return []


def clean_description(answer: str, words: str, *, is_complete: bool = True) -> str:
    """Return the model's text as a description; "" if it only repeats the words or has none of them.

    `is_complete`: the model ended by itself. A cut or too long text is shortened to full sentences if possible. Pure.
    """
    lines = [line for line in answer.splitlines() if line.strip(_EDGES)]
    if len(lines) > 1 and lines[0].rstrip(_EDGES).endswith(":"):  # "Here is the description:"
        lines = lines[1:]
    text = " ".join(_PREFIX.sub("", " ".join(lines).strip(_EDGES)).strip(_EDGES).split())
    if not is_complete or len(text) > _LONGEST:  # keep complete sentences, else complete words
        ends = [found.end() for found in _END.finditer(text[:_LONGEST])]
        text = text[: ends[-1]] if ends else text[:_LONGEST].rsplit(" ", 1)[0]
    words_terms, terms = set(extract_content_terms(words)), set(extract_content_terms(text))
    return text if terms - words_terms and words_terms & terms else ""


async def _check(user: User, text: str, earlier: Sequence[Verdict] = ()) -> None:
    """Raise PictureRequestRefused if the policy forbids drawing the text; open one case if it asks for review.

    `earlier` are earlier verdicts on the same text.
    """
    with use_surface(Surface.PICTURES):
        verdict = await gate.check_question(text)
    if verdict.allowed:
        verdict = strictest_verdict([verdict, *earlier, await in_db(match_blocklists, (text,))])
    await in_db(flag_prompt, user.pk, verdict)
    if not verdict.allowed:
        raise PictureRequestRefused(translate_stored(verdict.message))


def _charge_limits(user: User) -> None:
    rate_limits.check_limits(user, rate_limits.LimitedResource.TOKENS)
    usage_limits.check_usage(user, registry.get_chat_engine().served_name)
    rate_limits.consume(user, rate_limits.LimitedResource.MESSAGES)


async def _generate(user: User, words: str) -> _ModelOutput:
    """Return the model's moderated text, and charge its tokens to the user. Raises PictureRequestRefused and
    EngineError."""
    prompt = f"{_INSTRUCTION}\n\nThe picture: {escape_template_tokens(words)}"
    sampling = Sampling(max_tokens=_TOKENS, temperature=0.7)
    request = ChatRequest((ChatMessage("user", prompt),), sampling, str(user.pk), reasoning=False)
    answer = _ModelOutput()
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aclosing(gate.moderate_stream(_stream_text(request, answer), answer.verdicts.append)) as pieces,
        ):
            async for piece in pieces:
                answer.text += piece
    except TimeoutError:
        raise PictureRequestRefused(
            gettext("The model is too slow right now. Try again later, or add details yourself.")
        ) from None
    except gate.Withheld as withheld:
        await in_db(flag_prompt, user.pk, withheld.verdict)
        raise PictureRequestRefused(translate_stored(withheld)) from withheld
    finally:
        await in_db(_charge_tokens, user, answer.tokens)
    return answer


def _charge_tokens(user: User, tokens: int) -> None:
    rate_limits.charge(user, rate_limits.LimitedResource.TOKENS, tokens)
    usage.record_usage(user, registry.get_chat_engine().served_name, tokens=tokens)


async def _stream_text(request: ChatRequest, answer: _ModelOutput) -> AsyncGenerator[str, None]:
    async with aclosing(registry.get_chat_engine().stream(request)) as items:
        async for item in items:
            if isinstance(item, Delta) and item.text:
                answer.tokens += 1
                yield item.text
            elif isinstance(item, Finish):
                answer.is_complete = item.reason != "length"
                answer.tokens = item.usage.prompt_tokens + item.usage.completion_tokens if item.usage else answer.tokens
