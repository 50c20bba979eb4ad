"""Parse the arguments of a tool call and validate them against the tool's JSON Schema.

References of a schema to other addresses are not fetched. Entry points: `parse_arguments`, `check_arguments`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from apps.conversations.tools.base import ToolError

MAX_CHARACTERS = 20_000
_DEEPEST = 20  # levels of nested values
_UNREADABLE = "The model sent arguments that cannot be read."
_UNREADABLE_BY_USER = (
    "The arguments cannot be read. Type “/” and choose the tool from the list; you are then asked for each argument."
)
_UNFIT = "The arguments are not valid: %(problem)s."
_UNFIT_THERE = "The arguments are not valid (%(where)s): %(problem)s."


def parse_arguments(text: str, *, by_user: bool = False) -> dict[str, Any]:
    """Return the arguments as a JSON object; empty text gives {}. Raise ToolError.

    `by_user` tells that the user wrote the text, for the wording of the error.
    """
    unreadable = _UNREADABLE_BY_USER if by_user else _UNREADABLE
    if len(text) > MAX_CHARACTERS:
        raise ToolError("The model sent too many arguments.")
    try:
        value = orjson.loads(text.strip() or "{}")
    except orjson.JSONDecodeError:
        raise ToolError(unreadable) from None
    if not isinstance(value, dict) or not _shallow(value):
        raise ToolError(unreadable)
    return value


def check_arguments(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise ToolError if the arguments do not fit the schema, in words that help the model to correct them."""
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        error = best_match(validator.iter_errors(arguments))
    except (SchemaError, Unresolvable, RecursionError) as broken:
        raise ToolError("The tool describes its arguments in a way that is not valid.") from broken
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path)
        problem = error.message[:200]
        raise ToolError(_UNFIT_THERE, where=where, problem=problem) if where else ToolError(_UNFIT, problem=problem)


def _shallow(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_shallow(item, depth + 1) for item in inner)
