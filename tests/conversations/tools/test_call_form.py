"""The form behind "/": the arguments of a tool by its schema, and the line that calls it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.test import Client

from apps.conversations.models import Assistant, ToolServer, ToolSetting
from apps.conversations.tools import slash_commands
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Such as <b>Kiel</b>"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "wind": {"type": "boolean"},
        "hours": {"type": "array", "items": {"type": "string"}},
        "more": {"$ref": "http://127.0.0.1:1/schema.json"},
    },
    "required": ["city", "unit"],
}
FORECAST = "/tools/weather__forecast/call/"


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def server() -> ToolServer:
    said = {"as": "weather__forecast", "name": "forecast", "title": "Forecast", "description": "What is ahead.",
            "parameters": SCHEMA, "hint": "reads"}  # fmt: skip
    return ToolServer.objects.create(name="weather", address="https://weather.example/mcp", tools=[said])


def sent(client: Client, address: str = FORECAST, **given: str) -> Any:
    return client.post(address, {f"argument-{name}": value for name, value in given.items()})


def test_call_form_has_a_field_of_its_kind_for_every_argument(signed_in: Client, server: ToolServer) -> None:
    page = signed_in.get(FORECAST).content.decode()
    assert "Such as &lt;b&gt;Kiel" in page and "<b>Kiel" not in page
    assert 'type="number" name="argument-days" min="1" max="7"' in page
    assert page.count("<option") == 2 + 3 and "One per line." in page and "Written as JSON." in page


def test_call_form_input_becomes_the_command_line(signed_in: Client, server: ToolServer) -> None:
    given = {
        "city": "\uff22onn\nBeuel",
        "days": "3",
        "unit": "celsius",
        "wind": "false",
        "hours": "8\r\n12\r\n",
        "more": "",
    }
    command = sent(signed_in, **given).json()["command"]
    read = slash_commands.parse_command(f"{command}\nShall I take a coat?")
    assert read is not None and (read.tool, read.question) == ("weather__forecast", "Shall I take a coat?")
    wanted = {"city": "Bonn\nBeuel", "days": 3, "unit": "celsius", "wind": False, "hours": ["8", "12"]}
    assert orjson.loads(read.words) == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"city": "Kiel", "unit": "celsius", "days": "9"}, "less than or equal to 7"),
        ({"unit": "celsius"}, "This field is required"),
        ({"city": "Kiel", "unit": "kelvin"}, "not one of the available choices"),
        ({"city": "Kiel", "unit": "celsius", "more": "{"}, "valid JSON"),
        ({"city": "x" * 20_000, "unit": "celsius"}, "Too many characters"),
    ],
)
def test_call_form_errors_stand_beside_the_fields(
    signed_in: Client, server: ToolServer, given: dict[str, str], words: str
) -> None:
    answer = sent(signed_in, **given)
    assert answer.status_code == 422 and words in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "given", "command"),
    [
        ("calculator", {"expression": "6 * 7"}, "/calc 6 * 7"),
        ("search_documents", {"query": "{bees}"}, '/search {"query":"{bees}"}'),
        ("read_document", {"title": "Bees", "page": "2"}, '/read {"title":"Bees","page":2}'),
        ("dates", {"expression": "today"}, "/date today"),
    ],
)
def test_builtin_tools_have_a_call_form(signed_in: Client, name: str, given: dict[str, str], command: str) -> None:
    assert sent(signed_in, f"/tools/{name}/call/", **given).json() == {"command": command}


@pytest.mark.parametrize("properties", [{}, [], {"a": "no schema"}, {"a": {"type": ["string", "null"]}}])
def test_an_odd_schema_breaks_nothing(signed_in: Client, server: ToolServer, properties: Any) -> None:
    server.tools[0]["parameters"] = {"type": "object", "properties": properties, "required": "a"}
    server.save()
    assert signed_in.get(FORECAST).status_code == 200
    assert sent(signed_in).json() == {"command": "/weather__forecast"}


def test_call_form_is_offered_only_for_tools_that_may_be_called(
    signed_in: Client, alice: User, server: ToolServer
) -> None:
    assert FORECAST in signed_in.get("/").content.decode()
    # Pictures have a command of their own.
    assert "/tools/draw_picture/call/" not in signed_in.get("/").content.decode()
    strict = Assistant.objects.create(owner=alice, name="Strict", tools={"weather__forecast": "off"})
    assert signed_in.get(f"{FORECAST}?assistant={strict.pk}").status_code == 404
    assert FORECAST not in signed_in.get(f"/?assistant={strict.pk}").content.decode()
    assert FORECAST not in signed_in.get("/temporary/").content.decode()
    ToolSetting.objects.create(name="weather__forecast", permission="off")
    assert signed_in.get(FORECAST).status_code == 404 and FORECAST not in signed_in.get("/").content.decode()


def test_call_form_for_an_unshared_assistant_does_not_exist(signed_in: Client, bob: User, server: ToolServer) -> None:
    other = Assistant.objects.create(owner=bob, name="Bob's own")
    assert signed_in.get(f"{FORECAST}?assistant={other.pk}").status_code == 404
