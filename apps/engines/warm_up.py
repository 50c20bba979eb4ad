"""Warm-up of the engines before the first question. Called in the background when the web process starts."""

from __future__ import annotations

import logging
import time

from apps.engines import registry
from apps.engines.types import EngineError

log = logging.getLogger(__name__)


def warm_engines() -> bool:
    """Load the weights of embedder, classifiers, NLI model and reader, and read the chat model's tokenizer. Return
    False if one of them failed, which is logged."""
    started = time.monotonic()
    try:
        registry.get_embedder().warm()
        registry.get_text_classifier().warm()
        registry.get_injection_detector().warm()
        registry.get_nli_engine().warm()
        registry.get_passage_reader().warm()
        registry.get_chat_engine().count(["warm"])
    except EngineError as error:
        log.error("The embedding model cannot be used: %s", error)
        return False
    log.info("The embedding model is ready after %.1f s.", time.monotonic() - started)
    return True
