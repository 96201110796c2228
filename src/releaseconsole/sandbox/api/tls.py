"""A throw-away certificate authority: clients send a bearer token over TLS only."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA for loopback that lives as long as the practice cluster."""

    server: ssl.SSLContext
    ca_pem: bytes

    def client(self) -> ssl.SSLContext:
        """A context that trusts this authority and nothing else."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))


def make_authority(*hosts: str) -> Authority:
    """A CA and a server certificate for ``hosts`` (default: the loopback names)."""
    import trustme

    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    certificate = authority.issue_cert(*(hosts or LOOPBACK), key_type=trustme.KeyType.ECDSA)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server)
    return Authority(server=server, ca_pem=authority.cert_pem.bytes())
