"""What tests of several subjects share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@pytest.fixture(scope="session")
def certificate() -> str:
    """PEM of an authority's certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Event CA")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    constraint = x509.BasicConstraints(ca=True, path_length=None)
    signed = builder.add_extension(constraint, critical=True).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()
