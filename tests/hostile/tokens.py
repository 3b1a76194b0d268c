# SPDX-License-Identifier: EUPL-1.2
"""What a thief makes of a token they hold, and a forger of a key: each wrong in a way that has a name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from carnet.access.actor import ActorKind
from carnet.access.tokens import COMMON, OF_KIND

Json = dict[str, Any]
LETTERS = string.ascii_letters + string.digits + "-_.=+/ \n\t!é\u200b"
LOOKALIKE = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "i": "і"})
OTHERS: dict[type, tuple[Any, ...]] = {
    str: (None, "", 1, True, [], {}, 0.5, [""], {"value": "x"}),
    int: (None, "", "1", True, [], {}, 0.5, 1.0, [1], 10**400),
}
KIDS: tuple[Any, ...] = (
    "../../../../dev/null", "/dev/null", "' OR '1'='1", "x'; DROP TABLE access.subject; --", "\x00",
    "https://evil.example/jwks", "${jndi:ldap://evil.example}", "é" * 400, 0, None, [], {}, True, "",
    "keys.json", "%2e%2e%2f", "a" * 7000,
)  # fmt: skip
EXTRA: tuple[Json, ...] = (
    {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"}, {"x5c": ["MIIB"]},
    {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"zip": "DEF"}, {"cty": "JWT"}, {"typ": "JWT"},
    {"typ": "AT+JWT"}, {"typ": None}, {"typ": "at+jwt "}, {"typ": ["at+jwt"]}, {"enc": "A128GCM"},
    {"alg": "EdDSA"}, {"alg": "ed25519"}, {"alg": ["Ed25519"]}, {"alg": None},
)  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Forger:
    """Tokens that were stolen, and what can be tried with them; `key`, the server's own, for what only
    its claims are wrong in."""

    tokens: list[str]
    key: OKPKey
    chance: random.Random
    mine: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    rsa: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    curve: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def mutants(self, count: int) -> Iterator[tuple[str, str]]:
        """So many, each with the name of its family; none is a token that was issued."""
        families: list[Callable[[], str]] = [
            self.flipped, self.edited, self.algorithm, self.named, self.headed, self.doubled, self.retyped,
            self.missing, self.elsewhere, self.untimely, self.cut, self.joined, self.lookalike, self.blank,
        ]  # fmt: skip
        made = 0
        while made < count:
            family = families[made % len(families)]
            token = family()
            if token not in self.tokens:
                made += 1
                yield family.__name__, token

    # ------------------------------------------------------------------ tools

    def token(self) -> str:
        return self.chance.choice(self.tokens)

    def claims(self) -> Json:
        found: Json = json.loads(unb64(self.token().split(".")[1]))
        return found

    def header(self, **changes: Any) -> bytes:
        full = {"alg": "Ed25519", "typ": "at+jwt", "kid": self.key.kid} | changes
        return json.dumps({k: v for k, v in full.items() if v is not None}).encode()

    def signed(self, payload: bytes | Json, header: bytes = b"", *, ours: bool = True) -> str:
        """By the server's own key, or by the thief's."""
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        head = f"{b64(header or self.header())}.{b64(payload)}"
        private = self.key.private_key if ours else self.mine
        assert isinstance(private, Ed25519PrivateKey)
        return f"{head}.{b64(private.sign(head.encode()))}"

    # ------------------------------------------------------------------ families

    def flipped(self) -> str:
        """A bit of one part."""
        parts = self.token().split(".")
        at = self.chance.randrange(3)
        raw = bytearray(unb64(parts[at]))
        raw[self.chance.randrange(len(raw))] ^= 1 << self.chance.randrange(8)
        parts[at] = b64(bytes(raw))
        return ".".join(parts)

    def edited(self) -> str:
        """A few characters of the text."""
        text = list(self.token())
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            at = self.chance.choice((self.chance.randrange(len(text)), len(text) - 1))
            match self.chance.randrange(4):
                case 0:
                    text[at] = self.chance.choice(LETTERS)
                case 1:
                    del text[at]
                case 2:
                    text.insert(at, self.chance.choice(LETTERS))
                case _:
                    other = self.chance.randrange(len(text))
                    text[at], text[other] = text[other], text[at]
        return "".join(text)

    def algorithm(self) -> str:
        """Another algorithm, with what anybody has: the public key, or a key of one's own."""
        payload = self.token().split(".")[1]
        public = self.key.as_dict(private=False)
        alg = self.chance.choice(
            ("none", "None", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA")
        )
        head = f"{b64(self.header(alg=alg))}.{payload}"
        if alg.startswith("HS"):
            pem = self.key.as_pem(private=False)
            secret = self.chance.choice(
                (unb64(str(public["x"])), str(public["x"]).encode(), json.dumps(public).encode(), pem, b"",
                 str(self.key.kid).encode())
            )  # fmt: skip
            name = f"sha{alg[2:]}"
            signature = hmac.new(secret, head.encode(), getattr(hashlib, name)).digest()
        elif alg == "RS256":
            signature = self.rsa.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
        elif alg == "ES256":
            signature = self.curve.sign(head.encode(), ec.ECDSA(hashes.SHA256()))
        elif alg == "EdDSA":
            signature = self.mine.sign(head.encode())
        else:
            signature = self.chance.choice((b"", unb64(self.token().split(".")[2])))
        return f"{head}.{b64(signature)}"

    def named(self) -> str:
        """A kid that is a path, a query, an address, or no text."""
        kid = self.chance.choice(KIDS)
        return self.signed(self.claims(), self.header(kid=kid), ours=self.chance.random() < 0.5)

    def headed(self) -> str:
        """A header with a word more, or another; even signed by the server it says too much."""
        own = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.mine.public_key().public_bytes_raw())}
        more = self.chance.choice((*EXTRA, {"jwk": own}))
        return self.signed(self.claims(), self.header(**more), ours=self.chance.random() < 0.7)

    def doubled(self) -> str:
        """A member said twice, in the claims or the header."""
        claims = self.claims()
        name = self.chance.choice(list(claims))
        value = self.chance.choice((claims[name], "*", None, 4_102_444_800))
        twice = f", {json.dumps(name)}: {json.dumps(value)}}}"
        if self.chance.random() < 0.7:
            return self.signed((json.dumps(claims)[:-1] + twice).encode())
        head = self.header().decode()[:-1] + f', "alg": {json.dumps(value)}}}'
        return self.signed(claims, head.encode())

    def needed(self, claims: Json) -> dict[str, type]:
        return COMMON | OF_KIND[ActorKind(claims["kind"])]

    def retyped(self) -> str:
        """A claim of another type."""
        claims = self.claims()
        name, kind = self.chance.choice(list(self.needed(claims).items()))
        return self.signed({**claims, name: self.chance.choice(OTHERS[kind])})

    def missing(self) -> str:
        """Claims left out, or no object at all."""
        claims = self.claims()
        for name in self.chance.sample(list(self.needed(claims)), self.chance.choice((1, 1, 2, 5))):
            del claims[name]
        whole = (b"", b"[]", b"null", b'"x"', b"1", b"{}", b"{", b"\xff\xfe", b"[" * 3000)
        if self.chance.random() < 0.1:
            return self.signed(self.chance.choice(whole))
        return self.signed(claims)

    def elsewhere(self) -> str:
        """Another issuer, audience, kind or holder."""
        changes: Json = self.chance.choice(
            (
                {"iss": self.chance.choice(("https://evil.example", "http://carnet.test/", "carnet"))},
                {"aud": self.chance.choice(("other", "CARNET", "carnet ", "http://carnet.test/fhir"))},
                {"kind": self.chance.choice(("platform", "Patient", "admin", "patient ", "*"))},
                {"rev": self.chance.choice((0, -1, 2, 1 << 40))},
                {"sub": f"patient:{self.chance.randrange(1 << 30)}"},
                {"secret": self.chance.choice((False, "true", 1, None))},
            )
        )  # fmt: skip
        return self.signed(self.claims() | changes)

    def untimely(self) -> str:
        """Expired, not yet, for too long, or at no time."""
        claims = self.claims()
        now, many = claims["iat"], self.chance.randrange(10, 1 << 40)
        span = self.chance.choice(
            ((now - many - 300, now - many), (now + many + 60, now + many + 360),
             (now - 90_000, now + 90_000), (now, now + 100_000 + many), (10**300, 10**301), (now, -many))
        )  # fmt: skip
        return self.signed(claims | {"iat": span[0], "exp": span[1]})

    def cut(self) -> str:
        """A part of it."""
        token = self.token()
        return self.chance.choice(
            (token[: self.chance.randrange(len(token))], token[self.chance.randrange(1, len(token)) :],
             ".".join(token.split(".")[: self.chance.randrange(3)]), token.replace(".", "", 1))
        )  # fmt: skip

    def joined(self) -> str:
        """Two of them in one, or parts of two."""
        one, two = self.chance.sample(self.tokens, 2)
        a, b = one.split("."), two.split(".")
        return self.chance.choice(
            (one + two, f"{one}.{two}", f"{one},{two}", f"{one} {two}", ".".join((a[0], b[1], a[2])),
             ".".join((a[0], a[1], b[2])), f"{one}.", f".{one}", ".".join((*a, a[2])))
        )  # fmt: skip

    def lookalike(self) -> str:
        """Letters that look the same, or that a comparison may drop."""
        claims = self.claims()
        name = self.chance.choice(("iss", "aud", "kind"))
        value = str(claims[name])
        changed = self.chance.choice(
            (value.translate(LOOKALIKE), value + "\u200b", value + "\x00", "\ufeff" + value, value.upper(),
             value + "\n", value.replace("t", "\uff54"))
        )  # fmt: skip
        return self.signed({**claims, name: changed if changed != value else value + "\u0301"})

    def blank(self) -> str:
        """Blanks, ends of lines, padding and other alphabets in the text of a good one."""
        token = self.token()
        at = self.chance.randrange(1, len(token))
        put = self.chance.choice((" ", "\t", "=", "%", "+", "/", "\x0b", "\xa0", "==", "A" * 9000))
        return token[:at] + put + token[at:]
