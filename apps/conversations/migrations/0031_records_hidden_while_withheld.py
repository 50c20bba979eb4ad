"""Put back the searches that places stood for in notices, and drop the records that hold such a place.

Earlier versions replaced words of withheld messages in recorded prompts and in notices of later answers. Now both are
hidden while a message is withheld, and stay as they were.
"""

import uuid
import zlib

from django.db import migrations


def put_back(apps, schema_editor):
    Message, Trace, Withdrawn = (apps.get_model("conversations", name) for name in ("Message", "Trace", "Withdrawn"))
    rows = Withdrawn.objects.select_related("message")
    for held in rows.iterator():
        place = f"\x01{uuid.UUID(str(held.pk)).hex}\x01"
        for answer in Message.objects.filter(pk__in=list(held.queries)):
            for step in answer.steps:
                nothing = step.get("nothing") or {}
                if nothing.get("query") == place:
                    nothing["query"] = held.queries[str(answer.pk)]
            Message.objects.filter(pk=answer.pk).update(steps=answer.steps)
    places = list(rows.values_list("message__conversation", flat=True).distinct())
    for record in Trace.objects.filter(answer__conversation__in=places).iterator():
        if b"\\u0001" in zlib.decompress(bytes(record.data)):
            Trace.objects.filter(pk=record.pk).delete()


class Migration(migrations.Migration):
    dependencies = [("conversations", "0030_only_verified_sentences_shown")]

    operations = [
        migrations.RunPython(put_back, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField("withdrawn", "notes"),
        migrations.RemoveField("withdrawn", "queries"),
    ]
