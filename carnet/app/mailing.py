# SPDX-License-Identifier: EUPL-1.2
"""Where e-mails leave by: the mail server that is named, else a folder; in a demonstration, a folder."""

from __future__ import annotations

from pathlib import Path

from carnet.access.door import Door
from carnet.accounts import deliver as accounts
from carnet.config import Instance, Settings
from carnet.notices.deliver import Folder, Mail, deliver
from carnet.notices.smtp import Server


def mail_of(settings: Settings, folder: Path | None = None) -> Mail:
    """Of notices, unless a folder is named."""
    if settings.mail_host and settings.instance is not Instance.DEMONSTRATION:
        return Server(settings)
    return Folder(folder or settings.mail)


def account_folder(settings: Settings) -> Path:
    """E-mails about accounts: apart, since a code is in some of them."""
    return settings.mail / "accounts"


async def notices(door: Door) -> int:
    """E-mails of notices that are due leave; how many."""
    return await deliver(door, mail_of(door.settings))


async def account_mails(door: Door) -> int:
    """E-mails about accounts that are due leave; how many."""
    mail = mail_of(door.settings, account_folder(door.settings))
    return await accounts.deliver(door, mail.put)
