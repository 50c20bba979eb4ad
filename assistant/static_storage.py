"""Static files under names that change with their content, so that browsers keep them for good."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_MODULES = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """As WhiteNoise's, and our scripts name the modules they import by those names too: no page mixes old and new ones.

    Only ours: Django's own switch would read every package's scripts, and some name files that they do not ship.
    """

    patterns: Any = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", _MODULES))
