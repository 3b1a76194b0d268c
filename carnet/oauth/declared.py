# SPDX-License-Identifier: EUPL-1.2
"""What a client may be registered with: its name, its addresses, its scopes. Rules alone; nothing is stored.

Sources: OAuth 2.1, 2.3 and 8.4.2; RFC 8252; SMART App Launch 2.2; carnet/access/writing.toml.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import SplitResult, urlsplit

from carnet import errors
from carnet.access import scopes, writing
from carnet.access.actor import Actor, ActorKind

LONGEST_NAME: Final = 60
LONGEST_ADDRESS: Final = 400
MOST_ADDRESSES: Final = 10
LOOPBACK: Final = ("127.0.0.1", "[::1]")
IDENTIFIER = re.compile("[a-z0-9](?:[a-z0-9-]{1,62}[a-z0-9])", re.ASCII)
HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII
)
VISIBLE = re.compile("[!-~]+", re.ASCII)
LAST_LETTER: Final = (
    "\u017e"  # of European languages; beyond are phonetic letters that look like others
)
IN_NAMES: Final = " 0123456789'’.-&+()"
# What is drawn alike in most typefaces; accents and marks have gone before.
STRUCK: Final = str.maketrans(
    "øđłħŧðıĸ", "odlhtdik"
)  # letters that do not come apart from their mark
ALIKE: Final = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
LEVELS: Final = {"app": ("patient", "user"), "software": ("system", "user")}
ACTS: Final = {"c": "create", "u": "update", "d": "delete"}


class WrongIdentifier(errors.Invalid):
    """A client_id is 3 to 64 small letters, digits and hyphens, such as my-app."""


class WrongName(errors.Invalid):
    """A name is 3 to 60 characters: Latin letters, digits, spaces and ' . - & + ( )."""


class NameTaken(errors.Conflict):
    """Another client has this name, or one that is read the same."""


class WrongAddress(errors.Invalid):
    """An address is https://, a host in full and a path, in ASCII."""


class WrongScopes(errors.Invalid):
    """These scopes cannot be registered for this kind of client."""


def identifier(text: str) -> str:
    """client_id, as it is asked for."""
    if not IDENTIFIER.fullmatch(text):
        raise WrongIdentifier
    return text


def name(text: str) -> str:
    """As people will read it: of one script, so that no other letter passes for one of it."""
    text = " ".join(unicodedata.normalize("NFC", text).split(" "))
    strange = any(not (_latin(each) or each in IN_NAMES) for each in text)
    if not 3 <= len(text) <= LONGEST_NAME or strange or text != text.strip() or "  " in text:
        raise WrongName
    if not read_as(text):
        raise WrongName
    return text


def _latin(letter: str) -> bool:
    return letter <= LAST_LETTER and unicodedata.name(letter, "").startswith("LATIN ")


def read_as(text: str) -> str:
    """What a hurried eye keeps of a name: two names with the same are one."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(each for each in plain if each.isalnum()).translate(STRUCK)
    for one, other in ALIKE:
        kept = kept.replace(one, other)
    return kept


# ------------------------------------------------------------------------------------ addresses


def redirect(text: str, *, native: bool, lenient: bool) -> str:
    """Where an answer goes, whole: https, or http on the device itself for a native client."""
    parts = _split(text)
    if parts.scheme == "http":
        _on_device(parts, native=native, lenient=lenient)
    elif parts.scheme == "https":
        _host(parts)
    else:
        raise WrongAddress("A redirect is https://; an application's own scheme is not taken.")
    if not parts.path:
        raise WrongAddress("A redirect has a path, were it only a slash.")
    return text


def origin(text: str, *, lenient: bool) -> str:
    """Where pages of a client come from, for CORS: scheme, host, port."""
    parts = _split(text)
    if parts.path or parts.query:
        raise WrongAddress("An origin is a scheme, a host and a port, without a slash at the end.")
    if parts.scheme == "http" and lenient and parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return text
    if parts.scheme != "https":
        raise WrongAddress("An origin is https://.")
    _host(parts)
    if parts.port == 443:
        raise WrongAddress("An origin does not say port 443: browsers leave it out.")
    return text


def page(text: str) -> str:
    """A page for people: home page, notice about personal data, launch."""
    parts = _split(text)
    if parts.scheme != "https":
        raise WrongAddress
    _host(parts)
    return text


def opening(text: str, *, lenient: bool) -> str:
    """Where an opening on a patient begins: a page, on the device itself where people try."""
    parts = _split(text)
    if parts.scheme == "http":
        _on_device(parts, native=lenient, lenient=lenient)
        return text
    return page(text)


def reads(text: str) -> str:
    """The host of an address as a browser may show it, when that differs (xn--…); else nothing."""
    host = urlsplit(text).hostname or ""
    return _unpacked(host) if "xn--" in host else ""


def _split(text: str) -> SplitResult:
    if not text.isascii():
        raise WrongAddress(
            "An address is in ASCII: write its host as xn--…, so that no letter passes for another."
        )
    if len(text) > LONGEST_ADDRESS or not VISIBLE.fullmatch(text) or set('\\"<>^`{|}') & set(text):
        raise WrongAddress
    if "*" in text:
        raise WrongAddress("An address has no wildcard: each is registered whole.")
    if "#" in text:
        raise WrongAddress("An address has no fragment (#).")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise WrongAddress from None
    if "@" in parts.netloc:
        raise WrongAddress("An address has no name or password before its host (@).")
    if any(part in (".", "..") for part in parts.path.split("/")) or "%2e" in text.lower():
        raise WrongAddress("A path has no . or .. in it.")
    if not text.startswith(("https://", "http://")):
        raise WrongAddress("An address begins with https://, in small letters.")
    if parts.netloc.endswith(":"):
        raise WrongAddress
    return parts


def _on_device(parts: SplitResult, *, native: bool, lenient: bool) -> None:
    if not native:
        raise WrongAddress(
            "http:// is for a native application on the device itself; else https://."
        )
    literal = parts.netloc.removesuffix(f":{parts.port}")
    if literal in LOOPBACK or (lenient and literal == "localhost"):
        return
    raise WrongAddress(
        "On the device itself, the host is 127.0.0.1 or [::1]: a name may be another's."
    )


def _host(parts: SplitResult) -> None:
    host = parts.netloc.removesuffix(f":{parts.port}")
    if not HOST.fullmatch(host) or len(host) > 253:
        raise WrongAddress("A host is a name in full, in small letters: no address in figures.")
    if "xn--" in host:
        _unpacked(host)


def _unpacked(host: str) -> str:
    """The letters an internationalised name stands for; refused when they mix scripts."""
    try:
        shown = host.encode("ascii").decode("idna")
    except UnicodeError:
        raise WrongAddress("This name beginning with xn-- stands for nothing.") from None
    for label in shown.split("."):
        scripts = {unicodedata.name(each, "?").split(" ")[0] for each in label if each.isalpha()}
        if len(scripts) > 1 or (scripts and scripts != {"LATIN"}):
            raise WrongAddress(
                "The letters of this name are not all Latin: it may pass for another's."
            )
    return shown


# --------------------------------------------------------------------------------------- scopes


def asked(text: str, kind: str) -> str:
    """The widest a client may ask, within what the rules let its kind do, in an order of their own.

    Of software, each letter that writes is one that carnet/access/writing.toml lets software (system/)
    or professionals (user/) write. `*` is whatever those rules let, and nothing more.
    """
    try:
        words = scopes.judged(" ".join(text.split()))
    except scopes.WrongScope:
        raise WrongScopes(
            "A scope is not one of SMART App Launch 2.2, or is there twice."
        ) from None
    data = [scopes.parse(each) for each in words if each not in scopes.PLAIN]
    if not data:
        raise WrongScopes(
            "A client names the data it is for: at least one scope such as patient/*.rs."
        )
    for each in data:
        if each.level not in LEVELS[kind]:
            said = " or ".join(f"{level}/" for level in LEVELS[kind])
            raise WrongScopes(f"{each}: what this kind of client asks begins with {said}.")
        for letter in each.letters:
            if not _writable(each, letter):
                raise WrongScopes(
                    f"{each}: the rules let nobody of this level {ACTS[letter]} that."
                )
    if kind == "software" and scopes.PLAIN & set(words):
        raise WrongScopes("Nobody logs in through software of an organisation: data scopes alone.")
    return " ".join(sorted(words))


def _writable(scope: scopes.DataScope, letter: str) -> bool:
    if letter not in ACTS or scope.rtype == scopes.WHOLE:
        return True
    kinds = {
        "system": (ActorKind.SOFTWARE,),
        "user": (ActorKind.PROFESSIONAL, ActorKind.ASSISTANT),
        "patient": (ActorKind.PATIENT,),
    }[scope.level]
    return any(
        writing.allowed(Actor(kind, "", "", ""), scope.rtype, ACTS[letter]) for kind in kinds
    )
