"""Copies that were made before they knew where they come from: a copied message has the moment, the role and the words of
its original. What came from a file may have them by chance."""

from itertools import groupby

from django.db import migrations
from django.db.models import Count

_AT_ONCE = 500  # moments that one query names: none of them has an index, so each query reads the table


def find(apps, schema_editor):
    messages = apps.get_model("conversations", "Message").objects.using(schema_editor.connection.alias)
    rows = messages.filter(conversation__imported="").order_by()
    twins = rows.values("created", "role").annotate(number=Count("pk")).filter(number__gt=1)
    moments = sorted(set(twins.values_list("created", flat=True)))
    for start in range(0, len(moments), _AT_ONCE):
        found = rows.filter(created__in=moments[start : start + _AT_ONCE])
        ordered = found.order_by("created", "role", "text", "conversation__created", "pk")
        told = ordered.values_list("created", "role", "text", "pk")
        for _, same in groupby(told, key=lambda row: row[:3]):
            first, *copies = [pk for *_, pk in same]
            if copies:
                messages.filter(pk__in=copies).update(origin=first)


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0024_retracted_messages'),
    ]

    operations = [migrations.RunPython(find, migrations.RunPython.noop)]
