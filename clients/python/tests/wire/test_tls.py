"""TLS, and mutual TLS, by nothing but the address and the files."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatelodge import Client, ClientOptions, UnreachableError, _methods, v1
from tests.wire.authority import KEY, Authority, active

if TYPE_CHECKING:
    from pathlib import Path


class Issuer:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test issuer")])
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._signed(self._name, self._key.public_key(), is_issuer=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(self._signed(subject, key.public_key(), is_issuer=False))
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return certificate, key_file

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_issuer: bool) -> bytes:
        now = dt.datetime.now(dt.timezone.utc)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(hours=1))
        builder = builder.not_valid_after(now + dt.timedelta(hours=1))
        builder = builder.add_extension(x509.BasicConstraints(is_issuer, None), critical=True)
        signed = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def serve(issuer: Issuer, *, is_mutual: bool) -> Authority:
    certificate, key = issuer.issue("server")
    pair = (key.read_bytes(), certificate.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], issuer.file.read_bytes(), is_mutual)
    authority = Authority(credentials=credentials)
    authority.say(_methods.VALIDATE_SESSION, active())
    return authority


def check(options: ClientOptions) -> None:
    with Client(options) as client:
        client.with_timeout(1).sessions.check(v1.ValidateSessionRequest())


def test_a_certificate_of_the_given_issuer_is_accepted_and_no_other(issuer: Issuer) -> None:
    authority = serve(issuer, is_mutual=False)
    address = f"https://127.0.0.1:{authority.port}"
    check(ClientOptions(address, KEY, ca_file=issuer.file))
    with pytest.raises(UnreachableError):
        check(ClientOptions(address, KEY))
    with pytest.raises(UnreachableError):
        check(ClientOptions(f"http://127.0.0.1:{authority.port}", KEY))
    authority.stop()


def test_mutual_tls_presents_our_certificate(issuer: Issuer) -> None:
    authority = serve(issuer, is_mutual=True)
    address = f"https://127.0.0.1:{authority.port}"
    certificate, key = issuer.issue("client")
    check(ClientOptions(address, KEY, issuer.file, certificate, key))
    with pytest.raises(UnreachableError):
        check(ClientOptions(address, KEY, ca_file=issuer.file))
    authority.stop()
