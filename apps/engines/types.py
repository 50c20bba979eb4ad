"""Contracts between the product and its engines: Protocols, frozen values and one error tree.

    EngineError            an engine could not do something; `retry` says whether trying again helps
    +- EngineUnavailable   no answer: refused, timed out, cut off, still starting        (retry)
    +- EngineBusy          an answer that says "later": 429, 503, queue full             (retry)
    +- EngineRefused       the request itself cannot be served: too long, unknown model  (no retry)
    +- EngineBroken        the answer makes no sense: wrong shape, not finite, bad files (no retry)

Nothing here imports Django, the ORM or a heavy library. An engine is built on first use by `apps.engines.registry` from
`{"BACKEND": dotted path, "OPTIONS": {...}}`, once per process. Engines must be safe to call from several threads. Chat
and turn log are async because they stream; the others are sync and are called through
`apps.lib.concurrency.threads.in_pool`. Heavy libraries are imported inside the engine that needs them, at its first use
or in `warm()`, never at module import.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from apps.engines.embed.protocol import Tokenised
from apps.engines.index.protocol import (
    CANDIDATES,
    Candidate,
    Index,
    IndexEntry,
    IndexQuery,
    IndexResult,
    Part,
    SegmentInfo,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

__all__ = [
    "CANDIDATES",
    "Candidate",
    "Index",
    "IndexEntry",
    "IndexQuery",
    "IndexResult",
    "Part",
    "SegmentInfo",
    "Tokenised",
]


class EngineError(Exception):
    """Failure of an engine. The message is one sentence that may be shown to users; `retry` says whether trying again
    helps."""

    retry = False


class EngineUnavailable(EngineError):
    """Failure without an answer: refused, timed out, cut off or still starting. Trying again helps."""

    retry = True


class EngineBusy(EngineError):
    """Answer that asks to come later: status 429 or 503, or a full queue. Trying again helps."""

    retry = True

    def __init__(self, message: str = "", retry_after_s: float | None = None) -> None:
        """`retry_after_s`: how many seconds later, if the server says so."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineRefused(EngineError):
    """Request that cannot be served, such as one too long or for an unknown model. Trying again does not help."""


class EngineBroken(EngineError):
    """Answer or file that makes no sense: wrong shape, values that are not finite, damaged weights. Trying again does
    not help."""


# --- chat -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """Call of a tool that the model requests. `arguments` is JSON as the model wrote it, unvalidated; it may be
    malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Message of a chat request."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()  # only with role "assistant"
    call_id: str = ""  # only with role "tool": id of the call that this message answers
    pictures: tuple[str, ...] = ()  # only with role "user": data URLs, for a model with vision


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings of token sampling. None leaves the server's own default."""

    max_tokens: int = 512
    temperature: float = 0.2
    top_p: float | None = None
    top_k: int | None = None  # omitted, like `min_p` and `repetition_penalty`, where the server is not vLLM
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    repetition_penalty: float | None = None
    logprobs: int = 0  # alternatives to return per token; 0 returns none
    beams: int = 0  # width of beam search, 2 or more; 0 samples a single answer


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Request to a chat model, in the terms of the OpenAI chat protocol."""

    messages: tuple[ChatMessage, ...]
    sampling: Sampling = field(default_factory=Sampling)
    cache_salt: str = ""  # separates the prefix caches of users who must not share one
    tools: tuple[dict[str, Any], ...] = ()  # in the format of the OpenAI protocol
    tool_choice: str | dict[str, Any] | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)  # further fields of the OpenAI protocol, sent unchanged
    reasoning: bool = True  # False asks a reasoning model to answer at once, where its server supports that


@dataclass(frozen=True, slots=True)
class TokenProb:
    """Token with its natural log probability and the alternatives that the model considered."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """Piece of a streamed answer, as the server sent it."""

    text: str
    logprobs: tuple[TokenProb, ...] = ()  # of the tokens of `text`
    reasoning: str = ""  # reasoning of the model before its answer; never part of `text`


@dataclass(frozen=True, slots=True)
class Usage:
    """Token usage of a request as the server counted it. `cached_tokens` of the prompt came from the prefix cache."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """Last item of every stream that ended normally."""

    reason: str  # "stop", "length", "tool_calls" or another word of the server
    usage: Usage | None = None
    calls: tuple[ToolCall, ...] = ()  # complete, in the model's order


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Model that a server serves. `context_tokens` is the context window: prompt and answer together."""

    name: str
    context_tokens: int
    parameters: int | None = None  # None if neither the server nor the name says
    accepts_all_sampling: bool = (
        True  # False: settings that OpenAI's protocol lacks are left out (`chat/model_catalog.py`)
    )
    fingerprint: str = ""  # of what the server says about the weights; "" where it says nothing beside the name


class ChatEngine(Protocol):
    """Client of a model server. Async, one instance per process, many streams at once."""

    @property
    def served_name(self) -> str:
        """Return the name of the model on its server as far as it is known without asking; "" before."""

    async def info(self, *, fresh: bool = False) -> ModelInfo:
        """Return the served model, cached once known; `fresh` asks the server anew. Raise EngineUnavailable while the
        server cannot be reached."""

    async def supports_tools(self) -> bool:
        """Return whether requests may offer tools, found out once by asking the server. Raise EngineUnavailable while
        the server cannot be reached."""

    async def supports_beams(self) -> bool:
        """Return whether `Sampling.beams` may be set, found out once by asking the server. A beam-search answer arrives
        in one piece, without probabilities. Raise EngineUnavailable while the server cannot be reached."""

    async def probe(self) -> float:
        """Return the milliseconds that a real one-token request took. Raise EngineError if it failed."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        """Yield the answer as deltas, then one Finish. Closing the iterator aborts the request at the server.

        Consume it under `contextlib.aclosing`. Raise EngineError, before or between items.
        """

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text by the model's own tokenizer, without special tokens. Sync and local. Return a
        safe over-estimate if the tokenizer is not available."""

    async def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True, slots=True)
class ModelAbilities:
    """Abilities of a chat model, found out by asking its server."""

    tools: bool
    pictures: bool
    reasoning: bool


# --- embed ------------------------------------------------------------------------------------------


class EmbedEngine(Protocol):
    """Embedder of texts as unit vectors. Sync, thread-safe."""

    dimension: int
    max_tokens: int  # window in tokens: longer texts would be truncated, so chunks never exceed it
    fingerprint: str  # model, hash of the weights, precision family: only vectors of equal fingerprint are comparable

    def warm(self) -> None:
        """Load the model and embed one text, so that the first question does not wait."""

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question: shape (dimension,), float32, unit length. Made for one short text at low
        latency."""

    def embed_passages(self, texts: Sequence[str | Tokenised]) -> Vectors:
        """Return the vectors of passages: shape (n, dimension), float32, unit rows, finite. Batches by length itself;
        pass many at once."""

    def tokenised(self, text: str) -> Tokenised:
        """Return the passage tokenised, ready for `embed_passages`. A passage that fits the window has at most
        `max_tokens`."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return the character span (start, end) of every token of `text`, in order, without special tokens and without
        truncation."""


# --- classify ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelThresholds:
    """Thresholds of a label, as probabilities 0 to 1: `flag` is worth noting, `block` is (almost) never reached by
    harmless texts."""

    flag: float
    block: float


class RankEngine(Protocol):
    """Cross-encoder that scores passages for a question. Sync, thread-safe; takes tens of milliseconds per passage, so
    only the best candidates are passed."""

    active: bool  # False: no reranker is configured, and `scores` is not called

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return for each text the probability, 0 to 1, that it answers the question. Raise EngineBroken if the model
        cannot be loaded or does not give such a probability."""


class NliEngine(Protocol):
    """Model of natural language inference: whether a claim follows from a premise. Sync, thread-safe."""

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they are missing or damaged."""

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> Sequence[float]:
        """Return for each (premise, claim) the probability, 0 to 1, that the claim follows; `language` is that of all.
        Raise EngineBroken if the weights are missing or damaged."""


class TextClassifier(Protocol):
    """Classifier of texts with one probability per label. Sync, thread-safe, well below a millisecond per text."""

    labels: tuple[str, ...]
    fingerprint: str  # of the weights
    embedder: str  # fingerprint of the embedder whose vectors it takes; "" for any

    @property
    def thresholds(self) -> Mapping[str, LabelThresholds]:
        """The thresholds of each label, measured on texts held out in training. A policy may set others."""

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they are missing or damaged."""

    def text_to_embed(self, text: str) -> str:
        """Return the text that has to be embedded for `text`; usually `text` itself."""

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        """Return calibrated probabilities of shape (n, labels), float32: of many texts scored 0.7, seven in ten have
        the label. Raise EngineRefused if the vectors are not one per text, or are of another embedder."""


# --- turn log ---------------------------------------------------------------------------------------


class TurnLogEntry(NamedTuple):
    """Event of a turn with its sequence number."""

    seq: int  # 1, 2, 3 ... per turn, without gaps
    data: bytes


class TurnLog(Protocol):
    """Log of the events of each running turn, kept for `keep_s` seconds after its end. Async. A reader may join at any
    time and read from any sequence number without missing events. The log also carries the one signal sent to a turn:
    stop."""

    async def append(self, turn: str, data: bytes) -> int:
        """Append an event and return its sequence number."""

    async def finish(self, turn: str) -> None:
        """Mark the turn as ended: no event follows, and tails end after the last one."""

    async def read(self, turn: str, after: int = 0) -> list[TurnLogEntry]:
        """Return the present events after sequence number `after`, in order. Empty for an unknown turn."""

    async def exists(self, turn: str) -> bool:
        """Return whether the log still holds this turn: running, or ended less than `keep_s` seconds ago."""

    def tail(self, turn: str, after: int = 0) -> AsyncGenerator[TurnLogEntry, None]:
        """Yield the events after sequence number `after`, then new ones until `finish`. Yields nothing for an unknown
        turn. Consume under `aclosing`."""

    async def retract(self, turn: str, data: bytes) -> int:
        """End the turn and replace all its events by the single event `data` under the next sequence number. Return
        that number, or 0 for an unknown turn, for which nothing is stored."""

    async def forget(self, turn: str) -> None:
        """Delete a turn that has ended; its tails end."""

    async def request_stop(self, turn: str) -> None:
        """Ask the process that runs the turn to stop it. May be called from any process, any number of times."""

    async def wait_stop(self, turn: str) -> None:
        """Return once a stop is requested; at once if it was requested before the call."""
