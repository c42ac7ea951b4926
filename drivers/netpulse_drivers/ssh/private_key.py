"""Private keys and their certificates, from text or file."""

from __future__ import annotations

import io
from pathlib import Path

import paramiko

from netpulse_drivers.errors import InvalidArguments
from netpulse_drivers.ssh.ssh_args import SSHArgs

CERTIFICATE_SUFFIX = "-cert.pub"
"""What ssh-keygen appends to a key's path for its certificate, and ssh looks for."""


def private_key(args: SSHArgs) -> paramiko.PKey | None:
    """The key that was named, with its certificate; None when none was.

    Raises:
        InvalidArguments: it does not exist, cannot be read, or the certificate is another key's.
    """
    secret = args.passphrase.get_secret_value() if args.passphrase else None
    if args.pkey is not None:
        key = parse_private_key(args.pkey.get_secret_value(), secret)
        return _certified(key, args.certificate)
    if args.key_file is None:
        return None
    path = Path(args.key_file).expanduser()
    key = parse_private_key(_read(path, "key_file"), secret, name="key_file")
    beside = path.with_name(path.name + CERTIFICATE_SUFFIX)
    certificate = args.certificate
    if certificate is None and beside.is_file():
        certificate = _read(beside, "the certificate beside key_file")
    return _certified(key, certificate)


def parse_private_key(text: str, passphrase: str | None, *, name: str = "pkey") -> paramiko.PKey:
    """A private key from its text, whatever its kind.

    Raises:
        InvalidArguments: no key, an unsupported kind, or a wrong or missing passphrase.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase)
        except paramiko.PasswordRequiredException:
            raise InvalidArguments(f"{name} is encrypted: give passphrase") from None
        except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
            continue  # of another kind; which kind it is shows only by trying
    hint = "or the passphrase is wrong" if passphrase else "Ed25519, ECDSA and RSA keys are supported"
    raise InvalidArguments(f"{name} cannot be read: no private key in PEM or OpenSSH format, {hint}")


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        raise InvalidArguments(f"{name} does not exist on the worker") from None
    except OSError as error:
        raise InvalidArguments(f"{name} cannot be read by the worker: {error.strerror}") from None


def _certified(key: paramiko.PKey, certificate: str | None) -> paramiko.PKey:
    if certificate is None:
        return key
    try:
        key.load_certificate(certificate.strip())
    except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError) as error:
        raise InvalidArguments(f"the certificate does not fit the private key: {error}") from None
    return key
