"""Mail server that administrators set on the page: services that change it, and the backend that sends by it.

Entry points: `save_mail_server`, which first sends a test mail, and `remove_mail_server`. `PageMailBackend` is Django's
backend where EMAIL_URL is empty; without a row it prints mail to the log. Where a server may be is decided as for model
servers: on the public internet, or listed in LLM_HOSTS. Each process reads the row again after SITE_TEXTS_S seconds.
"""

from __future__ import annotations

import smtplib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as ConsoleBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.db import DatabaseError, transaction
from django.utils.translation import gettext

from apps.conversations.core.model_servers import resolve_host
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.gate.web_addresses import FetchRefused
from apps.safety.policy import separation_of_duties
from apps.users.models import MailServer, User

Security = MailServer.Security
TEST_S = 15  # seconds within which a server must take the test mail


@dataclass(slots=True)
class _Copy:
    row: MailServer | None = None
    read_at: float = float("-inf")


_copy = _Copy()


def is_of_environment() -> bool:
    """Return whether EMAIL_URL sets the mail server, so that the page cannot."""
    return not settings.EMAIL_BACKEND.endswith(PageMailBackend.__name__)


def load_mail_server() -> MailServer | None:
    """Return the server as it was at most SITE_TEXTS_S ago; None for none. For threads that may use the database."""
    if time.monotonic() - _copy.read_at > settings.SITE_TEXTS_S:
        try:
            _copy.row, _copy.read_at = MailServer.objects.filter(pk=1).first(), time.monotonic()
        except DatabaseError:  # before the first migration, or the database is away: as before
            return _copy.row
    return _copy.row


def reset_copy() -> None:
    """Make the next reader of this process read the row."""
    _copy.row, _copy.read_at = None, float("-inf")


def save_mail_server(by: User, row: MailServer) -> None:
    """Send a test mail to the administrator by the server, store it and log that. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    if is_of_environment():
        raise ActionRefused(gettext("EMAIL_URL sets the mail server."))
    _require_allowed(row)
    _send_test(by, row)
    with transaction.atomic():
        before = _describe(MailServer.objects.filter(pk=1).first())
        row.pk = 1
        row.save()
        audit.record_event("mail.changed", actor=by, subject="settings", before=before, after=_describe(row))
    reset_copy()


def remove_mail_server(by: User) -> None:
    """Remove the server and log that; mail is then printed to the log. Raise ActionRefused."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        row = MailServer.objects.filter(pk=1).first()
        if row is not None:
            audit.record_event("mail.changed", actor=by, subject="settings", before=_describe(row), after="")
            row.delete()
    reset_copy()


def _require_allowed(row: MailServer) -> None:
    """Raise ActionRefused if the server is not public and not in LLM_HOSTS, or a password would travel in the clear."""
    try:
        resolve_host(row.host, row.port)
    except FetchRefused as error:
        raise ActionRefused(
            gettext(
                "This server cannot be used. Enter a public one, or have the operator list host and port in LLM_HOSTS."
            )
        ) from error
    if row.security == Security.NONE and (row.password or (row.host, row.port) not in settings.LLM_HOSTS):
        raise ActionRefused(
            gettext("Without encryption only a listed server of your network is used, without a password.")
        )


def _send_test(by: User, row: MailServer) -> None:
    message = EmailMessage(
        f"[Openbook] {gettext('Test mail')}",
        gettext("This mail server works. Openbook sends links and notices by it."), row.sender, [by.email],
    )  # fmt: skip
    try:
        _ServerBackend(row, timeout=TEST_S).send_messages([message])
    except smtplib.SMTPAuthenticationError as error:
        raise ActionRefused(gettext("The mail server does not accept user name and password.")) from error
    except smtplib.SMTPSenderRefused as error:
        raise ActionRefused(gettext("The mail server does not accept the sender.")) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise ActionRefused(gettext("The mail server does not accept your address.")) from error
    except OSError as error:  # base of smtplib's and ssl's errors
        words = gettext("The mail server cannot be used: %(error)s")
        raise ActionRefused(words % {"error": type(error).__name__}) from error


def _describe(row: MailServer | None) -> str:
    if row is None:
        return ""
    marks = [str(row), row.security, row.sender, *(["with a password"] if row.password else [])]
    return ", ".join(marks)


def _connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to an address that is allowed now: a name may point elsewhere than when it was stored."""
    try:
        found = resolve_host(host, port)
    except FetchRefused as error:
        raise OSError(str(error)) from error
    return socket.create_connection((found[0], port), timeout)


class _Smtp(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _connect(host, port, timeout)


class _SmtpOverTls(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(_connect(host, port, timeout), server_hostname=host)


class _ServerBackend(SmtpBackend):
    """Backend that sends by one server."""

    def __init__(self, row: MailServer, **options: Any) -> None:
        super().__init__(
            host=row.host, port=row.port, username=row.username, password=row.usable_password,
            use_tls=row.security == Security.STARTTLS, use_ssl=row.security == Security.TLS, **options,
        )  # fmt: skip

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SmtpOverTls if self.use_ssl else _Smtp


class PageMailBackend:
    """Backend that sends by the server of the page, from its sender; without one it prints mail to the log."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        self.fail_silently = fail_silently

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        """Send the messages and return how many were sent. Raise OSError unless `fail_silently`."""
        row = load_mail_server()
        if row is None:
            return ConsoleBackend(fail_silently=self.fail_silently).send_messages(messages) or 0
        for message in messages:
            if message.from_email == settings.DEFAULT_FROM_EMAIL:
                message.from_email = row.sender
        backend = _ServerBackend(row, fail_silently=self.fail_silently, timeout=settings.EMAIL_TIMEOUT)
        return backend.send_messages(messages) or 0

    def open(self) -> None:
        """Return at once: each call of `send_messages` opens its own connection."""

    def close(self) -> None:
        """Return at once."""
