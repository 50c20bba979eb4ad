"""Verifies each sentence of a running answer as soon as it stands, in order, beside the stream: text never waits."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.conversations.core.events import Cited
from apps.conversations.evidence import answer_sources, source_numbering
from apps.conversations.grounding.citer import Citer
from apps.conversations.grounding.quoted_support import QuotedCiter
from apps.conversations.grounding.sentence_state import SentenceReveal, SentenceState, get_sentence_state
from apps.conversations.models import ShownSentences
from apps.conversations.rendering.citation_marks import render_citation_marks
from apps.conversations.tools import result_support
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn


log = logging.getLogger(__name__)

_EARLIER = 100  # sources of earlier turns that a sentence may be credited to


class SentenceVerifier:
    """Check of the sentences of one running answer against its passages and the results of tools."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._citer: Citer | None = None
        self._renewed = 0  # how often the turn got further passages
        self._next = 0  # sentence to verify
        self._reveal = SentenceReveal()
        self._task: asyncio.Task[None] | None = None
        self.ms = 0.0

    async def sentences(self) -> None:
        """Begins with the sentences that have become complete, and returns at once. Where there is nothing to compare
        them with they are done then: a task would cost more, and their events leave together with the text."""
        if self._next >= len(self._turn.renderer.sentences) or not (self._task is None or self._task.done()):
            return
        if self._turn.opening.without_documents:
            return  # the answer says as a whole that nothing in it was checked
        if self._citer is None or self._citer.windows or self._turn.results:
            self._task = asyncio.create_task(self._verify())
            return
        try:
            await self._verify()
        except EngineError as error:
            log.warning("The log of a turn took no finding: %s", error)

    def renew(self) -> None:
        """The turn has further passages: sentences from here on are compared with them too."""
        self._citer = None
        self._renewed += 1

    def use(self, citer: Citer) -> None:
        """Credit the sentences by a citer that knows where they come from."""
        self._citer = citer

    async def done(self) -> None:
        """Every complete sentence has its finding. What goes wrong in verifying costs findings, never the answer."""
        unchecked = self._turn.opening.without_documents
        while not unchecked and self._next < len(self._turn.renderer.sentences) and not self._broken:
            await self.sentences()
            if self._task is not None:
                await asyncio.wait([self._task])

    @property
    def _broken(self) -> bool:
        error = self._task.exception() if self._task is not None and self._task.done() else None
        if error is not None:
            log.error("Sentences could not be verified", exc_info=error)
        return error is not None

    async def _verify(self) -> None:
        turn = self._turn
        while self._next < len(turn.renderer.sentences):
            index = self._next
            start, end = turn.renderer.sentences[index]
            began = time.perf_counter()
            citer = self._citer or await self._build()
            sentence = index, turn.text[start:end], start, end
            # With nothing to compare it with, a sentence takes less time than the way to a thread and back.
            cites = await in_pool(citer.cite, *sentence) if citer.windows else citer.cite(*sentence)
            if turn.results:
                cites = await in_pool(result_support.attribute_to_tool, cites, turn.text[start:end], turn.results)
            self.ms += (time.perf_counter() - began) * 1000
            self._next += 1
            turn.cites += cites
            state = get_sentence_state(cites)
            if state is SentenceState.UNVERIFIED and citer.windows:
                turn.unread.add(await in_pool(citer.find_unread_language, sentence[1]))
            shown = self._reveal.add(index, sentence[1], state) if turn.shows == ShownSentences.VERIFIED else []
            numbers = answer_sources.number_turn_sources(turn)
            pills = render_citation_marks(cites, turn.opening.answer, shown=numbers)
            await turn.say(Cited(index, state or "", pills, tuple(shown)))

    async def _build(self) -> Citer:
        """Return what knows this turn's passages and what earlier turns of the path were given, the latest of it; built
        anew where `renew` was called meanwhile."""
        while True:
            renewed, opening = self._renewed, self._turn.opening
            passages = {item.number: item.passage for item in self._turn.placed}
            given = [item for past in opening.history for item in past.given][-_EARLIER:]
            earlier = await in_db(source_numbering.load_source_spans, opening.user, given) if given else []
            asked = self._turn.found.query if self._turn.found is not None else opening.text  # with what it follows up
            kind = await self._select_citer() if passages or earlier else Citer
            citer = await in_pool(kind, asked, passages, earlier)
            if renewed == self._renewed:
                self._citer = citer
                return citer

    async def _select_citer(self) -> type[Citer]:
        """Return the citer for the turn's model: one that credits quotes alone unless it passed the reading check."""
        profile = await in_db(answer_style.get_model_profile, self._turn.model)
        model = registry.get_chat_model(self._turn.opening.model)
        return Citer if answer_style.has_passed_reading_check(profile, model) else QuotedCiter
