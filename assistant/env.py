"""Settings of the environment, read once: `ENV` holds the values, `ENVIRONMENT` what administrators may see of them.

Each variable is a field with its type, its default and a description; the classes group them.
`python -m assistant.config.document_settings` writes `docs/reference/settings.md` from them. An empty variable means
its default, and an empty switch is off. Variables that nothing here names are ignored.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, Json, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.boot.layout import DRAIN_S, MAIN_PORT, MODEL_PORT, default_data_dir, read_secret_files
from assistant.config.setting_types import (
    Address,
    Command,
    Count,
    Distinct,
    EngineClass,
    HostNames,
    Issuer,
    ListedChatModel,
    ListedEmbedder,
    MetricsToken,
    Names,
    Reasons,
    Secret,
    SecretKey,
    SocketAddresses,
    Switch,
    Token,
    WebAddress,
    require,
)

HIDDEN = "•••"
_PASSWORD = re.compile(r"""(?<=://)[^/@\s"']+@""")  # and name, of an address
_ARGUMENT = re.compile(r"(--(?:api-key|hf-token)[= ])\S+")
_SHOWN_CHARACTERS = 40  # of a wrong value
_FAULTS = {
    "bool_parsing": "must be 1 for yes or 0 for no",
    "dict_type": "must be an object",
    "extra_forbidden": "is not known",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "json_invalid": "must be JSON",
    "list_type": "must be a list",
    "missing": "is missing",
}  # by the type of pydantic's error, where its own words do not say what to do


class SettingsGroup(BaseSettings):
    """Settings that are documented together; the docstring of a subclass is their heading and introduction."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        defer_build=True,  # only `Env` is built, when it is read
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )


class StartSettings(SettingsGroup):
    """Start

    Variables of `./run` and of the servers that it starts; the site itself does not use them.
    """

    HOST: str = "127.0.0.1"
    """Address on which the site listens. `0.0.0.0` accepts other machines, and then `SITE_URL` is needed."""

    PORT: str = str(MAIN_PORT)
    """Port of the site."""

    LLM_HOST: str = "127.0.0.1"
    """Address on which the model server of `./run serve` listens. Only containers need another one. The server always
    asks for a key: `LLM_API_KEY`, or one that is made."""

    LLM_PORT: str = str(MODEL_PORT)
    """Port of the model server of `./run serve`."""

    PYTHON: str = ""
    """Python interpreter of the environment. Empty: the first of `python3.11` to `python3.13` that is found."""

    TORCH_INDEX: str = ""
    """Package index that is asked first for the CPU build of PyTorch. Empty: the sources of pip, then PyTorch's own
    index."""

    EXTRAS: str = ""
    """Further optional packages to install, separated by spaces: `postgres`, `redis`, `milvus`, `pictures`,
    `vllm`. Empty: those that the other settings need."""

    FORWARDED_ALLOW_IPS: str = "127.0.0.1"
    """IP addresses and networks of reverse proxies, comma separated, whose `X-Forwarded-For` and `X-Forwarded-Proto`
    are trusted."""


class SiteConnectionSettings(SettingsGroup):
    """Site

    Address, data, database, queue and mail.
    """

    DATA_DIR: str = Field(default_factory=lambda: str(default_data_dir()))
    """Folder that holds all data. Empty: `var` in a clone, the user's data folder in an installed package."""

    SITE_URL: WebAddress = f"http://localhost:{MAIN_PORT}"
    """Address that users type. With `https://` cookies are secure and HSTS is on."""

    ALLOWED_HOSTS: HostNames = []
    """Further host names, without scheme and port. The host of `SITE_URL` is always allowed."""

    DEBUG: Switch = False
    """Show errors in the browser. Never where others can reach the site; refused with an `https://` address."""

    SECRET_KEY: SecretKey = ""
    """Key of at least 32 characters that signs sessions and links. Whoever has it can sign in as anybody. Empty: made
    at the first start and kept in `DATA_DIR/secret_key`."""

    DATABASE_URL: Address = ""
    """PostgreSQL server, `postgresql://user:password@host/name`; `./run setup` then installs the driver. Empty: SQLite
    in `DATA_DIR`."""

    REDIS_URL: Address = ""
    """Redis server, `redis://host:6379/0`. Empty: the queue is on disk, and running answers are in the memory of the
    only web process."""

    EMAIL_URL: Address = ""
    """Mail server, `smtp://user:password@host:587` or `smtps://…:465`. Empty: the one of the page "Mail server",
    else mail is printed to the log."""

    EMAIL_FROM: str = "openbook@localhost"
    """Sender of mail; the page "Mail server" has its own."""

    SIGNUP: Literal["open", "invitation", "closed"] = "invitation"
    """Rule for creating accounts. First value only: an administrator changes it on the page Settings."""


class SignInSettings(SettingsGroup):
    """Sign-in

    Sign-in with the accounts of an OpenID Connect provider, beside passwords. `docs/install/sign-in.md` shows how.
    """

    OIDC_ISSUER: Issuer = ""
    """Issuer of the provider, as in its `/.well-known/openid-configuration`. Accounts are bound to it: after a change
    users link them anew. Empty: passwords only."""

    OIDC_CLIENT_ID: str = ""
    """Client id of this site at the provider."""

    OIDC_CLIENT_SECRET: Secret = ""
    """Client secret of this site at the provider."""

    OIDC_NAME: str = "SSO"
    """Name of the provider on the button "Sign in with …"."""

    OIDC_SCOPES: Names = []
    """Further scopes to ask for, such as `groups`. `openid`, `profile` and `email` are always asked for."""

    OIDC_GROUPS_CLAIM: str = "groups"
    """Claim with the groups of a user; `a.b` is `b` inside `a`. A user joins groups of this site with these names."""

    OIDC_GROUP_NAMES: Json[dict[str, str]] = Field(default={}, examples=['{"0f3a6c1e-…": "Finance"}'])
    """Names of groups of this site by value of the claim, where they differ, a JSON object."""

    OIDC_ROLES_CLAIM: str = ""
    """Claim that decides on roles and on who may sign in. Empty: that of the groups."""

    OIDC_ALLOWED_GROUPS: Names = []
    """Groups or roles that may sign in, as the provider calls them. Empty: everyone whom the provider lets in."""

    OIDC_ADMIN_GROUPS: Names = []
    """Groups or roles whose members are administrators, as the provider calls them. Empty: the provider gives and takes
    no administrator."""

    OIDC_REVIEWER_GROUPS: Names = []
    """Groups or roles whose members are reviewers. Empty: the provider gives and takes no reviewer."""

    OIDC_LINK: Literal["never", "verified", "confirm"] = "confirm"
    """When a sign-in is linked with the account that has its address: `confirm` after the password of that account;
    `verified` at once if the provider and this site have verified the address, else as `confirm`; `never`."""

    OIDC_SESSION_HOURS: Annotated[Count, Field(ge=1)] = 12
    """Hours after which a session that began at the provider ends, so that the provider is asked again."""


class ChatModelSettings(SettingsGroup):
    """Chat models

    Any server that speaks the OpenAI protocol can write answers.
    """

    LLM_URL: Address = f"http://127.0.0.1:{MODEL_PORT}/v1"
    """Model server, with its `/v1`. Where it is set, `./run serve` starts no model server of its own."""

    LLM_MODEL: str = ""
    """Name of the model on that server. Empty: the first model that the server lists."""

    LLM_API_KEY: Secret = ""
    """Key of that server."""

    LLM_TOKENIZER: str = ""
    """Folder or file with the model's `tokenizer.json`. Empty: `DATA_DIR/models/chat`. Where there is none, tokens are
    estimated, rather too many than too few."""

    LLM_BACKEND: EngineClass = "apps.engines.chat.openai.OpenAIChat"
    """Class of the client."""

    LLM_STREAMS: Count = 8
    """Answers that the server writes at once for one web process; further ones wait in line. A server with a GPU writes
    a hundred and more."""

    LLM_TOOLS: Switch = True
    """Offer the model tools where its server accepts them, which is tried once. vLLM needs
    `--enable-auto-tool-choice --tool-call-parser NAME`."""

    LLM_SEES: Switch = False
    """Send pictures that users attach to the model, at most 1,024 pixels wide and high. Off: the model gets their
    recognised text and, with `CAPTION_MODEL`, a description."""

    LLM_READS: Literal["", "well", "badly"] = ""
    """`well`: the model writes the answers; `badly`: quotes are the answer, and it writes only when a user lets it try,
    as with the packaged model. Empty: the reading check decides."""

    LLM_NAME: str = ""
    """Name of the model where users choose among several. Empty: `LLM_MODEL`, or "Default model"."""

    LLM_REASONS: Reasons = ""
    """`yes`: the model thinks before it answers. `begun`: its template opens the thoughts already, as that of
    DeepSeek-R1 does. Empty: it does not think."""

    LLM_MORE: Annotated[Json[list[ListedChatModel]], Distinct] = Field(
        default=[], examples=['[{"name": "Big", "url": "http://10.0.0.5:8000/v1", "model": "Qwen3-32B"}]']
    )
    """Further models that users and assistants may choose, a JSON list. Models of one server are unreachable together.
    An answer whose model was taken out of the list is written by the model of `LLM_URL`."""

    LLM_OUTSIDE: Literal["", "yes", "no"] = ""
    """`yes`: the server of `LLM_URL` is outside the house, so its model does not read collections marked "never to a
    server outside". Empty: as the address suggests; inside are IP addresses that are not public, names without a dot,
    and what `LLM_HOSTS` lists."""

    LLM_HOSTS: SocketAddresses = frozenset()
    """Servers that are not on the public internet and that an administrator may set on the pages Models and Mail
    server, as `host:port`, such as `10.0.0.5:8000, mail.internal:25`. Empty: only public ones, encrypted."""

    LLM_ENGINE_ARGS: str = ""
    """Further arguments of the vLLM that `./run serve` starts, such as `--max-model-len 4096`. They come last and so
    replace its own, such as `--block-size 32`."""

    ANSWER_STYLE: Literal["automatic", "quotes", "model"] = "automatic"
    """Style of answers where neither assistant nor model sets one: `quotes` shows passages first, `model` lets the
    model write, `automatic` decides by the reading check."""

    TOKEN_CHOICES: Count = 4
    """Alternatives recorded for each token of an answer, from vLLM only. `0`: no tokens are recorded."""

    WARM_WHILE_TYPING: Switch = True
    """On a pause in the composer, search already and let an idle model server read what the answer would need."""

    REWRITE: Switch = True
    """Let a model that reads well complete a follow-up such as "and in winter?" before the search, within 0.8 seconds.
    Off: rules do."""

    TITLES: Switch = True
    """Let a model that reads well name a conversation after its first answer. Off: the first words of the question."""


class ToolServerSettings(SettingsGroup):
    """Tools

    Servers of the Model Context Protocol (MCP) that an administrator may connect.
    """

    MCP_HOSTS: SocketAddresses = frozenset()
    """MCP servers that are not on the public web, as `IP:port`, such as `127.0.0.1:9000`. Empty: only public addresses
    on ports 80 and 443."""

    MCP_COMMANDS: Json[dict[str, Command]] = Field(
        default={}, repr=False, examples=['{"files": ["/usr/bin/files-mcp", "/srv/files"]}']
    )
    """Programs of this machine that may be MCP servers, a JSON object by name. An administrator chooses a name and
    cannot enter a command."""

    MCP_TOKENS: Json[dict[str, Token]] = Field(default={}, repr=False, examples=['{"wiki": "…"}'])
    """Tokens of MCP servers on the web, a JSON object by the name that the administrator gave the server."""


class SearchSettings(SettingsGroup):
    """Search

    Embedding models, re-ranking, the check of support, and the index.
    """

    EMBED_MODEL: str = ""
    """Embedding model: folder or name on a model hub, for sentence-transformers. A change needs `./run manage reindex`.
    Empty: the packaged all-MiniLM-L6-v2."""

    EMBED_MORE: Annotated[Json[list[ListedEmbedder]], Distinct] = Field(
        default=[], examples=['[{"name": "German", "model": "/srv/models/german", "sha256": "…64 digits…"}]']
    )
    """Further embedding models that the owner of a collection may choose, a JSON list."""

    EMBED_MULTILINGUAL: bool = True
    """`1`: set-up fetches multilingual-e5-small (91 MB) and converts it. A collection is indexed with it once a
    document or a question in another language than English needs it: a question then finds texts in other languages.
    Indexing takes four times as long. `0`: never. Only without `EMBED_MODEL`."""

    EMBED_BACKEND: EngineClass = "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder"
    """Class that embeds."""

    EMBED_THREADS: Count = 0
    """Processor cores for indexing. `0`: all."""

    EMBED_DTYPE: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision in which texts are embedded. `auto`: bfloat16 on processors with AMX or `avx512_bf16`, where it takes
    half the time. One index may hold vectors of both."""

    RANK_MODEL: str = ""
    """Cross-encoder that reads the best 20 passages with the question and orders them anew: folder or name on a model
    hub. Empty: none."""

    SUPPORT_MODEL: str = ""
    """Model of natural-language inference that judges whether a source supports a sentence: folder or name on a model
    hub, with a label "entailment"; with `SUPPORT_URL` the name of the judge on that server. Empty: the packaged
    model."""

    SUPPORT_BACKEND: EngineClass = "apps.engines.nli.consistency.ConsistencyModel"
    """Class that judges support where `SUPPORT_MODEL` is empty or names a judge."""

    SUPPORT_URL: Address = ""
    """Server of the OpenAI protocol with a judge, with its `/v1`. It gets the sentences for which the built-in check
    finds no source, and the passages of the answer. Empty: the chat model judges its own sentences, if the reading
    check trusts it with that."""

    SUPPORT_FORMAT: Literal["chat", "minicheck", "granite_guardian"] = "chat"
    """Format of the judge: `chat` any model whose server supports structured output (`json_schema`), `minicheck`
    Bespoke-MiniCheck-7B, `granite_guardian` the groundedness of Granite Guardian 3.0 or later."""

    SUPPORT_API_KEY: Secret = ""
    """Key of that server."""

    SUPPORT_SECONDS: Count = 10
    """Longest time of the judge for one request, and after the last word of an answer, in seconds. Sentences that it
    did not judge by then stay not verified."""

    READER_BACKEND: EngineClass = "apps.engines.reader.passage_reader.PackagedReader"
    """Class that reads passages for a question: which one answers it, and where."""

    INDEX_BACKEND: EngineClass = Field(default="local", title="name or class")
    """Index: `local` (files in `DATA_DIR/index`), `pgvector`, `milvus`, or the dotted path of a class."""

    PGVECTOR_URL: Address = ""
    """PostgreSQL server of the index `pgvector`, with the extension `vector` 0.8 or later. Empty: that of
    `DATABASE_URL`."""

    MILVUS_URL: Address = ""
    """Milvus server of the index `milvus`, `http://user:password@host:19530`."""


class UploadSettings(SettingsGroup):
    """Documents

    Limits of what is accepted and read, other sources, and the scan for malware.
    """

    MAX_UPLOAD_MB: Count = 100
    """Largest file that is accepted, in MiB. The reverse proxy has a limit of its own."""

    MAX_PAGES: Count = 3000
    """Longest document that is read, in pages."""

    PARSE_SECONDS: Count = 120
    """Longest time for reading one file, in seconds."""

    PARSE_MEMORY_MB: Count = 1024
    """Most memory for reading one file, in MiB."""

    OCR_PAGES: Count = 300
    """Scanned pages of one document whose text is recognised, at seconds of one core each. `0`: none. After a higher
    value documents that were cut short are read again."""

    WEB_PAGES: Switch = True
    """Let users add public web pages by their address. No proxy is used."""

    SYNC_DIR: str = ""
    """Folder of this server. Administrators may keep collections the same as it or one of its folders. Empty: none."""

    MALWARE_SOCKET: str = ""
    """Socket of ClamAV's daemon, `unix:/run/clamav/clamd.ctl` or `host:port`. Every uploaded file, fetched page,
    attached picture and imported chat is scanned before it is stored, and refused while the daemon is unreachable. Its
    `StreamMaxLength` must be at least `MAX_UPLOAD_MB`. Empty: no scan."""

    MALWARE_COMMAND: str = ""
    """Program instead of the daemon: it reads a file from standard input and ends with 0 (clean) or 1 (found), such as
    `/usr/bin/clamscan --no-summary -`. It is started without a shell and without this environment."""


class DetectorSettings(SettingsGroup):
    """Detectors

    Classifiers that score texts and pictures for the safety policy.
    """

    CLASSIFY_BACKEND: EngineClass = "apps.engines.classify.linear_classifier.LinearClassifier"
    """Class that scores texts for the gate."""

    PLANTED_BACKEND: EngineClass = "apps.engines.classify.indirect_injection.IndirectInjectionClassifier"
    """Class that finds instructions planted in documents."""

    TAGGER_BACKEND: EngineClass = "apps.engines.classify.pii_tagger.PiiTagger"
    """Class that finds names, places and addresses of people."""

    GUARD_URL: Address = ""
    """Server of the OpenAI protocol with a guard model, with its `/v1`. It is asked only about texts of which the
    classifiers are unsure. Empty: none."""

    GUARD_MODEL: str = ""
    """Name of the guard model on that server."""

    GUARD_FORMAT: Literal["qwen3guard", "llama_guard", "gpt_oss_safeguard"] = "qwen3guard"
    """Format of its answers: Qwen3Guard-Gen, Llama Guard 3 or 4, gpt-oss-safeguard."""

    GUARD_API_KEY: Secret = ""
    """Key of that server."""

    GUARD_SECONDS: Count = 5
    """Longest time of the guard model, in seconds. A late or unreadable answer counts as missing: clauses that fail
    closed then withhold."""

    PICTURE_CHECK: str = ""
    """Classifier of attached and drawn pictures: an ONNX file, or a folder with `model.safetensors`, each with its
    `config.json`. `nudenet`: the detector of NudeNet 3.0.8, which `./run setup` then fetches (11 MB; package under MIT;
    its weights state the AGPL-3.0, which this value accepts). It knows nudity in photographs alone. `none`: pictures
    are not checked, and say so. Empty: as `none`, unless an earlier set-up fetched NudeNet's detector."""

    PICTURE_CHECK_SHA256: str = ""
    """SHA-256 of that file; another file is not loaded."""

    PICTURE_CHECK_LABELS: str = ""
    """Clauses of the policy by label of that classifier: `nsfw=sexual, gore=violence`."""


class PictureSettings(SettingsGroup):
    """Pictures

    Drawing, signing and describing pictures.
    """

    IMAGE_MODEL: str = ""
    """Pipeline of diffusers that draws: folder or name on a model hub; with `IMAGE_URL` the name of the model on that
    server. `none`: nothing is drawn. Empty: the built-in painter of pictograms."""

    IMAGE_URL: Address = ""
    """Picture server of the OpenAI protocol, with its `/v1`. Empty: the worker draws."""

    IMAGE_API_KEY: Secret = ""
    """Key of that server."""

    IMAGE_EDITS: Switch = False
    """Redraw parts of pictures by the server's `/images/edits`."""

    IMAGE_PREVIEWS: str = ""
    """Tiny autoencoder of the model's latents (safetensors) for sharper previews, such as `madebyollin/taesd`: folder
    or name on a model hub. Empty: a linear map."""

    IMAGE_LORAS: str = ""
    """LoRA adapters of the model: safetensors files, or folders with one, comma separated. All are used at once."""

    IMAGE_BACKEND: EngineClass = ""
    """Class that draws where `IMAGE_URL` is empty. Empty: as `IMAGE_MODEL` says."""

    SIGN_CERTIFICATES: str = ""
    """PEM file with the certificates of the key that signs pictures, its own first. Empty: a self-made one."""

    SIGN_KEY: str = ""
    """PEM file with that private key (P-256). Empty: a self-made one."""

    PICTURE_LABEL: str = ""
    """Label in a corner of every picture, such as `AI`. Empty: only the invisible mark."""

    PICTURE_NAMES: str = ""
    """Deprecated: names of people and brands, comma separated. They are moved into a blocklist for pictures when
    the first picture is requested; change them there (Administration, Blocklists) and remove this variable."""

    CLIP_MODEL: str = ""
    """CLIP model (safetensors) that measures how well pictures fit their words: folder or name on a model hub. Empty:
    none."""

    CAPTION_MODEL: str = ""
    """Image-to-text model of transformers (safetensors) that describes attached pictures for models that see none:
    folder or name on a model hub; with `CAPTION_URL` the name on that server. Empty: no descriptions."""

    CAPTION_URL: Address = ""
    """Server of the OpenAI protocol with a vision model, with its `/v1`. Empty: the worker runs the model."""

    CAPTION_API_KEY: Secret = ""
    """Key of that server."""

    CAPTION_SECONDS: Count = 30
    """Longest time for one description, in seconds. Without it the answer goes on, and the page says why."""


class ReviewSettings(SettingsGroup):
    """Review and audit

    Retention of texts and holds in moderation; keys and copies of the audit log.
    """

    CASE_TEXT_DAYS: Count = 0
    """Days after which the snapshot of a case is deleted, counted from when it can no longer be appealed; hash,
    verdict and decisions stay. `0`: until the user's data are erased. A legal hold keeps it."""

    SNAPSHOT_KEY_FILE: str = ""
    """File of the keys that encrypt review snapshots, one a line, the newest first; created if it is missing and
    nothing is encrypted yet. Keep it on another disk than the database. Empty: `DATA_DIR/snapshot_keys`."""

    AUDIT_KEY_FILE: str = ""
    """File of the keys that sign the audit log, one a line, the newest first; made with the first entry. Keep it where
    the owner of the database cannot read it. Empty: `DATA_DIR/audit_keys`."""

    AUDIT_HEADS_FILE: str = ""
    """File to which number and signature of each entry of the audit log are appended, about 130 bytes an entry. It
    shows a log that was cut off, so make it append-only (`chattr +a`). Empty: `DATA_DIR/heads.jsonl`."""

    AUDIT_HEADS_URL: Annotated[
        Address,
        require(
            lambda text: text.startswith(("syslog://", "https://", "http://")),
            "must begin with syslog://, https:// or http://.",
        ),
    ] = ""
    """Place to which the worker sends the newest of them once a minute: `syslog://host:514`, `syslog:///dev/log`, or an
    `https://` address that accepts a JSON object by POST (`seq`, `sha256`, `at`, `site`). Empty: none."""

    HOLD_HOURS: Annotated[Count, Field(ge=1, le=24)] = 24
    """Hours that an automatic check may hold a question or a picture before a reviewer decides. Then it is released and
    its user notified. Holds of clauses that fail closed do not end."""

    BREAK_GLASS_MINUTES: Annotated[Count, Field(ge=1, le=480)] = 30
    """Minutes that a conversation stays open to staff after break-glass access was approved."""

    REVIEW_SECOND_PERCENT: Count = 0
    """Percentage of review decisions that a second reviewer repeats without seeing the first. `0`: none."""

    VERDICT_DAYS: Count = 30
    """Days for which signals and verdicts are kept, without content and without user; backtest and shadow policies need
    them. A row takes 0.7 KB; at most the latest 200,000 are kept. `0`: none."""


class OperationSettings(SettingsGroup):
    """Operation

    Metrics, the log, and the end of a process.
    """

    METRICS_TOKEN: MetricsToken = ""
    """Token of at least 16 characters that a monitor sends to `/metrics` as `Authorization: Bearer …`. Empty: there is
    no `/metrics`."""

    LOG_FORMAT: Literal["line", "json"] = "line"
    """Form of the log: lines of text, or one JSON object a line with time, level, logger, message and request id."""

    DRAIN_SECONDS: Count = DRAIN_S
    """Seconds that running answers have at the end of a web process (SIGTERM), before they are cut off. It takes no new
    ones meanwhile. `0`: none."""


class BackupSettings(SettingsGroup):
    """Backups

    Backups that the worker makes by itself, each restored once on trial.
    """

    BACKUP_HOURS: Count = 0
    """Hours between two backups. `0`: none."""

    BACKUP_DIR: str = ""
    """Folder of backups, best on another disk or machine. Empty: `DATA_DIR/backups`."""

    BACKUP_KEEP: Annotated[Count, Field(ge=1)] = 7
    """Scheduled backups that are kept. Older ones are deleted after a newer one was verified; backups made by hand
    stay."""


class Env(
    StartSettings,
    SiteConnectionSettings,
    SignInSettings,
    ChatModelSettings,
    ToolServerSettings,
    SearchSettings,
    UploadSettings,
    DetectorSettings,
    PictureSettings,
    ReviewSettings,
    OperationSettings,
    BackupSettings,
):
    """All settings. `load_env` reads them from the environment of this process."""

    @model_validator(mode="before")
    @classmethod
    def drop_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Return `given` without empty variables, so that they mean the default; an empty boolean stays False."""
        return {
            name: value
            for name, value in given.items()
            if cls.model_fields[name].annotation is bool or str(value).strip()
        }

    @model_validator(mode="after")
    def check_combinations(self) -> Env:
        """Raise ValueError for values that are right alone and wrong together."""
        if self.DEBUG and self.SITE_URL.startswith("https://"):
            raise ValueError("DEBUG shows errors to everybody; remove it where SITE_URL begins with https://.")
        if self.OIDC_ISSUER and not self.OIDC_CLIENT_ID:
            raise ValueError("OIDC_ISSUER needs OIDC_CLIENT_ID, the id of this site at the provider.")
        taken = {"main", "openbook", (self.LLM_NAME or self.LLM_MODEL).casefold()}
        if same := [model.name for model in self.LLM_MORE if model.name.casefold() in taken]:
            raise ValueError(f"LLM_MORE names “{same[0]}”, as another model is called already; choose another name.")
        return self


def list_groups() -> list[type[SettingsGroup]]:
    """Return the groups of settings in the order of the documentation."""
    return [base for base in Env.__bases__ if issubclass(base, SettingsGroup)]


def load_env() -> Env:
    """Return the settings of the environment. Raises ImproperlyConfigured with one sentence for each fault."""
    try:
        return Env()
    except ValidationError as error:
        raise ImproperlyConfigured(" ".join(map(_describe_fault, error.errors(include_url=False)))) from None


def _describe_fault(fault: Any) -> str:
    """Return a sentence that names the variable and says what to write, without a value that may hold a secret."""
    own = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else ""
    if not fault["loc"]:
        return own
    name, *inside = fault["loc"]
    field = Env.model_fields[name]
    problem = own or _FAULTS.get(fault["type"]) or fault["msg"].replace("Input should", "must", 1)
    where = "".join(f", entry {part + 1}" if isinstance(part, int) else f", “{part}”" for part in inside)
    if field.examples:
        return f"{name}{where} {problem.rstrip('.')}. An example: {field.examples[0]}"
    return f"{name} {own}" if own else f"{name} is {str(fault['input'])[:_SHOWN_CHARACTERS]!r} and {problem}."


def load_secret_key(env: Env) -> str:
    """Return the configured key, or that of `DATA_DIR/secret_key`, which is made where it is missing (mode 600)."""
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
    """Create the folder where it is missing and return it; `manage.py check` reports a folder that cannot be made."""
    with suppress(OSError):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read_secret(name: str) -> str:
    """Return the value of a variable that a setting names, such as the key of a further server; "" where unset."""
    return os.environ.get(name, "")


def describe_environment(source: Mapping[str, str]) -> dict[str, tuple[str, bool, str]]:
    """Return by variable the value without secrets, whether `source` sets it, and its description."""
    found = {}
    for name, field in (item for group in list_groups() for item in group.model_fields.items()):
        default = field.get_default(call_default_factory=True)
        usual = int(default) if isinstance(default, bool) else default if isinstance(default, str | int) else ""
        value = source.get(name) or str(usual)
        shown = _PASSWORD.sub(f"{HIDDEN}@", _ARGUMENT.sub(rf"\1{HIDDEN}", value))
        words = " ".join((field.description or "").split())
        found[name] = (shown if field.repr or not value else HIDDEN, name in source, words)
    return found


os.environ.update(read_secret_files(os.environ))
ENV = load_env()
ENVIRONMENT = describe_environment(os.environ)  # for the page of administrators
