"""The contracts between the product and its engines: Protocols, frozen values, one error tree.

    EngineError            something an engine could not do; `retry` says whether trying again helps
    +- EngineUnavailable   no answer: refused, timed out, cut off, still starting        (retry)
    +- EngineBusy          an answer that says "later": 429, 503, queue full             (retry)
    +- EngineRefused       the request itself cannot be served: too long, unknown model  (no retry)
    +- EngineBroken        the answer makes no sense: wrong shape, not finite, bad files (no retry)

Nothing here knows Django, the ORM or a heavy library. An engine is built on first use by
`apps.engines.registry` from `{"BACKEND": dotted path, "OPTIONS": {...}}`, once per process, and must be
safe to call from several threads. Chat and turn log are async because they stream; the others are
sync and are called through `apps.lib.threads.in_pool`. Heavy libraries are imported inside the engine
that needs them, at its first use or in `warm()`, never at module import.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


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
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws its tokens; `None` leaves the server's own default."""

    max_tokens: int = 512
    temperature: float = 0.2
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    repetition_penalty: float | None = None
    logprobs: int = 0  # how many alternatives to keep per token; 0 keeps none


@dataclass(frozen=True, slots=True)
class ChatRequest:
    messages: tuple[ChatMessage, ...]
    sampling: Sampling = field(default_factory=Sampling)
    cache_salt: str = ""  # separates prefix caches of people who must not share one


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
    logprobs: tuple[TokenProb, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """Always the last item of a stream that ended by itself."""

    reason: str  # "stop" | "length" | what the server said
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the server serves. `context_tokens` is the whole window, prompt and answer together."""

    name: str
    context_tokens: int
    parameters: int | None = None  # None where the server and the name do not tell


class ChatEngine(Protocol):
    """A model server. Async, one instance per event loop, many streams at once."""

    async def info(self) -> ModelInfo:
        """The model served; cached once known. Raises EngineUnavailable while the server is away."""

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

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), float32, unit rows, finite. Sorts by length itself; pass many at once."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of every token of `text`, in order, without special tokens, uncut."""


# --- index ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One chunk as the index sees it. `title` and `heading` are weighted above `text` for words."""

    chunk_id: int
    text: str
    title: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """An immutable, durable set of chunks. The caller records it; only recorded segments are searched."""

    id: str  # UUID hex
    collection: str  # UUID hex
    count: int
    dimension: int
    fingerprint: str  # of the embedder
    kind: str  # "flat" | "hnsw" | ...
    checksum: str  # SHA-256 over all its files, checked before it is opened
    size_bytes: int


@dataclass(frozen=True, slots=True)
class IndexQuery:
    text: str
    vector: Vectors  # shape (dimension,)
    limit: int = 60  # candidates wanted from words and from vectors, each


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by words, by meaning, or both. Scores are raw: fusion is the caller's."""

    chunk_id: int
    cosine: float  # always filled in, also for chunks that only words found
    bm25: float  # 0.0 where words did not find it; comparable across segments (global document frequency)


@dataclass(frozen=True, slots=True)
class IndexResult:
    candidates: tuple[Candidate, ...]
    idf: dict[str, float]  # query term (stemmed) -> inverse document frequency over the searched segments


class Index(Protocol):
    """Sync, thread-safe for search; `write` and `merge` by one process per collection at a time."""

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        """Durable on return (files fsynced and renamed), visible to nobody until the caller records it.
        Refuses what is not finite, of wrong dimension, or repeated (EngineRefused)."""

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        """Candidates over exactly these segments. Raises EngineBroken(segment id in message) when one is damaged."""

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        """Frees their space. Dropping what is gone already is no error."""

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        """Removes files of segments not in `live` and older than that; returns how many."""

    def verify(self, segment: SegmentInfo) -> bool:
        """Whether the files are all there and match the checksum."""


# --- turn log ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogEntry:
    seq: int  # 1, 2, 3 ... per turn, without gaps
    data: bytes


class TurnLog(Protocol):
    """The events of each running turn, kept for `keep_s` after its end. Async.

    A reader may join at any time, read from any sequence number, and misses nothing. The log also
    carries the one signal that travels towards a turn: stop.
    """

    async def append(self, turn: str, data: bytes) -> int:
        """Returns the sequence number."""

    async def finish(self, turn: str) -> None:
        """No event follows; tails end after the last one."""

    async def read(self, turn: str, after: int = 0) -> list[LogEntry]:
        """What is there now, after that number. Empty for an unknown turn."""

    async def exists(self, turn: str) -> bool:
        """Whether the log still holds this turn (running, or ended less than `keep_s` ago)."""

    def tail(self, turn: str, after: int = 0) -> AsyncGenerator[LogEntry, None]:
        """What is there, then what comes, until `finish`; nothing for an unknown turn. Consume under `aclosing`."""

    async def request_stop(self, turn: str) -> None:
        """Asks the process that owns the turn to stop it; from any process, any number of times."""

    async def wait_stop(self, turn: str) -> None:
        """Returns when a stop was requested (also when it was before the call)."""
