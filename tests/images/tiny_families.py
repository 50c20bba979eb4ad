"""Tiny pipelines of other families than Stable Diffusion, with a few thousand random weights, saved as folders.

Each function saves a pipeline below `folder` and returns the path of the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.images import tiny_pipeline

_WIDTH = 32  # dimensions of text embeddings


def turbo(folder: Path) -> str:
    """Save a Stable Diffusion whose name marks it as turbo: one step, no guidance."""
    return tiny_pipeline.save(folder / "sd-turbo")


def stable_diffusion_xl(folder: Path) -> str:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=16, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4), use_linear_projection=True, cross_attention_dim=2 * _WIDTH,
        addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=(1, 1),
        projection_class_embeddings_input_dim=6 * 8 + _WIDTH,
    )  # fmt: skip
    tokenizer = tiny_pipeline.tokenizer(folder / "a")
    return _saved(folder, StableDiffusionXLPipeline(
        unet=unet, scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1), vae=_vae(quant=True),
        text_encoder=_clip(), tokenizer=tokenizer, text_encoder_2=_clip(projected=True), tokenizer_2=tokenizer,
    ))  # fmt: skip


def pixart(folder: Path) -> str:
    from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    transformer = PixArtTransformer2DModel(
        sample_size=32, patch_size=2, in_channels=4, out_channels=8, num_layers=1, attention_head_dim=8,
        num_attention_heads=2, cross_attention_dim=16, caption_channels=_WIDTH, use_additional_conditions=False,
    )  # fmt: skip
    return _saved(folder, PixArtSigmaPipeline(
        transformer=transformer, scheduler=DPMSolverMultistepScheduler(), vae=_vae(quant=True),
        text_encoder=_t5(_WIDTH), tokenizer=_t5_tokenizer(),
    ))  # fmt: skip


def flux(folder: Path) -> str:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=_WIDTH, pooled_projection_dim=_WIDTH, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    return _saved(folder, FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=_vae(), transformer=transformer,
        text_encoder=_clip(), tokenizer=tiny_pipeline.tokenizer(folder / "a"),
        text_encoder_2=_t5(_WIDTH), tokenizer_2=_t5_tokenizer(),
    ))  # fmt: skip


def stable_diffusion_3(folder: Path, **also: Any) -> str:
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    transformer = SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        joint_attention_dim=2 * _WIDTH, caption_projection_dim=_WIDTH, pooled_projection_dim=2 * _WIDTH,
        pos_embed_max_size=32, **also,
    )  # fmt: skip
    tokenizer = tiny_pipeline.tokenizer(folder / "a")
    return _saved(folder, StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(), vae=_vae(16), tokenizer=tokenizer,
        text_encoder=_clip(projected=True), text_encoder_2=_clip(projected=True), tokenizer_2=tokenizer,
        text_encoder_3=_t5(2 * _WIDTH), tokenizer_3=_t5_tokenizer(),
    ))  # fmt: skip


def stable_diffusion_3_5(folder: Path) -> str:
    return stable_diffusion_3(folder, qk_norm="rms_norm", dual_attention_layers=(0,))


def _saved(folder: Path, pipeline: Any) -> str:
    pipeline.save_pretrained(folder / "model", safe_serialization=True)
    return str(folder / "model")


def _vae(channels: int = 4, *, quant: bool = False) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4,) * 4, latent_channels=channels, norm_num_groups=1, use_quant_conv=quant,
        use_post_quant_conv=quant, shift_factor=None if quant else 0.06, scaling_factor=1.5,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip


def _clip(*, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=260, hidden_size=_WIDTH, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, bos_token_id=256, eos_token_id=257, pad_token_id=257, projection_dim=_WIDTH,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def _t5(width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=128, d_model=width, d_kv=8, d_ff=16, num_layers=1, num_heads=2))


def _t5_tokenizer() -> Any:
    """Return a tokenizer with one token per character."""
    from transformers import T5Tokenizer

    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((chr(n), -3.0) for n in range(33, 127))]
    return T5Tokenizer(vocab=words, extra_ids=0)
