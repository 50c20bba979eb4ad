"""Drawing tool: the model requests pictures, which wait in the picture queue and are shown with the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.conversations.core.picture_request import MAX_PICTURES, SHAPES
from apps.conversations.image_chat import tiles
from apps.conversations.models import Message
from apps.conversations.models.tool import ToolPermission
from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolResult
from apps.engines.image.validation import PROMPT_CHARACTERS
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.requests import submission
from apps.images.requests.forms import picture_size
from apps.images.requests.submission import PictureRequest
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.safety.policy.verdicts import Verdict
from apps.users.rate_limits import RateLimited

TOOL_NAME = "draw_picture"


class DrawPicture(BaseTool):
    """Tool that requests pictures from a description; the user is asked by default."""

    name = TOOL_NAME
    title = "Create a picture"
    user_description = "Creates pictures from a description. They appear with the answer."
    description = (
        "Creates pictures from a description, when the user asks for a picture, drawing or illustration. Describe "
        "what the picture shows in one or two sentences. The pictures appear with the answer when they are ready."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "description": {"type": "string", "minLength": 1, "maxLength": PROMPT_CHARACTERS},
            "count": {"type": "integer", "minimum": 1, "maximum": MAX_PICTURES},
            "shape": {"type": "string", "enum": list(SHAPES)},
        },
        "required": ["description"],
        "additionalProperties": False,
    }
    permission = ToolPermission.ASK  # it uses up the user's picture limit; an administrator may allow it for all
    template = "conversations/tools/_call_pictures.html"

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Store the picture requests, judged by the gate. Raise ToolError if refused, withheld or over a limit."""
        words = gate.normalise(arguments["description"]).strip()
        verdict = await gate.check_question(words, level=context.strictness)
        count, shape = arguments.get("count", 1), arguments.get("shape", "square")
        try:
            rows = await in_db(_store_request, context, words, count, shape, verdict)
        except (submission.PictureRequestRefused, RateLimited) as refusal:
            raise ToolError(str(refusal)) from refusal
        if not verdict.allowed:
            raise ToolError(verdict.message)
        many = "1 picture" if count == 1 else f"{count} pictures"
        return ToolResult(f"{many} asked for, shown with this answer once drawn.", data={"pictures": rows})


def _store_request(context: ToolContext, words: str, count: int, shape: str, verdict: Verdict) -> list[str]:
    width, height = picture_size(model_info.get_model(), *SHAPES[shape])
    request = PictureRequest(words, count=count, width=width, height=height, level=context.strictness)
    with transaction.atomic():
        rows: list[Picture] = submission.request_pictures(context.user, request, verdict=verdict)
        tiles.add_tiles(context.answer, [row.pk for row in rows])
        Message.objects.filter(pk=context.answer).update(picture_request={"count": count, "by": TOOL_NAME})
    return [str(row.pk) for row in rows]
