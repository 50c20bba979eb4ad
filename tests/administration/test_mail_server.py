"""Mail server of the page: tested before it is stored, used by every sender, its password never shown or sent on."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_string

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import Settings

from apps.lib.outgoing_email import is_email_configured
from apps.operations import mail_server
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, snapshot_keys
from apps.users.models import MailServer, SiteSettings, User
from tests.factories import make_client

pytestmark = pytest.mark.django_db
PAGE = "/administration/mail/"
PASSWORD = "Zephyrine-42"
BACKEND = "apps.operations.mail_server.PageMailBackend"


class Smtp(socketserver.StreamRequestHandler):
    """SMTP without encryption, which keeps what it was sent."""

    def handle(self) -> None:
        self.say("220 stub")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.server.mails.append("".join(lines))  # type: ignore[attr-defined]
            refused = verb == "RCPT" and "nobody" in line
            self.say("221 bye" if verb == "QUIT" else "550 no" if refused else "250 ok")

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture(autouse=True)
def _page_sends(settings: Settings) -> Iterator[None]:
    settings.EMAIL_BACKEND, settings.SITE_TEXTS_S = BACKEND, 0.0
    mail_server.reset_copy()
    yield
    mail_server.reset_copy()


@pytest.fixture
def stub(settings: Settings) -> Iterator[socketserver.TCPServer]:
    """Run a mail server that LLM_HOSTS lists."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.LLM_HOSTS = {server.server_address}
        yield server
        server.shutdown()


def fill_in(stub: socketserver.TCPServer | None = None, **fields: object) -> dict[str, object]:
    host, port = stub.server_address if stub else ("mail.example.org", 587)
    given = {
        "host": host,
        "port": port,
        "security": "none",
        "username": "",
        "password": "",
        "sender": "book@corp.example",
    }
    return given | fields


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Replace the connection by a list of what would be used and sent; every host is public."""
    found: list[dict[str, object]] = []

    def send(self: mail_server._ServerBackend, messages: list[mail.EmailMessage]) -> int:
        found.append({"host": self.host, "password": self.password, "tls": self.use_tls, "to": messages[0].to})
        return len(messages)

    monkeypatch.setattr(mail_server._ServerBackend, "send_messages", send)
    monkeypatch.setattr(mail_server, "resolve_host", lambda host, port: ["192.0.2.1"])
    return found


def test_test_mail_is_sent_before_the_server_is_stored_and_used(
    admin: Client, ada: User, stub: socketserver.TCPServer
) -> None:
    assert not is_email_configured() and "None is set" in admin.get(PAGE).content.decode()
    assert admin.post(PAGE, fill_in(stub)).status_code == 302
    (test,) = stub.mails  # type: ignore[attr-defined]
    assert (message_from_string(test)["To"], message_from_string(test)["From"]) == (ada.email, "book@corp.example")
    assert is_email_configured()
    mail.send_mail("Hello", "Text", "openbook@localhost", ["dana@example.org"])
    assert message_from_string(stub.mails[1])["From"] == "book@corp.example"  # type: ignore[attr-defined]
    assert AuditEntry.objects.get(kind="mail.changed").payload["after"].endswith("none, book@corp.example")
    assert admin.post(f"{PAGE}remove/").status_code == 302 and not is_email_configured()


def test_server_that_does_not_take_the_test_mail_is_not_stored(
    admin: Client, ada: User, stub: socketserver.TCPServer
) -> None:
    User.objects.filter(pk=ada.pk).update(email="nobody@example.org")
    page = admin.post(PAGE, fill_in(stub)).content.decode()
    assert "does not accept your address" in page and not MailServer.objects.exists()
    stub.server_close()
    stub.shutdown()
    assert "cannot be used" in admin.post(PAGE, fill_in(stub)).content.decode() and not MailServer.objects.exists()


def test_wrong_password_is_said_without_it(admin: Client, sent: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, messages: object) -> int:
        raise smtplib.SMTPAuthenticationError(535, PASSWORD.encode())

    monkeypatch.setattr(mail_server._ServerBackend, "send_messages", refuse)
    page = admin.post(PAGE, fill_in(security="starttls", username="u", password=PASSWORD)).content.decode()
    assert "does not accept user name and password" in page and PASSWORD not in page
    assert not MailServer.objects.exists()


def test_password_is_encrypted_kept_for_its_host_and_in_no_page_or_log(
    admin: Client, sent: list[dict[str, object]], caplog: pytest.LogCaptureFixture
) -> None:
    assert admin.post(PAGE, fill_in(security="starttls", username="u", password=PASSWORD)).status_code == 302
    assert (sent[-1]["password"], sent[-1]["tls"]) == (PASSWORD, True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM users_mailserver")
        (stored,) = cursor.fetchone()
    assert stored.startswith("fernet:") and PASSWORD not in stored
    assert snapshot_keys.rotate_key() == 1 and MailServer.objects.get().password == PASSWORD
    admin.post(PAGE, fill_in(security="tls", username="u", sender="new@corp.example"))
    assert sent[-1]["password"] == PASSWORD and MailServer.objects.get().sender == "new@corp.example"
    pages = [
        admin.get(path).content.decode()
        for path in (PAGE, "/settings/", "/review/log/", "/administration/environment/")
    ]
    assert not any(PASSWORD in page for page in pages) and PASSWORD not in caplog.text
    assert PASSWORD not in str(list(AuditEntry.objects.values()))
    admin.post(PAGE, fill_in(security="tls", host="evil.example.org", username="u"))
    assert sent[-1]["password"] == "" and MailServer.objects.get().password == "", (
        "another host gets no stored password"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "127.0.0.1"}, {"host": "169.254.169.254"}, {"host": "10.0.0.5"}, {"host": "localhost"},
        {"host": "mail.example.org/x"}, {"host": "user@mail.example.org"}, {"port": 0}, {"sender": "nobody"},
    ],
)  # fmt: skip
def test_address_that_is_not_listed_is_refused(admin: Client, fields: dict[str, object]) -> None:
    page = admin.post(PAGE, fill_in(security="starttls", **fields)).content.decode()
    assert ("This server cannot be used" in page or "error" in page) and not MailServer.objects.exists()


def test_password_never_travels_in_the_clear(admin: Client, sent: list[object]) -> None:
    page = admin.post(PAGE, fill_in(security="none", password=PASSWORD)).content.decode()
    assert "Without encryption only a listed server" in page and not sent


def test_name_that_points_elsewhere_later_is_refused_then(
    admin: Client, stub: socketserver.TCPServer, settings: Settings
) -> None:
    admin.post(PAGE, fill_in(stub))
    settings.LLM_HOSTS = set()
    with pytest.raises(OSError, match="cannot be fetched"):
        mail.send_mail("Hello", "Text", "openbook@localhost", ["dana@example.org"])
    assert len(stub.mails) == 1  # type: ignore[attr-defined]


def test_environment_wins_and_is_shown(admin: Client, ada: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "mail.corp.example"
    page = admin.get(PAGE).content.decode()
    assert "EMAIL_URL" in page and "mail.corp.example" in page and 'name="host"' not in page
    with pytest.raises(ActionRefused):
        mail_server.save_mail_server(ada, MailServer(host="x.example", port=25, sender="a@x.example"))
    assert is_email_configured()


def test_only_administrators_with_a_recent_password_change_it(alice: User, morgan: User, as_ada: Client) -> None:
    for user in (alice, morgan):
        assert make_client(user).get(PAGE).status_code in (403, 404)
        with pytest.raises(ActionRefused):
            mail_server.save_mail_server(user, MailServer(host="x.example", port=25, sender="a@x.example"))
        with pytest.raises(ActionRefused):
            mail_server.remove_mail_server(user)


def test_users_confirm_their_address_before_they_sign_in_with_a_mail_server(
    client: Client, sent: list[dict[str, object]]
) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"signup": SiteSettings.Signup.OPEN})
    MailServer.objects.create(pk=1, host="mail.example.org", port=587, sender="book@corp.example")
    passphrase = "a quite long passphrase"
    given = {"name": "Dana", "email": "dana@example.org", "password1": passphrase, "password2": passphrase}
    assert client.post("/accounts/signup/", given)["Location"] == "/accounts/confirm-email/"
    assert sent[-1]["to"] == ["dana@example.org"] and client.get("/collections/").status_code == 302
