# SPDX-License-Identifier: EUPL-1.2
"""What a mail server is answered: codes of RFC 5321 and RFC 3463, and no word of anybody's health."""

from __future__ import annotations

from typing import Final

from carnet import errors
from carnet.messaging.address import WrongAddress
from carnet.messaging.envelope import BareLineEnd, OtherSender, WrongHeaders
from carnet.messaging.threads import Closed, NotBegun

TAKEN: Final = "250 2.0.0 Taken"
FINE: Final = "250 2.1.0 OK"
NO_TLS: Final = "530 5.7.0 A certificate of the trust list is needed: STARTTLS first"
NOT_TRUSTED: Final = "550 5.7.1 This domain is not one your certificate speaks for"
NO_RELAY: Final = "550 5.7.1 Mail is taken for the addresses of this server alone"
NOBODY: Final = "550 5.1.1 No such mailbox"
TOO_MANY_UNKNOWN: Final = "421 4.7.0 Too many unknown mailboxes"
TOO_MANY: Final = "452 4.5.3 Too many recipients"
LATER: Final = "451 4.3.0 Not now: try again"
HELD: Final = "452 4.3.1 The spool is full: try again later"

REFUSED: Final[dict[type[Exception], str]] = {
    BareLineEnd: "550 5.6.0 Lines end by CR LF, all of them",
    WrongHeaders: "550 5.6.0 The headers are not those of RFC 5322, or are there twice",
    OtherSender: "550 5.7.1 The mail is not from the mailbox that sends it",
    NotBegun: "550 5.7.1 A citizen answers, and does not begin",
    Closed: "550 5.7.1 This conversation is closed",
    WrongAddress: "553 5.1.3 This is no address of secure mail",
    errors.TooLarge: "552 5.3.4 What is attached is too large, or grows as no document does",
    errors.Invalid: "550 5.6.0 What is attached cannot be read",
}


def refusal(error: Exception) -> str:
    """The answer for a refusal; what was not foreseen is tried again later."""
    for kind in type(error).__mro__:
        if kind in REFUSED:
            return REFUSED[kind]
    return LATER
