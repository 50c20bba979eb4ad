"""Judge, guard and picture servers that administrators set on the page, where the environment sets none.

Entry points: `save_helper`, which first tries the server, and `remove_helper`. Every process reads them with the models
of the page (`model_servers`), so a change holds everywhere within MODEL_SERVERS_S seconds, without a restart. A server
outside the house is not asked while a collection must not leave it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from apps.conversations.core import model_servers
from apps.conversations.models import HelperServer
from apps.engines import registry
from apps.engines.judge.protocol import JudgedSource
from apps.engines.types import EngineError
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.policy import separation_of_duties
from apps.users.i18n import translate_stored
from apps.users.models import User

Kind = HelperServer.Kind


def is_of_environment(kind: str) -> bool:
    """Return whether the environment sets this server, so that the page cannot."""
    return settings.IMAGE_IS_FIXED if kind == Kind.IMAGE else bool(settings.ENGINES.get(kind))


def save_helper(by: User, row: HelperServer) -> None:
    """Try the server by a short request, store it and log that. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    if is_of_environment(row.kind):
        raise ActionRefused(gettext("The environment sets this server."))
    row.url = model_servers.check_url(row.url)
    if not model_servers.may_read_all(row.url):
        raise ActionRefused(
            gettext("There are collections that must not leave the house, and this server is outside. Choose another.")
        )
    try:
        asyncio.run(_try(row))
    except EngineError as error:
        raise ActionRefused(translate_stored(str(error))) from error
    except TimeoutError as error:
        raise ActionRefused(gettext("The model server took too long.")) from error
    with transaction.atomic():
        known = HelperServer.objects.filter(kind=row.kind).first()
        row.pk = known.pk if known else None
        row.save()
        _record(by, row.kind, before=_describe(known), after=_describe(row))
    model_servers.refresh_page_models()


def remove_helper(by: User, kind: str) -> None:
    """Remove the server and log that. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        row = HelperServer.objects.filter(kind=kind).first()
        if row is not None:
            _record(by, kind, before=_describe(row), after="")
            row.delete()
    model_servers.refresh_page_models()


async def _try(row: HelperServer) -> None:
    """Ask the server once, as a turn would; a picture server for its models, as drawing may take minutes. Raise
    ActionRefused, EngineError and TimeoutError."""
    if row.kind == Kind.IMAGE:
        if row.model not in {model.name for model in await model_servers.ask_models(row.url, row.usable_key)}:
            raise ActionRefused(gettext("The server does not list this model."))
        return
    engine = registry.build_chat_engine(model_servers.make_helper_config(row))
    async with asyncio.timeout(model_servers.ASK_S):
        if row.kind == Kind.JUDGE:
            await engine.judge([JudgedSource(1, "Gate", "The gate closes at nine.")], ["The gate closes at nine."])
        else:
            await engine.judge("When does the gate close?", False, {})


def _describe(row: HelperServer | None) -> str:
    if row is None:
        return ""
    return ", ".join([row.url, row.model, row.form, *(["with a key"] if row.key else [])])


def _record(by: User, kind: str, **facts: Any) -> None:
    audit.record_event("server.changed", actor=by, subject=f"models {kind}", name=kind, **facts)
