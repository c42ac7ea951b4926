"""TLS towards a switch: verified unless the request says otherwise, and errors that name the argument to change."""

from __future__ import annotations

import ssl

from netpulse_drivers.errors import CertificateUntrusted, ConnectError, InvalidArguments, NegotiationFailed
from netpulse_drivers.pyeapi.arguments import PyeapiConnectionArgs


def client_context(args: PyeapiConnectionArgs) -> ssl.SSLContext:
    """The context for these arguments.

    Raises:
        InvalidArguments: a file cannot be read or holds something else.
    """
    try:
        context = ssl.create_default_context(cafile=args.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidArguments(f"ca_file cannot be used: {_said(error)}") from error
    if not args.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if args.cert_file is not None:
        try:
            # A key with a passphrase would ask for it on the worker's terminal.
            context.load_cert_chain(args.cert_file, args.key_file, password=_no_passphrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InvalidArguments(f"cert_file or key_file cannot be used: {_said(error)}") from error
    return context


def explained(error: ssl.SSLError, where: str) -> ConnectError:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateUntrusted(
            f"the certificate of {where} cannot be verified: {error.verify_message}; give its authority (or a "
            "self-signed certificate itself) as ca_file, the name in it as server_name, or accept any certificate "
            "by verify: false"
        )
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "wrong version number" in reason or "http request" in reason:
        return NegotiationFailed(f"{where} does not speak TLS: {reason}; is transport http meant?")
    if "certificate required" in reason or "alert" in reason:
        return NegotiationFailed(
            f"{where} broke off the TLS handshake: {reason}; it may want a client certificate (cert_file and key_file)"
        )
    return NegotiationFailed(f"no TLS with {where}: {reason}")


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted, and passphrases of TLS keys are not supported")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
