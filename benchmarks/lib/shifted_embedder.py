"""Second embedder for benchmarks: the packaged weights with a constant added to every vector before normalisation.

The embedder separates texts as well as the packaged one, but on another scale: unrelated texts have a cosine of about
0.8.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

# In `settings.EMBEDDERS`.
NAME, BACKEND = ("Moved", "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder")
_UNRELATED = 0.8  # cosine of unrelated texts
_SEED = 7


def write_model(folder: Path) -> Path:
    """Write the model into a subfolder of `folder` and return that."""
    from safetensors.numpy import load_file, save_file

    from apps.engines.embed.model_folder import locate_model

    target = folder / "moved"
    shutil.copytree(locate_model(""), target)
    config = json.loads((target / "config.json").read_text())
    weights = load_file(target / "model.safetensors")
    last = f"encoder.layer.{config['num_hidden_layers'] - 1}.output.LayerNorm.bias"
    name = next(name for name in weights if name.endswith(last))
    offset = np.random.default_rng(_SEED).standard_normal(config["hidden_size"])
    offset *= _length() * np.sqrt(_UNRELATED / (1 - _UNRELATED)) / np.linalg.norm(offset)
    weights[name] = (weights[name] + offset).astype(weights[name].dtype)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


def _length() -> float:
    """Return the average length of a text's mean token state in the packaged model."""
    from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder

    texts = ["When does the museum open on Sundays?", "The lease can be ended with a notice period of three months."]
    read = SentenceTransformerEmbedder().states(texts, 10**3)
    return float(np.mean([np.linalg.norm(tokens.states.mean(0)) for tokens in read]))
