"""Draw pictures as the worker does, make files of pictures, and verify them on the page."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.engines.image.validation import encode_png
from apps.images.generation import worker
from apps.images.models import Picture


def draw(row: Picture) -> Picture:
    """Draw the picture, whatever the result, and return its row."""
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    return row


def draw_ready(row: Picture) -> Picture:
    """Draw the picture and return its row. Fails unless it becomes ready."""
    draw(row)
    assert row.status == "ready", row.reason
    return row


def make_png(colour: str = "navy") -> bytes:
    """Return a small picture of one colour."""
    return encode_png(Image.new("RGB", (64, 64), colour))


def verify_file(file: bytes, name: str = "a.png", *, status: int = 200) -> str:
    """Upload the file to the page that verifies pictures, as anybody can, and return the page."""
    response = Client().post("/verify/", {"picture": SimpleUploadedFile(name, file)})
    assert response.status_code == status
    return response.content.decode()
