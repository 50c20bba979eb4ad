"""The sentence about the review of a withheld question is stored in English and translated when shown. The words of
former releases are replaced by today's, so that only those need a translation. No undo: both say the same."""

from __future__ import annotations

from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Left, Replace

FORMER = "A reviewer will look at it and correct a mistake. See your notices."
TODAY = "A reviewer will look at it and will correct it if the check was wrong. See your notices."
COLUMNS = (
    ("conversations", "Message", "reason"),
    ("conversations", "QueuedQuestion", "problem"),
    ("images", "Picture", "reason"),
)


def convert_rows(apps, schema_editor):
    for label, name, column in COLUMNS:
        rows = apps.get_model(label, name)._base_manager
        longest = rows.model._meta.get_field(column).max_length
        text = Replace(F(column), Value(FORMER), Value(TODAY))
        rows.filter(**{f"{column}__contains": FORMER}).update(**{column: Left(text, longest) if longest else text})
    messages = apps.get_model("conversations", "RetractedMessage")._base_manager
    for row in messages.only("fields").iterator():
        reason = row.fields.get("reason") or ""
        if FORMER in reason:
            messages.filter(pk=row.pk).update(fields={**row.fields, "reason": reason.replace(FORMER, TODAY)[:400]})


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0041_help_texts_of_messages"),
        ("images", "0013_labels"),
    ]

    operations = [migrations.RunPython(convert_rows, migrations.RunPython.noop)]
