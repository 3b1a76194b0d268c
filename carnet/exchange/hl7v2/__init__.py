# SPDX-License-Identifier: EUPL-1.2
"""HL7 v2: `message` reads segments, fields and their escapes; `meaning` says what a message brings."""

from carnet.exchange.hl7v2.meaning import Meaning, Result, understood
from carnet.exchange.hl7v2.message import Message, NotHl7, looks, messages

__all__ = ["Meaning", "Message", "NotHl7", "Result", "looks", "messages", "understood"]
