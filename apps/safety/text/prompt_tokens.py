"""Text that others wrote, made harmless for a prompt: tokens that mean something to a chat template are broken up."""

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
    """The text with a space inside every such token: no tokenizer reads it as one. The same when applied twice."""
    return _SPECIAL.sub(lambda match: f"{match.group()} ", text)


def has_template_tokens(text: str) -> bool:
    """Whether the text holds a token of a chat template."""
    return _SPECIAL.search(text) is not None


def find_template_tokens(text: str) -> list[tuple[int, int]]:
    """Where such tokens begin, to the end of their bracket."""
    return [(found.start(), _end(text, found.start())) for found in _SPECIAL.finditer(text)]


def _end(text: str, start: int) -> int:
    ends = [at for close in "]>" if (at := text.find(close, start)) >= 0]
    return min(ends, default=start) + 1
