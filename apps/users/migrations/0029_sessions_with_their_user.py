from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models
from django.utils import timezone

_BATCH = 500  # rows


def move(apps: Any, schema_editor: Any) -> None:
    """Move live sessions into the new table, so that nobody is signed out."""
    Session, UserSession = apps.get_model("sessions", "Session"), apps.get_model("users", "UserSession")
    store, waiting = SessionStore(), []
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=_BATCH):
        user = str(store.decode(row.session_data).get("_auth_user_id", ""))
        waiting.append(
            UserSession(
                session_key=row.session_key,
                session_data=row.session_data,
                expire_date=row.expire_date,
                user_id=int(user) if user.isdigit() else None,
            )
        )
        if len(waiting) == _BATCH:
            UserSession.objects.bulk_create(waiting)
            waiting = []
    UserSession.objects.bulk_create(waiting)
    Session.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("sessions", "0001_initial"), ("users", "0028_accounts_and_groups_of_a_directory")]

    operations = [
        migrations.CreateModel(
            name="UserSession",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("user_id", models.BigIntegerField(db_index=True, null=True)),
            ],
            options={"verbose_name": "session", "verbose_name_plural": "sessions", "abstract": False},
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
    ]
