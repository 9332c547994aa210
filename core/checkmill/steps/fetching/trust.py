"""Whom a source trusts: one TLS context, filled with certificates only when https is really spoken."""

from __future__ import annotations

import ssl
from pathlib import Path

from checkmill.model.errors import ConfigurationError


class Trust:
    """The TLS context of one source. It verifies always; until `load` it trusts nobody."""

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        self._loaded = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def load(self) -> None:
        """Trust the authorities of `ca_file`, else of the system, else those that come with certifi.

        Raises `ConfigurationError` that names the file.
        """
        if self._loaded:
            return
        if self._ca_file is not None:
            self._load_file(self._ca_file)
        elif _system_has_authorities():
            self.context.load_default_certs()
        else:
            # Imported here: only for a system without authorities of its own. It comes with httpx.
            import certifi

            self.context.load_verify_locations(cafile=certifi.where())
        self._loaded = True

    def _load_file(self, path: str) -> None:
        try:
            self.context.load_verify_locations(cafile=path)
        except ssl.SSLError:
            raise ConfigurationError(f"ca_file {path!r} holds no certificates in PEM form") from None
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            raise ConfigurationError(f"ca_file {path!r}: {reason}") from None
        except ValueError as error:
            raise ConfigurationError(f"ca_file {path!r}: {error}") from None


def _system_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).iterdir()))
