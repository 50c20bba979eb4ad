"""`deploy/` agrees with the code: variables, verbs, limits, users. No container engine is needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.boot.layout import SECRETS
from assistant.env import Env
from tests.support.env_reading import read_env

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROCESSES = ("web", "worker", "llm")
MARGIN_MB = 10  # of a request beside its file


def read_compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())  # type: ignore[no-any-return]


def own_services() -> dict[str, dict[str, Any]]:
    return {name: it for name, it in read_compose()["services"].items() if it["image"].startswith("openbook:")}


def known_variables() -> set[str]:
    boot = "".join(path.read_text() for path in (ROOT / "assistant" / "boot").glob("*.py"))
    files = {f"{name}_FILE" for name in SECRETS}
    return set(Env.model_fields) | set(re.findall(r'"([A-Z][A-Z_]{3,})"', boot)) | files


def run_help(*verb: str) -> str:
    command = [str(ROOT / "run"), *verb, "--help"]
    env = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def started_verbs() -> dict[str, list[str]]:
    """Return by place the words that follow `./run` in images, services and units."""
    text = (DEPLOY / "Dockerfile").read_text()
    found = {"Dockerfile": re.findall(r'"(\w+)"', re.findall(r"^CMD (\[.+\])", text, re.MULTILINE)[0])}
    found |= {f"compose {name}": it["command"] for name, it in own_services().items()}
    for unit in (DEPLOY / "systemd").glob("*.service"):
        (command,) = re.findall(r"^ExecStart=/opt/openbook/run (.+)$", unit.read_text(), re.MULTILINE)
        found[unit.name] = command.split()
    return found


def test_services_set_only_variables_that_openbook_reads() -> None:
    known = known_variables()
    for name, service in own_services().items():
        assert set(service["environment"]) <= known, name
    example = (DEPLOY / "systemd" / "openbook.env").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) <= known


def test_services_mount_every_secret_that_they_read() -> None:
    compose = read_compose()
    for name, service in compose["services"].items():
        set_here = service.get("environment", {}).items()
        read = {value.removeprefix("/run/secrets/") for key, value in set_here if key.endswith("_FILE")}
        assert read <= set(service.get("secrets", [])) <= set(compose["secrets"]), name
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "/deploy/secrets/*.txt" in ignored
    assert "/deploy/.env" in ignored


def test_compose_publishes_only_the_web_port_on_the_loopback_address() -> None:
    published = {name: it["ports"] for name, it in read_compose()["services"].items() if "ports" in it}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_commands_of_deployments_are_verbs_of_run() -> None:
    verbs = re.findall(r"^ {4}(\w+) ", run_help(), re.MULTILINE)
    processes = run_help("process")
    for place, (verb, *rest) in started_verbs().items():
        assert verb in verbs, place
        if verb == "process":
            assert rest[0] in PROCESSES, place
            assert re.search(rf"\b{rest[0]}\b", processes), place


def test_compose_and_systemd_run_setup_and_every_process() -> None:
    wanted = [["setup"], *(["process", name] for name in PROCESSES)]
    started = started_verbs()
    assert [started[f"compose {name}"] for name in ("setup", *PROCESSES)] == wanted
    assert [started[f"openbook-{name}.service"] for name in ("setup", *PROCESSES)] == wanted


def test_images_never_run_as_root() -> None:
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    images = {name: text for text in stages if (name := text.split("\n")[0].rpartition(" ")[2]) in {"cpu", "slim"}}
    assert set(images) == {"cpu", "slim"}
    for name, text in images.items():
        last = re.findall(r"^USER (\d+)", text, re.MULTILINE)[-1]
        assert int(last) > 0, name


def test_image_stages_that_install_packages_know_the_optional_ones() -> None:
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    installing = [text for text in stages if "setup --packages" in text]
    assert len(installing) == 2
    assert all(re.search(r"^ARG EXTRAS$", text, re.MULTILINE) for text in installing)


def test_builds_see_only_files_that_are_named() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    needed = {word.split("/")[0] for words in copied for word in words.split()} - {"."}
    assert needed <= set(allowed)


def test_proxies_take_the_largest_upload_and_little_more() -> None:
    most = read_env().MAX_UPLOAD_MB + MARGIN_MB
    assert f"client_max_body_size {most}m;" in (DEPLOY / "nginx.conf").read_text()
    assert f"max_size {most}MiB" in (DEPLOY / "Caddyfile").read_text()


def test_units_leave_user_namespaces_to_the_readers_of_files() -> None:
    shared = (DEPLOY / "systemd" / "openbook-.service.d" / "common.conf").read_text()
    for name in ("web", "worker"):
        unit = (DEPLOY / "systemd" / f"openbook-{name}.service").read_text()
        assert "RestrictNamespaces=" not in shared + unit
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "User=openbook"):
        assert line in shared


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(f"{self.headers['Host']}{self.path}")
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, hosts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_by_the_name_of_the_site(status: int, code: int) -> None:
    with answering(status) as (port, hosts):
        env = {"PORT": str(port), "SITE_URL": "https://openbook.example.org"}
        done = subprocess.run(
            [sys.executable, str(DEPLOY / "healthcheck.py")], env=env, capture_output=True, check=False
        )
    assert done.returncode == code
    assert hosts == ["openbook.example.org/health/ready/"]
