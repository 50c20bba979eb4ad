"""Picture server as strict as hosted ones: over real HTTP, it refuses each unknown field and size.

server = StrictServer(fields={"model", "prompt"}, sizes=("1024x1024",))
with server: ... server.url, server.requests
"""

from __future__ import annotations

import base64
import io
import json
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

KNOWN = {"model", "prompt", "n", "size", "quality", "image", "mask"}  # of a model without addresses


class StrictServer:
    """Server that accepts only `fields` and `sizes`; `pydantic` chooses the form of its refusals, `edits` the edit
    endpoint."""

    def __init__(
        self, fields: set[str] | None = None, sizes: tuple[str, ...] = (), pydantic: bool = False, edits: bool = True
    ) -> None:
        self.fields, self.sizes, self.pydantic, self.edits = fields or KNOWN, sizes, pydantic, edits
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> StrictServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body for a request."""
        self.requests.append((path, sent))
        if not path.endswith("/generations") and not (self.edits and path.endswith("/edits")):
            return 404, {"error": {"message": "Not found"}}
        unknown = next((name for name in sent if name not in self.fields), None)
        if unknown:
            return self._unknown(unknown, sent[unknown])
        if self.sizes and sent.get("size") not in self.sizes:
            listed = ", ".join(f"'{size}'" for size in self.sizes)
            words = f"Invalid value: '{sent.get('size')}'. Supported values are: {listed}, and 'auto'."
            return 400, {"error": {"message": words, "param": "size", "code": "invalid_value"}}
        if "forbidden" in str(sent["prompt"]):
            words = "Your request was rejected: 'seed of evil' is not allowed."
            return 400, {"error": {"message": words, "param": None, "code": "moderation_blocked"}}
        return 200, {"data": [{"b64_json": base64.b64encode(self.drawn(sent)).decode()}]}

    def drawn(self, sent: dict[str, Any]) -> bytes:
        """Return a green picture; for an edit, with the sent picture where its mask is opaque."""
        size = [int(side) for side in str(sent.get("size", "1024x1024")).split("x")]
        picture = Image.new("RGB", (size[0], size[1]), "green")
        if "mask" in sent:
            whole, mask = (Image.open(io.BytesIO(sent[name])) for name in ("image", "mask"))
            assert whole.size == mask.size == picture.size and mask.mode == "RGBA", "a strict server wants that"
            picture.paste(whole.convert("RGB"), mask=mask.getchannel("A"))
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def _unknown(self, name: str, value: Any) -> tuple[int, dict[str, Any]]:
        if self.pydantic:
            one = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            return 422, {"detail": [{**one, "input": value}]}
        words = f"Unknown parameter: '{name}'."
        return 400, {"error": {"message": words, "param": name, "code": "unknown_parameter"}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = server.answer(self.path, _fields(self.headers["Content-Type"], body))
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _fields(kind: str, body: bytes) -> dict[str, Any]:
    if kind == "application/json":
        return dict(json.loads(body))
    found: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).walk():
        if name := part.get_param("name", header="content-disposition"):
            content = part.get_payload(decode=True)
            found[str(name)] = content if part.get_filename() else content.decode()
    return found
