"""Request schemas of the OpenAI protocol, and their translation to chat requests. Unknown fields are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from apps.api.errors import ApiError
from apps.conversations.core.turn_input import PastExchange
from apps.engines.types import ChatMessage, ChatRequest, Sampling, ToolCall
from apps.safety.text.prompt_tokens import escape_template_tokens

MAX_MESSAGES = 1000
MAX_TOOLS = 128
MAX_INSTRUCTIONS = 4000  # characters of system messages that are heeded beside the documents
MAX_CONTENT = 400_000  # characters of one message
MAX_TOKENS = 100_000
_PASSED_ON = {"frequency_penalty", "presence_penalty", "response_format"}  # passed on to the model server as they are
_WITH_TOOLS = _PASSED_ON | {"parallel_tool_calls"}
# Fields that would change an answer and are not supported: sending one is an error with this text.
UNSUPPORTED = {
    "logprobs": "Token probabilities are not available here; on the page, answers show them behind the scenes.",
    "top_logprobs": "Token probabilities are not available here; on the page, answers show them behind the scenes.",
    "logit_bias": "Changing the likelihood of single tokens is not supported.",
    "functions": "Functions are not supported: use “tools”.",
    "audio": "Answers are text only.",
    "web_search_options": "Web search is not supported.",
}

Text = Annotated[str, Field(max_length=MAX_CONTENT)]


class LenientSchema(Schema):
    """Base of the schemas of the protocol; ignores unknown fields."""

    model_config = ConfigDict(extra="ignore")


class TextPart(LenientSchema):
    """Part of a message; only parts of text are supported."""

    type: str
    text: Text = ""


class CalledFunction(LenientSchema):
    """Function of a tool call; `arguments` is JSON text of the model."""

    name: Annotated[str, Field(max_length=200)]
    arguments: Text = ""


class ApiToolCall(LenientSchema):
    """Tool call in a message of the assistant."""

    id: Annotated[str, Field(max_length=200)]
    function: CalledFunction


class ApiMessage(LenientSchema):
    """Message of a chat request."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[TextPart], Field(max_length=100)] | None = None
    tool_calls: Annotated[list[ApiToolCall], Field(max_length=MAX_TOOLS)] | None = None
    tool_call_id: Annotated[str, Field(max_length=200)] | None = None

    @property
    def text(self) -> str:
        """Return the text of all parts. Raises ApiError (400) for a part that is no text."""
        if isinstance(self.content, list):
            if odd := next((part.type for part in self.content if part.type not in {"text", "input_text"}), None):
                words = f"Only text is supported, and a message contains “{odd[:40]}”."
                raise ApiError(400, words, param="messages")
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(LenientSchema):
    include_usage: bool = False


class ChatIn(LenientSchema):
    """Request of a chat completion.

    `model` is "openbook" for answers from documents, "openbook/NAME" to choose among several models, or the name of a
    model for that model alone.
    """

    model: Annotated[str, Field(max_length=255)]
    messages: Annotated[list[ApiMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    logprobs: bool | None = None  # this and the next ones down to `modalities` are refused
    top_logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None
    functions: list[Any] | None = None
    audio: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    modalities: list[str] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None  # this and the next two: as vLLM names them
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    response_format: dict[str, Any] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Annotated[str, Field(max_length=200)] | Annotated[list[str], Field(max_length=16)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    tools: Annotated[list[dict[str, Any]], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    collections: Annotated[list[UUID], Field(max_length=200)] = Field(
        [], description="Collections to search; if empty, all that you can read. Only for the model “openbook”."
    )

    @property
    def usage_wanted(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class EmbeddingsIn(LenientSchema):
    model: Annotated[str, Field(max_length=255)] = ""
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=256)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


def get_question(payload: ChatIn) -> str:
    """Return the text of the last user message. Raises ApiError if the last message is not of the user or a tool."""
    last = payload.messages[-1]
    if last.role not in {"user", "tool"}:
        raise ApiError(400, "The last message must be the user's.", param="messages")
    return next((message.text for message in reversed(payload.messages) if message.role == "user"), "")


def get_history(payload: ChatIn) -> list[PastExchange]:
    """Return the answered exchanges before the question, oldest first; a question without an answer is left out."""
    exchanges, question = [], ""
    for message in payload.messages[:-1]:
        if message.role == "user":
            question = message.text
        elif message.role == "assistant" and question and message.text:
            exchanges.append(PastExchange(question, message.text))
            question = ""
    return exchanges


def get_instructions(payload: ChatIn) -> str:
    """Return the system messages of the client, joined and cut to `MAX_INSTRUCTIONS` characters."""
    return "\n".join(item.text for item in payload.messages if item.role in {"system", "developer"})[:MAX_INSTRUCTIONS]


def build_sampling(payload: ChatIn, room: int) -> Sampling:
    """Return the sampling parameters; `room` is how many tokens the answer may have."""
    stop = (payload.stop,) if isinstance(payload.stop, str) else tuple(payload.stop or ())
    wanted = payload.max_completion_tokens or payload.max_tokens or room
    return Sampling(
        max_tokens=max(1, min(wanted, room)), temperature=1.0 if payload.temperature is None else payload.temperature,
        top_p=payload.top_p, seed=payload.seed, stop=stop, top_k=payload.top_k, min_p=payload.min_p,
        repetition_penalty=payload.repetition_penalty,
    )  # fmt: skip


def build_chat_request(payload: ChatIn, sampling: Sampling, cache_salt: str) -> ChatRequest:
    """Return the messages as a request to the model alone.

    Template tokens in texts are escaped, so that no text can pose as another role. `cache_salt` separates the prefix
    caches of users.
    """
    return ChatRequest(
        tuple(_message(item) for item in payload.messages), sampling, cache_salt=cache_salt,
        tools=tuple(payload.tools or ()),
        tool_choice=payload.tool_choice if payload.tools else None,
        extra_body=payload.model_dump(include=_WITH_TOOLS if payload.tools else _PASSED_ON, exclude_none=True),
    )  # fmt: skip


def _message(item: ApiMessage) -> ChatMessage:
    calls = tuple(ToolCall(call.id, call.function.name, call.function.arguments) for call in item.tool_calls or ())
    role: Literal["system", "user", "assistant", "tool"] = "system" if item.role == "developer" else item.role
    return ChatMessage(role, escape_template_tokens(item.text), calls, item.tool_call_id or "")
