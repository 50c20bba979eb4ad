"""Determine the user who is responsible for a document, for the gate and for review."""

from __future__ import annotations

from apps.documents.models import Document


def get_responsible_user_id(document: Document) -> int:
    """Return the id of the user who uploaded the document; if that account is gone, of the collection's owner."""
    return document.uploaded_by_id or document.collection.owner_id
