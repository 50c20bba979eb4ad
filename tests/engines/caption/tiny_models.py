"""Tiny image-to-text models of transformers with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_WORDS = "a picture of the boat tea ferry green red blue kettle cat with and on table ."
_CHAT = (
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def _tokenizer(folder: Path, *more: str) -> Any:
    from transformers import BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *more, *_WORDS.split()]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(words)))
    made = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    made.add_special_tokens({"additional_special_tokens": list(more)})
    return made


def blip(place: Path) -> Path:
    """Write a model that describes pictures without a prompt, and return its folder."""
    import torch
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    folder = place / "blip"
    folder.mkdir()
    tokenizer = _tokenizer(folder)
    size = {"height": 32, "width": 32}
    BlipProcessor(BlipImageProcessor(size=size), tokenizer).save_pretrained(folder)
    torch.manual_seed(7)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {
        **small, "vocab_size": len(tokenizer), "encoder_hidden_size": 16, "max_position_embeddings": 160,
        "bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0,
    }  # fmt: skip
    config = BlipConfig(
        text_config=text, vision_config={**small, "image_size": 32, "patch_size": 16}, projection_dim=16
    )
    BlipForConditionalGeneration(config).save_pretrained(folder, safe_serialization=True)
    return folder


def llava(place: Path) -> Path:
    """Write a chat model that is prompted to describe pictures, and return its folder."""
    import torch
    from transformers import CLIPImageProcessor, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    folder = place / "llava"
    folder.mkdir()
    tokenizer = _tokenizer(folder, "<image>")
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}), tokenizer,
        patch_size=16, vision_feature_select_strategy="default", chat_template=_CHAT, num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(7)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    seen = {"model_type": "clip_vision_model", **small, "image_size": 32, "patch_size": 16, "projection_dim": 16}
    config = LlavaConfig(
        vision_config=seen,
        text_config={"model_type": "llama", **small, "vocab_size": len(tokenizer), "max_position_embeddings": 512},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(folder, safe_serialization=True)
    return folder
