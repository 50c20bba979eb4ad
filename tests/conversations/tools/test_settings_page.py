"""The page of tools, and the choice of them in the form of an assistant."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.test import Client

from apps.conversations.models import Assistant, ToolServer, ToolSetting
from apps.conversations.tools.availability import get_permitted_tools
from apps.conversations.tools.builtin.catalog import BUILTIN_TOOLS
from apps.users.models import User
from tests.conversations.tools.conftest import MCP_SERVERS
from tests.factories import make_client, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> Client:
    client = make_client(make_user("ada", User.Role.ADMINISTRATOR))
    return client


def test_tool_permissions_set_by_an_administrator_hold(ada: Client) -> None:
    page = ada.get("/tools/").content.decode()
    assert all(tool.title in page for tool in BUILTIN_TOOLS)
    ada.post("/tools/", {"calculator": "off", "dates": "ask", "search_documents": "nonsense", "unknown": "allowed"})
    found = {
        name: item.permission for name, item in get_permitted_tools(Assistant(name="x"), User.objects.get()).items()
    }
    assert "calculator" not in found and found["dates"] == "ask" and found["search_documents"] == "allowed"
    assert not ToolSetting.objects.filter(name="unknown").exists()


def test_a_server_is_added_looked_at_switched_off_and_removed(ada: Client, settings: Any) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    page = ada.post("/tools/servers/", {"name": "test", "transport": "stdio", "command": "real"}, follow=True)
    assert "test: Add numbers" in page.content.decode()
    server = ToolServer.objects.get()
    assert get_permitted_tools(Assistant(name="x"), User.objects.get())["test__add"].permission == "ask"
    ada.post(f"/tools/servers/{server.pk}/", {"do": "off"})
    assert "test__add" not in get_permitted_tools(Assistant(name="x"), User.objects.get())
    ToolSetting.objects.create(name="test__add", permission="allowed")
    ada.post(f"/tools/servers/{server.pk}/", {"do": "remove"})
    assert not ToolServer.objects.exists() and not ToolSetting.objects.exists()
    assert ada.post(f"/tools/servers/{server.pk}/", {"do": "look"}).status_code == 404


def test_allowing_a_tool_that_may_change_something_warns(ada: Client, settings: Any) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    ada.post("/tools/servers/", {"name": "test", "transport": "stdio", "command": "real"})
    page = ada.get("/tools/").content.decode()
    assert page.count("it only reads.") == 1 and page.count("it may change or delete something.") == 1
    assert page.count("Does not declare whether") == page.count("without asking.") - 2 > 0
    said = ada.post("/tools/", {"test__add": "allowed", "calculator": "allowed"}, follow=True).content.decode()
    assert "From now on" not in said
    said = ada.post("/tools/", {"test__erase": "allowed", "test__hang": "allowed"}, follow=True).content.decode()
    assert said.count("From now on models use “test: Erase” without asking") == 1
    assert said.count("From now on models use “test: hang” without asking") == 1
    again = ada.post("/tools/", {"test__erase": "allowed"}, follow=True).content.decode()
    assert "From now on" not in again, "that is known"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"transport": "http", "address": "http://127.0.0.1:6379/"}, "cannot be fetched"),
        ({"transport": "http", "address": ""}, "cannot be fetched"),
        ({"transport": "stdio", "command": "/bin/sh"}, "Select a valid choice"),
        ({"transport": "stdio"}, "Choose a program"),
        ({"transport": "stdio", "command": "real", "name": "a b"}, "valid"),
        ({"transport": "stdio", "command": "real", "name": "a__b"}, "valid"),
        ({"transport": "stdio", "command": "real", "name": "taken"}, "already"),
    ],
)  # fmt: skip
def test_invalid_tool_server_is_refused_with_a_reason(
    ada: Client, settings: Any, data: dict[str, str], words: str
) -> None:
    settings.MCP_COMMANDS = {"real": [sys.executable]}
    ToolServer.objects.create(name="taken", transport="stdio", command="real")
    answer = ada.post("/tools/servers/", {"name": "new", **data})
    assert answer.status_code == 400 and words in answer.content.decode()
    assert ToolServer.objects.count() == 1


def test_a_server_that_is_away_is_kept_with_the_reason(ada: Client, settings: Any) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    ada.post("/tools/servers/", {"name": "test", "transport": "stdio", "command": "gone"})
    assert ToolServer.objects.get().problem.startswith("The server cannot be reached")


def test_an_assistant_chooses_stricter_and_keeps_what_the_form_does_not_show(ada: Client) -> None:
    ToolSetting.objects.create(name="dates", permission="off")
    row = Assistant.objects.create(
        owner=User.objects.get(name="Ada"), name="Strict", tools={"dates": "ask", "calculator": "off"}
    )
    page = ada.get(f"/assistants/{row.pk}/").content.decode()
    assert 'name="tool_calculator"' in page and 'name="tool_dates"' not in page
    form = {"name": "Strict", "style": "automatic", "preset": "balanced", "version": "1"}
    ada.post(f"/assistants/{row.pk}/", {**form, "tool_calculator": "", "tool_read_document": "ask"})
    row.refresh_from_db()
    assert row.tools == {"dates": "ask", "read_document": "ask"} and row.version == 2
    assert ada.post(f"/assistants/{row.pk}/", {**form, "version": "2", "tool_calculator": "allowed"}).status_code == 400


def test_tool_server_texts_are_escaped_in_the_form(ada: Client) -> None:
    tool = {"as": "evil__x", "name": "x", "title": "<b>x</b>", "description": "<img src=//evil.example/x>"}
    ToolServer.objects.create(name="evil", tools=[{**tool, "parameters": {"type": "object"}}])
    for address in ("/assistants/new/", "/tools/"):
        page = ada.get(address).content.decode()
        assert "evil.example" in page and "<img src=//" not in page and "<b>x</b>" not in page
