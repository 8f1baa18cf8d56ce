"""Owns how secrets are shown: what the contract marks as secret is ``***``. Does not know what they mean.

Protobuf's Python classes do not heed ``debug_redact``, so a message in a log or a traceback would show its cookies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message

_HIDDEN = "***"


class Hidden(str):
    """A secret that a traceback with local variables shows as ``***``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _HIDDEN


def hide_secrets(*files: FileDescriptor) -> None:
    """Lets ``repr()`` and ``str()`` of every message in the files hide its secrets."""
    for file in files:
        for descriptor in file.message_types_by_name.values():
            message = GetMessageClass(descriptor)
            message.__repr__ = _shown  # type: ignore[method-assign, assignment]
            message.__str__ = _shown  # type: ignore[method-assign, assignment]


def _shown(message: Message) -> str:
    fields = (
        f"{field.name}={_HIDDEN if field.GetOptions().debug_redact else repr(value)}"
        for field, value in message.ListFields()
    )
    return f"{type(message).__name__}({', '.join(fields)})"
