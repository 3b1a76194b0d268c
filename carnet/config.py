# SPDX-License-Identifier: EUPL-1.2
"""Every setting, read once from the environment (`CARNET_*`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from carnet import errors


class Instance(StrEnum):
    """What this installation is for; it decides how strict the entries are (DESIGN §9)."""

    DEMONSTRATION = "demonstration"
    TEST = "test"
    PRODUCTION = "production"
    PRIVATE = "private"  # one owner, on their own machine (carnet open)


class Validation(StrEnum):
    """What a write is held to beyond the structure of its type."""

    OFF = "off"
    BASE = "base"
    PROFILES = "profiles"


class MailTls(StrEnum):
    """How a mail server is spoken to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class WrongSetting(errors.Invalid):
    """A CARNET_* setting has a value that cannot be used."""


def _setting(default: Any, text: str, unit: str = "") -> Any:
    return field(default=default, metadata={"help": text, "unit": unit})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; passed from app.py down, never read elsewhere."""

    PREFIX: ClassVar[str] = "CARNET_"

    data: Path = _setting(
        Path(".carnet/data"), "Folder of the embedded server, the keys and the attachments."
    )
    database_url: str = _setting(
        "", "An external PostgreSQL (17 or later) instead of the embedded one, as a libpq URL."
    )
    instance: Instance = _setting(
        Instance.PRODUCTION,
        "What the installation is for: demonstration, test, production, or private (carnet open).",
    )
    base_url: str = _setting(
        "http://localhost:8000", "Public address, without a final slash; /fhir is under it."
    )
    host: str = _setting("127.0.0.1", "Address the server listens on.")
    port: int = _setting(8000, "Port the server listens on.")
    matrix: str = _setting(
        "",
        "The access matrix, a file or a folder of dated versions; a production instance needs it named.",
    )
    examinations: str = _setting(
        "",
        "Examinations that are asked for by several codes, and how long one holds: a TOML file like "
        "carnet/documents/same/examinations.toml.",
    )
    synonyms: str = _setting(
        "",
        "Words that mean the same in a search of documents: a TOML file like "
        "carnet/documents/text/synonyms.toml.",
    )
    proxies: str = _setting(
        "",
        "Addresses or networks of the proxies before this server, with commas: what they say in "
        "X-Forwarded-For is believed, of nobody else.",
    )
    providers: str = _setting(
        "",
        "Other OpenID providers people log in by, a hospital's or the nation's: a TOML file "
        "(docs/howto/plug-a-provider.md).",
    )
    pages: bool = _setting(True, "Whether the people's pages are served beside the API.")
    pool_size: int = _setting(10, "Connections each server process keeps open.", "connections")
    validation: Validation = _setting(
        Validation.OFF,
        "What a write is refused for beyond its structure: off (nothing; return=OperationOutcome tells), "
        "base (R4's own rules) or profiles (those its meta.profile claims too).",
    )
    require_version: bool = _setting(
        False,
        "Whether an update or a patch has to say in If-Match which version it changes (else 428).",
    )
    packages: str = _setting(
        "",
        "FHIR packages to validate against: a .tgz, a folder of them, or a folder of JSON files.",
    )
    body_limit: int = _setting(32 * 1024 * 1024, "Largest request body.", "bytes")
    entry_limit: int = _setting(5000, "Most entries in one Bundle.", "entries")
    statement_timeout: float = _setting(15.0, "Longest time one statement may run.", "seconds")
    token_lifetime: int = _setting(300, "Lifetime of an access token.", "seconds")
    visit_hours: int = _setting(8, "How long a consent given for one visit lasts.", "hours")
    helper_minutes: int = _setting(
        120, "How long a helper's session lasts, two hours at most.", "minutes"
    )
    page_size: int = _setting(50, "Results on a page when the caller names none.", "results")
    page_limit: int = _setting(1000, "Most results on a page.", "results")
    find_per_hour: int = _setting(60, "Searches for a person one account may make.", "per hour")
    patients_per_hour: int = _setting(
        300, "Patients whose records one person's account may read.", "per hour"
    )
    seal_delay: int = _setting(
        60, "Longest time a line of the audit waits to be sealed.", "seconds"
    )
    mail_host: str = _setting(
        "", "The mail server that e-mails leave by; none leaves while it is empty."
    )
    mail_port: int = _setting(587, "Port of the mail server.")
    mail_tls: MailTls = _setting(
        MailTls.STARTTLS,
        "How the mail server is spoken to: starttls (begun in clear, refused without), tls (from the first "
        "byte) or none (for a server of this machine alone).",
    )
    mail_user: str = _setting(
        "", "Name this installation has at the mail server; empty: none is said."
    )
    mail_password_file: str = _setting(
        "", "File that holds the password of mail_user, read at each sending."
    )
    mail_from: str = _setting(
        "",
        "Address e-mails are from; ne-pas-repondre@ the public address's host while it is empty.",
    )
    mss_domain: str = _setting(
        "carnet.simulateur.mssante.fr",
        "Domain of secure mail (MSSanté) of this installation; citizens' addresses are under patient. it.",
    )
    mss_port: int = _setting(
        2525, "Port secure mail comes in by (SMTP, STARTTLS with a client certificate); 0: none."
    )
    mss_certificates: str = _setting(
        "",
        "Folder of own.pem, own.key and authority.pem for secure mail; in a demonstration they are made.",
    )
    mss_limit: int = _setting(10 * 1024 * 1024, "Largest mail taken.", "bytes")
    image_limit: int = _setting(64 * 1024 * 1024, "Largest image (DICOM instance) taken.", "bytes")
    images_limit: int = _setting(
        2 * 1024**3,
        "Most bytes of images in one DICOMweb request, which is taken part by part.",
        "bytes",
    )
    hl7_port: int = _setting(2575, "Port movements of patients come in by (HL7 v2, MLLP); 0: none.")
    dicom_port: int = _setting(11112, "Port images come in by (DICOM C-STORE); 0: none.")
    dicom_title: str = _setting("CARNET", "Title (AE title) images are sent to.")
    dicom_peers: str = _setting(
        "",
        "Who may send images: a TOML file like carnet/imaging/peers.toml (a simulator's, used in a "
        "demonstration while none is named).",
    )
    dicom_certificates: str = _setting(
        "",
        "Folder of own.pem, own.key and authority.pem: images then come in by TLS, with a certificate.",
    )
    trust_list: str = _setting(
        "",
        "Domains secure mail is exchanged with: a TOML file like carnet/messaging/trust.toml (a "
        "simulator's, used while none is named).",
    )
    regulated: str = _setting(
        "",
        "Functions that may be a medical device, put into service: a TOML file "
        "(docs/howto/sign-a-function.md).",
    )
    orientation: str = _setting(
        "",
        "Whom to turn to, a table of your own: a TOML file like carnet/care/orientation/orientation.toml; "
        "where people are real, only one that was reviewed serves.",
    )
    log_level: str = _setting("INFO", "Least level of the log lines.")

    @property
    def keys(self) -> Path:
        """Folder of the operator's keys, outside the database."""
        return self.data / "keys"

    @property
    def attachments(self) -> Path:
        """Folder of the sealed attachments."""
        return self.data / "attachments"

    @property
    def roots(self) -> Path:
        """File of the audit's signed roots, to be copied elsewhere."""
        return self.data / "roots.ndjson"

    @property
    def mail(self) -> Path:
        """Folder the e-mails leave by."""
        return self.data / "mail"

    @property
    def mails(self) -> bool:
        """Whether e-mails reach somebody: by a server, or in the folder of a demonstration or of tests."""
        return bool(self.mail_host) or self.instance in (Instance.DEMONSTRATION, Instance.TEST)

    @property
    def sender(self) -> str:
        """Whom e-mails are from."""
        host = self.base_url.split("//")[-1].split("/")[0].split(":")[0]
        return f"Carnet <{self.mail_from or f'ne-pas-repondre@{host}'}>"

    @property
    def lenient(self) -> bool:
        """Whether test identities and doubtful numbers are taken with a warning."""
        return self.instance is not Instance.PRODUCTION


def read(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment; `given` (from the command line) wins, None is not given."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name = Settings.PREFIX + setting.name.upper()
        if given.get(setting.name) is not None:
            values[setting.name] = given[setting.name]
        elif environ.get(name):
            values[setting.name] = _converted(name, environ[name], setting.default)
    return Settings(**values)


def origins(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Where each setting's value comes from: `environment` or `default`."""
    environ = os.environ if environ is None else environ
    return {
        setting.name: "environment"
        if environ.get(Settings.PREFIX + setting.name.upper())
        else "default"
        for setting in fields(Settings)
    }


def export(settings: Settings) -> None:
    """Hand settings on to the processes this one starts, through the environment."""
    for setting in fields(Settings):
        value = getattr(settings, setting.name)
        text = str(value.absolute()) if isinstance(value, Path) else str(value)
        os.environ[Settings.PREFIX + setting.name.upper()] = text


def _converted(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "1", "0"):
            raise WrongSetting(f"{name} is true or false.")
        return text.lower() in ("true", "1")
    try:
        return type(default)(text) if not isinstance(default, Path) else Path(text)
    except ValueError:
        raise WrongSetting(f"{name} cannot be read as {type(default).__name__}.") from None


def user_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where programs keep the data of this user."""
    environ = os.environ if environ is None else environ
    if given := environ.get("XDG_DATA_HOME", ""):
        return Path(given) / "carnet"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "carnet"
    return Path.home() / ".local" / "share" / "carnet"


def memory_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """A folder that is never on a disk, where this system has one."""
    environ = os.environ if environ is None else environ
    for each in (environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108
        if each and os.access(each, os.W_OK):
            return Path(each)
    return None
