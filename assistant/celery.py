"""Celery application: `celery -A assistant worker`."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_init
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from django.conf import settings  # (the settings module must be named first)

log = logging.getLogger(__name__)

TRANSPORT_ALIASES["filesystem"] = "apps.lib.celery.filesystem_broker:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "apps.lib.celery.redis_broker:RedisTransport"
app = Celery("assistant")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def _chores(**_: object) -> None:
    """Register the periodic jobs of other apps with the worker of documents, which does not import them."""
    from apps.documents.ingestion import worker
    from apps.images.generation import scheduler
    from apps.operations.backups import schedule

    worker.periodic_jobs += [scheduler.sweep_queue, schedule.start_due_backup]


@worker_init.connect(dispatch_uid="safety.policy")
def load_policy(**_: object) -> None:
    """Load the site's policy before the worker takes its first task, which would otherwise be judged by the default
    policy."""
    from apps.safety.policy import versions

    versions.refresh_policy()
    if not versions.is_loaded():
        log.warning("The policy could not be loaded; it is before the first text is judged.")


for _folder in ("data_folder_in", "control_folder"):
    if _folder in settings.CELERY_BROKER_TRANSPORT_OPTIONS:
        Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS[_folder]).mkdir(parents=True, exist_ok=True)
