"""Operations of the OpenAI protocol: /v1/models, /v1/chat/completions, /v1/embeddings.

Unknown paths and methods below /v1/ are answered with errors of the protocol.
"""

import base64
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any
from weakref import WeakSet

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from apps.api.auth import AsyncBearer, Scope, get_caller
from apps.api.errors import ApiError, build_openai_error
from apps.api.openai import model_aliases, responses
from apps.api.openai.schemas import (
    UNSUPPORTED,
    ChatIn,
    EmbeddingsIn,
    build_chat_request,
    build_sampling,
    get_history,
    get_instructions,
    get_question,
)
from apps.conversations.core import requests
from apps.conversations.turns import ephemeral
from apps.conversations.turns.state import Turn
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import ChatEngine, ChatRequest, EngineBusy, EngineError
from apps.lib.concurrency.threads import in_db, in_pool
from apps.safety.gate.gate import Withheld
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log.recorder import current_surface
from apps.users import rate_limits, usage, usage_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

MAX_CONCURRENT = 3  # answers per user that this process streams at once for API clients
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # HEAD is answered without a body
_MARGIN = 64  # tokens that a chat template may add

router = Router(tags=["OpenAI protocol"])
_CHAT = AsyncBearer(Scope.CHAT)


class _Slot:
    """Permission to write one answer.

    Held weakly: the slot of a stream that no client ever iterated is freed by garbage collection.
    """


_running: defaultdict[int, WeakSet[_Slot]] = defaultdict(WeakSet)  # by user id


@router.get("/models", auth=_CHAT)
async def list_models(request: HttpRequest) -> dict[str, Any]:
    """List the models. “openbook” answers from documents that you may read, “openbook/NAME” does so by that model;
    other names are the models alone."""
    aliases = await model_aliases.list_model_aliases(get_caller(request))
    names = [*(alias.id for alias in aliases), registry.get_embedder().fingerprint]
    return {"object": "list", "data": [responses.format_model(name) for name in names]}


@router.get("/models/{path:name}", auth=_CHAT)
async def get_model(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return the model of that name."""
    if name != registry.get_embedder().fingerprint:
        await model_aliases.resolve_model_alias(get_caller(request), name)
    return responses.format_model(name)


@router.post("/chat/completions", auth=_CHAT)
async def create_chat_completion(request: HttpRequest, payload: ChatIn) -> StreamingHttpResponse | dict[str, Any]:
    """Answer, as a stream or in one piece. `openbook`, in the last chunk or beside the choices, has sources and
    citations."""
    user = get_caller(request)
    slot = _take_slot(user.pk)
    try:
        turn, model_request = await _prepare_turn(request, payload)
    except BaseException:
        _running[user.pk].discard(slot)
        raise
    reply = responses.StreamReply(payload.model, reports_usage=payload.usage_wanted)
    if payload.stream:
        response = StreamingHttpResponse(
            _stream_events(turn, slot, payload, model_request, reply), content_type="text/event-stream"
        )
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"
        return response
    text = ""
    with _release_at_end(user.pk, slot):
        try:
            async with aclosing(ephemeral.stream_while_allowed(turn, _stream_text(turn, model_request))) as pieces:
                async for piece in pieces:
                    text += piece
            reason = responses.get_finish_reason(
                "tool_calls" if turn.output.requested_calls else turn.output.finish_reason
            )
        except Withheld as error:
            if not text:
                raise ApiError(400, str(error), param="messages", code="content_filter") from error
            reason = "content_filter"
    evidence = responses.format_evidence(turn, len(text) - len(turn.text))
    return reply.completion(text, turn.output.requested_calls, reason, await turn.output.count_usage(), **evidence)


@router.post("/embeddings", auth=_CHAT)
async def create_embeddings(request: HttpRequest, payload: EmbeddingsIn) -> dict[str, Any]:
    """Return vectors of unit length from the embedder that the documents are indexed with."""
    engine = registry.get_embedder()
    if payload.dimensions not in (None, engine.dimension):
        raise ApiError(400, f"The vectors of this model have {engine.dimension} dimensions.", param="dimensions")
    texts = [payload.input] if isinstance(payload.input, str) else payload.input
    if not all(text.strip() for text in texts):
        raise ApiError(400, "An input is empty.", param="input")
    user = get_caller(request)
    await in_db(_check_embedding_limits, user, engine.fingerprint)
    vectors = await in_pool(engine.embed_passages, texts)
    tokens = await in_pool(lambda: sum(len(engine.offsets(text)) for text in texts))
    await in_db(_charge_embedding, user, engine.fingerprint, tokens)
    data = [
        {
            "object": "embedding", "index": index,
            "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
            if payload.encoding_format == "base64"
            else vector.tolist(),
        }
        for index, vector in enumerate(vectors)
    ]  # fmt: skip
    counted = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": engine.fingerprint, "usage": counted}


def _check_embedding_limits(user: User, model: str) -> None:
    rate_limits.check_limits(user, LimitedResource.TOKENS)
    usage_limits.check_usage(user, model)


def _charge_embedding(user: User, model: str, tokens: int) -> None:
    rate_limits.charge(user, LimitedResource.TOKENS, tokens)
    usage.record_usage(user, model, tokens=tokens)


@router.api_operation(METHODS, "/{path:rest}", auth=_CHAT, include_in_schema=False)
async def answer_unknown_path(request: HttpRequest, rest: str) -> None:
    """Answer 404 in the shape of the protocol."""
    raise ApiError(404, f"There is no “/v1/{rest[:80]}” here; see docs/reference/api.md.", code="unknown_url")


def _make_method_refusal(path: str, allowed: str) -> Callable[..., Any]:
    """Return the view for the other methods of a path; it answers 405 with `allowed` in the Allow header."""

    async def other_method(request: HttpRequest) -> None:
        message = f"{request.method} is not allowed here; {allowed} is."
        raise ApiError(405, message, code="method_not_supported", headers={"Allow": allowed})

    async def other_method_of_one(request: HttpRequest, name: str) -> None:
        await other_method(request)

    return other_method_of_one if "name" in path else other_method


for path, view in router.path_operations.items():
    methods = [method for operation in view.operations for method in operation.methods]
    if others := [method for method in METHODS if method not in methods]:
        answer = _make_method_refusal(path, ", ".join(methods))
        router.add_api_operation(path, others, answer, auth=_CHAT, include_in_schema=False)


def _take_slot(user_pk: int) -> _Slot:
    """Return a slot for one more answer of the user. Raises EngineBusy if `MAX_CONCURRENT` are taken."""
    if len(_running[user_pk]) >= MAX_CONCURRENT:
        raise EngineBusy(f"{MAX_CONCURRENT} of your answers are still being written. Wait until one is finished.")
    slot = _Slot()
    _running[user_pk].add(slot)
    return slot


async def _prepare_turn(request: HttpRequest, payload: ChatIn) -> tuple[Turn, ChatRequest | None]:
    """Prepare the turn of the request.

    The second value is the request to the model alone; None for an answer from documents. Raises ApiError,
    RequestRefused, RateLimited and EngineError. Every refusal must happen here, since a stream that has begun can no
    longer set a status. The question is counted and searched last, once nothing else can refuse it.
    """
    user = get_caller(request)
    alias = await model_aliases.resolve_model_alias(user, payload.model)
    await _require_supported(payload, alias)
    current_surface.set(Surface.API)  # for the task of this request
    question = requests.clean_question(get_question(payload))
    model_request = (
        None
        if alias.grounded
        else await _build_model_request(registry.get_chat_engine(alias.model or MAIN), user.pk, payload)
    )
    turn = await ephemeral.prepare_ephemeral_turn(
        user, question, get_history(payload), tuple(payload.collections), instructions=get_instructions(payload),
        without_documents=not alias.grounded, model=alias.model,
    )  # fmt: skip
    return turn, model_request


async def _build_model_request(chat: ChatEngine, user_pk: int, payload: ChatIn) -> ChatRequest:
    """Return the messages as the model alone receives them. Raises ApiError (400) if they exceed its context window."""
    info, texts = await chat.info(), [message.text for message in payload.messages]
    used = sum(chat.count(texts)) + _MARGIN + 8 * len(texts)
    if (room := info.context_tokens - used) < 1:
        message = f"The messages are longer than the {info.context_tokens} tokens that the model reads."
        raise ApiError(400, message, param="messages", code="context_length_exceeded")
    return build_chat_request(payload, build_sampling(payload, room), str(user_pk))


async def _require_supported(payload: ChatIn, alias: model_aliases.ModelAlias) -> None:
    """Raise ApiError (400) for fields that would change the answer and that this server or model does not support."""
    unsupported = [name for name in UNSUPPORTED if getattr(payload, name)]
    if unsupported or set(payload.modalities or ()) - {"text"}:
        name, message = (
            (unsupported[0], UNSUPPORTED[unsupported[0]]) if unsupported else ("modalities", UNSUPPORTED["audio"])
        )
        raise ApiError(400, message, param=name, code="unsupported_parameter")
    chat = registry.get_chat_engine(alias.model or MAIN)
    if (
        payload.tools
        and not alias.grounded
        and payload.tool_choice in (None, "auto")
        and not await chat.supports_tools()
    ):
        message = f"“{alias.id}” takes no tools: its server was not started for them, or the model knows none."
        raise ApiError(400, message, param="tools", code="unsupported_parameter")
    has_response_format = payload.response_format is not None and payload.response_format.get("type") != "text"
    if alias.grounded and (payload.tools or has_response_format):
        alone = alias.model or (await registry.get_chat_engine().info()).name
        what, param = ("Tools are", "tools") if payload.tools else ("A form of the answer is", "response_format")
        message = f"{what} passed on to the model alone: ask for the model “{alone}”."
        raise ApiError(400, message, param=param, code="unsupported_parameter")


@contextmanager
def _release_at_end(user_pk: int, slot: _Slot) -> Iterator[None]:
    """Free the slot at the end of the block."""
    try:
        yield
    finally:
        _running[user_pk].discard(slot)
        if not _running[user_pk]:
            del _running[user_pk]


async def _stream_events(
    turn: Turn, slot: _Slot, payload: ChatIn, model_request: ChatRequest | None, reply: responses.StreamReply
) -> AsyncIterator[bytes]:
    with _release_at_end(turn.input.user.pk, slot):
        yield reply.chunk({"role": "assistant", "content": ""})
        size = 0
        try:
            async with aclosing(ephemeral.stream_while_allowed(turn, _stream_text(turn, model_request))) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    yield reply.chunk({"content": piece})
            reason = responses.get_finish_reason(
                "tool_calls" if turn.output.requested_calls else turn.output.finish_reason
            )
        except Withheld:
            reason = "content_filter"
        except EngineError as error:
            yield responses.format_event(build_openai_error(str(error), 503))
            return
    if turn.output.requested_calls:
        yield reply.chunk({"tool_calls": responses.format_tool_calls(turn.output.requested_calls)})
    yield reply.chunk({}, reason, **responses.format_evidence(turn, size - len(turn.text)))
    if payload.usage_wanted:
        yield reply.usage(await turn.output.count_usage())
    yield responses.DONE


async def _stream_text(turn: Turn, model_request: ChatRequest | None) -> AsyncGenerator[str, None]:
    """Yield the moderated text of the answer in pieces."""
    async with aclosing(
        ephemeral.stream_text(turn) if model_request is None else ephemeral.stream_raw_model(turn, model_request)
    ) as pieces:
        async for piece in pieces:
            yield piece
