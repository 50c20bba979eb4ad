"""Attached picture of a question as values: `AttachedPictureView`. Rows are read by `attachments.queries`."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.conversations.models.attachment import AttachedPicture

Status = AttachedPicture.Status


@dataclass(frozen=True, slots=True)
class AttachedPictureView:
    """Snapshot of an attached picture."""

    id: UUID
    name: str
    width: int  # pixels, like the height
    height: int
    sha256: str
    kind: str  # MIME type
    path: str  # path of the file
    status: str
    text: str  # recognised text
    recognition_problem: str  # why no text was recognised
    reason: str  # reason for holding it
    caption: str  # caption by a model with vision
    caption_problem: str  # why there is no caption
    blur: str = ""  # clause because of which it is blurred
    recognised: bool = True  # text recognition is done; a caption may still be due

    @property
    def held(self) -> bool:
        """Return whether the picture is held for review."""
        return self.status == Status.HELD

    def due(self, *, sees: bool) -> bool:
        """Return whether the model still needs text or caption; a model with vision needs no caption."""
        return self.status == Status.WAITING and not (sees and self.recognised)
