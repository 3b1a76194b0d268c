# SPDX-License-Identifier: EUPL-1.2
"""The images of a narrative, shown where the text points at them.

The bytes stand in the page itself: nothing is fetched. Only what begins as the image formats a
browser draws do is shown, and no more than MAX_SHOWN bytes of one document.
"""

import base64
from html import escape
from typing import Final

from carnet.documents.cda import attachments
from carnet.documents.cda import datatypes as d
from carnet.documents.cda.attachments import Attachment, Role

DRAWN: Final = frozenset({"image/png", "image/jpeg"})  # what browsers draw, of what we keep
MAX_SHOWN: Final = 3_000_000
AGAIN: Final = "Image montrée plus haut."
NOT_SHOWN: Final = "Image non montrée : elle reste dans le document d’origine."


class Images:
    """The observationMedia of one body, by their identifier."""

    __slots__ = ("_elements", "_left", "_pointed", "_shown")

    def __init__(self, body: d.Element) -> None:
        self._elements: dict[str, d.Element] = {}
        for element in body.iter(d.V3 + "observationMedia", d.V3 + "regionOfInterest"):
            key = element.get("ID")
            if key:
                self._elements.setdefault(key, element)
        self._pointed: set[str] = set()
        if self._elements:
            for pointer in body.iter(d.V3 + "renderMultiMedia"):
                keys = (pointer.get("referencedObject") or "").split()
                self._pointed.update(k.removeprefix("#") for k in keys)
        self._shown: dict[str, str] = {}
        self._left = MAX_SHOWN

    def role(self, media: d.Element, media_type: str) -> Role:
        """An image that the text shows is part of it; what it does not show is a file of its own."""
        key = media.get("ID")
        drawn = media_type.strip().lower() in DRAWN and key is not None
        return Role.IMAGE if drawn and key in self._pointed else Role.ATTACHED

    def show(self, key: str) -> str:
        """Safe HTML of what a narrative points at; "" for what is no image: it is a file.

        An image is shown once: a text that points at it a thousand times would make it a thousand.
        """
        if key not in self._shown:
            made = self._made(key)
            again = f'<span class="note">[{AGAIN}]</span>' if "<img " in made else made
            self._shown[key] = again
            return made
        return self._shown[key]

    def _made(self, key: str) -> str:
        element = self._elements.get(key)
        if element is not None and d.local(element) == "regionOfInterest":
            element = next(element.iter(d.V3 + "observationMedia"), None)  # what it is drawn upon
        value = d.child(element, "value")
        if value is None:
            return ""
        said = (value.get("mediaType") or "").strip().lower()
        if not said.startswith("image/"):
            return ""
        found = attachments.read(value, place="", role=Role.IMAGE, title=None, section=None)
        if (
            not isinstance(found, Attachment)
            or found.media_type not in DRAWN
            or len(found.data) > self._left
        ):
            return f'<span class="note">[{NOT_SHOWN}]</span>'
        self._left -= len(found.data)
        data = base64.b64encode(found.data).decode("ascii")
        label = d.text(d.child(element, "text")) or "Image du document"
        return f'<img alt="{escape(label)}" src="data:{found.media_type};base64,{data}"/>'
