"""A template and what stands in it → PDF/A, the same bytes each time.

Source: ISO 19005-3 (PDF/A-3); the fonts are Noto Sans SC, SIL Open Font License.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import typst

from ledger.domain.errors import Inconsistent

_STANDARD: Final = "a-3b"
_FONTS = "node_modules/@expo-google-fonts/noto-sans-sc"
_WEIGHTS = ("400Regular", "500Medium", "700Bold")


def set_pdf(template: str, form: object, **inputs: str) -> bytes:
    """The PDF of a template in this folder; it reads `form` as JSON, and the inputs as text.

    Raises Inconsistent when it cannot be set, or the setter warns of anything.
    """
    given: Mapping[str, str] = {"form": json.dumps(form, ensure_ascii=False), **inputs}
    fonts = Path(str(files("ledger"))).parent / _FONTS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # its stubs know no folders beside a template that is given as bytes
            return typst.compile(  # type: ignore[no-any-return, call-overload]
                (files("ledger.forms") / template).read_bytes(),
                font_paths=[str(fonts / weight) for weight in _WEIGHTS],
                ignore_system_fonts=True,
                sys_inputs=dict(given),
                pdf_standards=_STANDARD,
            )
    except (typst.TypstError, Warning) as error:
        raise Inconsistent(
            f"the page cannot be set: {error}",
            field="forms",
            rule="every sign of a page is in the fonts of this release",
            remedy="run make demo once, which installs the fonts; then ask whoever maintains this",
        ) from error
