"""Answer small talk at once: in fixed words, or by a tool. No model writes, and nothing is searched.

Entry points: `recognise_turn_small_talk`, `reply_to_small_talk`.
"""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.conversations.models import SMALL_TALK_STEP
from apps.conversations.tools import slash_commands
from apps.conversations.tools.availability import AvailableTools, get_permitted_tools
from apps.conversations.tools.base import BaseTool, ToolError
from apps.conversations.tools.builtin import draw_picture
from apps.conversations.tools.builtin.calculator import Calculator, calculate
from apps.conversations.tools.builtin.dates import calculate_date
from apps.conversations.tools.slash_commands import SlashCommand
from apps.conversations.turns import generation, retrieval
from apps.conversations.turns.small_talk.recognition import SmallTalk, recognise_small_talk
from apps.conversations.turns.state import Turn
from apps.documents.models import Collection, Document
from apps.images.generation import model_info
from apps.lib.concurrency.threads import in_db, in_pool
from apps.safety.models.feature_restrictions import Feature, restriction_message


def recognise_turn_small_talk(turn: Turn) -> SmallTalk | None:
    """Return the small talk of the turn's message; None if it must be answered as a question.

    A retry of fixed words counts as a question, since the user did not want them. Sums and dates stay small talk.
    """
    prepared = turn.input
    if prepared.attached or prepared.text_so_far:
        return None
    small_talk = recognise_small_talk(prepared.text)
    asked_again = len(prepared.rows) == 1
    return None if small_talk is None or (asked_again and not small_talk.tool) else small_talk


async def reply_to_small_talk(turn: Turn, small_talk: SmallTalk) -> bool:
    """Answer the message. Return False, with nothing emitted, if its tool is off for this user. Raise Withheld."""
    available_tools = await in_db(get_permitted_tools, turn.input.assistant, turn.input.user)
    if small_talk.tool and small_talk.tool not in available_tools:
        return False
    await retrieval.check_question(turn)
    await turn.notify_pages()
    await turn.emit_step(SMALL_TALK_STEP, gettext("Not from your documents: nothing was searched"), 0.0)
    if small_talk.tool and turn.sink.allows_tools:
        limits = await turn.get_reading_limits()
        command = SlashCommand(small_talk.tool, small_talk.expression, "")
        await slash_commands.run_command(turn.calls, command, passage_tokens=limits.passage_tokens)
    else:
        await generation.emit_text(
            turn,
            await in_pool(_compute, small_talk)
            if small_talk.tool
            else await _choose_words(turn, small_talk, available_tools),
        )
    return True


def _compute(small_talk: SmallTalk) -> str:
    """Return the result of the tool as text, for turns that show no tool cards."""
    try:
        if small_talk.tool == Calculator.name:
            return f"{small_talk.expression} = {calculate(small_talk.expression)}"
        return calculate_date(small_talk.expression, timezone.localtime())
    except ToolError as error:
        return str(error)


async def _choose_words(turn: Turn, small_talk: SmallTalk, available_tools: AvailableTools) -> str:
    match small_talk.kind:
        case "thanks":
            return gettext("You are welcome. Ask whenever you need something from your documents.")
        case "farewell":
            return gettext("Goodbye. See you next time.")
        case "identity":
            return gettext(
                "I am %(name)s, a program and not a person. I search the documents that you can read on this site, "
                "and answer with citations."
            ) % {"name": turn.input.assistant.name}
        case "abilities":
            tools = [
                item.tool
                for item in available_tools.values()
                if item.tool.command and item.tool.name != draw_picture.TOOL_NAME
            ]
            return await in_db(_list_abilities, turn, tools)
    return gettext("Hello. Ask me something about your documents, and I will answer with citations.")


def _list_abilities(turn: Turn, tools: list[BaseTool]) -> str:
    """Return a Markdown list of what the site offers this user. For `in_db`."""
    user = turn.input.user
    documents = Document.objects.visible_to(user).listed().filter(status=Document.Status.READY).count()
    collection_count = Collection.objects.visible_to(user).count()
    if documents:
        count = ngettext("%(n)s document", "%(n)s documents", documents) % {"n": documents}
        where = ngettext("%(n)s collection", "%(n)s collections", collection_count) % {"n": collection_count}
        lines = [
            gettext("Answer questions from %(documents)s in %(collections)s that you can read, and cite the passages.")
            % {"documents": count, "collections": where}
        ]
    else:
        lines = [
            gettext("Answer questions from documents, and cite the passages. You have no documents to search yet.")
        ]
    if model_info.is_configured() and not restriction_message(user, Feature.PICTURES):
        lines.append(gettext("Create pictures: type /picture and describe what you want to see."))
    lines += [f"{gettext(tool.title)}: /{slash_commands.get_command_word(tool)}" for tool in tools]
    return "\n".join([gettext("What I can do here:"), "", *(f"- {line}" for line in lines)])
