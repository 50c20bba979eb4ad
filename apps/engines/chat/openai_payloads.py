"""Request bodies and stream events of the OpenAI chat protocol as values. Does no input or output."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.engines.chat.http_errors import UNREADABLE, error_from_event
from apps.engines.chat.model_catalog import EXTENDED
from apps.engines.chat.reasoning_tags import ReasoningTagParser
from apps.engines.types import (
    ChatMessage,
    ChatRequest,
    Delta,
    EngineBroken,
    EngineError,
    Finish,
    ModelInfo,
    TokenProb,
    ToolCall,
    Usage,
)

ASSUMED_CONTEXT = 4096  # tokens, where the server does not say: every recent model has at least as much
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # bounds an endless answer, should the server ignore max_tokens
MAX_EVENT_BYTES = 1024 * 1024  # a token with its alternatives takes some hundred bytes
CONTINUE_PROMPT = "Go on exactly where you stopped. Do not repeat anything."
_SIZE = re.compile(r"(?<![\w.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)\s?([bm])(?![a-z0-9])", re.IGNORECASE)
_WINDOW_NAMES = ("max_model_len", "context_length", "max_context_length", "context_window", "n_ctx")


def build_request_body(request: ChatRequest, model: str, *, vllm: bool) -> bytes:
    """Return the JSON body of a streamed chat request. `vllm` False leaves out what only vLLM accepts."""
    sampling = request.sampling
    beams = vllm and sampling.beams
    value: dict[str, Any] = {
        **request.extra_body,
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": sampling.max_tokens,
        "temperature": 0.0 if beams else sampling.temperature,
    }
    optional = {"top_p": sampling.top_p, "seed": sampling.seed, "stop": list(sampling.stop) or None}
    if beams:  # beam search samples nothing, and vLLM ignores stop words in it
        optional = {"use_beam_search": True, "n": sampling.beams}
    value |= {name: setting for name, setting in optional.items() if setting is not None}
    if request.messages and request.messages[-1].role == "assistant":  # an unfinished answer to continue
        if vllm:
            value |= {"add_generation_prompt": False, "continue_final_message": True}
        else:
            value["messages"].append({"role": "user", "content": CONTINUE_PROMPT})
    if sampling.logprobs and vllm and not beams:  # other servers may refuse a request for log probabilities
        value |= {"logprobs": True, "top_logprobs": sampling.logprobs}
    if request.tools:
        value |= {"tools": list(request.tools), "tool_choice": request.tool_choice or "auto"}
    if vllm and not beams:
        extended = {name: getattr(sampling, name) for name in EXTENDED}
        value |= {name: setting for name, setting in extended.items() if setting is not None}
    if vllm and not request.reasoning:
        value["chat_template_kwargs"] = {"enable_thinking": False}
    if vllm and request.cache_salt:
        value["cache_salt"] = request.cache_salt
    return orjson.dumps(value)


def _message(message: ChatMessage) -> dict[str, Any]:
    value: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.pictures:
        images = [{"type": "image_url", "image_url": {"url": address}} for address in message.pictures]
        value["content"] = [*images, {"type": "text", "text": message.content}]
    if message.calls:
        value["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.call_id:
        value["tool_call_id"] = message.call_id
    return value


class EventReader:
    """Incremental parser of server-sent events; chunks may be split anywhere. Yields the `data` of each complete
    event."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of the events that `chunk` completes. Raise EngineBroken for a line above MAX_EVENT_BYTES or
        one that belongs to no event."""
        lines = (self._partial + chunk if self._partial else chunk).split(b"\n")
        self._partial = lines.pop()
        if len(self._partial) > MAX_EVENT_BYTES:
            raise EngineBroken(UNREADABLE)
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
            elif line and line.strip() and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                raise EngineBroken(UNREADABLE)


_EventContent = tuple[str, tuple[TokenProb, ...], str]  # text, probabilities of its tokens, reasoning


@dataclass(slots=True)
class StreamAccumulator:
    """State of one stream: takes its events in order and returns what each batch adds."""

    reason: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)  # by index: [id, name, arguments so far]
    usage: Usage | None = None
    done: bool = False
    size: int = field(default=0)
    thinking: ReasoningTagParser = field(default_factory=ReasoningTagParser)
    stop: tuple[str, ...] = ()  # words at which the answer ends, where the server does not look for them

    def feed(self, events: Iterable[bytes]) -> tuple[Delta | None, EngineError | None]:
        """Return what `events` add together, None if nothing, and the error of the first bad event, after which the
        rest is ignored."""
        texts: list[str] = []
        reasoning: list[str] = []
        token_probs: list[TokenProb] = []
        error = None
        try:
            for data in events:
                if (content := self._parse_event(data)) is not None:
                    text, probabilities, thinking = content
                    texts.append(text)
                    reasoning.append(thinking)
                    token_probs += probabilities
        except EngineError as failure:
            error = failure
        return (self._make_delta("".join(texts), "".join(reasoning), token_probs) if texts else None), error

    def flush(self) -> Delta | None:
        """Return the text that was held back as a possible reasoning tag, None if there is none. Call at the end of the
        stream."""
        text, reasoning = self.thinking.finish()
        return Delta(text, (), reasoning) if text or reasoning else None

    def _make_delta(self, text: str, reasoning: str, token_probs: list[TokenProb]) -> Delta | None:
        if not self.thinking.over:
            text, more_reasoning = self.thinking.feed(text)
            reasoning += more_reasoning
            token_probs = _last_tokens(token_probs, len(text))
        if self.stop and (cut := _find_first(text, self.stop)) >= 0:
            text, self.reason = text[:cut], "stop"
        return Delta(text, tuple(token_probs), reasoning) if text or reasoning or token_probs else None

    def _parse_event(self, data: bytes) -> _EventContent | None:
        """Return what one event adds. Raise EngineError if it reports one or cannot be parsed."""
        if data == b"[DONE]":
            self.done = True
            return None
        try:
            event = orjson.loads(data)
            if "error" in event:
                raise error_from_event(event["error"])
            if event.get("usage"):
                self.usage = _usage(event["usage"])
            for choice in event["choices"]:
                if not choice.get("index"):  # of several beams the first is the likeliest
                    return self._choice(choice) if choice else None
            return None
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise EngineBroken(UNREADABLE) from None

    def finish(self) -> Finish:
        """Return the last item of the stream: reason, usage and complete tool calls."""
        calls = tuple(ToolCall(*self.calls[index]) for index in sorted(self.calls))
        return Finish(self.reason or "stop", self.usage, calls)

    def _choice(self, choice: dict[str, Any]) -> _EventContent | None:
        self.reason = choice.get("finish_reason") or self.reason
        delta = choice["delta"]
        text, reasoning = delta.get("content") or "", delta.get("reasoning") or delta.get("reasoning_content") or ""
        logprobs = choice.get("logprobs") if text or not reasoning else None
        if not isinstance(text, str) or not isinstance(reasoning, str):
            raise TypeError
        calls = delta.get("tool_calls")
        self._grow(len(text) + len(reasoning) + (self._calls(calls) if calls else 0))
        if not text and not reasoning and not logprobs:
            return None
        return text, _logprobs(logprobs) if logprobs else (), reasoning

    def _grow(self, size: int) -> None:
        self.size += size
        if self.size > MAX_ANSWER_BYTES:
            raise EngineBroken("The model does not stop writing.")

    def _calls(self, pieces: Iterable[dict[str, Any]]) -> int:
        """Add the pieces to their tool calls. Return the number of characters added."""
        size = 0
        for piece in pieces:
            call = self.calls.setdefault(int(piece["index"]), ["", "", ""])
            function = piece.get("function") or {}
            for index, text in enumerate((piece.get("id"), function.get("name"), function.get("arguments"))):
                call[index] += text or ""
                size += len(text or "")
        return size


def _find_first(text: str, words: Iterable[str]) -> int:
    """Return the position of the earliest of `words` in the text, -1 if none occurs."""
    return min((position for word in words if (position := text.find(word)) >= 0), default=-1)


def _last_tokens(token_probs: list[TokenProb], characters: int) -> list[TokenProb]:
    """Return the tokens of the last `characters` characters of a text."""
    at = len(token_probs)
    while at and characters > 0:
        at -= 1
        characters -= len(token_probs[at].token)
    return token_probs[at:]


def parse_model_info(answer: bytes, model: str) -> tuple[ModelInfo, bool]:
    """Return the wanted model of the answer to `GET /models` (the first, if `model` is ""), and whether vLLM serves
    it. Raise EngineBroken for an answer that lists no models."""
    try:
        served = [item for item in orjson.loads(answer)["data"] if isinstance(item["id"], str)]
        listed = next((item for item in served if model in ("", item["id"])), None)
        # A server may hide its models; the chat request will show whether the name is right.
        chosen = listed or ({"id": model} if model else served[0])
    except (ValueError, TypeError, KeyError, IndexError):
        raise EngineBroken("The model server does not list its models.") from None
    window = next(
        (size for name in _WINDOW_NAMES if isinstance(size := chosen.get(name), int) and size > 0), ASSUMED_CONTEXT
    )
    info = ModelInfo(chosen["id"], window, parse_parameter_count(chosen["id"]), fingerprint=_fingerprint(chosen))
    return info, chosen.get("owned_by") == "vllm"


def _fingerprint(listed: Mapping[str, Any]) -> str:
    """Return a fingerprint of what a server lists about a model's weights: their place (vLLM), number of parameters
    and size (llama.cpp). Start and window are left out; they change with each restart. "" where nothing is listed."""
    meta = listed.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    facts = [listed.get("root"), *(meta.get(name) for name in ("n_params", "size", "n_vocab"))]
    if not any(facts):
        return ""
    return hashlib.sha256(orjson.dumps([str(fact) for fact in facts])).hexdigest()[:16]


def parse_models(answer: bytes) -> list[ModelInfo]:
    """Return all models of the answer to `GET /models`, by name. Raise EngineBroken if it lists none."""
    try:
        names = [item["id"] for item in orjson.loads(answer)["data"] if isinstance(item["id"], str)]
    except (ValueError, TypeError, KeyError):
        names = []
    if not names:
        raise EngineBroken("The model server does not list its models.")
    return sorted({parse_model_info(answer, name)[0] for name in names}, key=lambda info: info.name.casefold())


def parse_parameter_count(name: str) -> int | None:
    """Return the number of parameters that a model's name states ("SmolLM2-135M", "Mixtral-8x7B"), or None."""
    match = _SIZE.search(name.replace("_", "-").replace("/", " "))
    if match is None:
        return None
    experts, number, unit = match.groups()
    return round(int(experts or 1) * float(number) * (1e9 if unit in "bB" else 1e6))


def _usage(usage: dict[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        int(usage["prompt_tokens"]), int(usage.get("completion_tokens", 0)), int(details.get("cached_tokens") or 0)
    )


def _logprobs(logprobs: dict[str, Any]) -> tuple[TokenProb, ...]:
    return tuple(
        TokenProb(
            item["token"],
            float(item["logprob"]),
            tuple((other["token"], float(other["logprob"])) for other in item.get("top_logprobs") or ()),
        )
        for item in logprobs.get("content") or ()
    )
