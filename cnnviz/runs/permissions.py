"""Who may stop whose run.

The operator is whoever runs the server: a viewer who knows the passphrase, or who sits at the
server itself. The passphrase is read from the environment and stands in no file: cnnviz.toml lies
in the repository, where even a hash would one day be pushed, and guessed from. Workers do not
inherit the variable.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cnnviz.errors import SettingError
from cnnviz.runs.run import Run

PASSPHRASE: Final = "CNNVIZ_OPERATOR_PASSPHRASE"
_LEAST_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class Operator:
    """How the operator is recognised."""

    passphrase: str | None = field(default=None, repr=False)
    """None: nobody is recognised by one."""
    at_loopback: bool = True
    """Whether viewers from this machine's own address are. Behind a proxy everybody comes from
    there: then it must be off (`loopback_may_stop` in cnnviz.toml)."""

    def __post_init__(self) -> None:
        if self.passphrase is not None and len(self.passphrase) < _LEAST_CHARACTERS:
            raise SettingError(
                f"{PASSPHRASE} has {len(self.passphrase)} characters: use {_LEAST_CHARACTERS} "
                "or more, or leave it unset"
            )

    @classmethod
    def from_environment(
        cls, *, at_loopback: bool, environment: Mapping[str, str] = os.environ
    ) -> Operator:
        """With the passphrase that CNNVIZ_OPERATOR_PASSPHRASE holds, if it is set."""
        return cls(environment.get(PASSPHRASE) or None, at_loopback)

    def recognises(self, *, passphrase: str | None = None, address: str | None = None) -> bool:
        """Whether a viewer is the operator, by what they typed or by where they come from.

        address: the viewer's IP address as the server sees it; None if it is not known.
        """
        if self.passphrase is not None and passphrase:
            # Digests, so that not even the length shows in the time that it takes.
            given, right = (
                hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
                for text in (passphrase, self.passphrase)
            )
            if hmac.compare_digest(given, right):
                return True
        return self.at_loopback and address is not None and is_loopback(address)


def may_stop(run: Run, owner: str, is_operator: bool) -> bool:
    """Whether a viewer may stop, pause, change, resume, rename or delete a run.

    owner: the viewer, as runs name their owners.
    """
    return is_operator or (owner != "" and owner == run.owner)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; False for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return bool((mapped or parsed).is_loopback)
