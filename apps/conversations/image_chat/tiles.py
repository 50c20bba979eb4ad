"""The tiles of an answer's pictures: which there are, how a page and an export show them."""

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
    """A picture as a conversation shows it. `ahead`: how many are drawn before it. `back`: why it stays back where the
    conversation leaves; "" where it does not."""

    row: Picture
    ahead: int = 0
    back: str = ""

    @property
    def times(self) -> int:
        """How much larger it can be made; 0 where it cannot."""
        return upscaling.largest_factor(self.row)


def add_tiles(answer: UUID, pictures: Iterable[UUID]) -> None:
    """The pictures are that answer's, in this order."""
    through = Message.pictures.through
    through.objects.bulk_create(through(message_id=answer, picture_id=pk) for pk in pictures)


def load_tiles(answers: Iterable[Message]) -> dict[UUID, list[Tile]]:
    """The tiles of each answer that asked for pictures, in their order; empty where all were deleted. Two queries, and
    none where no answer asked for any."""
    pictured = [row.pk for row in answers if row.draws]
    if not pictured:
        return {}
    through = Message.pictures.through.objects.filter(message__in=pictured).order_by("picture__created", "pk")
    links = list(through.values_list("message", "picture"))
    rows = Picture.objects.lightly().defer("negative").in_bulk([picture for _, picture in links])
    places = scheduler.queue_positions() if any(row.active for row in rows.values()) else {}
    found: dict[UUID, list[Tile]] = {pk: [] for pk in pictured}
    for answer, picture in links:
        if picture in rows:
            found[answer].append(Tile(rows[picture], places.get(picture, 0)))
    return found


def render_answer_tiles(answer: UUID, user: User) -> str:
    """The tiles of one answer of that person, as the page has them."""
    row = Message.objects.visible_to(user).get(pk=answer)
    return render_tiles(row, load_tiles([row]).get(row.pk))


def render_tiles(answer: Message, tiles: Sequence[Tile] | None) -> str:
    """ "" for an answer that asked for none."""
    if tiles is None:
        return ""
    model = model_info.find_available_model()
    context = {
        "answer": answer.pk, "tiles": tiles, "active": any(tile.row.active for tile in tiles),
        "starts": bool(model and model.starts), "masks": bool(model and model.masks), "draws": json.dumps(answer.draws),
    }  # fmt: skip
    return render_to_string("conversations/turn/_pictures.html", context)


def export_tiles(tiles: Sequence[Tile]) -> list[dict[str, Any]]:
    """The pictures for an export: recipe, state, and the hash by which the file is known."""
    return [
        {"status": "withheld", "reason": tile.back}
        if tile.back
        else {
            "id": str(tile.row.pk),
            "status": tile.row.status,
            "sha256": tile.row.sha256,
            **gallery.describe_recipe(tile.row),
        }
        for tile in tiles
    ]
