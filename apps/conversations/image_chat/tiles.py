"""Tiles of the pictures of an answer: stored order, queue position, rendering and export.

Entry points: `add_tiles`, `load_tiles`, `render_tiles`, `export_tiles`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from apps.conversations.models import Message
from apps.images.generation import model_info, scheduler
from apps.images.library import gallery
from apps.images.models import Picture
from apps.images.requests import upscaling
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Tile:
    """Picture as a conversation shows it.

    `queue_position` counts the pictures that are drawn before it. `withhold_reason` says why an export or link
    withholds it, or is "".
    """

    row: Picture
    queue_position: int = 0
    withhold_reason: str = ""

    @property
    def upscale_factor(self) -> int:
        """Return the largest factor by which the picture can be upscaled; 0 if it cannot."""
        return upscaling.largest_factor(self.row)


def add_tiles(answer: UUID, pictures: Iterable[UUID]) -> None:
    """Add the pictures to the answer, in this order. Call inside the transaction that creates them."""
    through = Message.pictures.through
    through.objects.bulk_create(through(message_id=answer, picture_id=pk) for pk in pictures)


def load_tiles(answers: Iterable[Message]) -> dict[UUID, list[Tile]]:
    """Return the tiles by id of each answer that requested pictures, in order. At most two queries, plus the queue.

    The list is empty if all pictures were deleted; answers without requests are left out.
    """
    pictured = [row.pk for row in answers if row.picture_request]
    if not pictured:
        return {}
    through = Message.pictures.through.objects.filter(message__in=pictured).order_by("picture__created", "pk")
    links = list(through.values_list("message", "picture"))
    rows = Picture.objects.without_large_fields().defer("negative").in_bulk([picture for _, picture in links])
    positions = scheduler.queue_positions() if any(row.active for row in rows.values()) else {}
    found: dict[UUID, list[Tile]] = {pk: [] for pk in pictured}
    for answer, picture in links:
        if picture in rows:
            found[answer].append(Tile(rows[picture], positions.get(picture, 0)))
    return found


def render_answer_tiles(answer: UUID, user: User) -> str:
    """Return the HTML of the tiles of the user's answer. For `in_db`."""
    row = Message.objects.visible_to(user).get(pk=answer)
    return render_tiles(row, load_tiles([row]).get(row.pk))


def render_tiles(answer: Message, tiles: Sequence[Tile] | None) -> str:
    """Return the HTML of the tiles; "" if `tiles` is None, for an answer without pictures."""
    if tiles is None:
        return ""
    model = model_info.find_available_model()
    context = {
        "answer": answer.pk, "tiles": tiles, "active": any(tile.row.active for tile in tiles),
        "starts": bool(model and model.accepts_start), "masks": bool(model and model.accepts_mask),
        "picture_request": json.dumps(answer.picture_request),
    }  # fmt: skip
    return render_to_string("conversations/turn/_pictures.html", context)


def export_tiles(tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    """Return the pictures as JSON values for an export: recipe, status, and hash of the file."""
    return [
        {"status": "withheld", "reason": tile.withhold_reason}
        if tile.withhold_reason
        else {
            "id": str(tile.row.pk),
            "status": tile.row.status,
            "sha256": tile.row.sha256,
            **gallery.describe_recipe(tile.row),
        }
        for tile in tiles
    ]
