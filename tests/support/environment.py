"""Set environment variables and fakes for tests. Loaded before Django's settings (`-p tests.support.environment`)."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_directory = tempfile.mkdtemp(prefix="openbook-tests-")
Path(_directory, "static").mkdir()  # WhiteNoise warns if it is missing
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
    "READER_BACKEND": "apps.engines.reader.fake.FakeReader",
    "IMAGE_BACKEND": "apps.engines.image.fake.FakePainter",
    "IMAGE_MODEL": "stripes",
    "INDEX_BACKEND": "apps.engines.index.memory.MemoryIndex",
    # A title costs one more request; tests/conversations/history/test_titles_search_and_unread.py turns it on.
    "TITLES": "0",
    "REVIEW_SECOND_PERCENT": "0",  # random; tests/safety/moderation/test_second_reviews.py turns it on
    "EMBED_MULTILINGUAL": "0",  # no test's site has fetched it
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # models of tests are tiny: several threads wait longer for each other than they compute
    "TOKENIZERS_PARALLELISM": "false",
}

gc.disable()  # collecting nine thousand tests makes no garbage; without the collector it takes half the time


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Freeze the objects of the collection, so that the garbage collector does not visit them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # one page makes as many objects; most are freed without the collector
    gc.enable()
