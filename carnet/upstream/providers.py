# SPDX-License-Identifier: EUPL-1.2
"""The operator's file of providers, checked before anything is served.

A section a provider; what its `shape` says (shapes.toml) is not repeated. docs/howto/plug-a-provider.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from carnet import errors
from carnet.access import factors

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
RECOGNISE: Final = ("rpps", "traits", "link")
SLUG: Final = re.compile("[a-z][a-z0-9-]{0,39}")
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
KNOWN: Final = {
    "shape", "name", "issuer", "client_id", "secret_file", "key_file", "scopes", "acr_values", "levels",
    "algorithms", "opens", "recognise", "claim", "before", "userinfo", "hosts", "source",
    "date", "unverified", "organisation", "national",
}  # fmt: skip


class WrongProviders(errors.Invalid):
    """The file of providers (CARNET_PROVIDERS) cannot be used."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One section.

    levels: its `acr` → ours; what is not there gives none. opens: kinds of accounts. hosts: origins, beside
    the issuer's, that its endpoints may have. claim: which one bears a RPPS, after `before`. organisation: a
    hospital's provider vouches for who practises there, and for nobody else of the country.
    """

    key: str
    names: Mapping[str, str]  # by language
    issuer: str
    client_id: str
    secret_file: Path | None
    key_file: Path | None
    scopes: tuple[str, ...]
    acr_values: tuple[str, ...]
    levels: Mapping[str, str]
    algorithms: tuple[str, ...]
    opens: frozenset[str]
    recognise: str
    claim: str
    before: str
    userinfo: bool
    organisation: str | None  # system|value of the one it is of; None: it is the nation's
    origins: frozenset[str] = field(default_factory=frozenset)

    def name(self, language: str) -> str:
        """As a button says it."""
        return self.names.get(language) or self.names["fr"]

    def level(self, acr: object) -> str | None:
        """Ours for theirs; None for what the file does not name."""
        return self.levels.get(acr) if isinstance(acr, str) else None


@cache
def shapes() -> dict[str, dict[str, Any]]:
    """What is known of each kind of provider."""
    text = resources.files(__package__).joinpath("shapes.toml").read_text("utf-8")
    return tomllib.loads(text)


def load(path: str, *, lenient: bool) -> dict[str, Provider]:
    """Every provider by its key, none without a file; lenient: plain http on loopback is allowed."""
    if not path:
        return {}
    try:
        read = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongProviders(f"CARNET_PROVIDERS: {path} cannot be read ({error}).") from None
    return {key: _provider(key, given, Path(path).parent, lenient) for key, given in read.items()}


def _provider(key: str, given: Any, folder: Path, lenient: bool) -> Provider:
    def wrong(why: str) -> WrongProviders:
        return WrongProviders(f"CARNET_PROVIDERS, section [{key}]: {why}.")

    if not SLUG.fullmatch(key) or not isinstance(given, dict):
        raise wrong("a section is named in small letters, digits and hyphens")
    shape = given.get("shape", "hospital")
    if shape not in shapes():
        raise wrong(f"shape is one of {', '.join(shapes())}")
    if unknown := set(given) - KNOWN:
        raise wrong(f"{', '.join(sorted(unknown))} is not known")
    all_ = {**shapes()[shape], **given}
    for name in ("name", "issuer", "client_id"):
        if not all_.get(name):
            raise wrong(f"{name} is missing")
    names = all_["name"] if isinstance(all_["name"], dict) else {"fr": all_["name"]}
    if not names.get("fr") or any(not isinstance(each, str) for each in names.values()):
        raise wrong("name.fr is missing")
    for name in ("issuer", "client_id", "recognise", "claim", "before", "organisation"):
        if not isinstance(all_.get(name, ""), str):
            raise wrong(f"{name} is a text")
    for name in ("scopes", "acr_values", "algorithms", "opens", "hosts"):
        listed = all_.get(name, [])
        if not isinstance(listed, list) or any(not isinstance(each, str) for each in listed):
            raise wrong(f"{name} is a list of texts")
    if ("secret_file" in all_) == ("key_file" in all_):
        raise wrong("give secret_file or key_file: how this installation proves who it is")
    files = {name: folder / str(all_[name]) for name in ("secret_file", "key_file") if name in all_}
    for name, file in files.items():
        _file(name, file, wrong)
    for address in (all_["issuer"], *all_.get("hosts", ())):
        _address(address, lenient, wrong)
    if set(all_["algorithms"]) - ALGORITHMS or not all_["algorithms"]:
        raise wrong(f"algorithms are among {', '.join(sorted(ALGORITHMS))}")
    if "openid" not in all_["scopes"]:
        raise wrong("scopes have openid")
    if all_["recognise"] not in RECOGNISE:
        raise wrong(f"recognise is one of {', '.join(RECOGNISE)}")
    levels = all_.get("levels", {})
    if not isinstance(levels, dict) or any(not isinstance(each, str) for each in levels.values()):
        raise wrong("levels is a table: a text of theirs = a text of ours")
    if not isinstance(all_.get("userinfo", False), bool):
        raise wrong("userinfo is true or false")
    for theirs, ours in levels.items():
        if factors.rank(ours) < factors.rank(factors.PASSWORD):
            raise wrong(
                f"levels: {theirs} is given a level that is not of carnet/access/factors.toml"
            )
    for each in all_["opens"]:
        if not factors.open_to("upstream", each):
            raise wrong(f"opens: no account of kind {each} is entered through another provider")
    if all_["recognise"] == "rpps" and all_["opens"] != ["professional"]:
        raise wrong("a RPPS opens accounts of professionals alone")
    if all_["recognise"] == "rpps" and bool(all_.get("organisation")) == bool(all_.get("national")):
        raise wrong("give the organisation whose professionals it vouches for, as system|value")
    if not re.fullmatch(r"[^|]+\|[^|]+|", all_.get("organisation", "")):
        raise wrong("organisation is system|value")
    if all_["recognise"] == "traits" and all_["opens"] != ["patient"]:
        raise wrong("traits open accounts of patients alone")
    return Provider(
        key=key, names=names, issuer=all_["issuer"], client_id=all_["client_id"],
        secret_file=files.get("secret_file"), key_file=files.get("key_file"),
        scopes=tuple(all_["scopes"]), acr_values=tuple(all_.get("acr_values", ())), levels=dict(levels),
        algorithms=tuple(all_["algorithms"]), opens=frozenset(all_["opens"]),
        recognise=all_["recognise"], claim=all_.get("claim", ""), before=all_.get("before", ""),
        userinfo=bool(all_.get("userinfo")), organisation=all_.get("organisation") or None,
        origins=frozenset({origin(each) for each in (all_["issuer"], *all_.get("hosts", ()))}),
    )  # fmt: skip


def _file(name: str, file: Path, wrong: Any) -> None:
    """A secret is a word, a key a private one: found out at the start, not at the first log-in."""
    if not file.is_file():
        raise wrong(f"{name} is no file: {file}")
    try:
        text = file.read_text("utf-8").strip()
        usable = bool(text) if name == "secret_file" else RSAKey.import_key(text).is_private
    except (OSError, ValueError, TypeError, JoseError):
        usable = False
    if not usable:
        raise wrong(
            f"{name} holds {'no secret' if name == 'secret_file' else 'no private RSA key'}"
        )


def _address(address: str, lenient: bool, wrong: Any) -> None:
    parts = urlsplit(address)
    plain = lenient and parts.scheme == "http" and parts.hostname in LOOPBACK
    if (
        not (parts.scheme == "https" or plain)
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        raise wrong(f"{address} is not a whole https address")


def origin(address: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}:{port}"
