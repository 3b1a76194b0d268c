# SPDX-License-Identifier: EUPL-1.2
"""The keys that sign tokens: one signs, those before it verify until what they signed is over.

They are one file of the installation's keys (`signing.json`, mode 0600), which every process reads again
within a second of its change. A new key is published before it signs, so that whoever keeps a copy of the
public ones has it in time. Beside each is one that signs who logged in, for applications: those ask for RSA.
Source: RFC 7517; OpenID Connect Core 1.0, 10.1.1 and 15.1; SMART App Launch 2.2 (RS256).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, RSAKey

from carnet import errors

FILE: Final = "signing.json"
ALGORITHM: Final = "Ed25519"
IDENTITY: Final = "RS256"  # of ID tokens; no access token is ever verified by one of these
BITS: Final = 2048
LEAD: Final = 600  # seconds a key is published before it signs
FRESH: Final = 0.5  # seconds the file is believed
MARGIN: Final = 60  # seconds a key is kept beyond the last token it can have signed


class WrongKeys(errors.Invalid):
    """The file of the signing keys cannot be read: restore it from its copy, or remove it for a new one."""


class TooSoon(errors.BusinessRule):
    """The last key is of a few minutes ago and does not sign yet: wait, or say that one has leaked."""


@dataclass(frozen=True, slots=True)
class Held:
    """One key, since when it is published (seconds since 1970, 0: the first), and that of ID tokens."""

    key: OKPKey
    made: int
    identity: Mapping[str, str] | None = None  # a private JWK, imported when it signs: that is slow


class Keyring:
    """The keys as they are now: of a file, else those given. longest: seconds a token may live."""

    def __init__(
        self,
        held: Sequence[Held],
        clock: Callable[[], datetime],
        longest: int,
        path: Path | None = None,
    ) -> None:
        self._clock, self._longest, self._path = clock, longest, path
        self._stamp = _stamp(
            path
        )  # before it is read: a change in between is seen at the next look
        self._held = tuple(held) if path is None else _load(path)
        self._looked = time.monotonic()
        self._identity: RSAKey | None = None  # that of ID tokens, once it has signed
        self.changes = 0  # raised when the keys are others than before

    def signing(self) -> OKPKey:
        """The newest that is published for long enough; the first of all when none is."""
        now = self._clock().timestamp()
        ready = [each for each in self._read() if each.made + LEAD <= now]
        return (ready[-1] if ready else self._held[0]).key

    def identity(self) -> RSAKey:
        """What signs ID tokens: that of the key that signs, or the first there is; WrongKeys for none."""
        now = self._clock().timestamp()
        held = [each for each in self._read() if each.identity is not None]
        ready = [each for each in held if each.made + LEAD <= now]
        for each in [*reversed(ready), *held]:
            if each.identity is not None:
                return self._imported(each.identity)
        raise WrongKeys

    def _imported(self, said: Mapping[str, str]) -> RSAKey:
        if self._identity is None or self._identity.kid != said["kid"]:
            try:
                self._identity = RSAKey.import_key(dict(said))
            except (ValueError, TypeError, KeyError, JoseError):
                raise WrongKeys from None
        return self._identity

    def find(self, kid: str) -> OKPKey | None:
        """The key of this name, if what it signed may still be valid."""
        return next((each.key for each in self._kept() if each.key.kid == kid), None)

    def published(self) -> dict[str, Any]:
        """The public keys that verify access tokens, as a JSON Web Key Set."""
        return {
            "keys": [
                {**each.key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
                for each in self._kept()
            ]
        }

    def public(self) -> dict[str, Any]:
        """All of them, those of ID tokens too."""
        identities = [each.identity for each in self._kept() if each.identity is not None]
        told = [
            {
                **{name: each[name] for name in ("kty", "n", "e", "kid")},
                "use": "sig",
                "alg": IDENTITY,
            }
            for each in identities
        ]
        return {"keys": [*self.published()["keys"], *told]}

    def look(self) -> None:
        """See whether the file has changed."""
        self._read()

    def _kept(self) -> list[Held]:
        return kept(self._read(), self._clock().timestamp(), self._longest)

    def _read(self) -> tuple[Held, ...]:
        """The keys of the file, looked at twice a second at most."""
        if self._path is not None and time.monotonic() - self._looked >= FRESH:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._held, self._stamp = _load(self._path), stamp
                self.changes += 1
            self._looked = time.monotonic()
        return self._held


def kept(held: Sequence[Held], now: float, longest: int) -> list[Held]:
    """Without the keys whose last token is over: the one after them has signed for longer than it lives."""
    over = [at for at, each in enumerate(held) if at and each.made + LEAD + longest + MARGIN <= now]
    return list(held[over[-1] :] if over else held)


def load_or_make(folder: Path, clock: Callable[[], datetime], longest: int) -> Keyring:
    """The keys of an installation, the first of them made now when there is none; WrongKeys."""
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            if not path.exists():
                _write(path, [Held(_new(), 0, _identity())])
    elif _load(path)[-1].identity is None:  # of an older version
        with _alone(folder):
            *before, last = _load(path)
            if last.identity is None:
                _write(path, [*before, replace(last, identity=_identity())])
    return Keyring((), clock, longest, path)


def rotate(folder: Path, clock: Callable[[], datetime], longest: int, *, leaked: bool) -> OKPKey:
    """Add a key, which signs in LEAD seconds, and forget those that are over; TooSoon, WrongKeys.

    leaked: the new one signs at once and the others verify no more, so that everything they signed ends.
    """
    path = folder / FILE
    with _alone(folder):
        held, now = _load(path), int(clock().timestamp())
        if not leaked and held[-1].made + LEAD > now:
            raise TooSoon
        made = Held(_new(), 0 if leaked else now, _identity())
        _write(path, [made] if leaked else [*kept(held, now, longest), made])
    return made.key


def _new() -> OKPKey:
    return OKPKey.generate_key(ALGORITHM, auto_kid=True)


def _identity() -> dict[str, str]:
    made = RSAKey.generate_key(BITS, auto_kid=True)
    return {name: str(each) for name, each in made.as_dict(private=True).items()}


def _held(said: dict[str, Any]) -> Held:
    return Held(OKPKey.import_key(said["key"]), int(said["made"]), said.get("identity"))


def _stamp(path: Path | None) -> tuple[int, int]:
    if path is None:
        return (0, 0)
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _load(path: Path) -> tuple[Held, ...]:
    """Those of the file, oldest first; a key alone is what an older version wrote."""
    try:
        said = json.loads(path.read_bytes())
        if "keys" not in said:
            return (Held(OKPKey.import_key(said), 0),)
        held = [_held(each) for each in said["keys"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, JoseError):
        raise WrongKeys from None
    if not held:
        raise WrongKeys
    return tuple(sorted(held, key=lambda each: each.made))


def _write(path: Path, held: Sequence[Held]) -> None:
    """All of them or none: the file is replaced once it is on the disk."""
    keys = [_written(each) for each in held]
    temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"keys": keys}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _written(held: Held) -> dict[str, Any]:
    said: dict[str, Any] = {"key": held.key.as_dict(private=True), "made": held.made}
    return said | ({"identity": held.identity} if held.identity else {})


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time changes the file."""
    with (folder / "signing.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
