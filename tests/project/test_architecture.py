"""The shape of the code: what import contracts and linters do not see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FUNCTION_LINES = 40
HEAVY = (
    "torch", "faiss", "tantivy", "transformers", "sentence_transformers", "tokenizers", "vllm", "scipy", "sklearn",
    "pymilvus",
)  # fmt: skip


def modules() -> Iterator[Path]:
    for folder in ("assistant", "apps", "benchmarks", "training", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_functions_are_at_most_40_lines() -> None:
    long = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = lines
    assert long == {}


def test_public_classes_have_names_of_their_own() -> None:
    """One name means one class, so that a search for it finds what is meant. Classes within classes do not count."""
    places = defaultdict(list)
    for path in modules():
        if path.relative_to(ROOT).parts[0] == "tests" or "management" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_starting_a_process_imports_no_heavy_library() -> None:
    """Neither of web nor of worker: one imports all that the two begin with."""
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'assistant.settings'; import django; django.setup(); "
        "import sys, assistant.asgi, assistant.celery, apps.documents.tasks; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_apps_read_settings_and_never_the_environment() -> None:
    # They empty a reader's.
    allowed = {"apps/reading/sandbox/child_process.py", "apps/reading/sandbox/fork_server.py"}
    found = [
        name
        for path in modules()
        if (name := str(path.relative_to(ROOT))).startswith("apps/")
        and name not in allowed
        and re.search(r"os\.(environ|getenv)", path.read_text())
    ]
    assert found == []


def test_verbs_know_no_http() -> None:
    """Services are called by views, the API, jobs and sockets alike."""
    rooms = {
        "conversations": "core rendering moderation attachments tools image_chat turns disclosure transfer",
        "documents": "models indexing jobs moderation library ingestion retrieval reader",
        "grounding": "",
        "reading": "",
        "images": "models provenance moderation generation requests library",
        "privacy": "",
        "safety": "text audit_log models policy detectors verdict_log gate moderation policy_admin break_glass",
    }
    allowed = {
        "conversations/core/session_user.py",  # reads the cookie of a request or of a socket
        "images/moderation/blur.py", "safety/models/feature_restrictions.py",  # end in a helper of views
        "safety/moderation/decision_input.py", "safety/moderation/suspended_sign_in.py",  # read a form, a cookie
    }  # fmt: skip
    found = []
    for app, names in rooms.items():
        for path in [path for room in names.split() or ("",) for path in (ROOT / "apps" / app / room).rglob("*.py")]:
            name = str(path.relative_to(ROOT / "apps"))
            uses = re.search(
                r"^ *(from|import) (django\.(http|shortcuts|views)|ninja)\b", path.read_text(), re.MULTILINE
            )
            if uses and "view" not in path.stem and path.name != "urls.py" and name not in allowed:
                found.append(name)
    assert found == []


def test_code_never_unpickles() -> None:
    pattern = re.compile(r"\b(pickle|joblib|dill|marshal)\.(load|loads)\b|allow_pickle=True|trust_remote_code=True")
    others = [path for path in modules() if path.name != Path(__file__).name]
    assert [str(path.relative_to(ROOT)) for path in others if pattern.search(path.read_text())] == []


def test_pages_hold_no_inline_script_or_style() -> None:
    pattern = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|hx-on", re.IGNORECASE)
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if (match := pattern.search(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", path.read_text())))
    }
    assert found == {}


def test_async_bridges_are_used_only_in_two_modules() -> None:
    pattern = re.compile(r"\b(database_sync_to_async|sync_to_async|async_to_sync)\b")
    allowed = {"apps/lib/concurrency/threads.py", "apps/lib/push.py", "tests/project/test_architecture.py"}
    others = [path for path in modules() if str(path.relative_to(ROOT)) not in allowed]
    assert [str(path.relative_to(ROOT)) for path in others if pattern.search(path.read_text())] == []


def test_events_of_a_turn_are_all_described() -> None:
    from typing import get_args

    from apps.conversations.core import events

    text = (ROOT / "docs/develop/one-message.md").read_text()
    assert [kind.__name__ for kind in get_args(events.Event) if f"`{kind.__name__}`" not in text] == []


def test_documentation_names_only_files_that_exist() -> None:
    named = re.compile(r"`((?:apps|assistant|benchmarks(?!/test_)|templates|static|tests|docs)/[\w./-]+\.\w+)`")
    missing = {
        f"{path.name}: {name}"
        for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for name in named.findall(path.read_text())
        if not (ROOT / name).exists()
    }
    assert missing == set()
