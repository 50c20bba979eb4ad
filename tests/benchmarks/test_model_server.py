"""Measurements use the model server that answers, or say how to get one."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management.base import CommandError

from benchmarks.lib.model_server import model_server


class Models(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def point(settings: LazySettings, url: str) -> None:
    chat = settings.CHATS["main"]
    settings.CHATS = {"main": {**chat, "OPTIONS": {**chat["OPTIONS"], "url": url}}}


def test_a_server_that_answers_is_used(settings: LazySettings) -> None:
    server = HTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    point(settings, url)
    try:
        with model_server() as env:
            assert env["LLM_URL"] == url
    finally:
        server.shutdown()
        server.server_close()


def test_missing_server_and_model_are_told_with_the_way_out(settings: LazySettings, tmp_path: Path) -> None:
    point(settings, "http://127.0.0.1:9/v1")
    settings.MODELS_DIR = tmp_path
    with pytest.raises(CommandError, match=r"run \./run setup first"), model_server():
        pass
