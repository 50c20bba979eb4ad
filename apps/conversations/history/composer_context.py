"""Template context of the composer. Its keys:

- `assistants`: menu of a new chat; `assistant`: the chosen one or None; `answers`: the one that answers
- `unshared`: name of a chosen assistant that is no longer shared with the user
- `models`: menu of chat models, [] without a choice; `model_gone`: name of a chosen model that was removed
- `kept_inside`: names of collections that models outside the house do not read; `outside`: the model is outside
- `drawing`: sampling menu; `prompts`: saved prompts; `commands`: (tool, command word); `warm`: drafts are prefetched
- `pictures_drawn`: pictures can be requested; `picture_model`: the model that draws
- `files`, `file_rows`, `reading`: attached files; `file_kinds`, `max_bytes`: what can be attached
- `filters`: chosen filters as JSON; `of_assistant`: collections of the answering assistant
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps.conversations.assistants import assistant_choice, model_menu
from apps.conversations.attachments import chat_files
from apps.conversations.core import model_choice
from apps.conversations.core.sampling import (
    BEAMS_CONTROL,
    CONTROLS,
    LENGTHS,
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
from apps.documents.web.collection_views import ACCEPT
from apps.engines import registry
from apps.images.generation import model_info
from apps.users.models import User

_NAMED = 5  # collections in a sentence
_OFFERED = 100  # assistants and prompts in a menu, at most


def build_composer_context(user: User, conversation: Conversation | None, wanted: UUID | None = None) -> dict[str, Any]:
    """Return the context listed above.

    `conversation` is None in a new chat, `wanted` the id of its chosen assistant.
    """
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
    writes, gone = model_choice.resolve_model(user, conversation or Conversation(), answers)
    return {
        "assistants": offered,
        "model_gone": gone,
        **_build_model_menu(user, writes),
        "assistant": None if unshared else chosen,
        "unshared": unshared,
        "others": list(Assistant.objects.visible_to(user).exclude(pk=answers.pk).only("name")[:_OFFERED]),
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
        "of_assistant": _list_collections(user, answers),
        "file_kinds": ACCEPT,
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        **chat_files.build_chip_context(conversation.files if conversation else None),
    }


def _list_collections(user: User, assistant: Assistant) -> list[UUID]:
    """Return the collections of the assistant, which are searched if the user chooses none."""
    return list(Collection.objects.visible_to(user).filter(assistants=assistant).values_list("pk", flat=True))


def _build_model_menu(user: User, writes: str) -> dict[str, Any]:
    """Return `models`, `outside` and `kept_inside` of the context. `writes`: name of the model that answers."""
    options, model = model_menu.list_model_options(user, writes), registry.get_chat_model(writes)
    is_outside = model is not None and model.outside
    kept = Collection.objects.visible_to(user).filter(inside_only=True).values_list("name", flat=True)
    is_named = is_outside or any(item.outside for item in options)
    return {"models": options, "outside": is_outside, "kept_inside": list(kept[:_NAMED]) if is_named else []}


def _control(control: SamplingControl, record: dict[str, Any]) -> tuple[SamplingControl, Any, str, str]:
    """Return the control with the chosen value, the placeholder of its empty field, and that of each preset as JSON."""
    values = list_preset_values(control)
    return control, record.get(control.name, ""), values[record["preset"]], orjson.dumps(values).decode()


def build_sampling_menu(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the template context of the sampling menu. `stored`: the conversation's sampling record."""
    record = parse_sampling(stored).record()
    return {
        "preset": SamplingPreset(record["preset"]),
        "presets": [(preset, preset.label, PRESET_DESCRIPTIONS[preset]) for preset in SamplingPreset],
        "controls": [_control(control, record) for control in CONTROLS if control is not BEAMS_CONTROL],
        "beams": (BEAMS_CONTROL, record.get("beams", "")),
        "stop": "\n".join(record.get("stop", [])),
        "lengths": LENGTHS,
        "changed": any(
            name not in {"preset", "max_tokens"} or (name == "max_tokens" and value not in dict(LENGTHS))
            for name, value in record.items()
        ),
    }
