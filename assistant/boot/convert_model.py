"""Convert a GGUF file into a folder that vLLM serves: `python -m assistant.boot.convert_model FILE FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def convert(gguf: Path, target: Path) -> None:
    """Write config, bfloat16 weights as safetensors, tokenizer and chat template into the folder `target`."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if not tokenizer.chat_template:
        raise SystemExit("the file holds no chat template")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
