# SPDX-License-Identifier: EUPL-1.2
"""Archives and compressed files: what swells, climbs, lies or never ends.

Source: D. Fifield, A better zip bomb, 2019; PKWARE APPNOTE 6.3.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import warnings
import zipfile
from typing import Final

from tests.hostile.corpus.bait import TOKEN, Bait

DATE: Final = (2026, 1, 1, 0, 0, 0)


def zipped(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    """A zip of these members."""
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            member = zipfile.ZipInfo(name, DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = mode << 16
            archive.writestr(member, content)
    return made.getvalue()


def documents(bait: Bait) -> dict[str, bytes]:
    """Every one, by file name."""
    document = b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>'
    swollen = bytes(270_000_000)
    nested = zipped(("a.zip", zipped(("b.zip", zipped(("c", bytes(1_000_000)))))))
    sizes = bytearray(zipped(("a.xml", document)))
    sizes[22:26] = b"\xff\xff\xff\x7f"
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(bait.file)
        archive.addfile(link)
    return {
        "traversal.zip": zipped(("../../../../tmp/evil.xml", document)),
        "absolute.zip": zipped(("/tmp/evil.xml", document)),
        "windows.zip": zipped(("..\\..\\evil.xml", document), ("C:evil.xml", document)),
        "symlink.zip": zipped(("link", str(bait.file).encode()), mode=0o120777),
        "twice.zip": zipped(("a.xml", document), ("a.xml", b"<other/>")),
        "bomb.zip": zipped(("a.xml", swollen)),
        "nested.zip": nested,
        "many.zip": zipped(*[(f"{n}", b"") for n in range(100_000)]),
        "sizes.zip": bytes(sizes),
        "cut.zip": zipped(("a.xml", document))[:40],
        "bidi.zip": zipped(("\u202elmx.exe", document)),
        "long-name.zip": zipped(("a" * 60_000, document)),
        "tar.tar": tar.getvalue(),
        "tar.tgz": gzip.compress(tar.getvalue(), mtime=0),
        "bomb.xml.gz": gzip.compress(swollen, mtime=0),
        "bomb-of-members.xml.gz": gzip.compress(bytes(10_000_000), mtime=0) * 28,
        "empty-members.xml.gz": gzip.compress(b"", mtime=0) * 200_000,
        "twice.xml.gz": gzip.compress(gzip.compress(document, mtime=0), mtime=0),
        "zip.gz": gzip.compress(zipped(("a.xml", document)), mtime=0),
        "cut.xml.gz": gzip.compress(document, mtime=0)[:-6],
        "tail.xml.gz": gzip.compress(document, mtime=0) + b"tail" + TOKEN[:0].encode(),
        "not.xml.gz": document,
        "empty.gz": b"",
        "mail.eml": b"MIME-Version: 1.0\nContent-Type: application/zip\n\nUEsDBA==",
        "executable.exe": b"MZ" + bytes(500),
        "word.docx": zipped(("word/document.xml", document)),
    }
