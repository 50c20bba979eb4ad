"""Write formulas of Word documents on one line, close to how they are typed: (x-c)/v, x^2, a_n, √(x). Pure."""

from __future__ import annotations

from typing import Any

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MATH = _M + "oMath"
_BETWEEN = {"f": "/", "sSup": "^", "sSub": "_", "limLow": "_", "limUpp": "^"}
_PARTS = {"num", "den", "e", "sup", "sub", "deg", "lim", "fName"}
MOST_DEEP = 50  # levels of nesting that are read


def format_formula(node: Any, depth: int = 0) -> str:
    """Return the formula, or a part of it, as text; "" below MOST_DEEP."""
    if depth > MOST_DEEP:
        return ""
    kind = node.tag.removeprefix(_M) if isinstance(node.tag, str) else ""
    if kind == "t":
        return node.text or ""
    if kind in _BETWEEN:
        return _BETWEEN[kind].join(map(_bracket, _parts(node, depth)))
    if kind in {"sSubSup", "nary"}:
        return _format_limits(node, kind, depth)
    if kind == "rad":
        *degree, inner = _parts(node, depth) or [""]
        return f"{''.join(degree)}√({inner})"
    if kind == "d":
        return f"({', '.join(_parts(node, depth))})"
    return "".join(format_formula(child, depth + 1) for child in node)


def _format_limits(node: Any, kind: str, depth: int) -> str:
    """Return a formula with limits: sub- and superscript after a letter, or lower and upper limit after a sum sign."""
    texts = {
        child.tag.removeprefix(_M): format_formula(child, depth + 1) for child in node if isinstance(child.tag, str)
    }
    low, high = (
        f"{sign}{_bracket(texts[name])}" if texts.get(name) else "" for sign, name in (("_", "sub"), ("^", "sup"))
    )
    if kind == "sSubSup":
        return f"{_bracket(texts.get('e', ''))}{low}{high}"
    sign = node.find(f"{_M}naryPr/{_M}chr")
    return f"{sign.get(_M + 'val') if sign is not None else '∫'}{low}{high} {texts.get('e', '')}"


def _parts(node: Any, depth: int) -> list[str]:
    texts = (
        format_formula(child, depth + 1)
        for child in node
        if isinstance(child.tag, str) and child.tag.removeprefix(_M) in _PARTS
    )
    return [part for part in texts if part]


def _bracket(part: str) -> str:
    """Return the part in brackets, unless it is a single sign, number or word, or has brackets."""
    whole = part.isalnum() or (part.startswith("(") and part.find(")") == len(part) - 1)
    return part if len(part) < 2 or whole else f"({part})"
