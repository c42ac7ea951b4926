"""TLS towards a switch: verified unless the request says otherwise, and errors that name the argument to change."""

from __future__ import annotations

import ssl

from netpulse_drivers.errors import CertificateUntrusted, ConnectError, InvalidArguments, NegotiationFailed
from netpulse_drivers.named_files import MemoryFile, NamedFiles
from netpulse_drivers.pyeapi.arguments import PyeapiConnectionArgs


def client_context(args: PyeapiConnectionArgs, files: NamedFiles) -> ssl.SSLContext:
    """The context for these arguments.

    Raises:
        InvalidArguments: a file is not offered, or something is no certificate or key.
    """
    authorities, certificate = args.ca, args.certificate
    if args.ca_file is not None:
        authorities = files.text("certificates", args.ca_file, option="ca_file")
    if args.cert_file is not None:
        certificate = files.text("certificates", args.cert_file, option="cert_file")
    try:
        context = ssl.create_default_context(cadata=authorities)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidArguments(f"ca (ca_file) cannot be used: {_said(error)}") from None
    if not args.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        key = args.pkey.get_secret_value() if args.pkey is not None else ""
        if args.key_file is not None:
            key = files.text("keys", args.key_file, option="key_file")
        chain, private = MemoryFile(certificate), MemoryFile(key)
        try:
            # A key with a passphrase would ask for it on the worker's terminal.
            context.load_cert_chain(chain.path, private.path, password=_no_passphrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InvalidArguments(
                f"certificate or pkey (cert_file, key_file) cannot be used: {_said(error)}"
            ) from None
    return context


def explained(error: ssl.SSLError, where: str) -> ConnectError:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateUntrusted(
            f"the certificate of {where} cannot be verified: {error.verify_message}; give its authority (or a "
            "self-signed certificate itself) as ca, the name in it as server_name, or accept any certificate "
            "by verify: false"
        )
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "wrong version number" in reason or "http request" in reason:
        return NegotiationFailed(f"{where} does not speak TLS: {reason}; is transport http meant?")
    if "certificate required" in reason or "alert" in reason:
        return NegotiationFailed(
            f"{where} broke off the TLS handshake: {reason}; it may want a client certificate (certificate and pkey)"
        )
    return NegotiationFailed(f"no TLS with {where}: {reason}")


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted, and passphrases of TLS keys are not supported")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
