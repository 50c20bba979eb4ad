"""Escape the special tokens of chat templates in text that goes into a prompt."""

from __future__ import annotations

import re

# <|im_start|>, <|endoftext|>, DeepSeek's full-width bars, [INST], <<SYS>>, Gemma's and Llama's words in angle brackets.
_SPECIAL = re.compile(
    r"<(?=[|｜][^|｜>\n]{1,60}[|｜]>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|cls|sep|start_of_turn|end_of_turn|start_header_id|end_header_id|eot_id|"
    r"begin_of_text|end_of_text|tool_calls?|tool_response|think|system|assistant|user|human|fim_\w{1,10})>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG)\])"
    r"|<(?=</?SYS>>)",
    re.IGNORECASE,
)


def escape_template_tokens(text: str) -> str:
    """Return the text with a space inside each special token, so that no tokenizer recognises it. Idempotent."""
    return _SPECIAL.sub(lambda match: f"{match.group()} ", text)


def has_template_tokens(text: str) -> bool:
    """Return whether the text contains a special token of a chat template."""
    return _SPECIAL.search(text) is not None


def find_template_tokens(text: str) -> list[tuple[int, int]]:
    """Return the spans of special tokens, each to its closing bracket."""
    return [(found.start(), _end(text, found.start())) for found in _SPECIAL.finditer(text)]


def _end(text: str, start: int) -> int:
    ends = [at for close in "]>" if (at := text.find(close, start)) >= 0]
    return min(ends, default=start) + 1
