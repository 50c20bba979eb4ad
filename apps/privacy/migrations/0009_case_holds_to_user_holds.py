"""Turn legal holds of cases into legal holds of their users. Holds of cases of erased users stay until they are lifted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

LONGEST = 400  # characters of a reason


def hold_users(apps: Any, schema_editor: Any) -> None:
    """Set a legal hold on the user of each held case, with the reason, and drop the hold of the case."""
    holds, cases = apps.get_model("privacy", "LegalHold").objects, apps.get_model("safety", "Case").objects
    rows = apps.get_model("privacy", "CaseLegalHold").objects.filter(case__owner__isnull=False)
    for row in rows.select_related("case").order_by("created"):
        hold, created = holds.get_or_create(
            user_id=row.case.owner_id, defaults={"reason": row.reason, "set_by_id": row.set_by_id}
        )
        if not created:
            hold.reason = f"{hold.reason} · {row.reason}"[:LONGEST]
            hold.save(update_fields=["reason"])
        cases.filter(pk=row.case_id).update(legal_hold=False)
        row.delete()


class Migration(migrations.Migration):
    dependencies: ClassVar = [("privacy", "0008_help_texts"), ("safety", "0036_no_saved_views_and_preferences")]

    operations: ClassVar = [migrations.RunPython(hold_users, migrations.RunPython.noop)]
