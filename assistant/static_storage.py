"""Storage of static files under content-hashed names, so that browsers may cache them for ever."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_MODULES = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, with hashed names also in the import statements of our scripts, so that no page mixes
    versions.

    Restricted to our scripts: Django's own switch would process those of all packages, some of which name missing
    files.
    """

    max_post_process_passes = 12  # one for each level of imports; Django's 5 were nearly used up
    patterns: Any = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", _MODULES))
