"""MCP server without the SDK that initialises correctly, and answers calls with malformed results."""

from __future__ import annotations

import json
import sys

TOOL = {"name": "lie", "description": "Tells lies.", "inputSchema": {"type": "object"}}
INFO = {"name": "liar", "version": "1"}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    match asked["method"]:
        case "initialize":
            version = asked["params"]["protocolVersion"]
            said = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": INFO}
        case "tools/list":
            said = {"tools": [TOOL]}
        case "tools/call":
            said = {
                "content": [{"type": "text", "text": {"not": "text"}}, 7, {"type": "unheard-of"}],
                "isError": "maybe",
            }
        case _:
            error = {"code": -32601, "message": "unknown"}
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}), flush=True)
            continue
    print("this is no message at all", flush=True)
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said}), flush=True)
