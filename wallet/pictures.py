"""QR codes out of a picture: a photograph or a screenshot of an offer or a gate."""

import warnings
from pathlib import Path
from typing import Final

import zxingcpp
from PIL import Image, UnidentifiedImageError

from wallet.errors import NoCodeInPicture, UnreadableFile

PICTURE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg"})
_QR_CODES: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_FORMATS: Final = ("PNG", "JPEG")
_MAX_PIXELS: Final = 100_000_000
_MAX_BYTES: Final = 50 * 1024 * 1024


def is_picture(text: str) -> bool:
    """Tell whether what was given on the command line names a picture rather than being a link."""
    return "://" not in text and Path(text).suffix.lower() in PICTURE_SUFFIXES


def read_codes(path: Path) -> list[str]:
    """Return the text of every QR code in a PNG or JPEG file, in reading order.

    Raises:
        UnreadableFile: not a picture of these kinds, or one too large to be a photograph.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UnreadableFile(path, "it is larger than any photograph")
        grey = _open_grey(path)
    except FileNotFoundError as error:
        raise UnreadableFile(path, "there is no such file") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableFile(path, "it is not a whole PNG or JPEG picture") from error
    found = zxingcpp.read_barcodes(grey, formats=_QR_CODES)
    return [code.text for code in found if code.text]


def _open_grey(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        # The size is in the first bytes: a small file that unpacks to gigabytes is refused here, before it does.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise UnreadableFile(path, "it has more pixels than any photograph")
            return picture.convert("L")


def read_link(path: Path, *, schemes: tuple[str, ...]) -> str:
    """Return the first QR code's text in a picture that begins with one of `schemes` (such as "openid4vp://").

    Raises:
        NoCodeInPicture: there is none; the words say whether there were others.
        UnreadableFile: as `read_codes`.
    """
    codes = read_codes(path)
    for text in codes:
        if text.lower().startswith(schemes):
            return text
    raise NoCodeInPicture(path, len(codes))
