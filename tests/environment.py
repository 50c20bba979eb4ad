"""Loaded before Django's settings (`-p tests.environment`): tests get a data directory and fakes of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_directory = tempfile.mkdtemp(prefix="openbook-tests-")
Path(_directory, "static").mkdir()  # WhiteNoise warns where it is missing
atexit.register(shutil.rmtree, _directory, ignore_errors=True)

for _name in ("REDIS_URL", "LLM_URL", "LLM_MODEL", "SECRET_KEY", "SITE_URL"):
    os.environ.pop(_name, None)
os.environ |= {
    "DATA_DIR": _directory,
    "DEBUG": "1",
    "LLM_BACKEND": "apps.engines.chat.fake.FakeChat",
    "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbed",
    "INDEX_BACKEND": "apps.engines.index.memory.MemoryIndex",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
