"""Pages drawn as PNG: as they are shown, within bounds, grey unless they have colour."""

import io

import pytest
from PIL import Image
from reportlab.lib.colors import red
from reportlab.pdfgen.canvas import Canvas

from services.ocr.render import draw
from services.ocr.scale import DPI, MAX_PIXELS, MAX_SIDE, scale
from tests.carriers import sign
from tests.documents import damaged, encrypted, sample, two_pages
from tests.hostile import pdf, stream


def image_of(document: bytes, number: int = 1) -> Image.Image:
    """The page as a library of pictures sees it, which checks the PNG too."""
    picture = draw(document, number)
    assert picture.refused is None
    image = Image.open(io.BytesIO(picture.png))
    image.load()
    assert image.size == picture.pixels
    return image


def blank(width: float, height: float, *, colour: bool = False) -> bytes:
    """One page of this size in points with a square at its bottom left."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height))
    if colour:
        canvas.setFillColor(red)
    canvas.rect(0, 0, 20, 20, stroke=0, fill=1)
    canvas.save()
    return out.getvalue()


def test_a_page_is_drawn_with_what_stands_on_it() -> None:
    image = image_of(sample(1).render())
    assert image.mode == "L"
    dark = sum(image.histogram()[:128])
    assert 0.001 < dark / (image.width * image.height) < 0.5


def test_a_page_without_colour_is_grey_and_one_with_colour_keeps_it() -> None:
    grey, coloured = image_of(blank(200, 100)), image_of(blank(200, 100, colour=True))
    assert (grey.mode, coloured.mode) == ("L", "RGB")
    corner = (5, grey.height - 5)
    assert grey.getpixel(corner) == 0
    assert coloured.getpixel(corner) == (255, 0, 0)
    assert coloured.getpixel((grey.width - 5, 5)) == (255, 255, 255)


def test_a_turned_page_is_drawn_as_it_is_shown() -> None:
    turned = pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Rotate 90 /Contents 4 0 R >>",
            stream(b"0 0 20 20 re f"),
        ]
    )
    assert draw(turned, 1).size == (100.0, 200.0)
    image = image_of(turned)
    assert image.width < image.height
    assert (image.getpixel((5, 5)), image.getpixel((5, image.height - 5))) == (0, 255)


def test_each_page_is_drawn_by_its_number() -> None:
    document = two_pages()
    assert draw(document, 1).png != draw(document, 2).png


@pytest.mark.parametrize("number", [0, -1, 3, 10**9])
def test_a_page_that_is_not_there_is_refused(number: int) -> None:
    assert draw(two_pages(), number).refused is not None


@pytest.mark.parametrize(
    ("document", "code"), [(encrypted(), "PDF_ENCRYPTED"), (damaged(), "PDF_DAMAGED"), (b"<Invoice/>", "NOT_A_PDF")]
)
def test_what_is_no_open_pdf_has_no_picture(document: bytes, code: str) -> None:
    refused = draw(document, 1).refused
    assert refused is not None
    assert refused.code == code


@pytest.mark.parametrize("size", [(14_400.0, 14_400.0), (1.0, 14_400.0), (0.0, 0.0), (3e6, 5e-3)])
def test_a_page_of_any_size_stays_within_the_pixels_allowed(size: tuple[float, float]) -> None:
    width, height = scale(size)
    assert 1 <= width * height <= MAX_PIXELS
    assert max(width, height) <= MAX_SIDE


def test_an_ordinary_page_is_drawn_at_the_resolution_wanted() -> None:
    assert scale((72.0, 144.0)) == (int(DPI), 2 * int(DPI))
    assert DPI <= 150


def test_a_huge_page_is_drawn_small() -> None:
    assert image_of(blank(14_000, 14_000)).width ** 2 <= MAX_PIXELS


def test_a_page_with_a_signature_field_is_drawn() -> None:
    assert image_of(sign(sample(2).render())).mode in ("L", "RGB")


def test_a_page_without_anything_is_white() -> None:
    empty = pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
        ]
    )
    assert image_of(empty).getextrema() == (255, 255)
