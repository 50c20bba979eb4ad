"""Loader of `tokenizer.json` files. The only module that translates errors of the tokenizers library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.engines.types import EngineBroken


def load_tokenizer(path: Path) -> Any:
    """Return a `tokenizers.Tokenizer` without truncation and padding. Raise EngineBroken if the file cannot be read as
    a tokenizer."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EngineBroken(f"The tokenizer {path.parent.name}/{path.name} cannot be read.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
