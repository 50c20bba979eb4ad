"""Before the model is asked: whether the question may be asked, and which passages speak to it."""

from __future__ import annotations

import asyncio
import time

from apps.conversations import fragments
from apps.conversations.events import Nothing
from apps.conversations.turn import Turn
from apps.documents import search as documents
from apps.documents.search import Found
from apps.engines import registry
from apps.safety import gate
from apps.safety.gate import Withheld, normalise

TOKEN_BUDGET = 700  # of passages in a prompt; a CPU reads about 600 tokens a second
READING_S = 120.0  # how long a question waits for files that are still being read
_LOOK_S = 1.5  # between looks at them


async def check(turn: Turn) -> None:
    """Raises Withheld where the question may not be asked."""
    start = time.perf_counter()
    verdict = await gate.check_question(turn.opening.text)
    turn.timings["check"] = _since(start)
    if not verdict.allowed:
        raise Withheld(verdict)


async def search(turn: Turn) -> Found:
    """The passages; where there are none yet, files that are still being read are waited for, visibly."""
    start = time.perf_counter()
    found = await _search(turn)
    said, waited = 0, False
    while not found.passages and (found.waiting or said) and time.perf_counter() - start < READING_S:
        if found.waiting:  # else the last file was finished meanwhile, perhaps too late for that search
            if found.waiting != said:
                await turn.step("wait", f"{_files(found.waiting)} still being read")
            await asyncio.sleep(_LOOK_S)
        said, waited = found.waiting, True
        found = await _search(turn)
    if waited:
        await turn.step("wait", "Waited for files to be read", _since(start))
    turn.timings |= found.ms
    turn.timings["search"] = sum(found.ms.values())
    await turn.step("search", _searched(found), turn.timings["search"])
    return found


async def nothing(turn: Turn, found: Found) -> None:
    """Says what was searched in vain, and what can be done."""
    turn.nothing = {
        "searched": list(found.searched),
        "documents": found.documents,
        "waiting": found.waiting,
        "query": found.query,
        "can_widen": bool(turn.opening.collections),
    }
    await turn.say(Nothing(fragments.nothing(turn.nothing)))


async def _search(turn: Turn) -> Found:
    opening = turn.opening
    return await documents.search(
        opening.user,
        normalise(opening.text),
        collections=opening.collections,
        history=[past.question for past in opening.history],
        token_budget=TOKEN_BUDGET,
        count=registry.chat().count,
        vector=turn.vector,
    )


def _searched(found: Found) -> str:
    where = found.searched[0] if len(found.searched) == 1 else f"{len(found.searched)} collections"
    return f"Searched {where}, found {len(found.passages) or 'no'} passage{'' if len(found.passages) == 1 else 's'}"


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
