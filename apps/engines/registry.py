"""Builds each engine once per process, on first use, from `settings.ENGINES`."""

from __future__ import annotations

import threading
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.engines.caption.protocol import CaptionEngine
from apps.engines.chat.circuit_breaker import CircuitBreaker
from apps.engines.chat.model_catalog import MAIN, ChatModel, load_catalog
from apps.engines.classify.guard_model import GuardEngine
from apps.engines.classify.image_classifier import ImageClassifier
from apps.engines.classify.protocol import IndirectInjectionDetector, SpanTagger
from apps.engines.image.clip import ClipScorer
from apps.engines.image.protocol import EmbeddingConditioned, ImageEngine
from apps.engines.index.routing import RoutedIndex
from apps.engines.malware.protocol import MalwareScanner
from apps.engines.types import (
    ChatEngine,
    EmbedEngine,
    EngineRefused,
    Index,
    NliEngine,
    RankEngine,
    TextClassifier,
    TurnLog,
)
from apps.lib.text import message_templates

_lock = threading.RLock()
_built: dict[str, Any] = {}


def get_chat_engine(name: str = MAIN) -> ChatEngine:
    """The chat model of that name, of `settings.CHATS`. Raises EngineRefused for another one."""
    engine = _built.get(f"chat {name}")
    if engine is None:
        with _lock:
            engine = _built.get(f"chat {name}") or _chat(name)
            _built[f"chat {name}"] = engine
    return cast(ChatEngine, engine)


def list_chat_models() -> tuple[ChatModel, ...]:
    """What can be chosen, the site's own first."""
    return load_catalog(settings.CHATS)


def get_chat_model(name: str) -> ChatModel | None:
    return next((model for model in list_chat_models() if model.name == name), None)


def get_embedder(name: str = "") -> EmbedEngine:
    """The site's own embedder, or the one of that name, of `settings.EMBEDDERS`. Raises EngineRefused for another."""
    if not name:
        return cast(EmbedEngine, _get("embed"))
    if (config := settings.EMBEDDERS.get(name)) is None:
        raise EngineRefused(message_templates.NO_EMBEDDER % {"name": name})
    with _lock:
        if f"embed {name}" not in _built:
            _built[f"embed {name}"] = import_string(config["BACKEND"])(**config["OPTIONS"])
        return cast(EmbedEngine, _built[f"embed {name}"])


def get_index() -> Index:
    """The index that is configured; segments that another one holds are looked up there."""
    with _lock:
        if "routed" not in _built:
            name = settings.ENGINES["index"].get("NAME", "")
            _built["routed"] = RoutedIndex(name, _get("index"), get_index_by_name)
        return cast(Index, _built["routed"])


def get_index_by_name(name: str) -> Index:
    """One of `settings.INDEXES`. Raises EngineRefused for another name, or one that is not set up."""
    if name == settings.ENGINES["index"].get("NAME", ""):
        return cast(Index, _get("index"))
    if name not in settings.INDEXES:
        raise EngineRefused(f"There is no index '{name}'; there are {', '.join(sorted(settings.INDEXES))}.")
    with _lock:
        if f"index {name}" not in _built:
            config = settings.INDEXES[name]
            _built[f"index {name}"] = import_string(config["BACKEND"])(**config["OPTIONS"])
        return cast(Index, _built[f"index {name}"])


def get_text_classifier() -> TextClassifier:
    return cast(TextClassifier, _get("classify"))


def get_classifier_embedder() -> EmbedEngine:
    """The embedder whose vectors the classifiers read: the product's own, or where it is another, theirs beside it."""
    wanted = get_text_classifier().embedder
    if wanted in ("", get_embedder().fingerprint):
        return get_embedder()
    with _lock:
        if "classify_embed" not in _built:
            _built["classify_embed"] = import_string(settings.CLASSIFY_EMBED_BACKEND)()
        return cast(EmbedEngine, _built["classify_embed"])


def get_injection_detector() -> IndirectInjectionDetector:
    return cast(IndirectInjectionDetector, _get("planted"))


def get_pii_tagger() -> SpanTagger:
    return cast(SpanTagger, _get("tagger"))


def get_reranker() -> RankEngine:
    return cast(RankEngine, _get("rank"))


def get_nli_engine() -> NliEngine:
    """Return the model of inference that `SUPPORT_MODEL` names, else the packaged one."""
    return cast(NliEngine, _get("inference"))


def get_malware_scanner() -> MalwareScanner | None:
    """None where none is set up."""
    return cast(MalwareScanner, _get("malware")) if settings.ENGINES.get("malware") else None


def get_guard_engine() -> GuardEngine | None:
    """The guard model; None where none is set up."""
    return cast(GuardEngine, _get("guard")) if settings.ENGINES.get("guard") else None


def get_image_classifier() -> ImageClassifier | None:
    """The picture classifier that the operator named; None where there is none."""
    return cast(ImageClassifier, _get("pictures")) if settings.ENGINES.get("pictures") else None


def get_caption_engine() -> CaptionEngine | None:
    """What describes pictures for models that see none; None where none is set up."""
    return cast(CaptionEngine, _get("caption")) if settings.ENGINES.get("caption") else None


def get_image_engine() -> ImageEngine:
    """What draws. One that reads sentence vectors may take them from the product's own embedder, where it is the same:
    the words of a picture were embedded for the gate already, and its weights need not be loaded twice."""
    engine = _get("image")
    if isinstance(engine, EmbeddingConditioned):
        engine.share(get_embedder)
    return cast(ImageEngine, engine)


def get_clip_scorer() -> ClipScorer:
    """What measures how well pictures fit words; not active where `CLIP_MODEL` names none."""
    return cast(ClipScorer, _get("align"))


def get_turn_log() -> TurnLog:
    return cast(TurnLog, _get("turnlog"))


def reset() -> None:
    """Forgets every engine, so that changed settings take effect (tests)."""
    with _lock:
        _built.clear()


def _chat(name: str) -> Any:
    """Models of one server share its breaker: it is the server that is away."""
    if (config := settings.CHATS.get(name)) is None:
        raise EngineRefused(message_templates.NO_MODEL % {"name": name})
    breaker = _built.setdefault(f"breaker {config['ABOUT']['server']}", CircuitBreaker())
    return import_string(config["BACKEND"])(**config["OPTIONS"], breaker=breaker)


def _get(kind: str) -> Any:
    engine = _built.get(kind)
    if engine is None:
        with _lock:
            engine = _built.get(kind)
            if engine is None:
                config = settings.ENGINES[kind]
                engine = _built[kind] = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
    return engine
