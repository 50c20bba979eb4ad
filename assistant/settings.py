"""Django settings: the parts of which the product is composed. Values come from `assistant.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from assistant.boot.layout import ROOT, find_resource, read_version
from assistant.config import chat_models, embedders, engine_backends
from assistant.env import ENV, ENVIRONMENT, load_secret_key, make_folder, read_secret  # noqa: F401 - a setting too
from assistant.websocket_origins import list_origins

VERSION = read_version()
BASE_DIR, DATA_DIR = ROOT, Path(ENV.DATA_DIR).resolve()
MEDIA_ROOT = DATA_DIR / "files"  # never served by URL: every file goes through a view that checks the reader
MODELS_DIR, INDEX_DIR = DATA_DIR / "models", DATA_DIR / "index"

SECRET_KEY = load_secret_key(ENV)
DEBUG = ENV.DEBUG
SITE_URL = ENV.SITE_URL.rstrip("/")
_site = urlsplit(SITE_URL)
SECURE = _site.scheme == "https"
_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [f"[{_site.hostname}]" if ":" in (_site.hostname or "") else _site.hostname or "", *ENV.ALLOWED_HOSTS]
if ALLOWED_HOSTS[0] in _LOOPBACK:
    ALLOWED_HOSTS += _LOOPBACK
ALLOWED_ORIGINS = list_origins(SITE_URL, ALLOWED_HOSTS)
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "ninja",
    "apps.users",
    "apps.safety",
    "apps.documents",
    "apps.conversations",
    "apps.operations",
    "apps.evaluation",
    "apps.images",
    "apps.privacy",
    "apps.administration",
    "assistant",  # last, since its ready() needs all apps loaded
]

MIDDLEWARE = [
    "apps.operations.metrics_views.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "apps.api.middleware.json_error_middleware",  # before every middleware that may refuse a request
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # after the session, before middleware that responds with text
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.users.i18n.user_language_middleware",
    "apps.operations.middleware.redirect_to_setup",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.users.middleware.private_pages",
]

ROOT_URLCONF = "assistant.urls"
ASGI_APPLICATION = "assistant.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [find_resource("templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.conversations.history.sidebar.build_sidebar_context",
                "apps.users.site_texts.build_banner_context",
            ],
            "libraries": {"heroicons": "apps.lib.icons"},
        },
    }
]

_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA_DIR / "openbook.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY; "
            "PRAGMA secure_delete=ON"  # deleted content is overwritten at once, not only when its page is reused
        ),
    },
    "CONN_MAX_AGE": 600,
    # A file, not memory: the threads of the pools must see the same tables.
    "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
}
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(ENV.DATABASE_URL, conn_max_age=600, conn_health_checks=True)
    if ENV.DATABASE_URL
    else _SQLITE
}
BACKUP_DIR = Path(ENV.BACKUP_DIR or DATA_DIR / "backups").resolve()
BACKUP_HOURS, BACKUP_KEEP = ENV.BACKUP_HOURS, ENV.BACKUP_KEEP
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.safety.moderation.suspended_sign_in.SuspensionAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "apps.users.forms.SignupFormBase"
ACCOUNT_FORMS = {
    "login": "apps.users.account_forms.LoginForm",
    "signup": "apps.users.account_forms.SignupForm",
    "reauthenticate": "apps.users.account_forms.ReauthenticateForm",
    "change_password": "apps.users.account_forms.ChangePasswordForm",
    "set_password": "apps.users.account_forms.SetPasswordForm",
    "reset_password": "apps.users.account_forms.ResetPasswordForm",
    "reset_password_from_key": "apps.users.account_forms.ResetPasswordKeyForm",
}
# With a mail server, an address is confirmed before it is used; sign-up then reveals to nobody who has an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if ENV.EMAIL_URL else "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_UNIQUE_EMAIL = ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900  # seconds until the administration asks for the password again
ACCOUNT_LOGOUT_ON_GET = ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
MFA_ADAPTER = "apps.users.second_factor.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "apps.users.second_factor.forms.CodeForm",
    "authenticate_webauthn": "apps.users.second_factor.forms.SecondPasskeyForm",
    "login_webauthn": "apps.users.second_factor.forms.PasskeySignInForm",
    "reauthenticate_webauthn": "apps.users.second_factor.forms.PasskeyReauthenticateForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # with a mail server nobody signs in before the address is confirmed
MFA_TOTP_TOLERANCE = 1  # steps of 30 s before and after the present one: clocks of phones differ
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # sign-ins by passkey alone, which cannot be guessed
INITIAL_SIGNUP = ENV.SIGNUP
SOCIALACCOUNT_ADAPTER = "apps.users.single_sign_on.adapter.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # whom the provider let in waits for no mail; the address stays unconfirmed
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET = ENV.OIDC_ISSUER, ENV.OIDC_CLIENT_ID, ENV.OIDC_CLIENT_SECRET
OIDC_NAME, OIDC_SCOPES, OIDC_LINK, OIDC_SESSION_HOURS = (
    ENV.OIDC_NAME,
    ENV.OIDC_SCOPES,
    ENV.OIDC_LINK,
    ENV.OIDC_SESSION_HOURS,
)
OIDC_GROUPS_CLAIM, OIDC_ROLES_CLAIM, OIDC_GROUP_NAMES = (
    ENV.OIDC_GROUPS_CLAIM,
    ENV.OIDC_ROLES_CLAIM,
    ENV.OIDC_GROUP_NAMES,
)
OIDC_ALLOWED_GROUPS, OIDC_ADMIN_GROUPS = ENV.OIDC_ALLOWED_GROUPS, ENV.OIDC_ADMIN_GROUPS
OIDC_REVIEWER_GROUPS = ENV.OIDC_REVIEWER_GROUPS

_mail = urlsplit(ENV.EMAIL_URL)
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if ENV.EMAIL_URL else "apps.operations.mail_server.PageMailBackend"
)
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.username or "", _mail.password or ""
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = _mail.scheme == "smtp" and bool(_mail.username)
DEFAULT_FROM_EMAIL, EMAIL_TIMEOUT = ENV.EMAIL_FROM, 15  # seconds; limits the wait of a worker or a page

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]  # each in its own language
LOCALE_PATHS = [find_resource("locale")]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [find_resource("static")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "assistant.static_storage.JoinedStaticFilesStorage"
    },
}
FILE_UPLOAD_MAX_MEMORY_SIZE, FILE_UPLOAD_TEMP_DIR = 1024 * 1024, make_folder(DATA_DIR / "arriving")
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "apps.documents.library.upload_handler.DiskFullUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES, DATA_UPLOAD_MAX_NUMBER_FIELDS = 200, 10_100  # for as many conversations at once
NINJA_PAGINATION_PER_PAGE = NINJA_PAGINATION_MAX_LIMIT = 200
NINJA_PAGINATION_MAX_OFFSET = 1_000_000
NINJA_PAGINATION_CLASS = "apps.api.pagination.BoundedPagination"

# --- security ----------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_ENGINE = "apps.users.session_store"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"  # with "no-referrer" forms have "Origin: null", which Django refuses
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        # Some browsers do not include the WebSocket of the same origin in 'self'.
        # A policy cannot name an IPv6 address; those pages rely on 'self'.
        "connect-src": [SELF, *(origin.replace("http", "ws", 1) for origin in ALLOWED_ORIGINS if "[" not in origin)],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# --- engines -----------------------------------------------------------------------------------------
INDEXES, ENGINES = engine_backends.build_backends(ENV, INDEX_DIR, MODELS_DIR)
# By name: embedders that a collection may choose; chat models, of which the first is the site's own.
EMBEDDERS, CHATS = (
    embedders.build_embedders(ENV, MODELS_DIR),
    chat_models.build_chat_models(ENV, MODELS_DIR, read_secret),
)
EMBED_MULTILINGUAL = ENV.EMBED_MULTILINGUAL and not ENV.EMBED_MODEL
# Embedder that collections get for other languages than English; "" if there is none.
MULTILINGUAL_EMBEDDER = embedders.MULTILINGUAL_NAME if embedders.MULTILINGUAL_NAME in EMBEDDERS else ""
# Models that administrators add: the client, and the longest age in seconds of the copy that each process holds.
MODEL_SERVER_BACKEND, MODEL_SERVERS_S = "apps.engines.chat.openai.OpenAIChat", 2.0
SITE_TEXTS_S = 5.0  # longest age in seconds of the copy of the banner and of the instructions of the site
LLM_HOSTS, LLM_STREAMS = ENV.LLM_HOSTS, ENV.LLM_STREAMS
IMAGE_IS_FIXED = bool(ENV.IMAGE_URL or ENV.IMAGE_MODEL or ENV.IMAGE_BACKEND)  # else the page may set a picture server
DEFAULT_MODEL_IS_FIXED = "//127.0.0.1" not in ENV.LLM_URL  # the operator chose a server elsewhere, and that one wins
# Embedder of the classifiers, if the one above is not the one they were trained with.
CLASSIFY_EMBED_BACKEND = "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder"
ANSWER_STYLE, SNAPSHOT_KEYS = ENV.ANSWER_STYLE, Path(ENV.SNAPSHOT_KEY_FILE or DATA_DIR / "snapshot_keys")
AUDIT_KEYS = Path(ENV.AUDIT_KEY_FILE or DATA_DIR / "audit_keys")
AUDIT_HEADS = Path(ENV.AUDIT_HEADS_FILE or DATA_DIR / "heads.jsonl")
AUDIT_HEADS_URL = ENV.AUDIT_HEADS_URL
TITLES, REWRITE, HOLD_HOURS, CASE_TEXT_DAYS = ENV.TITLES, ENV.REWRITE, ENV.HOLD_HOURS, ENV.CASE_TEXT_DAYS
TOKEN_CHOICES, WARM_WHILE_TYPING = ENV.TOKEN_CHOICES, ENV.WARM_WHILE_TYPING
SAFETY_CHECK = "apps.safety.gate.default_check.DefaultCheck"  # like SUPPORT_CHECK, replaceable by another dotted path
REVIEW_SECOND_PERCENT = ENV.REVIEW_SECOND_PERCENT
POLICY_S, VERDICT_DAYS = 5.0, ENV.VERDICT_DAYS  # longest age in seconds of the gate's copy of the policy
SUPPORT_MODEL, BREAK_GLASS_MINUTES = ENV.SUPPORT_MODEL, ENV.BREAK_GLASS_MINUTES
SUPPORT_SECONDS, SUPPORT_BACKEND = ENV.SUPPORT_SECONDS, ENV.SUPPORT_BACKEND
SUPPORT_CLASSIFIER = "" if ENV.SUPPORT_URL else ENV.SUPPORT_MODEL  # name of a model in place of the packaged check
SUPPORT_CALIBRATION = DATA_DIR / "support_calibration.json"
SUPPORT_CHECK: dict[str, Any] = {
    "BACKEND": "apps.grounding.support_check.AgreementAndInference",
    "OPTIONS": {},
}

# Timeout in seconds. Channels asks Redis to wait 5 s for a message; redis-py's default would give up at that moment.
_CHANNEL_HOST: dict[str, Any] = {"address": ENV.REDIS_URL, "socket_timeout": 30, "socket_connect_timeout": 5}
if ENV.REDIS_URL:
    from redis.exceptions import ConnectionError as RedisConnectionError

    # One repetition without a pause: a pooled connection may be dead after a restart of Redis. While Redis is away
    # sockets must close, because it may forget their groups; pages connect again and join anew.
    _CHANNEL_HOST["retry_on_error"] = [RedisConnectionError]
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [_CHANNEL_HOST], "capacity": 200},
    }
    if ENV.REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

_REDIS_CACHE = {
    "BACKEND": "apps.lib.redis_cache.OutageTolerantRedisCache",
    "LOCATION": ENV.REDIS_URL,
    "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},  # seconds
}
# Limits of attempts by django-allauth are counted here: with Redis over all web processes.
CACHES: dict[str, dict[str, Any]] = {
    "default": _REDIS_CACHE if ENV.REDIS_URL else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- documents ---------------------------------------------------------------------------------------
MAX_UPLOAD_BYTES = ENV.MAX_UPLOAD_MB * 1024 * 1024
MAX_PAGES, PARSE_SECONDS = ENV.MAX_PAGES, ENV.PARSE_SECONDS
PARSE_MEMORY_BYTES = ENV.PARSE_MEMORY_MB * 1024 * 1024
OCR_PAGES, WEB_PAGES, SYNC_DIR = ENV.OCR_PAGES, ENV.WEB_PAGES, ENV.SYNC_DIR
MCP_HOSTS, MCP_COMMANDS, MCP_TOKENS = ENV.MCP_HOSTS, ENV.MCP_COMMANDS, ENV.MCP_TOKENS
FETCH_ALSO: set[tuple[str, int]] = set()  # non-public (IP, port) that may be fetched from: only tests fill it

# --- pictures ----------------------------------------------------------------------------------------
SIGN_CERTIFICATES = ENV.SIGN_CERTIFICATES
SIGN_KEY = ENV.SIGN_KEY
PICTURE_LABEL, PICTURE_NAMES, CAPTION_SECONDS = ENV.PICTURE_LABEL, ENV.PICTURE_NAMES, ENV.CAPTION_SECONDS

# --- Celery: notifications only; the rows are the queue (apps/lib/db/leases.py) -------------------------
CELERY_BROKER_URL = ENV.REDIS_URL or "filesystem://localhost//"
_BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3600}
    if ENV.REDIS_URL
    else {
        "data_folder_in": str(_BROKER_DIR / "messages"),
        "data_folder_out": str(_BROKER_DIR / "messages"),
        "control_folder": str(_BROKER_DIR / "control"),
        "polling_interval": 0.2,
    }
)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s %(message)s"},
        "json": {"()": "apps.lib.json_log.JsonFormatter"},
    },
    "filters": {"canary": {"()": "apps.safety.detectors.canary.CanaryLogFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": ENV.LOG_FORMAT, "filters": ["canary"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "faiss": {"level": "WARNING"},
        # The server's own lines in the same form: it configures its handlers before Django does.
        "uvicorn": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
METRICS_TOKEN, DRAIN_SECONDS, REDIS_URL = ENV.METRICS_TOKEN, ENV.DRAIN_SECONDS, ENV.REDIS_URL
