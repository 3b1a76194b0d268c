# SPDX-License-Identifier: EUPL-1.2
"""Payments: the interface of whoever takes them, their signed call-backs, and a simulator (*simulateur*).

A payment only moves up its states, so call-backs that come twice or out of order end the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from carnet import errors

MOST: Final = 2000  # bytes of a call-back
LATE: Final = (
    300  # seconds between its signature and its coming; the sender signs again to repeat it
)


class WrongCall(errors.Forbidden):
    """This call-back is not signed by who takes the payments, or is too old."""


class OtherPayment(errors.Conflict):
    """This call-back is of another payment, or of another amount."""


class State(StrEnum):
    """In the order a payment moves: after a failure it may be tried again."""

    ASKED = "asked"
    FAILED = "failed"
    AUTHORISED = "authorised"
    PAID = "paid"
    REFUNDED = "refunded"


RANK: Final = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Payment:
    """The patient's share of one act; act: the id of the teleconsultation."""

    id: str
    act: str
    cents: int
    state: State = State.ASKED


@dataclass(frozen=True, slots=True)
class Call:
    """What a call-back says."""

    payment: str
    cents: int
    state: State
    at: int  # Unix seconds of its signature


class Taker(Protocol):
    """Who takes payments."""

    label: str  # said beside each amount

    def ask(self, payment: Payment) -> str:
        """The address where the patient pays."""


def moved(payment: Payment, call: Call) -> Payment:
    """The payment after a call-back; the same when it says nothing new."""
    if call.payment != payment.id or call.cents != payment.cents:
        raise OtherPayment
    further = max(payment.state, call.state, key=RANK.__getitem__)
    return replace(payment, state=further)


def signed(key: bytes, body: bytes) -> str:
    """Hexadecimal HMAC-SHA-256 of a body."""
    return hmac.new(key, b"payment\0" + body, hashlib.sha256).hexdigest()


def read(key: bytes, body: bytes, signature: str, now: int) -> Call:
    """A call-back, when it is the taker's and of now (Unix seconds)."""
    if len(body) > MOST or not hmac.compare_digest(signed(key, body).encode(), signature.encode()):
        raise WrongCall
    call = said(body)
    if abs(now - call.at) > LATE:
        raise WrongCall
    return call


def said(body: bytes) -> Call:
    """What a body says, in four fields of their types and nothing else."""
    try:
        given: Any = json.loads(body)
        call = Call(**{**given, "state": State(given["state"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise errors.Structure from None
    if type(call.cents) is not int or type(call.at) is not int or type(call.payment) is not str:
        raise errors.Structure
    return call


@dataclass(frozen=True, slots=True)
class Simulator:
    """Takes no money: makes the call-backs a bank's would be, for demonstrations and tests."""

    key: bytes
    label: str = "simulateur"

    def ask(self, payment: Payment) -> str:
        return f"/simulateur/paiement/{payment.id}/"

    def call(self, payment: Payment, state: State, now: int) -> tuple[bytes, str]:
        """A call-back and its signature."""
        made = {"payment": payment.id, "cents": payment.cents, "state": state, "at": now}
        body = json.dumps(made).encode()
        return body, signed(self.key, body)
