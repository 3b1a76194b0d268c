# SPDX-License-Identifier: EUPL-1.2
"""Django's settings, made from our own configuration: no settings module, no environment."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from carnet.portal.config import Config

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGES = [("fr", "Français"), ("en", "English")]
HOURS = 3600


def django_settings(config: Config) -> dict[str, Any]:
    """Every setting of Django and allauth that differs from its default."""
    address = urlsplit(config.base_url)
    secure = address.scheme == "https"
    return {
        "SECRET_KEY": config.secret_key,
        "DEBUG": False,
        "ALLOWED_HOSTS": hosts(address.hostname, local=config.demo or config.private),
        "CSRF_TRUSTED_ORIGINS": [config.base_url.rstrip("/")],
        "ROOT_URLCONF": "carnet.portal.urls",
        "INSTALLED_APPS": [
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "allauth",
            "allauth.account",
            "allauth.mfa",
            "carnet.portal.accounts",
            "carnet.portal.components",
        ],
        "MIDDLEWARE": [
            "carnet.portal.headers.Headers",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "carnet.portal.language.Language",
            "carnet.portal.refusals.Refusals",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",  # public pages say so
            "allauth.account.middleware.AccountMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / "templates"],
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "carnet.portal.shell.shell",
                    ],
                },
            }
        ],
        # accounts and sessions; health data is never here
        "DATABASES": {"default": database(config.database_url)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.db.DatabaseCache",
                "LOCATION": "cache",
            }
        },
        # language and time
        "LANGUAGE_CODE": "fr",
        "LANGUAGES": LANGUAGES,
        "LOCALE_PATHS": [HERE / "locale"],
        "LANGUAGE_COOKIE_NAME": "langue",
        "LANGUAGE_COOKIE_AGE": 365 * 24 * HOURS,
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_SECURE": secure,
        "TIME_ZONE": "Europe/Paris",
        "USE_TZ": True,
        # sessions and cookies
        "SESSION_COOKIE_NAME": "__Host-carnet" if secure else "carnet",
        "SESSION_COOKIE_AGE": 8 * HOURS,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_NAME": "__Host-carnet-csrf" if secure else "carnet-csrf",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_FAILURE_VIEW": "carnet.portal.refusals.csrf_failure",
        "SECURE_HSTS_SECONDS": 365 * 24 * HOURS if secure else 0,
        # static files: a new address at each change, so they are cached for ever
        "STATIC_URL": f"/static/{fingerprint(STATIC)}/",
        # log-in
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.ScryptPasswordHasher"],
        "LOGIN_URL": "unlock" if config.private else "account_login",
        "LOGIN_REDIRECT_URL": "home",
        # second factors: docs/decisions/0058
        "MFA_ADAPTER": "carnet.portal.accounts.sealing.MFAAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes", "webauthn"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not secure,  # of this machine; browsers refuse others
        "MFA_WEBAUTHN_USER_VERIFICATION": "required",  # a key that anybody may press proves nobody
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_RECOVERY_CODE_COUNT": 10,
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 600,
        "ACCOUNT_ADAPTER": "carnet.portal.accounts.adapter.Adapter",
        "ACCOUNT_FORMS": {"login": "carnet.portal.accounts.forms.SignInForm"},
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_LOGOUT_REDIRECT_URL": "home",
        # carnet/access/limits counts them, so that nobody locks the account of another
        "ACCOUNT_RATE_LIMITS": {"login": None, "login_failed": None},
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 1 << 20,
        "FILE_UPLOAD_HANDLERS": ["carnet.portal.files.receive.InMemory"],
        "LOGGING_CONFIG": None,  # app.py configures logs for the whole program
    }


def hosts(name: str | None, *, local: bool) -> list[str]:
    """The names the site answers to."""
    return [*filter(None, [name]), *(["localhost", "127.0.0.1", "[::1]"] if local else [])]


def database(url: str) -> dict[str, Any]:
    """Django's way of saying a PostgreSQL address; tables are found in schema `portal`."""
    given = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
    options = f"{given.pop('options', '')} -c search_path=portal".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.pop("dbname", ""),
        "USER": given.pop("user", ""),
        "PASSWORD": given.pop("password", ""),
        "HOST": given.pop("host", ""),
        "PORT": str(given.pop("port", "")),
        "OPTIONS": {**given, "options": options},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


def fingerprint(folder: Path) -> str:
    """Of every file of a folder: names and content."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
