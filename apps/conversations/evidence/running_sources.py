"""Sources of a running answer: numbered, stored and shown while the turn runs. Entry point: `RunningSources`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.conversations.core.numbered_sources import NumberedPassage, Spans
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.core.turn_sink import TurnSink
from apps.conversations.evidence import answer_sources, source_numbering
from apps.conversations.evidence.source_numbering import format_passage_line
from apps.grounding.passage import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageLine:
    """Line of the prompt that gives the model the new sentences of a passage."""

    text: str
    number: int  # of the source
    page_number: int
    spans: Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPassages:
    """Passages that a tool call added."""

    lines: tuple[PassageLine, ...]  # of passages with sentences that are new to the model
    numbers: tuple[int, ...]  # source numbers of all passages, in order
    known_numbers: tuple[int, ...]  # sorted numbers of those that the model has been given already


@dataclass(slots=True, eq=False)
class RunningSources:
    """Numbered passages of one running answer. Changed by its own methods only, in the tasks of its turn."""

    input: TurnInput
    sink: TurnSink
    passages: tuple[NumberedPassage, ...] = ()
    is_stored: bool = False  # `passages` are in the database
    tool_lines: tuple[PassageLine, ...] = ()  # prompt lines of passages from tools
    addition_count: int = 0  # how often a tool added passages

    def replace(self, passages: Sequence[NumberedPassage]) -> None:
        """Let these passages be the sources; `publish` stores and shows them."""
        self.passages, self.is_stored = tuple(passages), False

    async def add(self, passages: Sequence[Passage]) -> AddedPassages:
        """Number the passages that a tool found, add them to the sources, and publish."""
        everything, found, fresh = source_numbering.add_passages(self.passages, passages, self.input.numbers)
        self.replace(everything)  # if the turn ends meanwhile, `finish_turn` stores them
        lines = tuple(
            PassageLine(
                text=format_passage_line(item),
                number=item.number,
                page_number=item.passage.page_number,
                spans=item.new_spans,
            )
            for item in fresh
        )
        self.tool_lines += lines
        self.addition_count += 1
        await self.publish()
        known = {item.number for item in found} - {item.number for item in fresh}
        return AddedPassages(
            lines=lines, numbers=tuple(item.number for item in found), known_numbers=tuple(sorted(known))
        )

    async def publish(self, *, nearest: bool = False) -> None:
        """Store the passages and show them on the page. `nearest` says that none of them answers the question."""
        await self.sink.save_sources(self.passages)
        self.is_stored = True
        await self.sink.emit(answer_sources.build_retrieved_event(self.input.answer_id, self.passages, nearest=nearest))
