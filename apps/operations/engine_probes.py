"""Probes that really use the engines: one token of the chat model, three embedded sentences. For set-up and the
Doctor."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext

from apps.conversations.assistants import answer_style
from apps.conversations.assistants.model_trust import describe_trust
from apps.conversations.assistants.reading_check import get_measured_profile
from apps.conversations.models import Assistant, ModelProfile
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import ChatEngine, EngineBroken, EngineBusy, ModelInfo
from apps.lib.concurrency.threads import in_db, in_pool

_QUESTION = "How can I change my password?"
_NEAR = "You can change your password in the menu of your account."
_FAR = "Two glaciers feed the river in spring."
MEASURING_S = 12.0  # seconds that a page waits for a measurement, which goes on behind it; below htmx's timeout of 20
_UNIT = 1e-3  # tolerance of the length of a unit vector


@dataclass(frozen=True, slots=True)
class ChatModelProbe:
    """Result of a probe of the chat model."""

    info: ModelInfo
    ms: float  # time for one token


@dataclass(frozen=True, slots=True)
class EmbedderProbe:
    """Result of a probe of the embedding model. `near` and `far` are cosines of an answer and an unrelated sentence."""

    fingerprint: str
    dimension: int
    ms: float  # time for one short text, when warm
    near: float
    far: float


async def probe_chat_model(name: str = MAIN) -> ChatModelProbe:
    """Let the chat model of that name write one token. Raises EngineError."""
    info = await registry.get_chat_engine(name).info()
    return ChatModelProbe(info, await registry.get_chat_engine(name).probe())


async def probe_reading(name: str = MAIN) -> str:
    """Return a text on how well the model reads, and whether quotes or the model come first. Raise EngineError;
    EngineBusy while its reading is being measured, which goes on.

    Measured once per model, in ten seconds to some minutes.
    """
    chat = registry.get_chat_engine(name)
    model = registry.get_chat_model(name)
    info = await chat.info()
    if model is not None and model.passes_reading_check is not None:
        profile = await in_db(answer_style.get_model_profile, info.name)
    else:
        profile = await _wait_for_profile(chat)
    assistant = await in_db(Assistant.default)
    style = answer_style.resolve_style(assistant, profile, model)
    words = answer_style.explain_style(style, assistant, profile, info.name)
    return f"{words} {describe_trust(profile)}" if profile.reading_asked else words


async def _wait_for_profile(chat: ChatEngine) -> ModelProfile:
    try:
        async with asyncio.timeout(MEASURING_S):
            return await get_measured_profile(chat)
    except TimeoutError as error:
        words = gettext("Its reading is being tested, which takes some minutes on this server. Look again later.")
        raise EngineBusy(words) from error


async def probe_embedder(name: str = "") -> EmbedderProbe:
    """Check that the embedder ranks an answer above an unrelated sentence. Raises EngineError.

    `name`: "" for the site's own.
    """
    return await in_pool(_embedder, name)


def _embedder(name: str) -> EmbedderProbe:
    engine = registry.get_embedder(name)
    near, far = engine.embed_passages([_NEAR, _FAR])
    question = f"{_QUESTION} ({secrets.token_hex(2)})"  # random: a repeated question would come from the cache
    started = time.perf_counter()
    query = engine.embed_query(question)
    ms = (time.perf_counter() - started) * 1000
    vectors = np.stack([query, near, far])
    if not np.isfinite(vectors).all() or (np.abs(np.linalg.norm(vectors, axis=1) - 1) > _UNIT).any():
        raise EngineBroken("The embedding model returns vectors that are not of unit length.")
    probe = EmbedderProbe(engine.fingerprint, engine.dimension, ms, float(query @ near), float(query @ far))
    if probe.near <= probe.far:
        raise EngineBroken("The embedding model finds an unrelated sentence nearer to a question than its answer.")
    return probe
