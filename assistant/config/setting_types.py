"""Types of settings: what a variable of the environment may hold, and the entries of variables that hold JSON lists.

A validator raises ValueError with the end of a sentence that begins with the name of the variable. No message repeats
a value that may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from assistant.config.moved_classes import resolve_class

MIN_KEY_CHARACTERS = 32
MIN_TOKEN_CHARACTERS = 16
_HOST = re.compile(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")  # a leading dot: and its subdomains
_NAME = re.compile(r"[\w][\w .+-]{0,58}[\w+]|\w")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_REASONS = {True: "yes", False: "", "1": "yes", "true": "yes", "0": "", "false": ""}


def require(holds: Callable[[str], object], message: str) -> AfterValidator:
    """Return a validator that raises ValueError(`message`) for a text of which `holds` is not true."""

    def check(text: str) -> str:
        if not holds(text):
            raise ValueError(message)
        return text

    return AfterValidator(check)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme) and "://" in text and parts.port != 0
    except ValueError:
        return False


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _check_host(name: str) -> str:
    if name == "*":
        raise ValueError("must name the hosts: with *, a page under any name could use the session of a user.")
    if not _HOST.fullmatch(name):
        raise ValueError(
            f"has {name!r}, which is no host name. Write names alone, such as books.example.org, "
            "without http:// and without a port: scheme and port are those of SITE_URL."
        )
    return name


def _parse_socket_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("must be IP:port, comma separated, such as 127.0.0.1:9000.")
    return host.strip("[]"), int(port)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(lambda value: value.strip() or False if isinstance(value, str) else value)]
Count = Annotated[int, Field(ge=0)]
Address = Annotated[
    str,
    require(_is_address, "is no address. Write it as http://10.0.0.5:8000; in a password %23 is # and %2F is /."),
    Field(title="address"),
]
WebAddress = Annotated[
    Address, require(_is_web_address, "must be an address on the web, such as https://books.example.org.")
]
EngineClass = Annotated[str, AfterValidator(resolve_class), Field(title="class, as a dotted path")]
Secret = Annotated[str, Field(repr=False, title="secret")]
SecretKey = Annotated[
    Secret,
    require(
        lambda text: len(text) >= MIN_KEY_CHARACTERS,
        f"is shorter than {MIN_KEY_CHARACTERS} characters; leave it empty, and one is made.",
    ),
]
MetricsToken = Annotated[
    Secret,
    require(lambda text: len(text) >= MIN_TOKEN_CHARACTERS, f"is shorter than {MIN_TOKEN_CHARACTERS} characters."),
]
HostNames = Annotated[
    list[Annotated[str, AfterValidator(_check_host)]], NoDecode, BeforeValidator(_split), Field(title="comma separated")
]
Names = Annotated[list[str], NoDecode, BeforeValidator(_split), Field(title="comma separated")]
Issuer = Annotated[
    WebAddress,
    require(
        lambda text: text.startswith("https://") or urlsplit(text).hostname in _LOOPBACK,
        "must begin with https://, as the tokens of users travel there.",
    ),
]
SocketAddresses = Annotated[
    frozenset[Annotated[tuple[str, int], BeforeValidator(_parse_socket_address)]],
    NoDecode,
    BeforeValidator(_split),
    Field(title="comma separated"),
]
Reasons = Annotated[
    Literal["", "yes", "begun"],
    BeforeValidator(lambda value: _REASONS.get(value, value) if isinstance(value, bool | str) else value),
]
Command = Annotated[list[str], Field(min_length=1)]
Token = Annotated[str, Field(coerce_numbers_to_str=True)]


class ListedModel(BaseModel):
    """Entry of a JSON list of models. Unknown keys and values of another type are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    name: Annotated[str, require(_NAME.fullmatch, "must have letters, digits, spaces and .+- and up to 60 characters.")]
    """Name that users see: at most 60 letters, digits, spaces and `.+-`."""


class ListedChatModel(ListedModel):
    """Entry of `LLM_MORE`."""

    url: WebAddress
    """Address of the model server, with its `/v1`."""

    model: str = ""
    """Name of the model on that server. Empty: the first model that the server lists."""

    key_env: str = ""
    """Name of the environment variable that holds the key of the server. Empty: no key is sent."""

    tokenizer: str = ""
    """Folder or file with `tokenizer.json`. Empty: tokens are estimated, rather too many than too few."""

    context: Annotated[int, Field(ge=0)] = 0
    """Context window in tokens. `0`: as the server says."""

    streams: int | None = None
    """Answers that the server writes at once for one web process. Models of one server share a queue. `null`: as
    `LLM_STREAMS`."""

    reads_well: bool | None = None
    """`true`: the model writes answers; `false`: quotes are the answer. `null`: the reading check
    decides."""

    reasons: Reasons = ""
    """`true` or `"yes"`: the model thinks before it answers. `"begun"`: its template opens the thoughts already."""

    tools: bool = True
    """`true`: the model is offered tools."""

    pictures: bool = False
    """`true`: the model gets attached pictures."""

    outside: bool | None = None
    """`true`: texts leave the house when this model is asked. `null`: as the address suggests."""


class ListedEmbedder(ListedModel):
    """Entry of `EMBED_MORE`."""

    model: Annotated[str, Field(min_length=1)]
    """Folder or name on a model hub, as in `EMBED_MODEL`."""

    sha256: Annotated[
        str,
        require(_SHA256.fullmatch, "must be the SHA-256 of the weights, 64 hexadecimal digits."),
        AfterValidator(str.lower),
    ]
    """SHA-256 of `model.safetensors`, or of all its parts one after the other. Other weights are not loaded."""

    dimension: Annotated[int | None, Field(ge=1)] = None
    """Number of leading values of a vector that are kept, for models trained for that. `null`: all."""

    backend: EngineClass = ""
    """Class that embeds, as a dotted path. Empty: as `EMBED_BACKEND`."""


Entry = TypeVar("Entry", bound=ListedModel)


def _check_distinct(entries: list[Entry]) -> list[Entry]:
    names = [entry.name.casefold() for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"has the name “{twice}” twice.")
    return entries


Distinct = AfterValidator(_check_distinct)
