"""Modules are joined into one file when static files are collected, so that a page does not fetch each."""

from __future__ import annotations

import posixpath
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from assistant.static_storage import join_modules
from assistant.templatetags.scripts import module_script

ROOT = Path(__file__).resolve().parents[2] / "static"
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("js/**/*.js")}


def test_imports_become_calls_and_exports_become_the_value_of_a_module() -> None:
    first = 'import * as list from "../lib/list.js";\nimport { add as more, drop } from "./b.js";\nmore();\n'
    second = 'import "../lib/list.js";\nexport function add() {}\nexport const drop = 1;\nconst own = 2;\n'
    joined = join_modules({"js/pages/a.js": first, "js/pages/b.js": second})
    assert 'const list = load("js/lib/list.js");\nconst { add: more, drop } = load("js/pages/b.js");' in joined
    assert (
        'load("js/lib/list.js");\nfunction add() {}\nconst drop = 1;\nconst own = 2;\nreturn { add, drop };' in joined
    )


@pytest.mark.parametrize("form", ["export default 1;", 'export * from "./b.js";', "export let a = 1;"])
def test_a_form_that_cannot_be_joined_is_named(form: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"js/a.js: cannot join this form: {form}")):
        join_modules({"js/a.js": f"{form}\n"})


def test_modules_of_ours_can_all_be_joined_and_import_each_other_in_no_circle() -> None:
    join_modules(SOURCES)
    imports = {
        path: {posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in names}
        for path, source in SOURCES.items()
        if (names := re.findall(r'^import .*?"(\.[^"]+)";$', source, re.MULTILINE)) is not None
    }
    assert set(TopologicalSorter(imports).static_order()) == set(SOURCES)  # raises CycleError


def test_a_page_names_the_joined_file_where_there_is_one(settings: LazySettings, tmp_path: Path) -> None:
    settings.STORAGES = {
        **settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }  # fmt: skip
    single = '<script type="module" src="/static/js/pages/base.js" data-module="js/pages/base.js"></script>'
    assert module_script("js/pages/base.js") == single
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES, "staticfiles": {"BACKEND": "assistant.static_storage.JoinedStaticFilesStorage"}
    }  # fmt: skip
    call_command("collectstatic", "--no-input", "--verbosity=0")
    found = re.fullmatch(
        r'<script type="module" src="/static/(js/modules\.\w+\.js)" data-module="js/pages/base.js"></script>',
        module_script("js/pages/base.js"),
    )
    assert found and (tmp_path / found[1]).read_text() == join_modules(SOURCES)
    assert (tmp_path / f"{found[1]}.gz").exists()
