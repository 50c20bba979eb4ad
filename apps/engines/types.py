"""The contracts between the product and its engines: Protocols, frozen values, one error tree.

    EngineError            something an engine could not do; `retry` says whether trying again helps
    +- EngineUnavailable   no answer: refused, timed out, cut off, still starting        (retry)
    +- EngineBusy          an answer that says "later": 429, 503, queue full             (retry)
    +- EngineRefused       the request itself cannot be served: too long, unknown model  (no retry)
    +- EngineBroken        the answer makes no sense: wrong shape, not finite, bad files (no retry)

Nothing here knows Django, the ORM or a heavy library. An engine is built on first use by `apps.engines.registry` from
`{"BACKEND": dotted path, "OPTIONS": {...}}`, once per process, and must be safe to call from several threads. Chat and
turn log are async because they stream; the others are sync and are called through
`apps.lib.concurrency.threads.in_pool`. Heavy libraries are imported inside the engine that needs them, at its first
use or in `warm()`, never at module import.
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
    """An engine could not do what was asked; the message is one sentence fit for a person."""

    retry = False


class EngineUnavailable(EngineError):
    retry = True


class EngineBusy(EngineError):
    retry = True


class EngineRefused(EngineError):
    pass


class EngineBroken(EngineError):
    pass


# --- chat -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """That the model wants a tool to be called. `arguments` is JSON as the model wrote it, and may be anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()  # of an assistant
    call_id: str = ""  # of a tool: the call that it answers
    pictures: tuple[str, ...] = ()  # of a user, as data: addresses, for a model that sees


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws its tokens; `None` leaves the server's own default."""

    max_tokens: int = 512
    temperature: float = 0.2
    top_p: float | None = None
    top_k: int | None = None  # like the next one, left out where the server is not vLLM
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    repetition_penalty: float | None = None
    logprobs: int = 0  # how many alternatives to keep per token; 0 keeps none
    beams: int = 0  # 2 or more: that many ways on are followed side by side, and the likeliest is said; 0: one is drawn


@dataclass(frozen=True, slots=True)
class ChatRequest:
    messages: tuple[ChatMessage, ...]
    sampling: Sampling = field(default_factory=Sampling)
    cache_salt: str = ""  # separates prefix caches of people who must not share one
    tools: tuple[dict[str, Any], ...] = ()  # as the OpenAI protocol describes them
    tool_choice: str | dict[str, Any] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)  # further settings of the OpenAI protocol, as they are
    thinks: bool = True  # False: a model that reasons is asked to answer at once, where its server can tell it so


@dataclass(frozen=True, slots=True)
class TokenProb:
    """One token with its natural log probability and the alternatives the model weighed."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, as the server sent it."""

    text: str
    logprobs: tuple[TokenProb, ...] = ()  # of the text
    thought: str = ""  # what the model thinks before it answers, never a part of the text


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """Always the last item of a stream that ended by itself."""

    reason: str  # "stop" | "length" | "tool_calls" | what the server said
    usage: Usage | None = None
    calls: tuple[ToolCall, ...] = ()  # whole, in the model's order


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the server serves. `context_tokens` is the whole window, prompt and answer together."""

    name: str
    context_tokens: int
    parameters: int | None = None  # None where the server and the name do not tell
    samples_all: bool = True  # False: what OpenAI's protocol lacks of a sampling is left out (`chat/offered.py`)


class ChatEngine(Protocol):
    """A model server. Async, one instance per event loop, many streams at once."""

    async def info(self) -> ModelInfo:
        """The model served; cached once known. Raises EngineUnavailable while the server is away."""

    async def takes_tools(self) -> bool:
        """Whether the model may be offered tools; found out once, of the server itself. Raises EngineUnavailable while
        the server is away."""

    async def takes_beams(self) -> bool:
        """Likewise, whether `Sampling.beams` may be asked for. Such an answer comes at once, without probabilities."""

    async def probe(self) -> float:
        """Milliseconds that a real one-token request took. Raises EngineError when it did not work."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        """Yields the answer. Closing the iterator aborts the request at the server.

        Always consume it under `contextlib.aclosing`. Raises EngineError, before or between items.
        """

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer (no special tokens). Sync, fast, local;
        a safe over-estimate where the tokenizer is not at hand."""

    async def close(self) -> None:
        """Closes connections."""


# --- embed ------------------------------------------------------------------------------------------


class EmbedEngine(Protocol):
    """Texts to unit vectors. Sync, thread-safe."""

    dimension: int
    max_tokens: int  # the window: longer texts would be cut, so chunks never exceed it
    fingerprint: str  # model, weights hash, precision family: vectors mix only where it is equal

    def warm(self) -> None:
        """Loads the model and embeds one text, so that the first question does not wait."""

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,), float32, unit length. Made for one short text at low latency."""

    def embed_passages(self, texts: Sequence[str | Tokenised]) -> Vectors:
        """Shape (n, dimension), float32, unit rows, finite. Sorts by length itself; pass many at once."""

    def tokenised(self, text: str) -> Tokenised:
        """A passage, ready to be embedded; one that fits has at most `max_tokens`."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of every token of `text`, in order, without special tokens, uncut."""


# --- classify ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelThresholds:
    """From which probability on a label is worth noting, and from which on harmless texts are (almost) never."""

    flag: float
    block: float


class RankEngine(Protocol):
    """Reads question and passage together. Sync, thread-safe; tens of milliseconds a passage, so it sees only the
    best."""

    active: bool  # False: there is none, and what it says is not asked for

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """For each text the probability, 0 to 1, that it answers the question. Raises EngineBroken where the model
        cannot be loaded or does not tell that."""


class NliEngine(Protocol):
    """Whether one text follows from another. Sync, thread-safe."""

    def warm(self) -> None:
        """Load the weights now. Raises EngineBroken where they are missing or damaged."""

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        """For each (premise, claim) the probability, 0 to 1, that the claim follows. Raises EngineBroken as above."""


class TextClassifier(Protocol):
    """Texts and their vectors to probabilities, one a label. Sync, thread-safe, well below a millisecond a text."""

    labels: tuple[str, ...]
    fingerprint: str  # of the weights
    embedder: str  # the fingerprint of the embedder whose vectors it reads; "" for any

    @property
    def cuts(self) -> Mapping[str, LabelThresholds]:
        """For each label what was found on texts held out in training. A policy may say otherwise."""

    def warm(self) -> None:
        """Reads the weights."""

    def reads(self, text: str) -> str:
        """What the text's vector is made of: mostly the text itself."""

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        """Shape (n, labels), float32, calibrated: of many texts scored 0.7, seven in ten are what the label says.
        Raises EngineRefused where the vectors are not one a text, or of another embedder."""


# --- turn log ---------------------------------------------------------------------------------------


class TurnLogEntry(NamedTuple):
    seq: int  # 1, 2, 3 ... per turn, without gaps
    data: bytes


class TurnLog(Protocol):
    """The events of each running turn, kept for `keep_s` after its end. Async. A reader may join at any time, read from
    any sequence number, and misses nothing. It also carries the one signal that travels towards a turn: stop."""

    async def append(self, turn: str, data: bytes) -> int:
        """Returns the sequence number."""

    async def finish(self, turn: str) -> None:
        """No event follows; tails end after the last one."""

    async def read(self, turn: str, after: int = 0) -> list[TurnLogEntry]:
        """What is there now, after that number. Empty for an unknown turn."""

    async def exists(self, turn: str) -> bool:
        """Whether the log still holds this turn (running, or ended less than `keep_s` ago)."""

    def tail(self, turn: str, after: int = 0) -> AsyncGenerator[TurnLogEntry, None]:
        """What is there, then what comes, until `finish`; nothing for an unknown turn. Consume under `aclosing`."""

    async def take_back(self, turn: str, data: bytes) -> int:
        """The turn is at its end, and of its events there is only `data`, under the next number, which is returned; 0
        for an unknown turn, of which nothing is kept."""

    async def forget(self, turn: str) -> None:
        """Nothing is known of a turn that has ended; its tails end."""

    async def request_stop(self, turn: str) -> None:
        """Asks the process that owns the turn to stop it; from any process, any number of times."""

    async def wait_stop(self, turn: str) -> None:
        """Returns when a stop was requested (also when it was before the call)."""
