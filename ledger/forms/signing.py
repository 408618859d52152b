"""PDF → the same, signed by the group's certificate (PAdES, ISO 32000-2 §12.8)."""

from __future__ import annotations

import io

from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigFieldSpec
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ledger.domain.errors import InvalidInput

_FIELD = "Group"
#: the bytes that a signature may take
_RESERVED = 16_384


def sign_pdf(pdf: bytes, *, key_pem: bytes, certificate_pem: bytes, reason: str) -> bytes:
    """Signed and certified: nothing but further signatures may be added; raises InvalidInput."""
    try:
        key = load_private_key_from_pemder_data(key_pem, passphrase=None)
        certificate, *chain = load_certs_from_pemder_data(certificate_pem)
    except (ValueError, TypeError):
        raise InvalidInput(
            "key and certificate cannot be read",
            field="sign-key",
            rule="PEM files without a password: PKCS#8 and X.509",
        ) from None
    # its constructor takes nothing, and so has no annotation
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    registry.register_multiple(chain)
    signer = signers.SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=registry)
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
