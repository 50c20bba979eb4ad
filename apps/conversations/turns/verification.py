"""Verifies each sentence of a running answer as soon as it stands, in order, beside the stream: text never waits.

A judge is asked later about the sentences that the check finds no source for: the one that is set up, or the model
itself if it is trusted to judge.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from apps.conversations.assistants import answer_style
from apps.conversations.core.events import Cited
from apps.conversations.evidence import source_numbering
from apps.conversations.rendering.citation_marks import group_by_sentence, render_citation_marks
from apps.conversations.tools import result_support
from apps.conversations.turns.judging import AnswerJudge, WaitingSentence
from apps.conversations.turns.own_judge import OwnJudge
from apps.engines.types import EngineError
from apps.grounding.citer import Citer, SentenceCitation
from apps.grounding.nearest_passage import add_nearest
from apps.grounding.quoted_support import QuotedCiter
from apps.grounding.sentence_state import SentenceReveal, SentenceState, get_sentence_state
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.conversations.turns.state import Turn


log = logging.getLogger(__name__)

_EARLIER = 100  # sources of earlier turns that a sentence may be credited to


class SentenceVerifier:
    """Check of the sentences of one running answer against its passages and the results of tools."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._citer: Citer | None = None
        self._additions = 0  # how often a tool had added passages when the citer was built
        self._next = 0  # sentence to verify
        self._reveal = SentenceReveal()
        self._task: asyncio.Task[None] | None = None
        self._judge = AnswerJudge(self._publish_judged)
        self._judge_chosen = bool(self._judge.name)
        self._choosing = asyncio.Lock()
        self._marks: dict[int, str] = {}  # HTML of the marks as last emitted, by sentence
        self.waits_for_judge_only = False  # the answer is written whole; a stop makes it no less complete
        self.citations: list[SentenceCitation] = []
        self.unread_near: set[str] = set()  # languages of passages near unverified sentences
        self.ms = 0.0

    async def verify_new_sentences(self) -> None:
        """Start to verify the sentences that have become complete, and return at once.

        Sentences with nothing to be compared with are verified before the return: a task would cost more, and their
        events leave together with the text.
        """
        if self._next >= len(self._turn.answer.renderer.sentences) or not (self._task is None or self._task.done()):
            return
        if self._turn.input.without_documents:
            return  # the answer says as a whole that nothing in it was checked
        if (citer := self._get_citer()) is None or citer.windows or self._turn.calls.text_results:
            self._task = asyncio.create_task(self._verify())
            return
        try:
            await self._verify()
        except EngineError as error:
            log.warning("The log of a turn took no finding: %s", error)

    def use_citer(self, citer: Citer) -> None:
        """Credit the sentences by a citer that knows where they come from."""
        self._citer = citer

    async def finish(self) -> None:
        """Verify every complete sentence. Errors are logged and cost citations, never the answer."""
        while not self._turn.input.without_documents:
            if self._task is not None:  # also where it has the last sentence in hand
                await asyncio.wait([self._task])
            if self._has_failed or self._next >= len(self._turn.answer.renderer.sentences):
                return
            await self.verify_new_sentences()

    async def judge_rest(self) -> None:
        """Verify the rest of a finished answer and wait for the judge, if one is set up, for its time limit at most.

        Call inside the turn's task, so that a stop ends the wait; without it `finish` leaves the rest unjudged.
        """
        if self._turn.input.without_documents or not self._turn.passages:
            return
        await self._choose_judge()
        if not self._judge.name:
            return
        self.waits_for_judge_only = True
        try:
            for event in self._turn.answer.renderer.finish():
                await self._turn.emit(event)
            await self.finish()
            if (citer := self._get_citer()) is not None:
                await self._judge.finish(citer.sources)
        finally:
            self._judge.cancel()

    async def _choose_judge(self) -> None:
        """Let the model judge its own sentences if no judge is set up and the reading check trusts it with that."""
        async with self._choosing:  # the last sentence may be verified while the answer ends
            if self._judge_chosen or not self._turn.model or not self._turn.passages:
                return
            self._judge_chosen = True
            with suppress(EngineError):  # the model was removed meanwhile
                if await answer_style.may_judge(self._turn.model, self._turn.input.model):
                    self._judge.use_engine(OwnJudge(self._turn))

    @property
    def _has_failed(self) -> bool:
        error = self._task.exception() if self._task is not None and self._task.done() else None
        if error is not None:
            log.error("Sentences could not be verified", exc_info=error)
        return error is not None

    async def _verify(self) -> None:
        turn = self._turn
        await self._choose_judge()
        while self._next < len(turn.answer.renderer.sentences):
            index = self._next
            start, end = turn.answer.renderer.sentences[index]
            began = time.perf_counter()
            citer = self._get_citer() or await self._build()
            sentence = index, turn.text[start:end], start, end
            # With nothing to compare it with, a sentence takes less time than the way to a thread and back.
            citations = await in_pool(citer.cite, *sentence) if citer.windows else citer.cite(*sentence)
            if turn.calls.text_results:
                citations = await in_pool(
                    result_support.attribute_to_tool, citations, turn.text[start:end], turn.calls.text_results
                )
            self._next += 1
            state = get_sentence_state(citations)
            if state is SentenceState.UNVERIFIED and citer.windows:
                citations = await self._compare(citations, sentence[1], citer)
            self.ms += (time.perf_counter() - began) * 1000
            self.citations += citations
            shown = self._reveal.add(index, sentence[1], state) if turn.shows_verified_only else []
            await self._emit_marks(index, citations, tuple(shown))
            if turn.model:
                self._judge.start(citer.sources)

    async def _compare(self, citations: list[SentenceCitation], text: str, citer: Citer) -> list[SentenceCitation]:
        """Return the citations of a sentence without a source, with the nearest passage; the judge gets it too."""
        self.unread_near.add(await in_pool(citer.find_unread_language, text))
        numbers = {item.number for item in self._turn.passages}
        citations = await in_pool(add_nearest, citations, text, citer.windows, numbers)
        self._judge.add(WaitingSentence(text, citations[0]))
        return citations

    async def _publish_judged(self, judged: Mapping[int, list[SentenceCitation]]) -> None:
        """Replace the citations of judged sentences, and emit every mark that looks different now."""
        numbers = {item.number for item in self._turn.passages}
        news = {
            index: cites
            for index, cites in judged.items()
            if all(not cite.contradicted or cite.compared in numbers for cite in cites)
        }
        kept = [cite for cite in self.citations if cite.sentence not in news]
        self.citations = sorted([*kept, *(cite for cites in news.values() for cite in cites)], key=_get_sentence)
        groups = group_by_sentence(self.citations)
        shown = self._reveal_again(groups) if self._turn.shows_verified_only else []
        for index in sorted(groups):
            revealed, shown = (tuple(shown), []) if index in news else ((), shown)
            await self._emit_marks(index, groups[index], revealed)

    def _reveal_again(self, groups: Mapping[int, list[SentenceCitation]]) -> list[int]:
        """Return the sentences that are shown now and were not before. None is hidden that was shown."""
        before, self._reveal = set(self._reveal.shown), SentenceReveal()
        for index, (start, end) in enumerate(self._turn.answer.renderer.sentences[: self._next]):
            self._reveal.add(index, self._turn.text[start:end], get_sentence_state(groups.get(index, ())))
        return [index for index in self._reveal.shown if index not in before]

    async def _emit_marks(self, index: int, citations: list[SentenceCitation], shown: tuple[int, ...]) -> None:
        """Emit the state and marks of a sentence, unless they are those that were emitted last."""
        marks = render_citation_marks(citations, self._turn.input.answer_id, shown_numbers=self._turn.shown_numbers)
        if self._marks.get(index) != marks or shown:
            self._marks[index] = marks
            await self._turn.emit(Cited(index, get_sentence_state(citations) or "", marks, shown))

    def _get_citer(self) -> Citer | None:
        """Return the citer; None if it must be built, because there is none yet or a tool has added passages."""
        return self._citer if self._additions == self._turn.sources.addition_count else None

    async def _build(self) -> Citer:
        """Return a citer for this turn's passages and the latest sources of earlier turns of the path.

        It is built again if a tool added passages meanwhile.
        """
        while True:
            additions, prepared = self._turn.sources.addition_count, self._turn.input
            passages = {item.number: item.passage for item in self._turn.passages}
            given = [item for past in prepared.history for item in past.sources][-_EARLIER:]
            earlier = await in_db(source_numbering.load_source_spans, prepared.user, given) if given else []
            asked = (
                self._turn.retrieved.result.query if self._turn.retrieved is not None else prepared.text
            )  # with what it follows up
            kind = await self._select_citer() if passages or earlier else Citer
            citer = await in_pool(kind, asked, passages, earlier)
            if additions == self._turn.sources.addition_count:
                self._citer, self._additions = citer, additions
                return citer

    async def _select_citer(self) -> type[Citer]:
        """Return the citer for the turn's model: one that credits quotes alone unless it passed the reading check."""
        return (
            Citer if await answer_style.passes_reading_check(self._turn.model, self._turn.input.model) else QuotedCiter
        )


def _get_sentence(cite: SentenceCitation) -> int:
    return cite.sentence
