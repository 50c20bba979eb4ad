"""Registry of engines: builds each one once per process, on first use, from `settings.ENGINES`, `CHATS`, `EMBEDDERS`
and `INDEXES`.

Entry points are the `get_…` functions. All are thread-safe. Models are loaded by the engines themselves, at their first
use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from apps.engines.caption.protocol import CaptionEngine
from apps.engines.chat.circuit_breaker import CircuitBreaker
from apps.engines.chat.model_catalog import MAIN, ChatModel, PageModels, load_catalog
from apps.engines.classify.guard_model import GuardEngine
from apps.engines.classify.image_classifier import ImageClassifier
from apps.engines.classify.protocol import IndirectInjectionDetector, SpanTagger
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.image.clip import ClipScorer
from apps.engines.image.protocol import EmbeddingConditioned, ImageEngine
from apps.engines.index.routing import RoutedIndex
from apps.engines.judge.protocol import JudgeEngine
from apps.engines.malware.protocol import MalwareScanner
from apps.engines.reader.protocol import PassageReader
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
_page_configs: dict[str, Mapping[str, Any]] = {}  # of the engines of page models that were built, by name
_load_page_models: list[Callable[[], PageModels]] = []  # the source, or none


def use_page_models(load: Callable[[], PageModels]) -> None:
    """Set the source of the models that administrators add on the page. It must not block an event loop."""
    _load_page_models[:] = [load]


def get_chat_engine(name: str = MAIN) -> ChatEngine:
    """Return the chat model of that name, of `settings.CHATS` or of the page. Raise EngineRefused for an unknown name.

    A model of the page that was removed is still returned where it was used before: running answers go on.
    """
    page = _get_page_models()
    if name == MAIN and page.default:
        name = page.default
    if name in settings.CHATS:
        return cast(ChatEngine, _get_or_build(f"chat {name}", lambda: _build_chat(name)))
    return cast(ChatEngine, _get_page_engine(name, page.configs.get(name)))


def build_chat_engine(config: Mapping[str, Any]) -> Any:
    """Return a new engine that is not kept, to ask a server before its models are offered."""
    return import_string(config["BACKEND"])(**config["OPTIONS"])


def list_chat_models() -> tuple[ChatModel, ...]:
    """Return the chat models that users can choose, the site's own first.

    The default of the page is described as MAIN and takes the place of that of the environment.
    """
    page = _get_page_models()
    if not page.configs:
        return load_catalog(settings.CHATS, page.groups)
    main = {MAIN: page.configs[page.default]} if page.default else {}
    others = {name: config for name, config in page.configs.items() if name not in (page.default, *settings.CHATS)}
    return load_catalog({**settings.CHATS, **main, **others}, page.groups)


def get_chat_model(name: str) -> ChatModel | None:
    """Return the description of the chat model named `name`, or None if there is none of that name."""
    if name and name == _get_page_models().default:
        name = MAIN
    return next((model for model in list_chat_models() if model.name == name), None)


def get_embedder(name: str = "") -> EmbedEngine:
    """Return the site's own embedder for "", else the one named `name` in `settings.EMBEDDERS`. Raise EngineRefused for
    an unknown name."""
    if not name:
        return cast(EmbedEngine, _get("embed"))
    if (config := settings.EMBEDDERS.get(name)) is None:
        raise EngineRefused(message_templates.NO_EMBEDDER % {"name": name})
    engine = _get_or_build(f"embed {name}", lambda: _build(config))
    if isinstance(engine, PairedEmbedder):
        engine.use_embedder(get_embedder)
    return cast(EmbedEngine, engine)


def get_index() -> Index:
    """Return the configured index. Segments that another index holds are searched in that other index."""
    name = settings.ENGINES["index"].get("NAME", "")
    return cast(Index, _get_or_build("routed", lambda: RoutedIndex(name, _get("index"), get_index_by_name)))


def get_index_by_name(name: str) -> Index:
    """Return the index named `name`: the configured one or one of `settings.INDEXES`. Raise EngineRefused for a name
    that is unknown or not set up."""
    if name == settings.ENGINES["index"].get("NAME", ""):
        return cast(Index, _get("index"))
    if name not in settings.INDEXES:
        raise EngineRefused(f"There is no index '{name}'; there are {', '.join(sorted(settings.INDEXES))}.")
    return cast(Index, _get_or_build(f"index {name}", lambda: _build(settings.INDEXES[name])))


def get_text_classifier() -> TextClassifier:
    """Return the classifier of harmful texts."""
    return cast(TextClassifier, _get("classify"))


def get_classifier_embedder() -> EmbedEngine:
    """Return the embedder whose vectors the text classifier was trained on. The site's own is used if its fingerprint
    matches, else a second one that is loaded beside it."""
    wanted = get_text_classifier().embedder
    if wanted in ("", get_embedder().fingerprint):
        return get_embedder()
    return cast(EmbedEngine, _get_or_build("classify_embed", import_string(settings.CLASSIFY_EMBED_BACKEND)))


def get_injection_detector() -> IndirectInjectionDetector:
    """Return the detector of indirect prompt injections in documents."""
    return cast(IndirectInjectionDetector, _get("planted"))


def get_pii_tagger() -> SpanTagger:
    """Return the tagger of personal data."""
    return cast(SpanTagger, _get("tagger"))


def get_reranker() -> RankEngine:
    """Return the reranker. The `active` of the reranker is False if none is configured."""
    return cast(RankEngine, _get("rank"))


def get_nli_engine() -> NliEngine:
    """Return the model of natural language inference that `SUPPORT_MODEL` names, else the packaged one; also with a
    judge, which only reads what this model does not support."""
    return cast(NliEngine, _get("inference"))


def get_packaged_nli_engine() -> NliEngine:
    """Return the packaged model of inference, whatever `SUPPORT_MODEL` names."""
    return cast(NliEngine, _get_or_build("packaged_inference", import_string(settings.SUPPORT_BACKEND)))


def get_judge_engine() -> JudgeEngine | None:
    """Return the judge of sentences, or None if neither the environment nor the page has one."""
    return cast("JudgeEngine | None", _get_helper("judge"))


def get_passage_reader() -> PassageReader:
    """Return the reader that says which passage answers a question, and where."""
    return cast(PassageReader, _get("reader"))


def get_malware_scanner() -> MalwareScanner | None:
    """Return the malware scanner, or None if none is configured."""
    return cast(MalwareScanner, _get("malware")) if settings.ENGINES.get("malware") else None


def get_guard_engine() -> GuardEngine | None:
    """Return the guard model, or None if neither the environment nor the page has one."""
    return cast("GuardEngine | None", _get_helper("guard"))


def get_image_classifier() -> ImageClassifier | None:
    """Return the classifier of pictures that the operator configured, or None if there is none."""
    return cast(ImageClassifier, _get("pictures")) if settings.ENGINES.get("pictures") else None


def get_caption_engine() -> CaptionEngine | None:
    """Return the engine that describes pictures for models without vision, or None if none is configured."""
    return cast(CaptionEngine, _get("caption")) if settings.ENGINES.get("caption") else None


def get_image_config() -> Mapping[str, Any]:
    """Return class and options of the picture engine: that of the page, unless the environment chose one."""
    page = None if settings.IMAGE_IS_FIXED else _get_page_models().engines.get("image")
    return page or cast(Mapping[str, Any], settings.ENGINES["image"])


def get_image_engine() -> ImageEngine:
    """Return the picture engine. An engine conditioned on sentence vectors shares the site's embedder if that is the
    one it was trained with. Moderation has embedded the prompt already, and the weights are loaded only once."""
    config = get_image_config()
    engine = _get("image") if config is settings.ENGINES["image"] else _get_page_helper("image", config)
    if isinstance(engine, EmbeddingConditioned):
        engine.use_embedder(get_embedder)
    return cast(ImageEngine, engine)


def get_clip_scorer() -> ClipScorer:
    """Return the CLIP scorer of pictures and prompts. The `active` of the scorer is False if `CLIP_MODEL` is empty."""
    return cast(ClipScorer, _get("align"))


def get_turn_log() -> TurnLog:
    """Return the log of turn events."""
    return cast(TurnLog, _get("turnlog"))


def reset() -> None:
    """Drop every engine that was built, so that changed settings take effect. For tests."""
    with _lock:
        _built.clear()


def _get_page_models() -> PageModels:
    return _load_page_models[0]() if _load_page_models else PageModels()


def _get_page_engine(name: str, config: Mapping[str, Any] | None) -> Any:
    """Return the engine of a model of the page, built anew if an administrator changed it. None: it was removed."""
    key = f"page {name}"
    with _lock:
        engine = _built.get(key)
        if config is None:
            if engine is None:
                raise EngineRefused(message_templates.NO_MODEL % {"name": name})
        elif engine is None or _page_configs.get(name) != config:
            breaker = _built.setdefault(f"breaker {config['ABOUT']['server']}", CircuitBreaker())
            engine = _built[key] = import_string(config["BACKEND"])(**config["OPTIONS"], breaker=breaker)
            _page_configs[name] = config
        return engine


def _get_helper(kind: str) -> Any:
    """Return the judge or guard of the environment, else that of the page, built anew if it was changed; or None."""
    if settings.ENGINES.get(kind):
        return _get(kind)
    config = _get_page_models().engines.get(kind)
    return None if config is None else _get_page_helper(kind, config)


def _get_page_helper(kind: str, config: Mapping[str, Any]) -> Any:
    """Return the engine of the page for this task, built anew if it was changed."""
    key = f"page engine {kind}"
    with _lock:
        if _built.get(key) is None or _page_configs.get(key) != config:
            _built[key], _page_configs[key] = _build(config), config
        return _built[key]


def _build_chat(name: str) -> Any:
    """Build a chat engine. Models of one server share a circuit breaker, since it is the server that fails."""
    if (config := settings.CHATS.get(name)) is None:
        raise EngineRefused(message_templates.NO_MODEL % {"name": name})
    breaker = _built.setdefault(f"breaker {config['ABOUT']['server']}", CircuitBreaker())
    return import_string(config["BACKEND"])(**config["OPTIONS"], breaker=breaker)


def _get(kind: str) -> Any:
    """Return the engine of that kind in `settings.ENGINES`."""
    return _get_or_build(kind, lambda: _build(settings.ENGINES[kind]))


def _build(config: Mapping[str, Any]) -> Any:
    return import_string(config["BACKEND"])(**config.get("OPTIONS", {}))


def _get_or_build(key: str, build: Callable[[], Any]) -> Any:
    """Return the engine stored under `key`, built by the first caller."""
    engine = _built.get(key)
    if engine is None:
        with _lock:
            engine = _built.get(key)
            if engine is None:
                engine = _built[key] = build()
    return engine
