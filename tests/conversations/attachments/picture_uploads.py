"""Pictures to attach, and helpers to upload them over HTTP."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw, ImageFont

from apps.conversations.attachments import uploads
from apps.conversations.models import AttachedPicture
from apps.users.models import User


def drawn(words: str = "", size: tuple[int, int] = (640, 200), form: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of a picture that shows these words."""
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((30, 60), words, fill="black", font=ImageFont.load_default(size=36))
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def file(content: bytes, name: str = "screen.png") -> SimpleUploadedFile:
    """Return the content as an uploaded file."""
    return SimpleUploadedFile(name, content, "image/png")


def posted(client: Client, content: bytes, name: str = "screen.png") -> Any:
    """Upload the content and return the response."""
    return client.post("/attached/", {"picture": file(content, name)})


def attached(user: User, text: str = "", name: str = "screen.png") -> AttachedPicture:
    """Return an attached picture of the user whose recognised text is `text`."""
    row = uploads.save_upload(user, file(drawn(text), name))
    AttachedPicture.objects.filter(pk=row.pk).update(status="ready", text=text)
    row.refresh_from_db()
    return row
