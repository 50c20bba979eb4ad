"""Old dotted paths of engine classes, which `*_BACKEND` variables may still name for one version."""

from __future__ import annotations

import warnings

MOVED = {
    "apps.engines.classify.planted.PlantedClassifier":
        "apps.engines.classify.indirect_injection.IndirectInjectionClassifier",
    "apps.engines.classify.tagger.PersonalTagger":
        "apps.engines.classify.pii_tagger.PiiTagger",
    "apps.engines.classify.text.LinearClassifier":
        "apps.engines.classify.linear_classifier.LinearClassifier",
    "apps.engines.embed.sentence.SentenceEmbed":
        "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder",
    "apps.engines.image.pictogram.painter.PictogramPainter":
        "apps.engines.image.pictogram.engine.PictogramPainter",
    "apps.engines.index.milvus.MilvusIndex":
        "apps.engines.index.milvus.engine.MilvusIndex",
    "apps.engines.index.pgvector.PgvectorIndex":
        "apps.engines.index.pgvector.engine.PgvectorIndex",
    "apps.engines.rank.consistency.Consistency":
        "apps.engines.nli.consistency.ConsistencyModel",
}  # fmt: skip


def resolve_class(path: str) -> str:
    """Return the present dotted path of an engine class. Warns where `path` is an old one."""
    moved = MOVED.get(path)
    if moved is None:
        return path
    warnings.warn(f"{path} is called {moved} now. Write the new name; the old one ends with the next version.",
                  FutureWarning, stacklevel=2)  # fmt: skip  # Python hides a DeprecationWarning from operators
    return moved
