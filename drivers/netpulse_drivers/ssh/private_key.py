"""Private keys and their certificates, from their text."""

from __future__ import annotations

import io

import paramiko

from netpulse_drivers.errors import InvalidArguments
from netpulse_drivers.ssh.ssh_args import SSHArgs


def private_key(args: SSHArgs) -> paramiko.PKey | None:
    """The key of resolved arguments (``SSHArgs.with_files``), with its certificate; None when there is none.

    Raises:
        InvalidArguments: it cannot be read, or the certificate is another key's.
    """
    if args.pkey is None:
        return None
    secret = args.passphrase.get_secret_value() if args.passphrase else None
    return _certified(parse_private_key(args.pkey.get_secret_value(), secret), args.certificate)


def parse_private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    """A private key from its text, whatever its kind.

    Raises:
        InvalidArguments: no key, an unsupported kind, or a wrong or missing passphrase.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase)
        except paramiko.PasswordRequiredException:
            raise InvalidArguments("the private key is encrypted: give passphrase") from None
        except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
            continue  # of another kind; which kind it is shows only by trying
    hint = "or the passphrase is wrong" if passphrase else "Ed25519, ECDSA and RSA keys are supported"
    raise InvalidArguments(f"the private key (pkey, key_file) cannot be read: no key in PEM or OpenSSH format, {hint}")


def _certified(key: paramiko.PKey, certificate: str | None) -> paramiko.PKey:
    if certificate is None:
        return key
    try:
        key.load_certificate(certificate.strip())
    except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
        raise InvalidArguments("the certificate does not fit the private key") from None
    return key
