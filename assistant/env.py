"""The environment, read once. Every variable that the product knows is a field here, with its default and meaning.

`docs/operations.md` describes each one; a test compares the two.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from assistant.boot.layout import default_data_dir, read_secret_files
from assistant.config.moved_classes import resolve_class

MIN_KEY_CHARACTERS = 32  # characters
MAX_HOLD_HOURS = 24  # hours
MAX_BREAK_GLASS_MINUTES = 480  # minutes
HIDDEN = "•••"
_OF_SECRETS = {"MCP_TOKENS", "MCP_COMMANDS"}  # arguments of programs hold tokens more often than not
_PASSWORD = re.compile(r"""(?<=://)[^/@\s"']+@""")  # and name, of an address
_ARGUMENT = re.compile(r"(--(?:api-key|hf-token)[= ])\S+")
_HOST = re.compile(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")  # a leading dot: and its subdomains
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
_DIGITS = 18  # of a number at most
_CHOICES = {
    "SIGNUP": {"open", "invitation", "closed"},
    "ANSWER_STYLE": {"automatic", "quotes", "model"},
    "EMBED_DTYPE": {"auto", "float32", "bfloat16"},
    "GUARD_FORMAT": {"qwen3guard", "llama_guard", "gpt_oss_safeguard"},
}


@dataclass(frozen=True, slots=True)
class Env:
    DATA_DIR: str = str(default_data_dir())
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
    LLM_STREAMS: int = 8  # answers that the model server writes at once for one web process; the others wait in line
    LLM_TOOLS: bool = True  # the model is offered tools, where its server takes them
    LLM_NAME: str = ""  # what the model is called where people choose among several; empty: LLM_MODEL, or "Standard"
    LLM_REASONS: str = ""  # yes | begun: the model thinks before it answers, in its own part
    LLM_MORE: str = ""  # JSON, [{"name", "url", "model", …}]: further models that people may choose
    LLM_SEES: bool = False  # the model takes pictures: those that a person attaches are sent to it
    LLM_ENGINE_ARGS: str = ""  # further arguments for the vLLM that `./run serve` starts
    MCP_HOSTS: str = ""  # IP:port of MCP servers that are not on the public web, comma separated
    MCP_COMMANDS: str = ""  # JSON, {"name": ["program", "argument", …]}: programs that may be MCP servers
    MCP_TOKENS: str = ""  # JSON, {"name of the server": "its token"}
    EMBED_MODEL: str = ""  # a hub name or folder; empty: the packaged all-MiniLM-L6-v2
    EMBED_MORE: str = ""  # JSON, [{"name", "model", "sha256", …}]: further ones that a collection may choose
    EMBED_BACKEND: str = "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder"
    RANK_MODEL: str = ""  # a cross-encoder by hub name or folder that orders the best passages anew; empty: none
    SUPPORT_MODEL: str = ""  # a model of inference by hub name or folder that judges support; empty: the packaged one
    SUPPORT_BACKEND: str = "apps.engines.nli.consistency.ConsistencyModel"
    CLASSIFY_BACKEND: str = "apps.engines.classify.linear_classifier.LinearClassifier"
    GUARD_URL: str = ""  # an OpenAI-compatible server with a guard model, with its /v1; empty: none is asked
    GUARD_MODEL: str = ""  # its name there
    GUARD_FORMAT: str = "qwen3guard"  # qwen3guard | llama_guard | gpt_oss_safeguard
    GUARD_API_KEY: str = ""
    GUARD_SECONDS: int = 5  # that it may take; later is as if it were away
    CAPTION_MODEL: str = (
        ""  # an image-to-text model by hub name or folder that describes attached pictures; empty: none
    )
    CAPTION_URL: str = ""  # an OpenAI-compatible server that has it, with its /v1; empty: the worker runs it
    CAPTION_API_KEY: str = ""
    CAPTION_SECONDS: int = 30  # that a description may take
    MALWARE_SOCKET: str = ""  # of ClamAV's daemon, unix:/path or host:port; empty: files are not looked through
    MALWARE_COMMAND: str = ""  # or a program that reads a file from its standard input: 0 clean, 1 found
    PICTURE_CHECK: str = ""  # an ONNX file or a folder with model.safetensors; empty: that of set-up; "none": none
    PICTURE_CHECK_SHA256: str = ""  # of that file
    PICTURE_CHECK_LABELS: str = ""  # which of its labels mean which clause: nsfw=sexual, gore=violence
    PLANTED_BACKEND: str = "apps.engines.classify.indirect_injection.IndirectInjectionClassifier"
    TAGGER_BACKEND: str = "apps.engines.classify.pii_tagger.PiiTagger"
    INDEX_BACKEND: str = "local"  # local | pgvector | milvus, or a dotted path to a class
    PGVECTOR_URL: str = ""  # postgresql://…, a server with the extension `vector`; empty: that of DATABASE_URL
    MILVUS_URL: str = ""  # http://user:password@host:19530
    IMAGE_MODEL: str = ""  # a pipeline of diffusers, by hub name or folder; empty: the built-in painter; "none"
    IMAGE_URL: str = ""  # an OpenAI-compatible picture server, with its /v1; empty: pictures are drawn here
    IMAGE_API_KEY: str = ""
    IMAGE_EDITS: bool = False  # whether that server has /images/edits, which draws a part of a picture anew
    IMAGE_PREVIEWS: str = ""  # a tiny autoencoder for previews, by hub name or folder; empty: a linear map
    IMAGE_LORAS: str = ""  # folders or files of adapters, comma separated
    IMAGE_BACKEND: str = ""  # dotted path to a class; empty: as IMAGE_URL and IMAGE_MODEL say
    SIGN_CERTIFICATES: str = ""  # PEM file, leaf first, of the key that signs pictures; empty: a self-made one
    SIGN_KEY: str = ""  # PEM file with its private key
    PICTURE_LABEL: str = ""  # words that are written visibly onto every picture, such as "AI"; empty: none
    PICTURE_NAMES: str = ""  # names of people and brands that are not drawn, comma separated
    CLIP_MODEL: str = ""  # a CLIP model by hub name or folder that measures how well pictures fit words; empty: none
    ANSWER_STYLE: str = "automatic"  # automatic | quotes | model; used where assistant and model leave it open
    TOKEN_CHOICES: int = 4  # what else the model weighed for each token, recorded where the server is vLLM; 0: nothing
    WARM_WHILE_TYPING: bool = True  # on a pause in the composer, search and prefix of the answer are prepared
    REWRITE: bool = True  # a model that reads well makes a follow-up stand alone before it is searched
    TITLES: bool = True  # a model that reads well names a conversation after its first answer
    MAX_UPLOAD_MB: int = 100
    MAX_PAGES: int = 3000
    PARSE_SECONDS: int = 120
    PARSE_MEMORY_MB: int = 1024
    OCR_PAGES: int = 300  # scanned pages of one document whose text is recognised; 0: of none
    WEB_PAGES: bool = True  # whether people may add public web pages by their address
    SYNC_DIR: str = ""  # a folder of this server whose folders administrators may keep collections the same as
    CASE_TEXT_DAYS: int = 0  # that the frozen text of a case is kept once it is settled for good; 0: until it is erased
    AUDIT_KEY_FILE: str = ""  # keys that sign the audit log; empty: DATA_DIR/audit_keys, made
    AUDIT_HEADS_FILE: str = ""  # to which the head of the audit log is appended; empty: DATA_DIR/heads.jsonl
    AUDIT_HEADS_URL: str = ""  # syslog://host:514, syslog:///dev/log or https://…: the head is sent there too
    SNAPSHOT_KEY_FILE: str = ""  # keys that encrypt frozen texts of review; empty: DATA_DIR/snapshot_keys, made
    HOLD_HOURS: int = 24  # 1 to 24: that a check may hold something before somebody decides about it
    BREAK_GLASS_MINUTES: int = 30  # 1 to 480: that a conversation stays open to staff who broke the glass
    REVIEW_SECOND_PERCENT: int = 0  # of the decisions of review that somebody else looks at once more; 0: none
    VERDICT_DAYS: int = 30  # that signals and verdicts are kept of what was judged, without content; 0: none is
    BACKUP_HOURS: int = 0  # between two backups that the worker makes; 0: none
    BACKUP_DIR: str = ""  # the folder of backups; empty: DATA_DIR/backups
    BACKUP_KEEP: int = 7  # scheduled backups that stay, the newest
    EMBED_THREADS: int = 0  # 0: all cores for indexing
    EMBED_DTYPE: str = "auto"  # auto | float32 | bfloat16; auto: bfloat16 on processors with AMX

    @classmethod
    def read(cls, source: dict[str, str]) -> Env:
        values: dict[str, object] = {}
        for item in fields(cls):
            raw = source.get(item.name)
            if raw is None or (not raw and item.name in _CHOICES):
                continue
            if isinstance(item.default, bool):
                if raw.strip().lower() not in _TRUE | _FALSE:
                    raise ImproperlyConfigured(f"{item.name} is {raw[:40]!r} and must be 1 for yes or 0 for no.")
                values[item.name] = raw.strip().lower() in _TRUE
            elif isinstance(item.default, int):
                if raw.strip() and not (raw.strip().isdecimal() and len(raw.strip()) <= _DIGITS):
                    raise ImproperlyConfigured(f"{item.name} is {raw[:40]!r} and must be a whole number of 0 or more.")
                values[item.name] = int(raw) if raw.strip() else item.default
            else:
                values[item.name] = resolve_class(raw) if item.name.endswith("_BACKEND") else raw
        return cls(**values)  # type: ignore[arg-type]


def find_faults(env: Env) -> list[str]:
    """What is set up so dangerously that nothing starts, in words that say what to do."""
    found = _find_bad_addresses(env)
    for host in list_hosts(env):
        if host == "*":
            found.append("ALLOWED_HOSTS must name the hosts: with * anybody's page could speak to this one.")
        elif not _HOST.fullmatch(host):
            found.append(
                f"ALLOWED_HOSTS has {host!r}, which is no host name. Write names alone, such as books.example.org, "
                "without http:// and without a port: scheme and port are those of SITE_URL."
            )
    for name, known in _CHOICES.items():
        if (value := getattr(env, name)) not in known:
            found.append(f"{name} is {value!r} and must be one of {', '.join(sorted(known))}.")
    if env.SECRET_KEY and len(env.SECRET_KEY) < MIN_KEY_CHARACTERS:
        found.append(f"SECRET_KEY is shorter than {MIN_KEY_CHARACTERS} characters; leave it empty, and one is made.")
    if not 1 <= env.HOLD_HOURS <= MAX_HOLD_HOURS:
        found.append(f"HOLD_HOURS is a number from 1 to {MAX_HOLD_HOURS}: only people hold anything for longer.")
    if not 1 <= env.BREAK_GLASS_MINUTES <= MAX_BREAK_GLASS_MINUTES:
        found.append(
            f"BREAK_GLASS_MINUTES is a number from 1 to {MAX_BREAK_GLASS_MINUTES}; a longer look is asked for again."
        )
    if env.AUDIT_HEADS_URL and not env.AUDIT_HEADS_URL.startswith(("syslog://", "https://", "http://")):
        found.append("AUDIT_HEADS_URL begins with syslog://, https:// or http://.")
    if env.BACKUP_HOURS < 0 or env.BACKUP_KEEP < 1:
        found.append("BACKUP_HOURS is a number of hours, or 0 for none, and BACKUP_KEEP is 1 or more.")
    if env.DEBUG and env.SITE_URL.startswith("https://"):
        found.append("DEBUG shows the inside of the site to everybody; take it away where people come by https.")
    return found


def list_hosts(env: Env) -> list[str]:
    """Return the host names of ALLOWED_HOSTS."""
    return [host.strip() for host in env.ALLOWED_HOSTS.split(",") if host.strip()]


def _find_bad_addresses(env: Env) -> list[str]:
    """Return a sentence for each NAME_URL that no program can read, without its value: that may hold a password."""
    found = []
    for item in fields(env):
        value = getattr(env, item.name)
        if not item.name.endswith("_URL") or not value:
            continue
        try:
            parts = urlsplit(value)
            good = bool(parts.scheme) and "://" in value and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good:
            found.append(
                f"{item.name} is no address. Write it as http://10.0.0.5:8000; "
                "in a password %23 stands for # and %2F for /."
            )
        elif item.name == "SITE_URL" and not (parts.scheme in {"http", "https"} and parts.hostname):
            found.append("SITE_URL must be the address that people type, such as https://books.example.org.")
    return found


def load_secret_key(env: Env) -> str:
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


def make_folder(path: Path) -> Path:
    """The folder, made where it is missing; `manage.py check` says so where that cannot be."""
    with suppress(OSError):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read_secret(name: str) -> str:
    """The value of a variable that a setting names: keys of further servers."""
    return os.environ.get(name, "")


def describe_environment(env: Env, source: Mapping[str, str]) -> dict[str, tuple[str, bool]]:
    """What may be shown of each variable, without its secrets, and whether it is set; for administrators."""
    found = {}
    for item in fields(env):
        value = str(getattr(env, item.name))
        if (item.name.endswith("_KEY") and item.name != "SIGN_KEY") or item.name in _OF_SECRETS:
            value = HIDDEN if value else ""
        found[item.name] = (_PASSWORD.sub(f"{HIDDEN}@", _ARGUMENT.sub(rf"\1{HIDDEN}", value)), item.name in source)
    return found


os.environ.update(read_secret_files(os.environ))
ENV = Env.read(dict(os.environ))
ENVIRONMENT = describe_environment(ENV, os.environ)  # for the page of administrators
