"""Folders of this installation, and the environment variables that the start needs.

Two kinds of installation share this module. A clone (`./run`) has its environment in `.venv` and its data in `var`. A
package (`openbook`) has the environment of the running Python and the user's data directory. `assistant/env.py` reads
all other variables. Standard library only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from assistant.boot.errors import BootError, ExitCode

ROOT = Path(__file__).resolve().parent.parent.parent
IS_CLONE = (ROOT / "pyproject.toml").is_file()
_BUNDLE = ROOT / "assistant" / "bundle"  # in a package: holds the files that are beside `assistant` in a clone
VENV = ROOT / ".venv" if IS_CLONE else Path(sys.prefix)
PYTHON = VENV / "bin" / "python" if IS_CLONE else Path(sys.executable)
NUDITY = Path("nudity") / "detector.onnx"  # in the folder of models
MULTILINGUAL = "multilingual"  # folder of the converted embedding model, in the folder of models
NUDENET = "nudenet"  # value of PICTURE_CHECK that accepts the weights of NudeNet and their licence
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch's public index of CPU builds
MAIN_PORT, MODEL_PORT = 8000, 8100
DRAIN_S = 60  # default of DRAIN_SECONDS
# Variables that hold secrets. NAME_FILE names a file with the value, as container engines mount secrets.
SECRETS = (
    "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "LLM_API_KEY", "GUARD_API_KEY", "IMAGE_API_KEY",
    "CAPTION_API_KEY", "PGVECTOR_URL", "MILVUS_URL", "MCP_TOKENS", "METRICS_TOKEN", "OIDC_CLIENT_SECRET",
)  # fmt: skip


def read_drain_s() -> int:
    """Return DRAIN_SECONDS; its default where it is no number, which the web process then reports."""
    value = os.environ.get("DRAIN_SECONDS", "")
    return int(value) if value.isdecimal() else DRAIN_S


@dataclass(frozen=True, slots=True)
class Layout:
    """Folders, addresses and the model server of one installation. `own_llm`: the start runs a model server."""

    data: Path
    host: str
    port: int
    llm_host: str
    llm_port: int
    own_llm: bool
    site_url: str  # as set; empty: reachable from this machine only
    torch_index: str  # as set; empty: TORCH_INDEX, asked after pip's own sources

    @classmethod
    def read(cls, source: Mapping[str, str] | None = None) -> Layout:
        """Read the layout from `source`, by default the environment. Raise BootError for a port that is none."""
        env = os.environ if source is None else source
        if not env.get("LLM_URL") and _read_port(env, "PORT", MAIN_PORT) == _read_port(env, "LLM_PORT", MODEL_PORT):
            raise BootError(ExitCode.CONFIGURATION, "PORT and LLM_PORT are the same; set one of them to another port.")
        return cls(
            data=Path(env.get("DATA_DIR") or default_data_dir()).resolve(),
            host=env.get("HOST") or "127.0.0.1",
            port=_read_port(env, "PORT", MAIN_PORT),
            llm_host=env.get("LLM_HOST") or "127.0.0.1",
            llm_port=_read_port(env, "LLM_PORT", MODEL_PORT),
            own_llm=not env.get("LLM_URL"),
            site_url=env.get("SITE_URL", ""),
            torch_index=env.get("TORCH_INDEX", ""),
        )

    @property
    def address(self) -> str:
        """Return the address that users type into the browser."""
        return self.site_url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def name(self) -> str:
        """Return host and port of `address`: the Host header that the page answers to."""
        return urlsplit(self.address).netloc

    @property
    def model(self) -> Path:
        """Return the folder of the converted chat model."""
        return self.data / "models" / "chat"

    @property
    def multilingual(self) -> Path:
        """Return the folder of the converted multilingual embedding model."""
        return self.data / "models" / MULTILINGUAL

    @property
    def nudity(self) -> Path:
        """Return the file of the picture classifier."""
        return self.data / "models" / NUDITY


def default_data_dir() -> Path:
    """Return the data directory that is used where DATA_DIR is not set."""
    if IS_CLONE:
        return ROOT / "var"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Openbook"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "openbook"


def find_resource(name: str) -> Path:
    """Return a file or folder that stands beside `assistant` in a clone, such as `templates`."""
    return ROOT / name if IS_CLONE else _BUNDLE / name


def read_version() -> str:
    """Return the version of the product, such as `0.1.0`."""
    if not IS_CLONE:
        return metadata.version("openbook")
    found = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return found[1] if found else ""


def read_secret_files(source: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the SECRETS whose NAME_FILE is set and NAME is not. Raise BootError for a missing file."""
    found = {}
    for name in SECRETS:
        path = source.get(f"{name}_FILE", "")
        if not path or source.get(name):
            continue
        try:
            found[name] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BootError(ExitCode.CONFIGURATION, f"{name}_FILE {path} cannot be read: {reason}.") from error
    return found


def _read_port(env: Mapping[str, str], name: str, default: int) -> int:
    raw = env.get(name) or str(default)
    if not (raw.isascii() and raw.isdigit()) or not 0 < int(raw[:6]) < 65536:
        raise BootError(ExitCode.CONFIGURATION, f"{name} is {raw!r} and must be a number from 1 to 65535.")
    return int(raw)
