"""Load the old database, migrate it to the present code and check that it works.

Run by `test_upgraded.py` as `python -m tests.upgraded.upgraded_site`. The process has a data folder of its own. Without
DATABASE_URL the dump is loaded as it is, into SQLite. With it, the empty database of that address is migrated as far as
the dump went, its rows are copied table by table, and the rest of the migrations run on them. The last line of the
output is JSON: the error of each check, "" where it passed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from apps.operations.migration_check import LAST_UNSQUASHED

DUMP = Path(__file__).with_name(f"{LAST_UNSQUASHED}.sql")
TEST_KEY = b"only for tests of an old databas"  # of encrypted texts and of signatures in the dump
OLD = "old"  # alias of the loaded dump
# Tables of the dump whose rows need not be there: nobody misses them. Only the live sessions move to another table
# (tests/users/test_devices.py).
DROPPED = frozenset({"django_admin_log", "django_session"})
# New names of tables of the dump, by their old ones.
RENAMED: dict[str, str] = {}
# Tables that a program fills, and whose rows may change when it starts.
OWN = frozenset(
    {"django_migrations", "django_content_type", "auth_permission", "sqlite_sequence", "conversations_sought"}
)


def main() -> None:
    """Load, migrate and check; print the errors as JSON."""
    database = os.environ.get("DATABASE_URL", "")
    import tests.support.environment  # noqa: F401  (a data folder of its own, and fakes)

    folder = Path(os.environ["DATA_DIR"])
    (folder / "snapshot_keys").write_text(base64.urlsafe_b64encode(TEST_KEY).decode() + "\n")
    (folder / "audit_keys").write_text(f"{TEST_KEY.hex()}\n")
    with closing(sqlite3.connect(folder / ("openbook.sqlite3" if not database else "old.sqlite3"))) as base:
        base.executescript(DUMP.read_text())
        before = dict(count_rows(base))
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    if database:
        copy_rows(folder / "old.sqlite3")
    call_command("migrate", verbosity=0)
    setup_test_environment()
    checks: dict[str, Callable[[], None]] = {
        "rows": lambda: check_rows(before), "texts": check_texts, "frozen": check_frozen_texts, "log": check_log,
        "sign_in": check_sign_in, "pages": check_pages, "ask": check_ask, "migrations": check_migrations,
    }  # fmt: skip
    print(json.dumps({name: error_of(check) for name, check in checks.items()}))


def error_of(check: Callable[[], None]) -> str:
    """Return the trace of what the check raises, "" where it passes."""
    try:
        check()
    except Exception:  # noqa: BLE001 - any error fails that check alone
        return traceback.format_exc()
    return ""


def count_rows(base: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Return each table of a person's data with the count of its rows."""
    names = base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'").fetchall()
    for (name,) in names:
        if name not in OWN and not name.startswith("conversations_words"):
            yield name, base.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of ours


def copy_rows(old: Path) -> None:
    """Migrate the empty default database as far as the dump went, and copy the rows of the dump into it."""
    from django.conf import settings
    from django.db import connection, connections, transaction
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader

    connections.settings[OLD] = {**connections.settings["default"], **settings.DATABASES["default"]} | {
        "ENGINE": "django.db.backends.sqlite3", "NAME": str(old), "OPTIONS": {}, "HOST": "", "PORT": "", "USER": "",
    }  # fmt: skip
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    done = [one for one in MigrationLoader(connections[OLD]).applied_migrations if one in graph.nodes]
    last = [one for one in done if not any(child.key in done for child in graph.node_map[one].children)]
    state = executor.migrate(last)
    models = state.apps.get_models(include_auto_created=True)
    with transaction.atomic(), connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"TRUNCATE {connection.ops.quote_name(model._meta.db_table)} CASCADE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for model in models:
            for row in model._base_manager.using(OLD).all():
                row.save_base(raw=True, using="default", force_insert=True)
        for line in connection.ops.sequence_reset_sql(_no_style(), models):
            cursor.execute(line)


def _no_style() -> Any:
    from django.core.management.color import no_style

    return no_style()


def check_rows(before: dict[str, int]) -> None:
    """Every row of the dump is still there, but for tables that were dropped on purpose."""
    from django.db import connection

    fewer = {}
    with connection.cursor() as cursor:
        for name, count in before.items():
            if name in DROPPED:
                continue
            cursor.execute(f'SELECT count(*) FROM "{RENAMED.get(name, name)}"')  # noqa: S608 - names of ours
            if (now := cursor.fetchone()[0]) < count:
                fewer[name] = (count, now)
    assert before["conversations_message"] > 20 and not fewer, fewer


def check_texts() -> None:
    """What people wrote, and how reviewers decided, reads as before."""
    from apps.conversations.models import Conversation, Message
    from apps.documents.models import Chunk, Collection
    from apps.safety.models import Case, Decision, PolicyVersion
    from apps.safety.text.redaction_marks import REDACTION_CHARACTER
    from apps.users.models import User

    answers = Message.objects.filter(role="assistant", status="complete")
    assert answers.filter(text__contains="was built between 280 and 247 BC").count() >= 2
    assert Message.objects.filter(text__contains=REDACTION_CHARACTER).exists() and not Message.objects.filter(
        text__contains="mia@"
    )
    assert Message.objects.filter(status="withheld", retracted__isnull=False, text="").count() >= 5
    assert "Board" in set(Conversation.objects.exclude(folder=None).values_list("folder__name", flat=True))
    assert Chunk.objects.filter(keywords="lamp").exists()
    assert set(Collection.objects.values_list("name", flat=True)) == {"Handbook", "House rules"}
    outcomes = set(Decision.objects.values_list("outcome", flat=True))
    assert outcomes == {"allow", "block", "warn", "redact", "restrict", "suspend", "overturn"}
    assert set(Case.objects.values_list("state", flat=True)) >= {"decided", "appealed", "overturned", "claimed", "open"}
    assert PolicyVersion.objects.filter(status="live").count() == 1
    alice = User.objects.get(email="alice@example.org")
    assert alice.instructions == "Answer briefly." and alice.language == "de" and len(alice.facts) == 2


def check_frozen_texts() -> None:
    """The key of before opens each frozen text."""
    from apps.safety.models import Snapshot, snapshot_keys

    tried, lost, plain = snapshot_keys.count_unreadable(60)
    assert tried > 15 and not lost and not plain, (tried, lost, plain)
    assert Snapshot.objects.filter(code="crime")[0].readable_text.startswith("How do I")


def check_log() -> None:
    """The audit log verifies, with the entries of before and new ones behind them."""
    from apps.safety.audit_log import audit, verification

    audit.record_event("test.entry", subject="after the upgrade")
    report = verification.verify_log()
    assert report.last > 100 and report.is_complete and not report.faults, report


def check_sign_in() -> None:
    """The password of before signs in."""
    from django.test import Client

    from tests.support.password import PASSWORD

    client = Client()
    answer = client.post("/accounts/login/", {"login": "bob@example.org", "password": PASSWORD})
    assert answer.status_code == 302 and "_auth_user_id" in client.session, answer.status_code


def check_pages() -> None:
    """The main pages of each person open."""
    from django.test import Client

    from apps.users.models import User

    failed = {}
    for name, paths in addresses().items():
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(email=f"{name}@example.org"))
        for path in paths:
            if (status := client.get(path).status_code) != 200:
                failed[f"{name} {path}"] = status
    assert not failed, failed


def addresses() -> dict[str, list[str]]:
    """Return the paths to open, by the name of the person who opens them."""
    from apps.conversations.models import Assistant, Conversation, Message, Share
    from apps.documents.models import Collection, Document
    from apps.privacy.models import DataRequest
    from apps.safety.models import Case, PolicyVersion
    from apps.users.models import User

    alice, morgan = (User.objects.get(email=f"{name}@example.org") for name in ("alice", "morgan"))
    talks = Conversation.objects.filter(owner=alice, deleted=None)
    answers = Message.objects.filter(role="assistant", asked_by=alice, conversation__in=talks).exclude(status="writing")
    places, papers = Collection.objects.filter(owner=alice), Document.objects.filter(collection__owner=alice)
    parts = ("", "people/", "settings/", "golden/", "passages/")
    cases = Case.objects.exclude(owner=morgan).exclude(clause="child_exploitation")
    return {
        "alice": [
            "/", "/collections/", "/pictures/", "/assistants/", "/instructions/", "/prompts/", "/tokens/", "/privacy/",
            "/notices/", "/limits/", "/conversations/all/", "/privacy/keeping/", "/conversations/import/",
            "/conversations/more/?q=lighthouse",
            *(f"/c/{row.pk}/" for row in talks), *(f"/c/{row.pk}/export.json" for row in talks),
            *(f"/answers/{row.pk}/behind/" for row in answers.filter(retracted=None, trace__isnull=False)),
            *(f"/collections/{row.pk}/{part}" for row in places for part in parts),
            *(f"/documents/{row.pk}/" for row in papers.filter(status="ready", replaces=None)),
            *(f"/assistants/{row.pk}/" for row in Assistant.objects.filter(owner=alice)),
            *(f"/privacy/receipts/{row.pk}/" for row in DataRequest.objects.filter(kind="erase")),
        ],
        "bob": [
            "/notices/", "/collections/", *(f"/shared/{row.secret}/" for row in Share.objects.filter(enabled=True)),
        ],
        "morgan": ["/review/", "/review/figures/", "/review/break-glass/", "/feedback/",
                   *(f"/review/{row.pk}/?open=1" for row in cases)],
        "ada": [
            "/review/policy/", "/review/blocklists/", "/review/log/", "/people/", "/people/groups/", "/people/limits/",
            "/tools/", "/settings/", "/privacy/holds/", "/status/",
            *(f"/review/policy/{row.pk}/changes/" for row in PolicyVersion.objects.exclude(status="live")),
        ],
    }  # fmt: skip


def check_ask() -> None:
    """A question in a conversation of before is answered from a document of before."""
    from apps.conversations.evidence.answer_sources import load_answer_sources
    from apps.conversations.models import Conversation, Message
    from apps.documents.indexing import index_maintenance
    from apps.documents.models import Collection
    from apps.users.models import User

    for pk in Collection.objects.values_list("pk", flat=True):
        index_maintenance.reindex(pk)
    alice = User.objects.get(email="alice@example.org")
    place = Conversation.objects.filter(owner=alice, deleted=None).order_by("created")[0]
    asyncio.run(ask(alice, str(place.pk), "How long can the queen of honey bees live?"))
    answer = Message.objects.filter(role="assistant", conversation=place).latest("created")
    sources = load_answer_sources(alice, [answer])[answer.pk]
    said = "\n".join((answer.text, *(quote.text for quote in sources.quotes)))  # quotes only: its model is not measured
    assert answer.status == "complete" and "A honey bee colony has one queen" in said, said


async def ask(alice: Any, place: str, text: str) -> None:
    from asgiref.testing import ApplicationCommunicator

    from apps.conversations.turns import runner
    from apps.lib.concurrency.threads import in_db
    from assistant.asgi import application
    from tests.conversations.conftest import Page, scope, session_of

    wire = ApplicationCommunicator(application, scope(await in_db(session_of, alice)))
    await wire.send_input({"type": "websocket.connect"})
    assert (await wire.receive_output(timeout=60))["type"] == "websocket.accept"
    page = Page(wire)
    accepted = await page.ask(text, conversation=place)
    assert accepted["type"] == "accepted", accepted
    await page.events()
    await runner.wait_until_idle()
    await wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await wire.wait(60)


def check_migrations() -> None:
    """Every migration has run, and none is missing."""
    from django.core.management import call_command

    call_command("migrate", check_unapplied=True, verbosity=0)
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
