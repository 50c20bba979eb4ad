"""Loaded before Django's settings (`-p tests.support.environment`): tests get a data directory and fakes of their
own."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_directory = tempfile.mkdtemp(prefix="openbook-tests-")
Path(_directory, "static").mkdir()  # WhiteNoise warns where it is missing
atexit.register(shutil.rmtree, _directory, ignore_errors=True)

for _name in (
    "REDIS_URL",
    "EMBED_MORE",
    "LLM_URL",
    "LLM_MODEL",
    "LLM_MORE",
    "LLM_NAME",
    "LLM_REASONS",
    "SECRET_KEY",
    "SITE_URL",
):
    os.environ.pop(_name, None)
os.environ |= {
    "DATA_DIR": _directory,
    "DEBUG": "1",
    "LLM_BACKEND": "apps.engines.chat.fake.FakeChat",
    "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbedder",
    "CLASSIFY_BACKEND": "apps.engines.classify.fake.FakeClassifier",
    "PLANTED_BACKEND": "apps.engines.classify.fake.FakeInjectionDetector",
    "TAGGER_BACKEND": "apps.engines.classify.fake.FakeTagger",
    "SUPPORT_BACKEND": "apps.engines.nli.fake.FakeNli",
    "IMAGE_BACKEND": "apps.engines.image.fake.FakePainter",
    "IMAGE_MODEL": "stripes",
    "INDEX_BACKEND": "apps.engines.index.memory.MemoryIndex",
    # One more request after each first answer; tests/conversations/history/test_titles_search_and_unread.py sets it.
    "TITLES": "0",
    "REVIEW_SECOND_PERCENT": "0",  # drawn by chance: tests/safety/moderation/test_second_reviews.py turns it on
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # models of tests are tiny: threads of one wait for each other longer than they calculate
    "TOKENIZERS_PARALLELISM": "false",
}

gc.disable()  # while nine thousand tests are collected, none of which becomes garbage: that takes half the time


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What is there by now stays: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # a page makes as many objects; most go without the collector
    gc.enable()
