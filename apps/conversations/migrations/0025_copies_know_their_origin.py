"""Copies that were made before they knew where they come from: a copied message has the moment, the role and the words of
its original. What came from a file may have them by chance."""

from itertools import groupby

from django.db import migrations
from django.db.models import Count


def find(apps, schema_editor):
    Message = apps.get_model("conversations", "Message")
    rows = Message.objects.using(schema_editor.connection.alias).filter(conversation__imported="").order_by()
    for twins in rows.values("created", "role").annotate(number=Count("pk")).filter(number__gt=1).iterator():
        found = rows.filter(created=twins["created"], role=twins["role"])
        ordered = found.order_by("text", "conversation__created", "pk").values_list("text", "pk")
        for _, same in groupby(ordered, key=lambda row: row[0]):
            first, *copies = [pk for _, pk in same]
            if copies:
                rows.filter(pk__in=copies).update(origin=first)


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0024_retracted_messages'),
    ]

    operations = [migrations.RunPython(find, migrations.RunPython.noop)]
