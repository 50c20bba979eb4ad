"""Tiny Stable Diffusion pipeline with random weights, saved as a folder and loaded by the real classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def save(folder: Path, seed: int = 0) -> str:
    """Save the pipeline and return its folder for `DiffusersPainter`."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=16, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8, cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(16, 16, 16, 16), norm_num_groups=8, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    text = CLIPTextConfig(
        vocab_size=260, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, bos_token_id=256, eos_token_id=257, pad_token_id=257,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=vae, unet=unet, text_encoder=CLIPTextModel(text), tokenizer=tokenizer(folder / "words"),
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder / "model", safe_serialization=True)
    return str(folder / "model")


def save_adapter(folder: Path, model: str, seed: int = 0) -> Path:
    """Save a LoRA adapter with random weights for that pipeline, in the format of diffusers, and return its file."""
    import torch
    from diffusers import DiffusionPipeline
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(seed)
    pipeline: Any = DiffusionPipeline.from_pretrained(model)
    name = "unet" if "unet" in pipeline.components else "transformer"
    core = pipeline.components[name]
    core.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False))
    weights = get_peft_model_state_dict(core)
    if name == "unet":
        weights = convert_state_dict_to_diffusers(weights)
    pipeline.save_lora_weights(folder, **{f"{name}_lora_layers": weights})
    return folder / "pytorch_lora_weights.safetensors"


def save_previewer(folder: Path, channels: int = 4) -> str:
    """Save an AutoencoderTiny with random weights for the pipeline's latents, and return its folder."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    blocks = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    tiny = AutoencoderTiny(**blocks, latent_channels=channels, num_decoder_blocks=(1,) * 4, num_encoder_blocks=(1,) * 4)
    tiny.save_pretrained(folder, safe_serialization=True)
    return str(folder)


def tokenizer(folder: Path) -> object:
    """Return a tokenizer with one token per byte."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True)
    letters = [chr(n) for n in range(33, 127)]
    vocabulary = {token: at for at, token in enumerate([*letters, *(letter + "</w>" for letter in letters)])}
    vocabulary |= {"<|startoftext|>": 256, "<|endoftext|>": 257}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=32)


def save_clip(folder: Path) -> str:
    """Save a CLIP model with random weights and its processor, and return its folder."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": 260, "max_position_embeddings": 32, "bos_token_id": 256, "eos_token_id": 257, **small}
    vision = {"image_size": 32, "patch_size": 8, **small}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    model.save_pretrained(folder / "model", safe_serialization=True)
    CLIPProcessor(pictures, tokenizer(folder / "words")).save_pretrained(folder / "model")
    return str(folder / "model")
