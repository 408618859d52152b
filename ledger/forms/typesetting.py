"""A template and what stands in it → PDF/A, the same bytes each time, or its pages as pictures.

Source: ISO 19005-3 (PDF/A-3); the fonts are Noto Sans SC, SIL Open Font License.
"""

from __future__ import annotations

import json
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import typst

from ledger.domain.errors import Inconsistent

_STANDARD: Final = "a-3b"
_FONTS = "node_modules/@expo-google-fonts/noto-sans-sc"
_WEIGHTS = ("400Regular", "500Medium", "700Bold")
#: Latin, general punctuation, arrows, signs of measures, Chinese with its punctuation and
#: full-width forms
_IN_FONTS = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x2010, 0x201F), (0x2026, 0x2026),
    (0x2032, 0x2033), (0x2103, 0x2103), (0x2190, 0x2193), (0x2212, 0x2212), (0x221A, 0x221A),
    (0x2260, 0x2260), (0x2264, 0x2265),
    (0x3001, 0x3011), (0x4E00, 0x9FA5), (0xFF01, 0xFF5E),
)  # fmt: skip


class Setting:
    """A template of this folder with what stands in it: set once, given out in several forms."""

    def __init__(self, template: str, form: object, **inputs: str) -> None:
        """The template reads `form` as JSON, and the inputs as text."""
        fonts = Path(str(files("ledger"))).parent / _FONTS
        self._compiler = typst.Compiler(
            str(files("ledger.forms") / template),
            font_paths=[str(fonts / weight) for weight in _WEIGHTS],
            ignore_system_fonts=True,
            sys_inputs={"form": json.dumps(form, ensure_ascii=False), **inputs},
        )

    def pdf(self, *, is_tagged: bool = True) -> bytes:
        """The PDF; without tags for what nobody reads aloud.

        Raises Inconsistent when it cannot be set, or the setter warns of anything.
        """
        made: bytes = self._made(format="pdf", pdf_standards=_STANDARD, pdf_tags=is_tagged)
        return made

    def pictures(self, *, dots_per_inch: float) -> list[bytes]:
        """The same pages as PNG; raises Inconsistent as `pdf` does."""
        made = self._made(format="png", ppi=dots_per_inch)
        return made if isinstance(made, list) else [made]

    def _made(self, **how: object) -> Any:  # noqa: ANN401 - bytes, or a list of them
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # its stubs know neither options by name, nor a standard by its name
                return self._compiler.compile(**how)  # type: ignore[arg-type, type-var]
        except (typst.TypstError, Warning) as error:
            raise Inconsistent(
                f"the page cannot be set: {error}",
                field="forms",
                rule="every sign of a page is in the fonts of this release, and every text fits",
                remedy="run make demo once, which installs the fonts; "
                "then ask whoever maintains this",
            ) from error


def set_pdf(template: str, form: object, **inputs: str) -> bytes:
    """The PDF of a template in this folder; raises Inconsistent as `Setting.pdf` does."""
    return Setting(template, form, **inputs).pdf()


def printable(text: str) -> str:
    """What people typed, with signs that the fonts lack spelt out."""
    return "".join(
        c if any(low <= ord(c) <= high for low, high in _IN_FONTS) else f"U+{ord(c):04X}"
        for c in text
    )
