"""Chat models that administrators add on the page: services that change them, and the copy that every process reads.

Entry points: `add_server`, `change_server`, `remove_server`, `add_model`, `change_model`, `remove_model`,
`restrict_model`, and `load_page_models`, which `apps.engines.registry` asks. Changes hold in every process within
MODEL_SERVERS_S seconds, without a restart; running answers keep the engine they have. `check_url` and `resolve_host`
decide where a server may be: on the public web, or at an address that LLM_HOSTS lists.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, close_old_connections, transaction
from django.utils.translation import gettext

from apps.conversations.models import Assistant, Conversation
from apps.conversations.models.model_server import HelperServer, ModelServer, RestrictedModel, ServedModel
from apps.documents.models import Collection
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN, PageModels, is_outside_address
from apps.engines.types import ModelAbilities, ModelInfo
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.gate.web_addresses import FetchRefused, WebAddress, parse_address, resolve_address
from apps.safety.policy import separation_of_duties
from apps.users.models import User

log = logging.getLogger(__name__)

ASK_S = 45.0  # seconds within which a server must say what it serves, and what a model can do
EDITS = "edits"  # form of a picture server that also redraws parts of pictures
MAX_SERVERS, MAX_MODELS = 20, 100
_WAIT_S = 0.5  # seconds that a caller waits for the first copy, or for one in place of an old one
_OLD = 5  # times MODEL_SERVERS_S: an older copy is not used while the next one is read
_LINK_LOCAL = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "168.63.129.16/32")))  # clouds' own


# --- addresses ------------------------------------------------------------------------------------


def check_url(text: str) -> str:
    """Return the address in canonical form, without a slash at the end. Raise ActionRefused if it is not allowed.

    Public servers need https, so that no key crosses the internet in the clear. Others need an entry in LLM_HOSTS.
    """
    try:
        address = parse_address(text.strip(), settings.LLM_HOSTS)
        resolve_host(address.host, address.port)
    except FetchRefused as error:
        raise ActionRefused(
            gettext(
                "This address cannot be used. Enter the https:// address of a public server, or have the operator list "
                "the host and port in LLM_HOSTS."
            )
        ) from error
    if address.scheme == "http" and not _is_listed(address.host, address.port):
        raise ActionRefused(gettext("A server on the internet needs an https:// address."))
    return address.text.rstrip("/")


def resolve_host(host: str, port: int) -> list[str]:
    """Return the IP addresses to connect to. Raise FetchRefused for one that is neither public nor in LLM_HOSTS.

    Called again for each connection, so a name that later points elsewhere is refused then.
    """
    if (host, port) not in settings.LLM_HOSTS:
        return resolve_address(WebAddress("https", host, port, "/"), settings.LLM_HOSTS)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FetchRefused(gettext("There is no server with this name.")) from error
    ips = list(dict.fromkeys(str(place[0]).partition("%")[0] for *_, place in found))
    if any(ipaddress.ip_address(ip) in network for ip in ips for network in _LINK_LOCAL):
        raise FetchRefused(gettext("There is no server with this name."))
    return ips


def _is_listed(host: str, port: int) -> bool:
    return (host, port) in settings.LLM_HOSTS or (host, port) in settings.FETCH_ALSO


# --- changes --------------------------------------------------------------------------------------


def add_server(by: User, *, name: str, url: str, key: str) -> ModelServer:
    """Store a server whose address `check_url` allowed, with audit entry. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    if ModelServer.objects.count() >= MAX_SERVERS:
        raise ActionRefused(gettext("There are too many servers already. Remove one first."))
    with transaction.atomic():
        row = ModelServer.objects.create(
            name=name, url=url, key=key, outside=is_outside_address(url, settings.LLM_HOSTS)
        )
        _record("server.added", by, row, after=url)
    refresh_page_models()
    return row


def change_server(by: User, row: ModelServer, **changes: Any) -> None:
    """Change fields of the server, with audit entry; a `key` is written and never read. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        before = _describe_server(row)
        for field, value in changes.items():
            setattr(row, field, value)
        row.save(update_fields=list(changes))
        _record("server.changed", by, row, before=before, after=_describe_server(row))
    refresh_page_models()


def remove_server(by: User, row: ModelServer) -> None:
    """Remove the server with its models, with audit entry. Running answers go on. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        _record("server.removed", by, row, before=row.url)
        row.delete()
    refresh_page_models()


def add_model(by: User, server: ModelServer, offered: ModelInfo, abilities: ModelAbilities) -> ServedModel:
    """Offer a model of the server to everyone, with audit entry. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    if ServedModel.objects.count() >= MAX_MODELS:
        raise ActionRefused(gettext("There are too many models already. Remove one first."))
    with transaction.atomic():
        row = ServedModel.objects.create(
            server=server, served_name=offered.name, name=_find_free_name(offered.name),
            position=ServedModel.objects.count(), tools=abilities.tools, pictures=abilities.pictures,
            reasoning=ServedModel.Reasoning.YES if abilities.reasoning else ServedModel.Reasoning.NONE,
        )  # fmt: skip
        _record("model.added", by, row, after=server.name)
    refresh_page_models()
    return row


def change_model(by: User, row: ServedModel, changes: Mapping[str, Any]) -> None:
    """Change fields of the model and its groups, with audit entry. Raise ActionRefused.

    A new default takes the place of the former one.
    """
    separation_of_duties.require_administrator(by)
    changes = dict(changes)
    groups = changes.pop("groups", None)
    with transaction.atomic():
        if changes.get("is_default"):
            ServedModel.objects.exclude(pk=row.pk).filter(is_default=True).update(is_default=False)
        before, former_name = _describe_model(row), row.name
        for field, value in changes.items():
            setattr(row, field, value)
        row.save()
        if groups is not None:
            row.groups.set(groups)
        if row.name != former_name:  # chats and assistants that chose it keep it
            for model in (Conversation, Assistant):
                model._default_manager.filter(model=former_name).update(model=row.name)
        _record("model.changed", by, row, before=before, after=_describe_model(row))
    refresh_page_models()


def remove_model(by: User, row: ServedModel) -> None:
    """Offer the model no longer, with audit entry. Running answers go on. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        _record("model.removed", by, row, before=row.server.name)
        row.delete()
    refresh_page_models()


def restrict_model(by: User, name: str, groups: Iterable[Group] | None) -> None:
    """Offer a model of the environment to these groups alone, with audit entry; None: to everyone. Raise ActionRefused.

    The main model answers where nothing else can, so it stays for everyone.
    """
    separation_of_duties.require_administrator(by)
    if name == MAIN or name not in settings.CHATS:
        raise ActionRefused(gettext("Only the models of LLM_MORE can be restricted to groups."))
    with transaction.atomic():
        row = RestrictedModel.objects.filter(name=name).first()
        before = _describe_restriction(row)
        if groups is None:
            RestrictedModel.objects.filter(name=name).delete()
            row = None
        else:
            row = row or RestrictedModel.objects.create(name=name)
            row.groups.set(groups)
        audit.record_event(
            "model.changed", actor=by, subject=f"models {name}", name=name, before=before,
            after=_describe_restriction(row),
        )  # fmt: skip
    refresh_page_models()


def is_name_taken(name: str, row: ServedModel | None = None) -> bool:
    """Return whether another model, of the page or of the environment, has this name, ignoring case."""
    taken = {MAIN, "openbook", *settings.CHATS, *(model["ABOUT"]["label"] for model in settings.CHATS.values())}
    others = ServedModel.objects.filter(name__iexact=name)
    return (
        name.casefold() in {one.casefold() for one in taken}
        or (others.exclude(pk=row.pk) if row is not None else others).exists()
    )


def _find_free_name(served_name: str) -> str:
    """Return the last part of the served name, with a number if another model has it."""
    base = served_name.rstrip("/").rpartition("/")[2][:50] or served_name[:50]
    names = (base, *(f"{base} {number}" for number in range(2, MAX_MODELS + 2)))
    return next(name for name in names if not is_name_taken(name))


def _describe_server(row: ModelServer) -> str:
    marks = [row.url, "outside" if row.outside else "inside", "on" if row.enabled else "off"]
    return ", ".join([*marks, "with a key"] if row.key else marks)


def _describe_model(row: ServedModel) -> str:
    who = "everyone" if row.for_everyone else _describe_groups(row.groups)
    return ", ".join([row.name, "on" if row.enabled else "off", *(["default"] if row.is_default else []), who])


def _describe_restriction(row: RestrictedModel | None) -> str:
    return _describe_groups(row.groups) if row else "everyone"


def _describe_groups(groups: Any) -> str:
    return f"groups: {', '.join(sorted(groups.values_list('name', flat=True))) or 'none'}"


def _record(kind: str, by: User, row: ModelServer | ServedModel, before: str = "", after: str = "") -> None:
    audit.record_event(kind, actor=by, subject=f"models {row.pk}", name=row.name, before=before, after=after)


# --- asking a server ------------------------------------------------------------------------------


async def ask_models(url: str, key: str) -> list[ModelInfo]:
    """Return the models that the server lists. Raise EngineError, which never names the key."""
    async with asyncio.timeout(ASK_S):
        found: list[ModelInfo] = await _make_engine(url, key, "").list_models()
    return found


async def ask_abilities(url: str, key: str, served_name: str) -> ModelAbilities:
    """Return what the model can do, by short requests that use it. Raise EngineError."""
    async with asyncio.timeout(ASK_S):
        found: ModelAbilities = await _make_engine(url, key, served_name).detect_abilities()
    return found


def _make_engine(url: str, key: str, served_name: str) -> Any:
    return registry.build_chat_engine(_make_config(url, key, served_name, {"server": url}))


# --- the copy of each process ---------------------------------------------------------------------


@dataclass(slots=True)
class _Copy:
    models: PageModels = field(default_factory=PageModels)
    loaded: float = float("-inf")
    reading: Future[None] | None = None


_copy = _Copy()
_threads: dict[int, ThreadPoolExecutor] = {}  # by process id: a forked process has none of its parent's threads


def load_page_models() -> PageModels:
    """Return the models of the page as they were at most some seconds ago. Callable from event loops and any thread.

    The database is read in a thread of its own. A caller waits for it only if the copy is old, half a second at most.
    """
    age = time.monotonic() - _copy.loaded
    if age > settings.MODEL_SERVERS_S:
        if _copy.reading is None or _copy.reading.done():
            pid = os.getpid()
            executor = _threads.setdefault(pid, ThreadPoolExecutor(1, thread_name_prefix="models"))
            _copy.reading = executor.submit(_refresh_in_thread)
        if age >= _OLD * settings.MODEL_SERVERS_S:
            with suppress(WaitTimeoutError):
                _copy.reading.result(_WAIT_S)
    return _copy.models


def refresh_page_models() -> None:
    """Read the models from the database now. For threads that may use the database."""
    _copy.models, _copy.loaded = _read_page_models(), time.monotonic()


def reset_page_models() -> None:
    """Forget the copy (tests)."""
    _copy.models, _copy.loaded = PageModels(), time.monotonic()


def _refresh_in_thread() -> None:
    close_old_connections()
    try:
        refresh_page_models()
    except (DatabaseError, ImproperlyConfigured) as error:  # the copy stays; before the first migration it is empty
        _copy.loaded = time.monotonic()
        log.debug("The models of the page could not be read: %s", type(error).__name__)
    finally:
        close_old_connections()


def _read_page_models() -> PageModels:
    rows = ServedModel.objects.filter(enabled=True, server__enabled=True).select_related("server")
    default, configs = "", {}
    for row in rows.prefetch_related("groups"):
        server = row.server
        if not _may_connect(server.url):
            continue  # the operator took it out of LLM_HOSTS
        about = {
            "label": row.name, "server": server.url, "streams": max(1, settings.LLM_STREAMS),
            "supports_reasoning": bool(row.reasoning), "supports_tools": row.tools, "supports_pictures": row.pictures,
            "outside": server.outside, "description": row.description,
            "groups": None if row.for_everyone else frozenset(group.pk for group in row.groups.all()),
        }  # fmt: skip
        configs[row.name] = _make_config(
            server.url, server.usable_key, row.served_name, about, context_tokens=row.context_tokens, tools=row.tools,
            reasons=row.reasoning,
        )  # fmt: skip
        default = row.name if row.is_default and not settings.DEFAULT_MODEL_IS_FIXED else default
    helpers = [row for row in HelperServer.objects.all() if _may_connect(row.url) and may_read_all(row.url)]
    return PageModels(configs, default, _read_restrictions(), {row.kind: make_helper_config(row) for row in helpers})


def may_read_all(url: str) -> bool:
    """Return whether a server at this address may be sent texts of every collection: not if it is outside the house and
    some collection must not leave it."""
    outside = is_outside_address(url, settings.LLM_HOSTS)
    return not (outside and Collection.objects.filter(inside_only=True).exists())


def make_helper_config(row: HelperServer) -> dict[str, Any]:
    """Return class and options of a judge, guard or picture server, as in `settings.ENGINES`."""
    if row.kind == HelperServer.Kind.IMAGE:
        drawn = {"url": row.url, "model": row.model, "api_key": row.usable_key, "edits": row.form == EDITS}
        return {"BACKEND": "apps.engines.image.openai.OpenAIPainter", "OPTIONS": {**drawn, "resolve": resolve_host}}
    given = {"url": row.url, "model": row.model, "form": row.form, "api_key": row.usable_key, "resolve": resolve_host}
    if row.kind == HelperServer.Kind.JUDGE:
        options = {**given, "timeout_s": float(settings.SUPPORT_SECONDS)}
        return {"BACKEND": "apps.engines.judge.openai.OpenAIJudge", "OPTIONS": options}
    return {"BACKEND": "apps.engines.classify.guard_model.OpenAIGuard", "OPTIONS": given}


def _read_restrictions() -> dict[str, frozenset[int]]:
    """Return the ids of the groups that may use a model of the environment, by its name. The main model is for all."""
    rows = RestrictedModel.objects.prefetch_related("groups")
    return {row.name: frozenset(group.pk for group in row.groups.all()) for row in rows if row.name != MAIN}


def _may_connect(url: str) -> bool:
    try:
        parse_address(url, settings.LLM_HOSTS)
    except FetchRefused:
        return False
    return True


def _make_config(url: str, key: str, served_name: str, about: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    given = {"url": url, "api_key": key, "model": served_name, "tokenizer": "", "resolve": resolve_host, **options}
    return {"BACKEND": settings.MODEL_SERVER_BACKEND, "OPTIONS": given, "ABOUT": dict(about)}
