"""PDF → the same, signed by the group's certificate (PAdES, ISO 32000-2 §12.8)."""

from __future__ import annotations

import io

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigFieldSpec

from ledger.domain.errors import InvalidInput

_FIELD = "Group"
#: the bytes that a signature may take
_RESERVED = 16_384


def sign_pdf(pdf: bytes, *, key_pem: bytes, certificate_pem: bytes, reason: str) -> bytes:
    """Signed and certified: nothing but further signatures may be added; raises InvalidInput."""
    signer = signers.SimpleSigner.load_from_bytes(key_pem, certificate_pem)
    if signer is None:
        raise InvalidInput(
            "key and certificate cannot be read",
            field="sign-key",
            rule="PEM files without a password: PKCS#8 and X.509",
        )
    metadata = signers.PdfSignatureMetadata(
        field_name=_FIELD,
        reason=reason,
        certify=True,
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    out = io.BytesIO()
    signers.PdfSigner(
        metadata, signer=signer, new_field_spec=SigFieldSpec(sig_field_name=_FIELD)
    ).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out, bytes_reserved=_RESERVED)
    return out.getvalue()
