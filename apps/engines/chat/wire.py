"""The OpenAI chat protocol as values: what is sent, and what each event of the stream says. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.engines.base import ChatRequest, Delta, EngineBroken, Finish, ModelInfo, TokenProb, Usage
from apps.engines.chat.errors import SENSELESS, from_event

ASSUMED_CONTEXT = 4096  # tokens, where the server does not tell: every model of the last years reads as much
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # an endless answer ends here, whatever the server thinks of max_tokens
_SIZE = re.compile(r"(?<![\w.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)\s?([bm])(?![a-z0-9])", re.IGNORECASE)
_WINDOW_NAMES = ("max_model_len", "context_length", "max_context_length", "context_window", "n_ctx")


def body(request: ChatRequest, model: str, *, vllm: bool) -> bytes:
    """The JSON of a streamed chat request; what only vLLM knows is left out for others."""
    sampling = request.sampling
    value: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
    }
    optional = {"top_p": sampling.top_p, "seed": sampling.seed, "stop": list(sampling.stop) or None}
    value |= {name: setting for name, setting in optional.items() if setting is not None}
    if sampling.logprobs:
        value |= {"logprobs": True, "top_logprobs": sampling.logprobs}
    if vllm and sampling.repetition_penalty is not None:
        value["repetition_penalty"] = sampling.repetition_penalty
    if vllm and request.cache_salt:
        value["cache_salt"] = request.cache_salt
    return orjson.dumps(value)


@dataclass(slots=True)
class Answer:
    """Takes the events of one stream in order and says what each adds."""

    reason: str = ""
    usage: Usage | None = None
    done: bool = False
    size: int = field(default=0)

    def take(self, data: bytes) -> Delta | None:
        """Raises EngineError where the event reports one or makes no sense."""
        if data == b"[DONE]":
            self.done = True
            return None
        try:
            event = orjson.loads(data)
            if "error" in event:
                raise from_event(event["error"])
            if event.get("usage"):
                self.usage = _usage(event["usage"])
            choices = event["choices"]
            return self._choice(choices[0]) if choices else None
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise EngineBroken(SENSELESS) from None

    def finish(self) -> Finish:
        return Finish(self.reason or "stop", self.usage)

    def _choice(self, choice: dict[str, Any]) -> Delta | None:
        self.reason = choice.get("finish_reason") or self.reason
        text = choice["delta"].get("content") or ""
        logprobs = choice.get("logprobs")
        if not isinstance(text, str):
            raise TypeError
        self.size += len(text)
        if self.size > MAX_ANSWER_BYTES:
            raise EngineBroken("The model does not stop writing.")
        if not text and not logprobs:
            return None
        return Delta(text, _logprobs(logprobs) if logprobs else ())


def model_info(answer: bytes, wanted: str) -> tuple[ModelInfo, bool]:
    """The model of `/models` (the first, where none is wanted), and whether vLLM serves it. Raises EngineBroken."""
    try:
        served = [item for item in orjson.loads(answer)["data"] if isinstance(item["id"], str)]
        found = next((item for item in served if wanted in ("", item["id"])), None)
        # A server may hide what it serves; the request will tell whether the name is right.
        chosen = found or ({"id": wanted} if wanted else served[0])
    except (ValueError, TypeError, KeyError, IndexError):
        raise EngineBroken("The model server does not say which models it serves.") from None
    window = next(
        (size for name in _WINDOW_NAMES if isinstance(size := chosen.get(name), int) and size > 0), ASSUMED_CONTEXT
    )
    return ModelInfo(chosen["id"], window, parameters(chosen["id"])), chosen.get("owned_by") == "vllm"


def parameters(name: str) -> int | None:
    """How many parameters the name promises ("SmolLM2-135M", "Mixtral-8x7B"), or None."""
    found = _SIZE.search(name.replace("_", "-").replace("/", " "))
    if found is None:
        return None
    experts, number, unit = found.groups()
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
