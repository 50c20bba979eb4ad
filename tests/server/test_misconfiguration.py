"""Misconfiguration speaks at the start: each sentence names the variable and says what to write."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from assistant.env import Env, find_faults
from assistant.websocket_origins import is_allowed, list_origins


@pytest.mark.parametrize(
    "hosts",
    [
        "books.example:8443",
        "https://books.example",
        "books.example/",
        "a.example, b.example:1",
        "books example",
        "*.example",
    ],
)
def test_a_host_with_a_port_or_a_scheme_is_named_at_the_start(hosts: str) -> None:
    (fault,) = find_faults(Env.read({"ALLOWED_HOSTS": hosts}))
    assert fault.startswith("ALLOWED_HOSTS") and "Write names alone" in fault


@pytest.mark.parametrize(
    "hosts", ["", "books.example", " a.example , b.example,", ".example.org", "[2001:db8::1]", "10.0.0.5"]
)
def test_host_names_are_taken_with_spaces_around_them(hosts: str) -> None:
    assert find_faults(Env.read({"ALLOWED_HOSTS": hosts})) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "books.example"), ("SITE_URL", "ftp://books.example"), ("SITE_URL", "http://books.example:http"),
        ("EMAIL_URL", "smtp://mail.example:25x"), ("LLM_URL", "10.0.0.5:8000"), ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "postgres://me:p#word@db.example/books"), ("SIGNUP", "opne"), ("ANSWER_STYLE", "quote"),
    ],
)  # fmt: skip
def test_a_value_that_nothing_can_read_is_named_without_its_password(name: str, value: str) -> None:
    (fault,) = find_faults(Env.read({name: value}))
    assert fault.startswith(name) and "p#word" not in fault


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_UPLOAD_MB", "abc"), ("MAX_UPLOAD_MB", "9" * 5000), ("MAX_PAGES", "-1"), ("DEBUG", "ture")]
)
def test_a_bad_number_or_switch_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is ") as error:
        Env.read({name: value})
    assert len(str(error.value)) < 200


def test_the_process_ends_with_that_sentence() -> None:
    env = {**os.environ, "ALLOWED_HOSTS": "books.example:8443"}
    command = [sys.executable, "-c", "import assistant.asgi"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True)
    assert done.returncode != 0
    assert "ALLOWED_HOSTS has 'books.example:8443'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("site", "hosts", "origins"),
    [
        ("http://localhost:8000", ["localhost", "[::1]"], ["http://[::1]:8000", "http://localhost:8000"]),
        ("https://Books.example:443", ["Books.example"], ["https://books.example"]),
        ("http://books.example", ["books.example"], ["http://books.example"]),
    ],
)
def test_origins_are_written_as_browsers_write_them(site: str, hosts: list[str], origins: list[str]) -> None:
    assert list_origins(site, hosts) == origins


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://books.example:8443", True), ("https://a.library.example:8443", True),
        ("https://library.example:8443", True), ("https://books.example", False), ("http://books.example:8443", False),
        ("https://evil-library.example:8443", False),
        ("https://books.example:8443.evil.example", False), ("", False), ("null", False), ("https://", False),
    ],
)  # fmt: skip
def test_scheme_host_and_port_of_an_origin_all_count(settings, origin: str, allowed: bool) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_ORIGINS = ["https://books.example:8443", "https://.library.example:8443"]
    assert is_allowed(origin) is allowed
