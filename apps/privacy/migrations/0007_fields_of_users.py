"""Name the fields of data requests and legal holds that refer to a user by that word."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("privacy", "0006_fields_by_standard_names")]
    operations: ClassVar = [
        migrations.RemoveConstraint("datarequest", "one_waiting_wish_a_kind"),
        migrations.RenameField("datarequest", "person", "user"),
        migrations.RenameField("datarequest", "number", "user_pk"),
        migrations.AddConstraint(
            "datarequest",
            models.UniqueConstraint(
                fields=["user_pk", "kind"], condition=Q(status="waiting"), name="one_waiting_request_a_kind"
            ),
        ),
        migrations.RenameField("legalhold", "person", "user"),
    ]
