"""Parser of Jupyter notebooks: Markdown as displayed, code as code, and printed output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.protocol import (
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    paginate_with_title,
)
from apps.reading.parsing.text.markdown import read_markdown

PRINTED = 4000  # characters of one output that are kept


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages of a notebook, and a notice for images. Raises ParseError."""
    try:
        book = orjson.loads(read_text(path, limits))
        sheets = book.get("worksheets") or [book]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ParseError("This notebook is damaged. Save it again in Jupyter and upload that.") from error
    blocks = [block for cell in cells if isinstance(cell, dict) for block in _cell(cell)]
    yield from paginate_with_title(blocks, limits)
    if any("image/png" in _data(output) for cell in cells for output in _outputs(cell)):
        yield ParseNotice("Pictures created by the code were left out.")


def _cell(cell: dict[str, Any]) -> Iterator[ParsedBlock]:
    text = _joined(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            yield from read_markdown(text)
        case "heading":
            yield ParsedBlock(
                "heading", text, int(cell.get("level", 1)) if str(cell.get("level", 1)).isdecimal() else 1
            )
        case "code":
            yield ParsedBlock("code", text)
            for output in _outputs(cell):
                output_text = _format_output(output)
                if output_text.strip():
                    yield ParsedBlock("code", output_text[:PRINTED])
        case _:
            yield ParsedBlock("paragraph", text)


def _format_output(output: dict[str, Any]) -> str:
    if output.get("output_type") in {"error", "pyerr"}:
        return ": ".join(filter(None, (_joined(output.get("ename")), _joined(output.get("evalue")))))
    return _joined(output.get("text")) or _joined(_data(output).get("text/plain"))


def _data(output: dict[str, Any]) -> dict[str, Any]:
    found = output.get("data")
    return found if isinstance(found, dict) else {}


def _outputs(cell: Any) -> list[dict[str, Any]]:
    found = cell.get("outputs") if isinstance(cell, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
