"""CLIP score of how well a picture fits its prompt: the cosine of the embeddings of both."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.engines.types import EngineUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image


class ClipScorer:
    """CLIP model on the CPU, loaded on first use. `model` is a hub name or a folder with safetensors weights; "" leaves
    the scorer inactive."""

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None
        self.name = f"CLIP ({Path(model).name if Path(model).is_dir() else model})"

    @property
    def active(self) -> bool:
        return bool(self._model)

    def measure(self, picture: Image, prompt: str) -> float:
        """Return the cosine of picture and words, -1 to 1; usually 0.25 to 0.35 for a picture that fits. Raise
        EngineUnavailable if the model cannot be loaded."""
        import torch

        with self._lock:
            model, processor = self._load()
            inputs = processor(
                text=[prompt], images=[picture.convert("RGB")], return_tensors="pt", truncation=True, padding=True
            )
            with torch.inference_mode():
                output = model(**inputs)
        cosine = torch.nn.functional.cosine_similarity(output.image_embeds, output.text_embeds)
        return float(cosine[0])

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            from transformers import CLIPModel, CLIPProcessor

            try:
                model = CLIPModel.from_pretrained(self._model, use_safetensors=True).eval()
                self._loaded = model, CLIPProcessor.from_pretrained(self._model)
            except (OSError, ValueError, KeyError) as error:
                raise EngineUnavailable(f"The model '{self._model}' of CLIP_MODEL cannot be loaded.") from error
        return self._loaded
