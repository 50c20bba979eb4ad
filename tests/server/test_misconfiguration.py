"""Misconfiguration speaks at the start: each sentence names the variable and says what to write."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from assistant.config import moved_classes
from assistant.websocket_origins import is_allowed, list_origins
from tests.support.env_reading import read_env


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
    with pytest.raises(ImproperlyConfigured, match=r"^ALLOWED_HOSTS .*Write names alone"):
        read_env({"ALLOWED_HOSTS": hosts})


@pytest.mark.parametrize(
    ("hosts", "names"),
    [
        ("", []), ("books.example", ["books.example"]), (" a.example , b.example,", ["a.example", "b.example"]),
        (".example.org", [".example.org"]), ("[2001:db8::1]", ["[2001:db8::1]"]), ("10.0.0.5", ["10.0.0.5"]),
    ],
)  # fmt: skip
def test_host_names_are_taken_with_spaces_around_them(hosts: str, names: list[str]) -> None:
    assert names == read_env({"ALLOWED_HOSTS": hosts}).ALLOWED_HOSTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "books.example"), ("SITE_URL", "ftp://books.example"), ("SITE_URL", "http://books.example:http"),
        ("EMAIL_URL", "smtp://mail.example:25x"), ("LLM_URL", "10.0.0.5:8000"), ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "postgres://me:p#word@db.example/books"), ("SIGNUP", "opne"), ("ANSWER_STYLE", "quote"),
    ],
)  # fmt: skip
def test_a_value_that_nothing_can_read_is_named_without_its_password(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} ") as error:
        read_env({name: value})
    assert "p#word" not in str(error.value) and str(error.value).count("_URL ") <= 1


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_UPLOAD_MB", "abc"), ("MAX_UPLOAD_MB", "9" * 5000), ("MAX_PAGES", "-1"), ("DEBUG", "ture")]
)
def test_a_bad_number_or_switch_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is ") as error:
        read_env({name: value})
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LLM_MORE", "[", "must be JSON"),
        ("LLM_MORE", '[{"name": "Big"}]', "entry 1, “url” is missing"),
        ("MCP_COMMANDS", '{"files": []}', "“files” .*at least 1 item"),
        ("MCP_COMMANDS", '["files"]', "must be an object"),
        ("MCP_TOKENS", '{"wiki": ["hush-1"]}', "“wiki” must be a valid string"),
        ("MCP_TOKENS", "hush-1", "must be JSON"),
    ],
)
def test_bad_json_names_its_variable_and_shows_an_example_without_the_value(name: str, value: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name}.*{words}.*An example: ") as error:
        read_env({name: value})
    assert "hush-1" not in str(error.value)


@pytest.mark.parametrize("places", ["127.0.0.1", ":9000", "127.0.0.1:http"])
def test_a_place_of_a_tool_server_is_address_and_port(places: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^MCP_HOSTS must be IP:port"):
        read_env({"MCP_HOSTS": places})
    assert {("127.0.0.1", 9000), ("::1", 80)} == read_env({"MCP_HOSTS": "127.0.0.1:9000, [::1]:80"}).MCP_HOSTS


def test_settings_faults_are_all_named_at_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="MAX_PAGES is") as error:
        read_env({"MAX_PAGES": "many", "SIGNUP": "opne"})
    assert "SIGNUP is 'opne' and must be 'open', 'invitation' or 'closed'." in str(error.value)


def test_an_empty_variable_is_its_default_and_an_empty_switch_is_off() -> None:
    env = read_env({"EMAIL_FROM": "", "MAX_PAGES": " ", "SIGNUP": "", "DATA_DIR": "", "WEB_PAGES": "", "LLM_MORE": ""})
    assert (env.EMAIL_FROM, env.MAX_PAGES, env.SIGNUP, env.LLM_MORE) == ("openbook@localhost", 3000, "invitation", [])
    assert env.DATA_DIR == read_env().DATA_DIR
    assert env.WEB_PAGES is False and read_env().WEB_PAGES is True


def test_a_switch_takes_the_usual_words_and_a_forgotten_variable_is_ignored() -> None:
    assert [read_env({"TITLES": word}).TITLES for word in ("1", " true ", "YES", "on")] == [True] * 4
    assert [read_env({"TITLES": word}).TITLES for word in ("0", "False", "no", "off ")] == [False] * 4
    assert not hasattr(read_env({"BEAMS": "8", "titles": "0"}), "BEAMS")
    assert read_env({"titles": "0"}).TITLES is True


def test_a_secret_stays_out_of_the_representation() -> None:
    env = read_env({"LLM_API_KEY": "hush-1", "SECRET_KEY": "hush-1" * 9, "MCP_TOKENS": '{"wiki": "hush-1"}'})
    assert env.LLM_API_KEY == "hush-1" and env.MCP_TOKENS == {"wiki": "hush-1"} and "hush-1" not in repr(env)


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("apps.engines.embed.sentence.SentenceEmbed", "EMBED_BACKEND",
         "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder"),
        ("apps.engines.classify.tagger.PersonalTagger", "TAGGER_BACKEND", "apps.engines.classify.pii_tagger.PiiTagger"),
        ("apps.engines.index.milvus.MilvusIndex", "INDEX_BACKEND", "apps.engines.index.milvus.engine.MilvusIndex"),
    ],
)  # fmt: skip
def test_the_old_path_of_a_class_that_moved_still_starts_with_a_warning(old: str, name: str, new: str) -> None:
    code = f"import assistant.settings as s; print(getattr(s.ENV, {name!r}), s.ENGINES['embed']['BACKEND'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env={**os.environ, name: old}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split()[0] == new
    assert f"{old} is called {new} now" in done.stderr


def test_moved_classes_are_there_under_their_new_path() -> None:
    for path in moved_classes.MOVED.values():
        module, _, name = path.rpartition(".")
        assert f"class {name}" in (settings.BASE_DIR / f"{module.replace('.', '/')}.py").read_text()


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
