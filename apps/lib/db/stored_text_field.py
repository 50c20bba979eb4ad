"""Model field for sentences that are stored as codes with values, and read as English text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from apps.lib.text.stored_text import decode_text, encode_text

if TYPE_CHECKING:
    StringField = models.TextField[str, str]
else:
    StringField = models.TextField


class StoredTextField(StringField):
    """Text field whose column holds what `encode_text` returns, so rows can be looked up by a whole text only."""

    def from_db_value(self, value: str | None, *_unused: object) -> str | None:
        return None if value is None else decode_text(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else encode_text(str(value))


def encode_columns(model: type[models.Model], *columns: str) -> None:
    """Store the texts of the columns anew, by their codes. For migrations."""
    rows = model._base_manager
    for column in columns:
        for pk, text in rows.exclude(**{column: ""}).values_list("pk", column).iterator():
            rows.filter(pk=pk).update(**{column: text})
