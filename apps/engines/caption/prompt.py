"""Prompt that asks a vision model to describe a picture."""

from __future__ import annotations

CAPTION_PROMPT = (
    "Describe this picture in two or three plain sentences for somebody who cannot see it: what it shows, and what "
    "stands out. Do not copy out its text."
)
