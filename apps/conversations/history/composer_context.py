"""What the composer offers beside the question: who answers, and how words are drawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps.conversations.assistants import assistant_choice
from apps.conversations.core import model_choice
from apps.conversations.core.sampling import (
    BEAMS_CONTROL,
    CONTROLS,
    PRESET_DESCRIPTIONS,
    SamplingControl,
    list_preset_values,
    parse_sampling,
)
from apps.conversations.models import Conversation, SavedPrompt
from apps.conversations.models.assistant import Assistant, SamplingPreset
from apps.conversations.tools import slash_commands
from apps.documents.models import Collection
from apps.documents.retrieval import filters
from apps.images.generation import model_info
from apps.users.models import User

_OFFERED = 100  # assistants in the menu; all of them are on their page


def build_composer_context(user: User, conversation: Conversation | None, wanted: UUID | None = None) -> dict[str, Any]:
    """`assistants` to choose from in a new chat, the chosen `assistant` or None, `unshared`: the name of one that may
    not be asked any more, who `answers`: that one or the site's own, `drawing`: presets and controls, `warm`: whether
    what is typed is looked up ahead, `pictures_drawn`: whether any can be, and `picture_model` by what, `models`: what
    may write, where there is a choice, and `model_gone`: one that was chosen and is gone; `commands`: tools that may be
    called by hand, each with its word, `filters`: JSON of the parts of those that are chosen, `of_assistant`:
    collections of who answers."""
    visible = Assistant.objects.visible_to(user).filter(is_default=False)
    if conversation is None:
        offered = list(
            visible.only("name", "description", "owner_id", "starters", "preset", "sampling", "model")[:_OFFERED]
        )
        chosen = next((item for item in offered if item.pk == wanted), None)
    else:
        offered, chosen = [], conversation.assistant
    stored = conversation.sampling if conversation else {}
    answers, unshared = assistant_choice.resolve_assistant(user, conversation or Conversation(assistant=chosen))
    writes, gone = model_choice.resolve_model(conversation or Conversation(), answers)
    return {
        "assistants": offered,
        "models": model_choice.list_model_options(writes),
        "model_gone": gone,
        "assistant": None if unshared else chosen,
        "unshared": unshared,
        "answers": answers,
        "drawing": build_sampling_menu(stored or assistant_choice.get_assistant_sampling(answers)),
        "prompts": list(SavedPrompt.objects.visible_to(user)[:_OFFERED]),
        "commands": [
            (tool, slash_commands.get_command_word(tool)) for tool in slash_commands.list_commands(answers, user)
        ],
        "warm": settings.WARM_WHILE_TYPING,
        "pictures_drawn": model_info.is_configured(),
        "picture_model": model_info.find_available_model(),
        "filters": orjson.dumps(
            filters.parse_stored_filters(conversation.filters if conversation else {}).parts()
        ).decode(),
        "of_assistant": _places(user, answers),
    }


def _places(user: User, assistant: Assistant) -> list[UUID]:
    """The assistant's collections, which are searched where none are chosen."""
    return list(Collection.objects.visible_to(user).filter(assistants=assistant).values_list("pk", flat=True))


def _control(control: SamplingControl, record: dict[str, Any]) -> tuple[SamplingControl, Any, str, str]:
    """With what was chosen, what stands in its empty field, and that for each preset (JSON)."""
    kept = list_preset_values(control)
    return control, record.get(control.name, ""), kept[record["preset"]], orjson.dumps(kept).decode()


def build_sampling_menu(stored: dict[str, Any]) -> dict[str, Any]:
    """What the menu of the choice of words shows."""
    record = parse_sampling(stored).record()
    return {
        "preset": SamplingPreset(record["preset"]),
        "presets": [(preset, preset.label, PRESET_DESCRIPTIONS[preset]) for preset in SamplingPreset],
        "controls": [_control(control, record) for control in CONTROLS if control is not BEAMS_CONTROL],
        "beams": (BEAMS_CONTROL, record.get("beams", "")),
        "stop": "\n".join(record.get("stop", [])),
        "changed": len(record) > 1,
    }
