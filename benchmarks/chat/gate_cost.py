"""Cost of the moderation gate by itself, classifiers included: prints microseconds of CPU time per word as JSON.

    DATA_DIR=… python -m benchmarks.chat.gate_cost WORDS PAUSE

An answer of WORDS words passes the gate, as the fake model writes it, with PAUSE seconds between words.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")


def main(words: int, pause: float) -> float:
    """Return the microseconds of CPU time per word."""
    django.setup()
    return asyncio.run(_measure(words, pause))


async def _measure(words: int, pause: float) -> float:
    """Return the microseconds per word, less those of the stream alone."""
    from apps.safety.gate import gate

    async for _ in gate.moderate_stream(_write_words(24, 0)):  # loads what the gate needs
        pass
    began = time.process_time()
    async for _ in _write_words(words, pause):
        pass
    bare, began = time.process_time() - began, time.process_time()
    async for _ in gate.moderate_stream(_write_words(words, pause)):
        pass
    return 1e6 * (time.process_time() - began - bare) / words


async def _write_words(words: int, pause: float) -> AsyncIterator[str]:
    for number in range(words):
        await asyncio.sleep(pause)
        yield f"word{number} " if (number + 1) % 12 else f"word{number} [1]. "


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]))))
