"""Calculator tool: evaluates arithmetic exactly, with decimal numbers of 28 digits, so that 0.1 + 0.2 is 0.3.

Expressions are parsed and evaluated by simpleeval with numbers, operators and a list of functions only; there are no
names, attributes, texts or code.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from django.utils.translation import gettext_noop
from simpleeval import InvalidExpression, SimpleEval

from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolResult
from apps.lib.concurrency.threads import in_pool

MAX_CHARACTERS = 400  # of an expression
_DIGITS = 28
_LARGEST_POWER = 1000
_LARGEST_FACTORIAL = 500
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", ":": "/"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PERCENT = re.compile(r"%(?=\s*(?:$|[-+*/),]))")  # percent sign with no number after it: hundredths
_TOO_LONG = "An expression can have up to %(most)s characters."
_NO_VALUE = gettext_noop("“%(expression)s” has no result: it divides by zero, or its numbers are too large.")
_UNREADABLE = gettext_noop(
    "“%(expression)s” cannot be calculated. Use numbers, + - * / %% ^, brackets and %(functions)s."
)
_NODES = (ast.Expression, ast.Expr, ast.Constant, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name)


class Calculator(BaseTool):
    """Tool that evaluates an arithmetic expression; the user calls it by /calc."""

    name = "calculator"
    title = "Calculator"
    user_description = "Calculates exactly, for example (1250 * 1.19) / 12 or 15% * 80."
    description = "Calculates an arithmetic expression exactly, such as (1250 * 1.19) / 12 or sqrt(2) or 15% * 80."
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"expression": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}},
        "required": ["expression"],
        "additionalProperties": False,
    }
    timeout_s = 5.0
    command = "calc"
    argument = "expression"

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Return the expression with its value. Raise ToolError."""
        asked = arguments["expression"]
        return ToolResult(f"{' '.join(asked.split())} = {await in_pool(calculate, asked)}")


def calculate(expression: str) -> str:
    """Return the value of the expression in digits. Raise ToolError if it has none or cannot be read."""
    if len(expression) > MAX_CHARACTERS:
        raise ToolError(_TOO_LONG, most=MAX_CHARACTERS)
    text = _PERCENT.sub("/100", _THOUSANDS.sub("", expression.translate(_SIGNS)).strip())
    try:
        with localcontext() as context:
            context.prec = _DIGITS
            return _written(_Evaluator().eval(text, ast.parse(text, mode="eval").body))
    except (ZeroDivisionError, DecimalException, OverflowError, ValueError) as error:
        raise ToolError(_NO_VALUE, expression=expression[:80]) from error
    except (InvalidExpression, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        functions = ", ".join(sorted(_FUNCTIONS))
        raise ToolError(_UNREADABLE, expression=expression[:80], functions=functions) from error


class _Evaluator(SimpleEval):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(operators=_OPERATORS, functions=_FUNCTIONS, names={"pi": Decimal(str(math.pi)), "e": _E})
        for kind in set(self.nodes) - set(_NODES):
            del self.nodes[kind]
        self.nodes[ast.Constant] = _number


def _number(node: ast.Constant) -> Decimal:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise InvalidExpression("not a number")
    return Decimal(str(node.value))


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if abs(exponent) > _LARGEST_POWER:
        raise OverflowError
    return Decimal(base**exponent)


def _factorial(value: Decimal) -> Decimal:
    if value != int(value) or not 0 <= value <= _LARGEST_FACTORIAL:
        raise ValueError
    return Decimal(math.factorial(int(value)))


def _real(function: Callable[[float], float]) -> Callable[[Decimal], Decimal]:
    return lambda value: Decimal(str(function(float(value))))


def _written(value: Any) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError
    if value == value.to_integral_value() and value.adjusted() < _DIGITS:
        return f"{int(value)}"
    text = f"{value.normalize():f}" if -10 < value.adjusted() < _DIGITS else f"{value.normalize()}"
    return text.lower()


_E = Decimal(str(math.e))
_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: _power, ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "sqrt": lambda value: value.sqrt(), "abs": abs, "round": lambda value, places=Decimal(0): round(value, int(places)),
    "min": min, "max": max, "floor": lambda value: Decimal(math.floor(value)), "factorial": _factorial,
    "ceil": lambda value: Decimal(math.ceil(value)), "exp": lambda value: value.exp(), "ln": lambda value: value.ln(),
    "log10": lambda value: value.log10(), "sin": _real(math.sin), "cos": _real(math.cos), "tan": _real(math.tan),
}  # fmt: skip
