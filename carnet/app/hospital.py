# SPDX-License-Identifier: EUPL-1.2
"""The hospital, bound to a process: HL7 v2 messages taken in the name of its registered software."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from carnet import errors
from carnet.app import parts
from carnet.app.parts import Built
from carnet.config import Instance, Settings
from carnet.exchange.hl7v2 import Message, messages
from carnet.hospital import mllp, movements, stays
from carnet.postgres.server import Server

log = structlog.get_logger("carnet.hospital")

CLIENT = "carnet-hl7"
DEMONSTRATION = "software:hospital-software"


async def answer(built: Built, sub: str, data: bytes) -> bytes:
    """The acknowledgement of one message: kept before it says so, whatever happens after."""
    message: Message | None = None
    now = built.door.clock()
    try:
        found = messages(data)
        message = found[0]
        if len(found) > 1:
            raise movements.NotTaken(
                movements.REFUSED, movements.BAD_TYPE, "One message at a time."
            )
        movement = movements.read(message)
        who = await parts.actor(built, sub, client=CLIENT)
        await stays.keep(built.desk, parts.visit(built, who), movement)
    except movements.NotTaken as refusal:
        return movements.acknowledged(message, now, refusal.answer, refusal.condition, str(refusal))
    except errors.Transient:
        return movements.acknowledged(message, now, movements.ERROR, said="Send it again later.")
    except errors.CarnetError as refusal:
        how = movements.REFUSED if message is None else movements.ERROR
        log.info("HL7 message refused", why=type(refusal).__name__)
        return movements.acknowledged(message, now, how, said="The message was refused: " + (
            refusal.__class__.__doc__ or ""
        ))  # fmt: skip
    except Exception as error:  # told by its kind alone: what it says may be somebody's
        log.error("HL7 message failed", error=type(error).__name__)
        return movements.acknowledged(message, now, movements.ERROR, said="Send it again later.")
    return movements.acknowledged(message, now, movements.DONE)


async def listening(built: Built) -> asyncio.Server:
    """The port of HL7 v2, open."""
    settings = built.settings
    demonstration = settings.instance is Instance.DEMONSTRATION
    if not demonstration:
        raise NotYetReal
    return await mllp.listen(
        partial(answer, built, DEMONSTRATION), settings.host, settings.hl7_port
    )


class NotYetReal(errors.Invalid):
    """HL7 v2 comes in by a demonstration's port alone: elsewhere a software proves who it is by FHIR."""


async def serve(settings: Settings, server: Server) -> None:
    """HL7 v2 by its port, until cancelled; nothing without a port."""
    if not settings.hl7_port:
        return
    built = await parts.build(settings, server, name="carnet hl7")
    try:
        try:
            port = await listening(built)
        except (OSError, errors.CarnetError) as error:
            log.warning("HL7 is not served", port=settings.hl7_port, why=type(error).__name__)
            return
        async with port:
            await asyncio.Event().wait()
    finally:
        await built.pool.close()
