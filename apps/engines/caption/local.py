"""Caption engine that runs an image-to-text model of transformers in this process, by hub name or folder.

BLIP and GIT describe a picture without a prompt; chat models with vision (SmolVLM, LLaVA …) are given `CAPTION_PROMPT`.
"""

from __future__ import annotations

import threading
from typing import Any

from apps.engines.caption.protocol import CAPTION_PROMPT, clean_caption, open_picture
from apps.engines.pair_model import locate_model
from apps.engines.types import EngineBroken

_TOKENS = 120


class LocalCaption:
    """Caption engine of a local model. Describes one picture at a time, since each uses all cores. Loads safetensors
    only and runs no code of a model."""

    def __init__(self, model: str, timeout_s: float = 30.0) -> None:
        self.name = model
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._model: Any = None
        self._processor: Any = None

    def caption(self, picture: bytes) -> str:
        image = open_picture(picture)
        with self._lock:
            self._load()
            return clean_caption(self._generate(image))

    def _generate(self, image: Any) -> str:
        """Return the generated text. Generation stops after `timeout_s` seconds; the text until then is returned. Raise
        EngineBroken."""
        import torch

        inputs = self._build_inputs(image)
        start = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
        try:
            with torch.inference_mode():
                (ids,) = self._model.generate(
                    **inputs, max_new_tokens=_TOKENS, do_sample=False, max_time=self._timeout_s
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise EngineBroken("The model that describes pictures failed.") from error
        return str(self._processor.decode(ids[start:], skip_special_tokens=True))

    def _build_inputs(self, image: Any) -> Any:
        if not getattr(self._processor, "chat_template", None):
            return self._processor(images=image, return_tensors="pt")
        messages = [
            {"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": CAPTION_PROMPT}]}
        ]
        return self._processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )

    def _load(self) -> None:
        if self._model is not None:
            return
        from transformers import AutoModelForImageTextToText, AutoProcessor

        try:
            folder = str(locate_model(self.name))
            self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model = AutoModelForImageTextToText.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise EngineBroken("The model that describes pictures cannot be loaded.") from error
        self._model = model.eval()
