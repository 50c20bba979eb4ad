"""Whose text a document is to the gate and in review."""

from __future__ import annotations

from apps.documents.models import Document


def get_responsible_user_id(document: Document) -> int:
    """Who brought it, else whose collection it is."""
    return document.uploaded_by_id or document.collection.owner_id
