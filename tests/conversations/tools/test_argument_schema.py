"""Arguments that a model wrote: read, compared with the schema, never trusted."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.models.tool import ToolPermission
from apps.conversations.tools.argument_schema import check_arguments, parse_arguments
from apps.conversations.tools.base import ToolError, get_strictest
from apps.conversations.tools.builtin.catalog import BUILTIN_TOOLS

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer", "maximum": 9}},
    "required": ["n"],
    "additionalProperties": False,
}


def test_an_object_is_read_and_no_text_is_no_arguments() -> None:
    assert parse_arguments('{"n": 1}') == {"n": 1}
    assert parse_arguments("  ") == {}


@pytest.mark.parametrize("text", ["[1]", "1", '"n"', "{", "nonsense", "NaN", "{'n': 1}", '{"a":' * 30 + "1" + "}" * 30])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        parse_arguments(text)


def test_arguments_have_a_greatest_length() -> None:
    with pytest.raises(ToolError, match="too many arguments"):
        parse_arguments('{"n": "' + "x" * 30_000 + '"}')


@pytest.mark.parametrize("arguments", [{}, {"n": "1"}, {"n": 10}, {"n": 1, "m": 2}])
def test_arguments_that_do_not_fit_the_schema_are_refused(arguments: dict[str, Any]) -> None:
    check_arguments({"n": 1}, SCHEMA)
    with pytest.raises(ToolError, match="are not valid"):
        check_arguments(arguments, SCHEMA)


def test_a_schema_that_points_elsewhere_is_not_followed() -> None:
    with pytest.raises(ToolError, match="not valid"):
        check_arguments({"n": 1}, {"$ref": "http://127.0.0.1:1/schema.json"})


def test_the_strictest_permission_holds() -> None:
    assert get_strictest("allowed", "ask") == ToolPermission.ASK
    assert get_strictest("ask", "off", "allowed") == ToolPermission.OFF


def test_builtin_tools_all_have_a_description_and_a_schema() -> None:
    assert len({tool.name for tool in BUILTIN_TOOLS}) == len(BUILTIN_TOOLS)
    for tool in BUILTIN_TOOLS:
        assert tool.title and len(tool.description) > 20 and tool.timeout_s > 0
        assert tool.parameters["type"] == "object"
        if tool.command:
            assert tool.parameters["properties"][tool.argument]["type"] == "string"
