"""Special tokens of chat templates: escape them in text that goes into a prompt, and find those that tell an attack."""

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
# Placeholders of manuals and tags of old HTML ("ssh://<user>@host", "<sep>"): no sign of an attack.
_PLACEHOLDER = re.compile(r"</?(?:s|pad|unk|mask|cls|sep|user|human)>", re.IGNORECASE)


def escape_template_tokens(text: str) -> str:
    """Return the text with a space inside each special token, so that no tokenizer recognises it. Idempotent."""
    return _SPECIAL.sub(lambda match: f"{match.group()} ", text)


def find_planted_tokens(text: str) -> list[tuple[int, int]]:
    """Return the spans of special tokens, each to its closing bracket, without those that serve as placeholders."""
    starts = (found.start() for found in _SPECIAL.finditer(text))
    return [(start, _end(text, start)) for start in starts if not _PLACEHOLDER.match(text, start)]


def _end(text: str, start: int) -> int:
    ends = [at for close in "]>" if (at := text.find(close, start)) >= 0]
    return min(ends, default=start) + 1
