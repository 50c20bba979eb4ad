"""Doctor's checks that use the engines: a token, a vector, an event, checksums of the index, a search.

`list_checks` returns all checks of the Doctor in the order of the page.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy, ngettext
from PIL import Image

from apps.conversations.assistants import support_rates
from apps.conversations.attachments import caption_check, recognition
from apps.conversations.models import ModelProfile
from apps.documents.indexing import embedders
from apps.documents.models import Segment
from apps.documents.retrieval.search import search
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.engines.image import validation as picture_checks
from apps.engines.types import EngineBusy, EngineError, SegmentInfo
from apps.grounding.calibration.thresholds import LanguageRates
from apps.lib.concurrency.threads import in_db, in_pool
from apps.lib.ids import new_id
from apps.operations import engine_probes, sample_collection
from apps.operations.doctor import backup_checks, job_checks, system_checks
from apps.operations.doctor.system_checks import CheckResult, NamedCheck, bad, good, warn
from apps.users.i18n import translate_stored
from apps.users.models import User

_SLOW_TOKEN_MS = 2000
_VERIFY_S = 5.0  # seconds for verifying segments; of a large index each run checks a random part


async def check_chat_model(name: str = MAIN) -> CheckResult:
    """Check that the chat model of that name writes a token; slow if it takes over _SLOW_TOKEN_MS."""
    try:
        result = await engine_probes.probe_chat_model(name)
    except EngineError as error:
        away = gettext("Check the lines of 'llm' in the log. The server may still be starting, which takes a minute.")
        elsewhere = gettext("Check LLM_URL, LLM_MODEL and LLM_API_KEY, and that the server is running.")
        if name != MAIN:
            elsewhere = gettext(
                "Check its entry in LLM_MORE, and that the server is running. The other models keep working."
            )
        return bad(
            str(error),
            gettext("Questions wait until it is available again. %(elsewhere)s")
            % {"elsewhere": away if name == MAIN and _own_server() else elsewhere},
        )
    await in_db(remember_model, result.info.name)
    message = gettext("%(name)s wrote a token in %(ms)s ms. Its context holds %(context_tokens)s tokens.") % {
        "name": result.info.name,
        "ms": f"{result.ms:.0f}",
        "context_tokens": number_format(result.info.context_tokens, force_grouping=True),
    }
    if result.ms > _SLOW_TOKEN_MS:
        return warn(
            message,
            gettext("This is slow. Other programs may be using the processor, or the server is busy with questions."),
        )
    return good(message)


def remember_model(name: str) -> ModelProfile:
    """Return the profile of the model, created if needed, so that the settings page lists it."""
    return ModelProfile.objects.get_or_create(name=name)[0]


def _own_server() -> bool:
    return "//127.0.0.1" in settings.CHATS["main"]["OPTIONS"].get("url", "")


async def check_reading(name: str = MAIN) -> CheckResult:
    """Check how well the chat model reads; measured at the first check of a new model."""
    try:
        return good(await engine_probes.probe_reading(name))
    except EngineBusy as error:
        return warn(str(error), "")
    except EngineError as error:
        return warn(str(error), gettext("It is tested when the model responds again."))


async def check_support() -> CheckResult:
    """Check that the check of sentences was calibrated, where it is not the packaged one."""
    found = await in_pool(support_rates.find_calibrations)
    words = " ".join(support_rates.describe_calibration(one) for one in found)
    if not await in_pool(support_rates.is_calibrated):
        return warn(
            words or gettext("The check of sentences that is set up has not been calibrated."),
            gettext("Run './run calibrate support' while its server answers. It is used as it is until then."),
        )
    if any(not one.is_accepted for calibration in found for one in _list_refusable(calibration)):
        return warn(words, gettext("Choose another model for SUPPORT_MODEL, or leave it out."))
    return good(words or gettext("The packaged check of sentences is in use. './run calibrate support' measures it."))


def _list_refusable(calibration: support_rates.Calibration) -> list[LanguageRates]:
    return [] if calibration.is_measured_only else list(calibration.rates.values())


async def check_embedder(name: str = "") -> CheckResult:
    """Check that the embedder of that name tells an answer from an unrelated sentence; "" for the site's own."""
    try:
        result = await engine_probes.probe_embedder(name)
    except EngineError as error:
        message = gettext("Documents cannot be read or searched. Check EMBED_MODEL, or run ./run setup again.")
        return bad(
            str(error),
            gettext("Collections that use it are not searched. Check EMBED_MORE.") if name else message,
        )
    return good(
        gettext(
            "A question was embedded in %(ms)s ms (%(dimension)s dimensions). Its answer is close (%(near)s), an "
            "unrelated sentence is not (%(far)s)."
        )
        % {
            "dimension": result.dimension,
            "ms": f"{result.ms:.0f}",
            "near": number_format(result.near, 2),
            "far": number_format(result.far, 2),
        }
    )


async def check_multilingual_embedder() -> CheckResult:
    """Warn that the multilingual embedding model is not there, and was not declined."""
    return warn(
        gettext("The multilingual embedding model is not there."),
        gettext(
            "Questions find texts in other languages by words only. Run ./run setup again, or set EMBED_MULTILINGUAL=0 "
            "if all is in English."
        ),
    )


async def check_captions() -> CheckResult:
    """Check that a test picture is described for models that see no pictures."""
    if not recognition.is_captioning_enabled():
        return good(gettext("Every available model can see pictures itself, so no descriptions are needed."))
    try:
        result = await caption_check.run_caption_test()
    except EngineError as error:
        missing = gettext("Models that cannot see pictures get no description of attached pictures.")
        served = gettext("Check CAPTION_URL, CAPTION_MODEL and CAPTION_API_KEY, and that the server is running.")
        worker = gettext("Check CAPTION_MODEL, the check of the worker, and the lines of 'worker' in the log.")
        return bad(
            translate_stored(str(error)), f"{missing} {served if recognition.is_captioned_by_server() else worker}"
        )
    return good(
        gettext("%(name)s described a test picture in %(ms)s ms: “%(words)s”")
        % {"name": result.model, "ms": f"{result.ms:.0f}", "words": result.caption}
    )


async def check_image_classifier() -> CheckResult:
    """Check that the classifier of pictures scores a test picture."""
    classifier = registry.get_image_classifier()
    if classifier is None:
        unseen = gettext(
            "No classifier looks at attached and created pictures. Checked are the words of a request and the text "
            "found in an attached picture. Created pictures say so, except pictograms."
        )
        advice = gettext(
            "Name a classifier in PICTURE_CHECK. The value nudenet downloads one for nudity in photographs; its "
            "weights state the AGPL-3.0."
        )
        return warn(unseen, advice)
    started = time.perf_counter()
    try:
        await in_pool(classifier.scores, picture_checks.encode_png(build_test_picture()))
    except EngineError as error:
        advice = gettext("Pictures are labelled as not checked, or withheld. Run ./run setup, or check PICTURE_CHECK.")
        return bad(translate_stored(str(error)), advice)
    ms = f"{(time.perf_counter() - started) * 1000:.0f}"
    return good(gettext("The classifier checked a test picture in %(ms)s ms.") % {"ms": ms})


def build_test_picture() -> Image.Image:
    """Return a grey picture of 64 × 64 pixels."""
    return Image.new("RGB", (64, 64), "grey")


async def check_index() -> CheckResult:
    """Check segment files against their checksums, and their vectors against the collection's embedder."""
    rows = await in_db(lambda: list(Segment.objects.order_by("?").select_related("collection")))
    segments = [row.info for row in rows]
    if not segments:
        return good(gettext("The index is empty."))
    checked, damaged = await in_pool(_verify, segments)
    strange = await in_pool(_strange, [row for row in rows[:checked] if row.retired is None and not row.build])
    message = ngettext(
        "%(checked)s of %(n)s segment read; %(good)s with the right checksum.",
        "%(checked)s of %(n)s segments read; %(good)s with the right checksum.",
        len(segments),
    ) % {"checked": checked, "n": len(segments), "good": checked - damaged}
    if damaged:
        return bad(message, gettext("Run 'manage.py reindex': it rebuilds the index from the database."))
    if strange:
        return bad(
            ngettext(
                "%(n)s segment was created by another embedding model.",
                "%(n)s segments were created by another embedding model.",
                strange,
            )
            % {"n": strange},
            gettext("Run 'manage.py reindex' once."),
        )
    return good(message)


def _strange(rows: list[Segment]) -> int:
    """Return how many segments were not made by the embedder of their collection."""
    return sum(not embedders.is_compatible(row) for row in rows)


def _verify(segments: list[SegmentInfo]) -> tuple[int, int]:
    """Return how many segments were checked within _VERIFY_S, and how many are damaged."""
    engine, until = registry.get_index(), time.monotonic() + _VERIFY_S
    checked = damaged = 0
    for segment in segments:
        if time.monotonic() > until:
            break
        checked += 1
        damaged += not engine.verify(segment)
    return checked, damaged


async def check_turn_log() -> CheckResult:
    """Check that the turn log returns an event that was written to it."""
    kind = (
        gettext("Redis") if "redis" in settings.ENGINES["turnlog"]["BACKEND"] else gettext("Memory of the web process")
    )
    log, turn = registry.get_turn_log(), f"doctor-{new_id().hex}"
    try:
        await log.append(turn, b"{}")
        await log.finish(turn)
        async with aclosing(log.tail(turn)) as entries:
            received = [entry.data async for entry in entries]
    except (EngineError, OSError) as error:
        return bad(
            gettext("%(kind)s does not store events: %(error)s") % {"kind": kind, "error": error},
            gettext("Answers cannot be shown. Check REDIS_URL and its server."),
        )
    if received != [b"{}"]:
        return bad(
            gettext("%(kind)s lost an event.") % {"kind": kind},
            gettext("Parts of answers would be missing. Restart Openbook."),
        )
    return good(gettext("%(kind)s stores the events of running answers.") % {"kind": kind})


async def check_search() -> CheckResult:
    """Check that a question finds passages of the sample collection."""
    sample: dict[str, Any] = await in_db(_reader)
    if not sample:
        return warn(
            gettext("There is no sample collection to search."),
            gettext("Load it in setup. It is also a handbook for users."),
        )
    started = time.perf_counter()
    try:
        result = await search(sample["user"], sample_collection.QUESTIONS[0], collections=[sample["collection"]])
    except EngineError as error:
        return bad(str(error), gettext("Nothing can be found. See the checks of the embedding model and the index."))
    ms = (time.perf_counter() - started) * 1000
    if not result.passages:
        return bad(
            gettext("The answer to a sample question is in the handbook but was not found."),
            gettext("Run 'manage.py reindex'."),
        )
    number = len(result.passages)
    message = ngettext(
        "A sample question found %(n)s passage in %(ms)s ms.",
        "A sample question found %(n)s passages in %(ms)s ms.",
        number,
    )
    return good(message % {"n": number, "ms": f"{ms:.0f}"})


def _reader() -> dict[str, Any]:
    """Return owner and id of the sample collection; {} if it is not ready."""
    progress = sample_collection.get_progress()
    if progress.collection is None or not progress.ready:
        return {}
    return {"user": User.objects.get(pk=progress.collection.owner_id), "collection": progress.collection.pk}


def list_checks() -> list[NamedCheck]:
    """Return all checks in the order of the page; those of further models follow those of the site's own."""
    further: list[NamedCheck] = []
    for number, item in enumerate(registry.list_chat_models()[1:], 2):
        titles = gettext("Chat model “%(name)s”"), gettext("Reading check of “%(name)s”")
        of_model, of_reading = (title % {"name": item.name} for title in titles)
        further.append(NamedCheck(f"model-{number}", of_model, partial(check_chat_model, item.name)))
        further.append(NamedCheck(f"reading-{number}", of_reading, partial(check_reading, item.name)))
    embedding = [
        NamedCheck(
            f"embedding-{number}", gettext("Embedding model “%(name)s”") % {"name": name}, partial(check_embedder, name)
        )
        for number, name in enumerate(settings.EMBEDDERS, 2)
    ]
    if settings.EMBED_MULTILINGUAL and not settings.MULTILINGUAL_EMBEDDER:
        title = gettext_lazy("Multilingual embedding model")
        embedding.append(NamedCheck("multilingual", title, check_multilingual_embedder))
    captions = [NamedCheck("captions", gettext_lazy("Picture descriptions"), check_captions)]
    check_names = partial(in_db, system_checks.check_picture_names)
    names = [NamedCheck("names", gettext_lazy("Names blocked in pictures"), check_names)]
    return [
        *STANDARD_CHECKS[:2],
        *further,
        STANDARD_CHECKS[2],
        *embedding,
        *(captions if registry.get_caption_engine() else []),
        *STANDARD_CHECKS[3:],
        *(names if settings.PICTURE_NAMES else []),
    ]


STANDARD_CHECKS = (
    NamedCheck("model", gettext_lazy("Chat model"), check_chat_model),
    NamedCheck("reading", gettext_lazy("Reading"), check_reading),
    NamedCheck("embedding", gettext_lazy("Embedding model"), check_embedder),
    NamedCheck("support", gettext_lazy("Check of sentences"), check_support),
    NamedCheck("database", gettext_lazy("Database"), partial(in_db, system_checks.check_database)),
    NamedCheck("worker", gettext_lazy("Worker"), partial(in_pool, system_checks.check_worker)),
    NamedCheck("jobs", gettext_lazy("Periodic jobs"), partial(in_pool, job_checks.check_periodic_jobs)),
    NamedCheck("requests", gettext_lazy("Data requests of users"), partial(in_db, job_checks.check_data_requests)),
    NamedCheck("readers", gettext_lazy("File readers"), partial(in_pool, system_checks.check_parsers)),
    NamedCheck("broker", gettext_lazy("Queue"), partial(in_pool, system_checks.check_broker)),
    NamedCheck("turnlog", gettext_lazy("Running answers"), check_turn_log),
    NamedCheck("pictures", gettext_lazy("Picture check"), check_image_classifier),
    NamedCheck("index", gettext_lazy("Index"), check_index),
    NamedCheck("search", gettext_lazy("Sample search"), check_search),
    NamedCheck("documents", gettext_lazy("Documents"), partial(in_db, system_checks.check_documents)),
    NamedCheck("frozen", gettext_lazy("Review snapshots"), partial(in_db, system_checks.check_frozen_texts)),
    NamedCheck("log", gettext_lazy("Audit log"), partial(in_db, system_checks.check_audit_log)),
    NamedCheck("disk", gettext_lazy("Disk"), partial(in_pool, system_checks.check_disk)),
    NamedCheck("backup", gettext_lazy("Backup"), partial(in_pool, backup_checks.check_backups)),
    NamedCheck("memory", gettext_lazy("Memory"), partial(in_pool, system_checks.check_memory)),
    NamedCheck("mail", gettext_lazy("Mail"), partial(in_pool, system_checks.check_mail)),
    NamedCheck("address", gettext_lazy("Address"), partial(in_pool, system_checks.check_site_url)),
)
