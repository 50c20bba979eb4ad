"""Import conversations from a file of another program: store the file, and let a worker import it.

Each conversation is stored whole or not at all. Questions and answers pass the gate; withheld ones get cases as usual.
Importing a file again stores nothing twice.

Entry points: `create_import`, `run_import`, `recover_imports`.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations.errors import RequestRefused
from apps.conversations.models.import_job import ImportJob
from apps.conversations.transfer.conversation_import import ModerationUnavailable, import_conversation
from apps.documents.library.uploads import clean_file_name
from apps.lib.celery.notify import notify_worker
from apps.lib.db import leases
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.safety.detectors import malware
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.users import rate_limits
from apps.users.models import User

log = logging.getLogger(__name__)

TASK_NAME = "conversations.import"
LEASE_S = 300.0  # seconds; renewed with every conversation, the longest of which takes a minute to be judged
MAX_ATTEMPTS = 3
READ_TIMEOUT_S = 120  # seconds for parsing the file
REPORT_RETENTION_DAYS = 30  # days for which the report is kept
_ORPHAN_S = 600
_FREE_BYTES = 1024**3
_READER = "apps.conversations.transfer.formats.reader"
_LOG = "Details are in the server log."
_ENDED = "The worker stopped three times."

WAITING = ImportJob.Status.WAITING


class ImportLeaseLost(Exception):
    """Raised if another worker has taken the import, or its user was suspended or deleted."""


def get_import_folder() -> Path:
    """Return the folder of uploaded import files."""
    return Path(settings.DATA_DIR) / "imports"


def get_stored_path(row: ImportJob) -> Path:
    """Return the path of the uploaded file of this import."""
    return get_import_folder() / row.pk.hex


def create_import(user: User, file: UploadedFile[bytes]) -> ImportJob:
    """Store the file and its row, consume one upload of the rate limit, and notify a worker after commit.

    The user may have one import at a time. Raise RequestRefused (restricted, empty, too large, disk full, malware,
    another import) and RateLimited; the file is then removed.
    """
    size = file.size or 0
    if words := restriction_message(user, Feature.UPLOADS):
        raise RequestRefused(words)
    if not size:
        raise RequestRefused(gettext("This file is empty. Check that it was saved, and upload it again."))
    if size > settings.MAX_UPLOAD_BYTES:
        raise RequestRefused(
            gettext("This file is larger than %(megabytes)s MB. Split it into smaller ones.")
            % {"megabytes": settings.MAX_UPLOAD_BYTES // 1024**2}
        )
    get_import_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(get_import_folder()).free - size < _FREE_BYTES:
        raise RequestRefused(gettext("The server's disk is nearly full. Tell an administrator."))
    if words := malware.scan_file(file, user.pk):
        raise RequestRefused(words)
    row = ImportJob(owner=user, name=clean_file_name(file.name or ""))
    try:
        _write(file, get_stored_path(row))
        with transaction.atomic():
            rate_limits.consume(user, rate_limits.LimitedResource.UPLOADS)
            row.save(force_insert=True)
            transaction.on_commit(lambda: notify_worker(TASK_NAME, row.pk), robust=True)
    except IntegrityError as error:
        get_stored_path(row).unlink(missing_ok=True)
        raise RequestRefused(gettext("Another of your files is being imported. Wait until it is done.")) from error
    except BaseException:
        get_stored_path(row).unlink(missing_ok=True)
        raise
    return row


def run_import(pk: str) -> None:
    """Import the file, in a worker that claims its lease; each conversation is stored once.

    Unexpected errors are raised and retried by `recover_imports`, three attempts in all; then the import fails.
    """
    token = leases.claim(_filter_active().filter(attempts__lt=MAX_ATTEMPTS), pk, LEASE_S)
    row = ImportJob.objects.select_related("owner").filter(pk=pk, lease_token=token).first() if token else None
    if row is None or token is None:
        return
    try:
        _import_file(row, token)
        _release_lease(row, token, ImportJob.Status.DONE)
    except ImportLeaseLost:
        log.info("An import is done by another worker, or its person is gone")
    except (ParseError, runner.ParserCrashed) as error:
        _release_lease(row, token, ImportJob.Status.FAILED, str(error))
    except FileNotFoundError:
        reason = gettext("The file is no longer available. Upload it again.")
        _release_lease(row, token, ImportJob.Status.FAILED, reason)
    except Exception as error:
        if row.attempts >= MAX_ATTEMPTS:
            reason = _broken(str(error) if isinstance(error, ModerationUnavailable) else _LOG)
            _release_lease(row, token, ImportJob.Status.FAILED, reason)
        raise


def recover_imports() -> None:
    """Notify workers of waiting imports; fail those whose worker died three times; delete old reports and orphaned
    files.

    Periodic job of the worker.
    """
    now = timezone.now()
    rows = ImportJob.objects.filter(status=WAITING)
    free = leases.list_free(_filter_active().filter(attempts__lt=MAX_ATTEMPTS))
    for pk in free.values_list("pk", flat=True)[:4]:
        notify_worker(TASK_NAME, pk)
    dead = leases.list_expired(rows.filter(attempts__gte=MAX_ATTEMPTS))
    dead.update(status=ImportJob.Status.FAILED, ended=now, reason=_broken(_ENDED))
    ImportJob.objects.filter(ended__lt=now - timedelta(days=REPORT_RETENTION_DAYS)).delete()
    for path in get_import_folder().iterdir() if get_import_folder().is_dir() else ():
        waits = len(path.name) == 32 and rows.filter(pk=path.name).exists()
        if not waits and time.time() - path.stat().st_mtime > _ORPHAN_S:
            path.unlink(missing_ok=True)


def _import_file(row: ImportJob, token: str) -> None:
    """Import each conversation in a transaction of its own with its line of the report; a crash loses only one."""
    done = set(row.items.values_list("position", flat=True))
    with tempfile.TemporaryFile() as lines:
        total = _read(row, lines)
        _renew_lease(row, token, total=total)
        for position, line in enumerate(lines):
            if position not in done:
                import_conversation(row, position, orjson.loads(line), lambda: _renew_lease(row, token))


def _read(row: ImportJob, lines: Any) -> int:
    """Parse the whole file in a child process into `lines`, before anything is stored.

    Return the number of conversations.
    """
    total, options = 0, {"module": _READER}
    limits = {"seconds": READ_TIMEOUT_S, "memory_bytes": settings.PARSE_MEMORY_BYTES}
    for answer in runner.stream_task("read", get_stored_path(row), options, **limits):
        if answer is not None and "total" in answer:
            total = int(answer["total"])
        elif answer is not None:
            lines.write(orjson.dumps(answer) + b"\n")
    lines.seek(0)
    return total


def _filter_active() -> QuerySet[ImportJob]:
    """Return the waiting imports of active users; those of suspended users wait until they are reinstated."""
    return ImportJob.objects.filter(status=WAITING, owner__in=User.objects.filter(is_active=True))


def _renew_lease(row: ImportJob, token: str, **changes: Any) -> None:
    """Renew the lease. Raise ImportLeaseLost."""
    if not leases.renew(_filter_active(), row.pk, token, LEASE_S, **changes):
        raise ImportLeaseLost


def _release_lease(row: ImportJob, token: str, status: str, reason: str = "") -> None:
    if leases.release(ImportJob.objects.all(), row.pk, token, status=status, reason=reason[:400], ended=timezone.now()):
        get_stored_path(row).unlink(missing_ok=True)


def _broken(why: str) -> str:
    """Return the reason of a failure, one sentence per line; each is translated when shown."""
    rest = "The conversations in the list were imported. Upload the file again to import the rest."
    return "\n".join(("The import could not be finished.", why, rest))


def _write(file: UploadedFile[bytes], path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for part in file.chunks():
            out.write(part)
        out.flush()
        os.fsync(out.fileno())
