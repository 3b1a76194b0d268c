# SPDX-License-Identifier: EUPL-1.2
"""Files cleaned: what acts is gone, what is read stays, what cannot be cleaned is refused."""

from __future__ import annotations

import io
import random
import warnings

import pikepdf
import pytest
from PIL import Image

from carnet.documents import files
from carnet.documents.files import Cleaned, MediaType, Refused, pdf
from carnet.documents.files.refusal import Refusal
from tests.documents.files import samples
from tests.documents.files.samples import ACTIVE, FORBIDDEN, SENTENCE

pytestmark = pytest.mark.slow  # each file is looked at by a process of its own


def cleaned(data: bytes) -> Cleaned:
    return files.clean(data, files.sniff(data))


# ---------------------------------------------------------------------------------------------- PDF


@pytest.mark.parametrize("name", ACTIVE)
def test_what_acts_in_a_pdf_is_taken_out_and_its_text_stays(name: str) -> None:
    change, said = ACTIVE[name]
    hostile = samples.pdf(change)
    kept = cleaned(hostile)
    assert said in kept.removed
    bare = samples.unpacked(kept.data)
    assert [word for word in FORBIDDEN if word in bare] == []
    assert kept.media_type == "application/pdf"
    if name != "outside_stream":
        assert SENTENCE in files.text(kept.data, kept.media_type)
    assert files.page(kept.data, kept.media_type, 1, 400).startswith(b"\x89PNG")
    again = cleaned(kept.data)
    assert again.removed == (), "nothing is left to take out"


@pytest.mark.parametrize("name", ACTIVE)
def test_the_hostile_pdfs_are_hostile(name: str) -> None:
    """The planted fault: without cleaning, the test above would be red."""
    bare = samples.unpacked(samples.pdf(ACTIVE[name][0]))
    assert [word for word in FORBIDDEN if word in bare] != []


def test_all_of_it_at_once_and_compressed() -> None:
    changes = [change for change, _ in ACTIVE.values() if change.__name__ != "outside_stream"]
    kept = cleaned(
        samples.pdf(*changes, object_stream_mode=pikepdf.ObjectStreamMode.generate, pages=3)
    )
    bare = samples.unpacked(kept.data)
    assert [word for word in FORBIDDEN if word in bare] == []
    assert {"script", "action", "attachment", "media", "external"} <= set(kept.removed)


def test_what_was_filled_in_a_form_stays_to_be_read() -> None:
    kept = cleaned(samples.pdf(samples.form_script))
    assert "Garnier" in files.text(kept.data, kept.media_type)


def test_an_honest_pdf_loses_nothing() -> None:
    kept = cleaned(samples.pdf(pages=3))
    assert kept.removed == ()
    look = files.look(kept.data, kept.media_type)
    assert look.pages == 3
    assert f"{SENTENCE}, page 3" in look.text


def test_inner_links_and_outlines_stay() -> None:
    def links(document: pikepdf.Pdf) -> None:
        goal = pikepdf.Array([document.pages[1].obj, pikepdf.Name.Fit])
        samples.annotation(document, Subtype=pikepdf.Name.Link, Dest=goal)
        action = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=goal)
        samples.annotation(document, Subtype=pikepdf.Name.Link, A=action)

    kept = cleaned(samples.pdf(links, pages=2))
    assert kept.removed == ()
    with pikepdf.open(io.BytesIO(kept.data)) as document:
        annotations = document.pages[0].obj.Annots
        assert len(annotations) == 2
        assert str(annotations[1].A.S) == "/GoTo"


def test_the_same_file_is_the_same_when_cleaned_again() -> None:
    data = samples.pdf(samples.open_script)
    assert cleaned(data).data == cleaned(data).data


def test_a_pdf_locked_for_its_owner_opens_and_one_locked_for_all_is_refused() -> None:
    owner = samples.pdf(encryption=pikepdf.Encryption(owner="secret", user=""))
    kept = cleaned(owner)
    assert "encryption" in kept.removed
    with pikepdf.open(io.BytesIO(kept.data)) as document:
        assert not document.is_encrypted
    with pytest.raises(Refused) as refused:
        cleaned(samples.pdf(encryption=pikepdf.Encryption(owner="secret", user="secret")))
    assert refused.value.rule == "encrypted"


def test_a_pdf_whose_table_is_lost_is_repaired() -> None:
    data = samples.pdf()
    broken = data[: data.rindex(b"startxref")] + b"startxref\n99999999\n%%EOF\n"
    assert SENTENCE in files.text(cleaned(broken).data, "application/pdf")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"%PDF-1.7\n", "unreadable"),
        (b"%PDF-1.7\nnothing of a PDF follows\n%%EOF", "unreadable"),
        (samples.pdf(pages=501), "too-many-pages"),
        (samples.pdf(pages=0), "no-page"),
    ],
)
def test_a_pdf_that_cannot_be_kept_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        cleaned(data)
    assert refused.value.rule == rule


def test_a_pdf_that_is_cut_anywhere_is_repaired_or_refused() -> None:
    data = samples.pdf(samples.form_script, samples.attached, pages=2)
    chance = random.Random(5)
    for _ in range(12):
        cut = data[: chance.randrange(20, len(data))]
        try:
            kept = cleaned(cut)
        except Refused:
            continue
        bare = samples.unpacked(kept.data)
        assert [word for word in FORBIDDEN if word in bare] == []


def test_what_cleaning_misses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading finds what the first left: here everything."""
    monkeypatch.setattr(pdf, "_cleaned", lambda document, first: {"script"})
    with pytest.raises(Refusal) as refused:
        pdf.clean(samples.pdf(samples.open_script))
    assert refused.value.rule == "still-active"


# ------------------------------------------------------------------------------------------- images


def opened(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Image.open(io.BytesIO(data))


def test_a_photo_stands_upright_and_no_longer_says_where_it_was_taken() -> None:
    data = samples.photo()
    assert opened(data).size == (320, 200)
    kept = cleaned(data)
    image = opened(kept.data)
    assert image.size == (200, 320)
    assert image.format == "JPEG"
    assert not image.getexif()
    assert b"Fairphone" not in kept.data
    assert b"secret" not in kept.data
    assert kept.removed == ("metadata",)
    assert image.convert("L").crop((100, 10, 101, 11)).tobytes()[0] < 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_keeps_its_pixels(mode: str) -> None:
    data = samples.picture("PNG", mode=mode) if mode not in ("P", "I;16") else _converted(mode)
    kept = cleaned(data)
    assert opened(kept.data).tobytes() == opened(data).tobytes()
    assert opened(files.page(kept.data, kept.media_type, 1, 250)).width <= 250


def _converted(mode: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB" if mode == "P" else mode, (320, 200)).convert(mode).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_kind_is_kept(mode: str) -> None:
    kept = cleaned(samples.picture("JPEG", mode=mode))
    assert opened(kept.data).mode == ("L" if mode == "L" else "RGB")


def test_a_tiff_keeps_its_pages_and_shows_each() -> None:
    data = samples.scan(3)
    kept = cleaned(data)
    assert kept.media_type == "image/tiff"
    assert files.pages(kept.data, kept.media_type) == 3
    shades = []
    for number in (1, 2, 3):
        image = opened(files.page(kept.data, kept.media_type, number, 300))
        assert image.format == "PNG"
        shades.append(image.convert("L").getpixel((5, 5)))
    assert shades == [0, 255, 0]
    with pytest.raises(Refused):
        files.page(kept.data, kept.media_type, 4, 300)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
def test_a_tiff_of_any_compression_is_kept(compression: str) -> None:
    kept = cleaned(samples.picture("TIFF", compression=compression))
    assert opened(kept.data).size == (320, 200)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (samples.bomb(30_000, 30_000), "too-many-pixels"),
        (samples.bomb(2**31 - 1, 2**31 - 1), "too-many-pixels"),
        (samples.bomb(40_000, 2), "too-many-pixels"),
        (samples.bomb(5_000, 5_000), "truncated"),
        (samples.picture("JPEG", (2000, 2000), quality=100)[:9000], "truncated"),
        (samples.picture("PNG", (500, 500))[:-40], "truncated"),
        (b"\xff\xd8\xff\xe0 nothing", "unreadable"),
        (b"\x89PNG\r\n\x1a\n nothing", "unreadable"),
        (b"II*\0\x08\0\0\0\0\0", "unreadable"),
        (samples.huge_tag(), "unreadable"),
        (samples.scan(101), "too-many-pages"),
    ],
)
def test_a_picture_that_cannot_be_kept_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        cleaned(data)
    assert refused.value.rule in (rule, "unreadable")


def test_an_animation_is_its_first_picture() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    made = io.BytesIO()
    frames[0].save(made, "PNG", save_all=True, append_images=frames[1:])
    kept = cleaned(made.getvalue())
    assert "frames" in kept.removed
    assert getattr(opened(kept.data), "n_frames", 1) == 1


# -------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_a_text_of_any_encoding_is_kept_as_utf_8(encoding: str) -> None:
    kept = cleaned("Élodie, née à Nîmes\r\n39,5\xa0°C".encode(encoding))
    assert kept.data.decode() == "Élodie, née à Nîmes\n39,5\xa0°C"
    assert kept.media_type == "text/plain; charset=utf-8"
    assert kept.removed == ()


def test_what_misleads_a_reader_is_taken_out_of_a_text() -> None:
    kept = cleaned("dose \u202e01\u202c mg\x1b[2J \u200bfin\x07\x9b".encode())
    assert kept.data.decode() == "dose 01 mg[2J fin"
    assert kept.removed == ("control",)


def test_an_rtf_is_kept_as_its_text() -> None:
    kept = cleaned(samples.RTF)
    assert kept.media_type == "text/plain; charset=utf-8"
    assert kept.removed == ("formatting",)
    text = kept.data.decode()
    assert text.split("\n")[0] == "Bonjour à tous, €uros."
    assert "le lien" in text
    assert "Fin." in text
    for hidden in ("evil", "4d5a", "DDE", "cmd", "Secret", "Riched", "Arial", "hidden", "010009"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (rb"{\rtf1 a\'b", "ab\n"),
        (rb"{\rtf1 a{\b b}c}{\rtf1 d}", "abc\n"),
        (rb"{\rtf1\uc2 \u233 ??x}", "éx\n"),
        (rb"{\rtf1 \u-10179?\u-8704?}", "😀\n"),
        (rb"{\rtf1 a\bin3 {{{b}", "ab\n"),
        (rb"{\rtf1 1\tab 2\line 3\~4\_5\{\}\\}", "1\t2\n3\xa04\u20115{}\\\n"),
        (rb"{\rtf1\ansicpg1251 \'cf\'f0}", "Пр\n"),
    ],
)
def test_rtf_as_its_readers_read_it(source: bytes, text: str) -> None:
    assert cleaned(source).data.decode() == text


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        (rb"{\rtf1 " + b"{" * 100_000, "too-complex"),
        (rb"{\rtf1 {\pict 00}}", "empty"),
        (rb"{\rtf1", "empty"),
        (b" \n\t ", "empty"),
    ],
)
def test_a_text_that_says_nothing_or_never_ends_is_refused(source: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        cleaned(source)
    assert refused.value.rule == rule


def test_a_large_rtf_is_read_in_time() -> None:
    data = (
        rb"{\rtf1 {\pict "
        + b"0123456789abcdef\n" * 200_000
        + rb"}"
        + rb"\'e9\par " * 100_000
        + b"}"
    )
    assert cleaned(data).data.count(b"\n") >= 99_000


# -------------------------------------------------------------------------------------------- shown


def test_a_page_is_no_wider_than_asked_and_within_bounds() -> None:
    data = samples.pdf()
    for asked, width in [(800, 800), (10, 200), (100_000, 1600)]:
        assert opened(files.page(data, "application/pdf", 1, asked)).width == width
    for number in (0, 2, -1):
        with pytest.raises(Refused):
            files.page(data, "application/pdf", number, 800)


def test_a_text_has_no_page_image_and_other_kinds_are_not_shown() -> None:
    assert files.look(b"a note", "text/plain").pages == 0
    with pytest.raises(Refused):
        files.page(b"a note", "text/plain", 1, 800)
    assert files.shown("text/xml") is None
    assert files.shown("application/pdf; version=1.7") is MediaType.PDF
