"""Builds each engine once per process, on first use, from `settings.ENGINES`."""

from __future__ import annotations

import threading
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.engines.base import (
    ChatEngine,
    EmbedEngine,
    EngineRefused,
    Index,
    InferenceEngine,
    RankEngine,
    TextClassifier,
    TurnLog,
)
from apps.engines.caption.base import CaptionEngine
from apps.engines.chat.breaker import Breaker
from apps.engines.chat.offered import MAIN, ChatModel, described
from apps.engines.classify.base import PlantedDetector, SpanTagger
from apps.engines.classify.guard import GuardEngine
from apps.engines.classify.pictures import PictureClassifier
from apps.engines.image.base import ImageEngine, ReadsMeaning
from apps.engines.image.clip import Clip
from apps.engines.index.routed import RoutedIndex
from apps.engines.malware.base import MalwareScanner
from apps.lib import filled

_lock = threading.RLock()
_built: dict[str, Any] = {}


def chat(name: str = MAIN) -> ChatEngine:
    """The chat model of that name, of `settings.CHATS`. Raises EngineRefused for another one."""
    engine = _built.get(f"chat {name}")
    if engine is None:
        with _lock:
            engine = _built.get(f"chat {name}") or _chat(name)
            _built[f"chat {name}"] = engine
    return cast(ChatEngine, engine)


def chat_models() -> tuple[ChatModel, ...]:
    """What can be chosen, the site's own first."""
    return described(settings.CHATS)


def chat_model(name: str) -> ChatModel | None:
    return next((model for model in chat_models() if model.name == name), None)


def embed(name: str = "") -> EmbedEngine:
    """The site's own embedder, or the one of that name, of `settings.EMBEDDERS`. Raises EngineRefused for another."""
    if not name:
        return cast(EmbedEngine, _get("embed"))
    if (config := settings.EMBEDDERS.get(name)) is None:
        raise EngineRefused(filled.NO_EMBEDDER % {"name": name})
    with _lock:
        if f"embed {name}" not in _built:
            _built[f"embed {name}"] = import_string(config["BACKEND"])(**config["OPTIONS"])
        return cast(EmbedEngine, _built[f"embed {name}"])


def index() -> Index:
    """The index that is configured; segments that another one holds are looked up there."""
    with _lock:
        if "routed" not in _built:
            name = settings.ENGINES["index"].get("NAME", "")
            _built["routed"] = RoutedIndex(name, _get("index"), index_named)
        return cast(Index, _built["routed"])


def index_named(name: str) -> Index:
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


def classify() -> TextClassifier:
    return cast(TextClassifier, _get("classify"))


def classify_embed() -> EmbedEngine:
    """The embedder whose vectors the classifiers read: the product's own, or where it is another, theirs beside it."""
    wanted = classify().embedder
    if wanted in ("", embed().fingerprint):
        return embed()
    with _lock:
        if "classify_embed" not in _built:
            _built["classify_embed"] = import_string(settings.CLASSIFY_EMBED_BACKEND)()
        return cast(EmbedEngine, _built["classify_embed"])


def planted() -> PlantedDetector:
    return cast(PlantedDetector, _get("planted"))


def tagger() -> SpanTagger:
    return cast(SpanTagger, _get("tagger"))


def rank() -> RankEngine:
    return cast(RankEngine, _get("rank"))


def inference() -> InferenceEngine:
    """Return the model of inference that `SUPPORT_MODEL` names, else the packaged one."""
    return cast(InferenceEngine, _get("inference"))


def malware() -> MalwareScanner | None:
    """None where none is set up."""
    return cast(MalwareScanner, _get("malware")) if settings.ENGINES.get("malware") else None


def guard() -> GuardEngine | None:
    """The guard model; None where none is set up."""
    return cast(GuardEngine, _get("guard")) if settings.ENGINES.get("guard") else None


def classify_pictures() -> PictureClassifier | None:
    """The picture classifier that the operator named; None where there is none."""
    return cast(PictureClassifier, _get("pictures")) if settings.ENGINES.get("pictures") else None


def caption() -> CaptionEngine | None:
    """What describes pictures for models that see none; None where none is set up."""
    return cast(CaptionEngine, _get("caption")) if settings.ENGINES.get("caption") else None


def image() -> ImageEngine:
    """What draws. One that reads sentence vectors may take them from the product's own embedder, where it is the same:
    the words of a picture were embedded for the gate already, and its weights need not be loaded twice."""
    engine = _get("image")
    if isinstance(engine, ReadsMeaning):
        engine.share(embed)
    return cast(ImageEngine, engine)


def align() -> Clip:
    """What measures how well pictures fit words; not active where `CLIP_MODEL` names none."""
    return cast(Clip, _get("align"))


def turnlog() -> TurnLog:
    return cast(TurnLog, _get("turnlog"))


def reset() -> None:
    """Forgets every engine, so that changed settings take effect (tests)."""
    with _lock:
        _built.clear()


def _chat(name: str) -> Any:
    """Models of one server share its breaker: it is the server that is away."""
    if (config := settings.CHATS.get(name)) is None:
        raise EngineRefused(filled.NO_MODEL % {"name": name})
    breaker = _built.setdefault(f"breaker {config['ABOUT']['server']}", Breaker())
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
