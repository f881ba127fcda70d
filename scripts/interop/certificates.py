"""Certificates for the checks, made anew in each run: authorities, and what they issue."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# As a certificate of this machine names it.
HERE = ("localhost", "127.0.0.1")
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
EXPIRED = NOW - DAY


def rfc3339(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Certificate:
    """The files of a certificate and of its key, in PEM."""

    def __init__(self, directory, name, certificate, key):
        self.cert = self._write(directory, f"{name}.pem", certificate.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key = self._write(directory, f"{name}.key", pem)

    @staticmethod
    def _write(directory, name, pem):
        path = pathlib.Path(directory) / name
        path.touch(mode=0o600)
        path.write_bytes(pem)
        return str(path)


class Authority:
    """Issues certificates into a directory; `cert` is the file of its own."""

    def __init__(self, directory, name):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        own = _builder(self._name, self._name, self._key, NOW + DAY)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.cert = Certificate(directory, name, own.sign(self._key, hashes.SHA256()), self._key).cert

    def issue(self, name, *hosts, until=NOW + DAY, usage=ExtendedKeyUsageOID.SERVER_AUTH):
        """The files of a certificate for these hosts, by default as a server."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key, until)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(_hosts(hosts), critical=False)
        return Certificate(self._directory, name, builder.sign(self._key, hashes.SHA256()), key)

    def issue_to_client(self, name, until=NOW + DAY):
        return self.issue(name, f"{name}.example", until=until, usage=ExtendedKeyUsageOID.CLIENT_AUTH)


def self_signed(directory, name, *hosts):
    """As openssl(1) makes one unless it is told otherwise: an authority of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), _name(name), key, NOW + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_hosts(hosts), critical=False)
    return Certificate(directory, name, builder.sign(key, hashes.SHA256()), key)


def _name(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _hosts(hosts):
    def general(host):
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    return x509.SubjectAlternativeName([general(host) for host in hosts])


def _builder(subject, issuer, key, until):
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(NOW - 2 * DAY).not_valid_after(until)
