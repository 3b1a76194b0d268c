# SPDX-License-Identifier: EUPL-1.2
"""What the pages of writing call; `app.py` supplies it."""

from typing import Protocol

from carnet.access.actor import Actor
from carnet.composing.pages import Draft, Kept, Preview, Proposed


class ComposingActs(Protocol):
    """`sort` is a key of carnet.composing.kinds; NotFound to whom these pages look absent."""

    async def proposed(self, actor: Actor, patient: str, sort: str) -> Proposed:
        """What the record offers to a kind of document."""

    async def preview(
        self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft
    ) -> Preview:
        """The document as it would be published; WrongStay, TooLong, NoSignature."""

    async def publish(self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft) -> str:
        """Sign and publish; the id of its document. The same draft twice is one document."""

    def draft(self) -> Draft:
        """A new one."""
