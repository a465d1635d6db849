"""QR codes are read from pictures as people take them; anything else is said in words."""

from pathlib import Path

import pytest
import qrcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from wallet import errors, pictures
from wallet.pictures import is_picture, read_codes, read_link

REQUEST = "openid4vp://?client_id=x509_san_dns%3Aartist.localhost&request_uri=http%3A%2F%2Fartist.localhost%3A8703%2Fr"


def drawn(*texts: str) -> Image.Image:
    """A screenshot: QR codes beside each other on a page."""
    page = Image.new("RGB", (900 * max(len(texts), 1), 900), "#faf7f0")
    ImageDraw.Draw(page).text((20, 20), "Night Bus EP", fill="#1c1b2e")
    for number, text in enumerate(texts):
        code = qrcode.make(text, box_size=8).get_image().convert("RGB")
        page.paste(code, (900 * number + 60, 80))
    return page


@pytest.mark.parametrize("kind", ["png", "jpg", "jpeg"])
def test_a_code_is_read_from_a_screenshot_or_photograph(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"picture.{kind}"
    drawn(REQUEST).save(path)
    assert read_link(path, schemes=("openid4vp://",)) == REQUEST


def test_a_tilted_and_dim_photograph_is_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    drawn(REQUEST).rotate(7, fillcolor="#777777").point(lambda value: value // 2 + 40).save(path, quality=60)
    assert read_link(path, schemes=("openid4vp://",)) == REQUEST


def test_of_several_codes_the_one_for_wallets_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    drawn("https://shop.example/", REQUEST, "WIFI:S:bar;;").save(path)
    assert len(read_codes(path)) == 3
    assert read_link(path, schemes=("openid4vp://",)) == REQUEST


def test_a_picture_without_a_code_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    drawn().save(path)
    with pytest.raises(errors.NoCodeInPicture, match=r"no QR code was found.*take a picture"):
        read_link(path, schemes=("openid4vp://",))


def test_a_picture_with_other_codes_only_says_so(tmp_path: Path) -> None:
    path = tmp_path / "poster.png"
    drawn("https://shop.example/").save(path)
    with pytest.raises(errors.NoCodeInPicture, match="not for a wallet"):
        read_link(path, schemes=("openid4vp://",))


def test_other_formats_are_not_opened_whatever_their_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    drawn(REQUEST).save(path, format="TIFF")
    with pytest.raises(errors.UnreadableFile, match="PNG or JPEG"):
        read_codes(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableFile, match="no such file"):
        read_codes(tmp_path / "none.png")


def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (11_000, 11_000)).save(path)
    with pytest.raises(errors.UnreadableFile, match=r"pixels|whole"):
        read_codes(path)
    monkeypatch.setattr(pictures, "_MAX_BYTES", 10)
    with pytest.raises(errors.UnreadableFile, match="larger than any photograph"):
        read_codes(path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=300), cut=st.integers(0, 2000))
def test_no_bytes_make_the_reader_fail_in_another_way(tmp_path: Path, data: bytes, cut: int) -> None:
    path = tmp_path / "any.png"
    drawn("x").save(path)
    path.write_bytes(path.read_bytes()[:cut] + data)
    try:
        read_codes(path)
    except errors.UnreadableFile:
        return


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.png", True), ("/b/C.JPEG", True), (REQUEST, False), ("https://a.example/b.png", False), ("offer", False)],
)
def test_pictures_are_told_from_links(text: str, expected: bool) -> None:
    assert is_picture(text) is expected
