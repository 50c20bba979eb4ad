"""Doctor's checks of machine, database, worker, documents, logs and mail.

Each check returns a `CheckResult` and never raises. `engine_checks.list_checks` lists all checks, and runs these in
threads.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from kombu.exceptions import OperationalError

from apps.documents.ingestion.worker import get_heartbeat_file
from apps.documents.models import Document
from apps.images.moderation import blocked_names as picture_names
from apps.lib import os_compat
from apps.lib.outgoing_email import is_email_configured
from apps.operations import mail_server
from apps.operations.migration_check import LAST_UNSQUASHED, is_too_old
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.safety.audit_log import verification
from apps.safety.models import snapshot_keys
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

GIB = 1 << 30
DISK_BAD, DISK_WARN = GIB, 5 * GIB  # below the first, uploads are refused
MEMORY_WARN = GIB
VERIFY_BYTES = GIB // 4  # a database up to this size is checked whole, in a second or two
WORKER_SILENCE_S = 30  # a worker touches its file every 5 s
BROKER_S = 3
OPEN_S = 2.0  # seconds for opening frozen texts: some 20,000
VERIFY_S = 2.0  # seconds for verifying audit log entries while a page waits


class CheckState(StrEnum):
    """Outcome of a check."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of a check for the page. `advice` says what to do; "" if all is well."""

    state: CheckState
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """Check with its name in the URL and its title."""

    name: str
    title: StrOrPromise
    run: Callable[[], Awaitable[CheckResult]]


def good(message: str) -> CheckResult:
    """Return a good result."""
    return CheckResult(CheckState.GOOD, message)


def warn(message: str, advice: str) -> CheckResult:
    """Return a warning with advice."""
    return CheckResult(CheckState.WARN, message, advice)


def bad(message: str, advice: str) -> CheckResult:
    """Return a failure with advice."""
    return CheckResult(CheckState.BAD, message, advice)


def check_database() -> CheckResult:
    """Check that the database answers, is migrated and, for SQLite files up to VERIFY_BYTES, is sound."""
    try:
        failure = _check_migrations()
    except DatabaseError as error:
        failure = bad(
            gettext("The database does not answer: %(error)s") % {"error": error},
            gettext("Check DATABASE_URL, and that the server is running."),
        )
    if failure:
        return failure
    if connection.vendor != "sqlite":
        return good(
            gettext("%(display_name)s answers, and its tables are up to date.")
            % {"display_name": connection.display_name}
        )
    file = Path(str(connection.settings_dict["NAME"]))
    size = f" ({filesizeformat(file.stat().st_size)})" if file.exists() else ""
    if file.exists() and file.stat().st_size > VERIFY_BYTES:
        return good(
            gettext(
                "SQLite%(size)s responds, and its tables are up to date. It is too large for a full check here; to "
                "run one, use `sqlite3 %(name)s 'PRAGMA quick_check'` in %(parent)s."
            )
            % {"size": size, "name": file.name, "parent": file.parent}
        )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        result = cursor.fetchone()
    if result and result[0] != "ok":
        return bad(
            gettext("The SQLite file is damaged: %(found)s") % {"found": result[0]},
            gettext("Stop Openbook and restore the database from a backup."),
        )
    return good(gettext("SQLite%(size)s is intact, and its tables are up to date.") % {"size": size})


def _check_migrations() -> CheckResult | None:
    """Return the failure if migrations are missing, None if all are applied. Raise DatabaseError."""
    if is_too_old(connection):
        return bad(
            gettext("The database was made by an older version of Openbook."),
            gettext("Upgrade it with commit %(commit)s first, then with this version.") % {"commit": LAST_UNSQUASHED},
        )
    plan = MigrationExecutor(connection)
    missing = plan.migration_plan(plan.loader.graph.leaf_nodes())
    if not missing:
        return None
    return bad(
        ngettext("%(n)s database migration is missing.", "%(n)s database migrations are missing.", len(missing))
        % {"n": len(missing)},
        gettext("Run ./run setup, then start again."),
    )


def check_disk() -> CheckResult:
    """Check the free space of the data directory's disk."""
    space = shutil.disk_usage(settings.DATA_DIR)
    message = gettext("%(gib)s GiB of %(gib2)s GiB are free on the disk with the data.") % {
        "gib": number_format(space.free / GIB, 1),
        "gib2": f"{space.total / GIB:.0f}",
    }
    advice = gettext("Free some space on the disk of %(data_dir)s, or move DATA_DIR to a larger one.") % {
        "data_dir": settings.DATA_DIR
    }
    if space.free < DISK_BAD:
        return bad(message, gettext("Uploads are no longer possible. %(advice)s") % {"advice": advice})
    return warn(message, advice) if space.free < DISK_WARN else good(message)


def check_memory() -> CheckResult:
    """Check the free memory."""
    free = os_compat.get_available_memory()
    message = gettext("%(gib)s GiB of memory are free.") % {"gib": number_format(free / GIB, 1)}
    if free < MEMORY_WARN:
        return warn(message, gettext("Close other programs, or run the model server on another machine (LLM_URL)."))
    return good(message)


def check_worker() -> CheckResult:
    """Check that a worker is running; only the worker ingests documents."""
    advice = gettext(
        "Documents wait until it is running. Check the lines of 'worker' in the log, and restart ./run serve."
    )
    try:
        age = time.time() - get_heartbeat_file().stat().st_mtime
    except FileNotFoundError:
        return bad(gettext("No worker has run here yet."), advice)
    if age > WORKER_SILENCE_S:
        message = gettext("The worker has not responded for %(duration)s.")
        return bad(message % {"duration": describe_duration(age)}, advice)
    return good(gettext("The worker is running. It responded a few seconds ago."))


def check_parsers() -> CheckResult:
    """Check that parser processes start and are confined."""
    try:
        confinement = runner.probe_confinement(memory_bytes=settings.PARSE_MEMORY_BYTES)
    except (OSError, ParseError, runner.ParserCrashed) as error:
        return bad(
            gettext("File readers do not start: %(error)s") % {"error": error},
            gettext("No document can be read. Check the lines of 'web' in the log."),
        )
    limits = _list_limits(confinement)
    if not limits:
        return good(
            gettext(
                "File readers are fully sandboxed: no network, no other files, no further processes, limited memory"
                " and time."
            )
        )
    return warn(
        " ".join(limits),
        gettext(
            "A malicious file that takes over its reader could do more harm. On Linux, allow unprivileged user "
            "namespaces and Landlock (in a container, by its security profile); other systems have neither."
        ),
    )


def _list_limits(confinement: runner.Confinement) -> list[str]:
    """Return a sentence for each protection of file readers that this system lacks."""
    limits = []
    reason = errno.errorcode.get(confinement.network_errno, str(confinement.network_errno))
    if confinement.network_errno and confinement.tcp_closed:
        message = gettext(
            "File readers cannot open TCP connections but can send datagrams: private networks are "
            "unavailable (%(error)s)."
        )
        limits.append(message % {"error": reason})
    elif confinement.network_errno == errno.ENOSYS:
        limits.append(gettext("File readers can reach the network: this system has no private networks."))
    elif confinement.network_errno:
        message = gettext("File readers can reach the network: this system forbids private networks (%(error)s).")
        limits.append(message % {"error": reason})
    if confinement.files_errno:
        message = gettext(
            "File readers can open the same files as the worker: this system has no Landlock (%(error)s)."
        )
        limits.append(message % {"error": errno.errorcode.get(confinement.files_errno, str(confinement.files_errno))})
    if not confinement.memory_limited:
        limits.append(gettext("This system does not enforce a limit on the memory of file readers."))
    return limits


def check_broker() -> CheckResult:
    """Check that the broker of Celery answers."""
    kind = gettext("Redis") if settings.CELERY_BROKER_URL.startswith("redis") else gettext("Queue on disk")
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=BROKER_S)
            if kind == "Redis":
                link.default_channel.client.ping()
    except (OperationalError, OSError) as error:
        return bad(
            gettext("%(kind)s does not answer: %(error)s") % {"kind": kind, "error": error},
            gettext("Uploads are read with a delay. Check REDIS_URL and its server."),
        )
    return good(gettext("%(kind)s accepts messages for the worker.") % {"kind": kind})


def check_documents() -> CheckResult:
    """Check for documents that failed, with the most frequent reasons."""
    counts = dict(Document.objects.order_by().values_list("status").annotate(Count("pk")))
    waiting = sum(counts.get(state, 0) for state in Document.ACTIVE)
    failed = counts.get(Document.Status.FAILED, 0) + counts.get(Document.Status.QUARANTINED, 0)
    message = gettext("%(counts)s ready, %(waiting)s waiting or being read, %(failed)s failed.") % {
        "counts": counts.get(Document.Status.READY, 0),
        "waiting": waiting,
        "failed": failed,
    }
    if not failed:
        return good(message)
    reasons = (
        Document.objects.filter(status__in=[Document.Status.FAILED, Document.Status.QUARANTINED])
        .order_by().values_list("reason").annotate(number=Count("pk")).order_by("-number")[:3]
    )  # fmt: skip
    most = " ".join(f"{number} × {translate_stored(reason) or '–'}" for reason, number in reasons)
    return warn(message, gettext("Their owners can see the reason and retry. Most frequent: %(most)s") % {"most": most})


def check_picture_names() -> CheckResult:
    """Check that the policy blocks the names in `PICTURE_NAMES`, and advise to remove the setting, no longer needed."""
    count = len(picture_names.configured_names())
    advice = gettext("Change the list there, or let reviewers decide, and remove the setting from the environment.")
    if picture_names.is_in_force():
        message = gettext(
            "PICTURE_NAMES is set: its %(count)s names are a blocklist of the policy, under Review, Blocklists."
        )
        return warn(message % {"count": count}, advice)
    message = gettext("PICTURE_NAMES is set, but the current policy does not block all of its names in pictures.")
    return warn(message, advice)


def check_frozen_texts() -> CheckResult:
    """Return the check of as many frozen texts as `seconds` allow, and of the key file's permissions."""
    try:
        tried, lost, plain = snapshot_keys.count_unreadable(OPEN_S)
    except ImproperlyConfigured as error:
        return bad(str(error), gettext("Without a key, no new review snapshots can be stored either."))
    file = settings.SNAPSHOT_KEYS
    if lost:
        return bad(
            gettext("%(lost)s of %(tried)s review snapshots cannot be opened: their key is missing.")
            % {"lost": lost, "tried": tried},
            gettext("Add the lines of %(file)s from a backup to it. Nothing else can open the snapshots.")
            % {"file": file},
        )
    if plain:
        return warn(
            gettext("%(n)s review snapshots are not encrypted.") % {"n": plain},
            gettext("Run 'manage.py rotate_snapshot_key' once."),
        )
    if Path(file).exists() and Path(file).stat().st_mode & 0o077:
        return warn(
            gettext("%(file)s can be read by others on this machine.") % {"file": file},
            gettext("Run 'chmod 600 %(file)s'.") % {"file": file},
        )
    return good(gettext("%(n)s review snapshots were opened with their key.") % {"n": tried})


def check_audit_log() -> CheckResult:
    """Return the check of a part of the audit log, its noted heads and its triggers."""
    try:
        report = verification.verify_part(VERIFY_S)
    except ImproperlyConfigured as error:
        return bad(
            str(error), gettext("Until then nothing can be logged, and actions that must be logged are blocked.")
        )
    if report.faults:
        look = gettext(
            "The log was changed outside Openbook, or its key is wrong. Make a copy of the database, run 'manage.py"
            " doctor', and compare it with a backup and with the noted heads. 'manage.py doctor --install-triggers'"
            " restores missing triggers."
        )
        return bad(" ".join(report.faults[:3]), look)
    if report.is_complete:
        message = ngettext("Its %(n)s entry is intact.", "All %(n)s entries are intact.", report.newest)
        message %= {"n": report.newest}
    else:
        message = gettext(
            "Entries %(first)s to %(last)s of %(newest)s and the end are intact. The next check continues from "
            "there. To verify all entries, open the audit log."
        ) % {"first": report.first, "last": report.last, "newest": report.newest}
    message = " ".join([message, *report.remarks[:2]])
    if report.problems:
        return warn(message, " ".join(report.problems))
    return good(message)


def check_mail() -> CheckResult:
    """Check that mail is sent by a server, not printed to the log."""
    if not is_email_configured():
        return warn(
            gettext("E-mails are only written to the log, not sent."),
            gettext("Set a mail server under Settings, or send links for new passwords and invitations yourself."),
        )
    row = None if mail_server.is_of_environment() else mail_server.load_mail_server()
    host = row.host if row else settings.EMAIL_HOST
    return good(gettext("E-mails are sent through %(email_host)s.") % {"email_host": host})


def check_site_url() -> CheckResult:
    """Check that passwords travel encrypted, or that the site is local."""
    host = urlsplit(settings.SITE_URL).hostname
    if settings.SECURE:
        return good(gettext("Users connect to %(site_url)s, encrypted.") % {"site_url": settings.SITE_URL})
    if host in {"localhost", "127.0.0.1", "::1"}:
        return good(gettext("%(site_url)s can be opened on this machine only.") % {"site_url": settings.SITE_URL})
    return warn(
        gettext("Users connect to %(site_url)s, and passwords are sent unencrypted.") % {"site_url": settings.SITE_URL},
        gettext("Set up a proxy with a certificate, and set SITE_URL to its https:// address."),
    )


def describe_duration(seconds: float) -> str:
    """Return a duration in words: "5 minutes"; seconds below a minute."""
    now = timezone.now()
    return (
        timesince(now - timedelta(seconds=seconds), now).replace("\xa0", " ") if seconds >= 60 else f"{seconds:.0f} s"
    )
