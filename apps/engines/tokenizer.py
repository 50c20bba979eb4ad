"""Reads a `tokenizer.json`; the one place that knows how its library complains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.engines.types import EngineBroken


def load_tokenizer(path: Path) -> Any:
    """A `tokenizers.Tokenizer` that neither cuts nor pads. Raises EngineBroken where the file is none."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise EngineBroken(f"The tokenizer {path.parent.name}/{path.name} cannot be read.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
