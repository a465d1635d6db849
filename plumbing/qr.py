"""QR codes: SVG for pages and posters, blocks for a terminal (drawn by the `qrcode` library)."""

import io
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M
from qrcode.image.svg import SvgPathImage

_TERMINAL_BORDER: Final = 2


def qr_svg(data: str, *, sturdy: bool = False) -> bytes:
    """Draw `data` as an SVG document with a quiet zone of four modules.

    Args:
        data: at most a few hundred characters, or the code gets too fine to scan.
        sturdy: error correction M instead of L, for paper that gets dirty.
    """
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M if sturdy else ERROR_CORRECT_L, border=4, box_size=10)
    code.add_data(data)
    code.make(fit=True)
    out = io.BytesIO()
    code.make_image(image_factory=SvgPathImage).save(out)
    return out.getvalue()


def qr_png(data: str, *, module_px: int = 8) -> bytes:
    """Draw `data` as a PNG picture with a quiet zone of four modules, each so many pixels wide."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_L, border=4, box_size=module_px)
    code.add_data(data)
    code.make(fit=True)
    out = io.BytesIO()
    code.make_image().save(out, "PNG")
    return out.getvalue()


def qr_terminal(data: str, *, columns: int | None = None) -> str:
    """Draw `data` with half blocks, light on dark, for a terminal.

    Args:
        data: at most a few hundred characters.
        columns: how wide the terminal is, if that is known. Where it takes that for the code to fit, the quiet zone at
            its sides has one module instead of two: a pass of 500 bytes (version 15, 77 modules) then fits in 80.
    """
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_L, border=_TERMINAL_BORDER)
    code.add_data(data)
    code.make(fit=True)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    rows = out.getvalue().splitlines()
    too_wide = columns is not None and len(rows[0]) > columns
    return "".join(f"{row[1:-1] if too_wide else row}\n" for row in rows)
