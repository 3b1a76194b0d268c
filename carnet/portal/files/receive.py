# SPDX-License-Identifier: EUPL-1.2
"""Files sent with a form: kept in memory, never on a disk, and left out once they are too large."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from carnet.documents.files import MOST


class InMemory(FileUploadHandler):
    """Stops keeping a file at its first byte too many, and marks the request."""

    held: BytesIO

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins."""
        super().new_file(*args, **kwargs)
        self.held = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """A piece of it."""
        if start + len(raw_data) > MOST:
            self.held = BytesIO()
            self.request.too_large = True  # type: ignore[union-attr]
            raise SkipFile
        self.held.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """The whole of it."""
        self.held.seek(0)
        return InMemoryUploadedFile(
            file=self.held,
            field_name=self.field_name,
            name=self.file_name or "",
            content_type=self.content_type or "",
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
