"""Where things are and what the environment says about starting; the rest is read in `assistant/env.py`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from assistant.boot.stop import Code, Stop

NUDITY = Path("nudity") / "detector.onnx"  # in the folder of models
ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Places:
    """`own_llm` is whether `./run serve` starts the model server itself."""

    data: Path
    host: str
    port: int
    llm_port: int
    own_llm: bool
    site_url: str  # as set; empty: this machine only
    torch_index: str

    @classmethod
    def read(cls, source: dict[str, str] | None = None) -> Places:
        env = dict(os.environ) if source is None else source
        return cls(
            data=Path(env.get("DATA_DIR") or ROOT / "var").resolve(),
            host=env.get("HOST") or "127.0.0.1",
            port=_port(env, "PORT", 8000),
            llm_port=_port(env, "LLM_PORT", 8100),
            own_llm=not env.get("LLM_URL"),
            site_url=env.get("SITE_URL", ""),
            torch_index=env.get("TORCH_INDEX", ""),
        )

    @property
    def address(self) -> str:
        """What a person types into the browser."""
        return self.site_url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def name(self) -> str:
        """The host by which the page answers."""
        return urlsplit(self.address).netloc

    @property
    def model(self) -> Path:
        return self.data / "models" / "chat"

    @property
    def nudity(self) -> Path:
        return self.data / "models" / NUDITY


def _port(env: dict[str, str], name: str, default: int) -> int:
    raw = env.get(name) or str(default)
    if not raw.isdigit() or not 0 < int(raw) < 65536:
        raise Stop(Code.CONFIGURATION, f"{name} is {raw!r} and must be a number from 1 to 65535.")
    return int(raw)
