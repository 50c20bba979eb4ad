"""The environment, read once. Every variable that the product knows is a field here, with its default and meaning.

`docs/operations.md` describes each one; a test compares the two.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, fields
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Env:
    DATA_DIR: str = str(BASE_DIR / "var")
    SITE_URL: str = "http://localhost:8000"
    ALLOWED_HOSTS: str = ""  # further host names, comma separated; the host of SITE_URL is always allowed
    DEBUG: bool = False
    SECRET_KEY: str = ""  # empty: kept in DATA_DIR/secret_key, made on first start
    DATABASE_URL: str = ""  # empty: SQLite in DATA_DIR
    REDIS_URL: str = ""  # empty: broker on disk, turn log and channel layer in memory
    EMAIL_URL: str = ""  # smtp://user:password@host:port or smtps://…; empty: mail is printed to the log
    EMAIL_FROM: str = "openbook@localhost"
    SIGNUP: str = "invitation"  # open | invitation | closed; the starting value of the site setting
    LLM_URL: str = "http://127.0.0.1:8100/v1"
    LLM_MODEL: str = ""  # empty: the first model that the server lists
    LLM_API_KEY: str = ""
    LLM_TOKENIZER: str = ""  # folder or file with tokenizer.json; empty: DATA_DIR/models/chat
    LLM_BACKEND: str = "apps.engines.chat.openai.OpenAIChat"
    LLM_ENGINE_ARGS: str = ""  # further arguments for the vLLM that `./run serve` starts
    EMBED_MODEL: str = ""  # a hub name or folder; empty: the packaged all-MiniLM-L6-v2
    EMBED_BACKEND: str = "apps.engines.embed.sentence.SentenceEmbed"
    INDEX_BACKEND: str = "apps.engines.index.local.engine.LocalIndex"
    ANSWER_STYLE: str = "automatic"  # automatic | quotes | model; used where assistant and model leave it open
    MAX_UPLOAD_MB: int = 100
    MAX_PAGES: int = 3000
    PARSE_SECONDS: int = 120
    PARSE_MEMORY_MB: int = 1024
    EMBED_THREADS: int = 0  # 0: all cores for indexing

    @classmethod
    def read(cls, source: dict[str, str]) -> Env:
        values: dict[str, object] = {}
        for item in fields(cls):
            if item.name not in source:
                continue
            raw = source[item.name]
            if isinstance(item.default, bool):
                values[item.name] = raw.strip().lower() in {"1", "true", "yes", "on"}
            elif isinstance(item.default, int):
                values[item.name] = int(raw)
            else:
                values[item.name] = raw
        return cls(**values)  # type: ignore[arg-type]


def secret_key(env: Env) -> str:
    """The configured key, or the one kept in the data directory (made when missing, readable by its owner only)."""
    if env.SECRET_KEY:
        return env.SECRET_KEY
    path = Path(env.DATA_DIR) / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    return path.read_text().strip()


ENV = Env.read(dict(os.environ))
