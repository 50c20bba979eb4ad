"""Name users, times and strictness by one word each. Columns keep their data; those of the append-only audit log keep
their names."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("safety", "0034_plain_help_texts")]

    operations: ClassVar = [
        # Indexes and constraints name fields, so they are dropped before and made anew after the renames.
        migrations.RemoveIndex("breakglass", "break_glass_by_state"),
        migrations.RemoveConstraint("breakglass", "nobody_approves_their_own_break_glass"),
        migrations.RemoveConstraint("breakglass", "no_break_glass_about_oneself"),
        migrations.RemoveConstraint("breakglass", "an_open_break_glass_ends"),
        migrations.RemoveConstraint("breakglass", "one_emergency_until_it_is_judged"),
        migrations.RemoveIndex("featurerestriction", "restrictions_of_a_person"),
        migrations.RenameField("breakglass", "asker", "requester"),
        migrations.RenameField("breakglass", "person", "user"),
        migrations.RenameField("breakglass", "judged", "reviewed"),
        migrations.RenameField("breakglass", "ends", "expires"),
        migrations.RenameField("featurerestriction", "person", "user"),
        migrations.RenameField("notice", "person", "user"),
        migrations.RenameField("snapshot", "level", "strictness"),
        migrations.RenameField("recordedverdict", "level", "strictness"),
        migrations.AlterField("auditentry", "at", models.DateTimeField(db_column="at")),
        migrations.RenameField("auditentry", "at", "created"),
        migrations.AlterField(
            "auditentry",
            "person",
            models.BigIntegerField(
                null=True, db_index=True, db_column="person", help_text="Id of the user concerned"
            ),
        ),
        migrations.RenameField("auditentry", "person", "user"),
        migrations.AddIndex(
            "featurerestriction",
            models.Index(fields=["user", "feature", "until"], name="restrictions_of_a_user"),
        ),
        migrations.AddIndex("breakglass", models.Index(fields=["state", "expires"], name="break_glass_by_state")),
        migrations.AddConstraint(
            "breakglass",
            models.CheckConstraint(
                condition=~Q(approver=F("requester")) | Q(self_approved=True),
                name="nobody_approves_their_own_break_glass",
            ),
        ),
        migrations.AddConstraint(
            "breakglass",
            models.CheckConstraint(
                condition=~Q(user=F("requester")) & ~Q(user=F("approver")), name="no_break_glass_about_oneself"
            ),
        ),
        migrations.AddConstraint(
            "breakglass",
            models.CheckConstraint(
                condition=~Q(state="open") | (Q(opened__isnull=False, expires__isnull=False)),
                name="an_open_break_glass_ends",
            ),
        ),
        migrations.AddConstraint(
            "breakglass",
            models.UniqueConstraint(
                fields=["requester"],
                condition=Q(emergency=True, reviewed=None),
                name="one_emergency_until_it_is_reviewed",
            ),
        ),
    ]
