"""The exceptions of veravox: `VeravoxError`, and a subclass for each kind of error that the core knows.

| class | `kind` | also a | when |
|---|---|---|---|
| `NotFoundError` | `"not_found"` | `FileNotFoundError` | the file or folder does not exist |
| `AccessDeniedError` | `"permission_denied"` | `PermissionError` | the operating system refused to open it |
| `ReadError` | `"io"` | `OSError` | reading failed for another reason of the system's |
| `UnsupportedAudioError` | `"unsupported_audio"` | `ValueError` | no audio, or a codec that veravox does not know |
| `CorruptAudioError` | `"corrupt_audio"` | `ValueError` | audio of a known kind, but broken |
| `LimitExceededError` | `"limit_exceeded"` | `ValueError` | too long, too many channels, too high a rate |
| `InvalidManifestError` | `"invalid_manifest"` | `ValueError` | a `manifest.json` breaks one of its rules |
| `HashMismatchError` | `"hash_mismatch"` | `ValueError` | the ONNX file is not the one that the manifest names |
| `InvalidModelError` | `"invalid_model"` | `ValueError` | the ONNX graph does not load or does not fit its manifest |
| `InferenceError` | `"runtime"` | `RuntimeError` | the inference runtime is missing, broken or failed |
| `InvalidArgumentError` | `"invalid_argument"` | `ValueError` | something passed that can not be |
| `ScanCancelledError` | `"cancelled"` | | a scan was stopped before its end |

`kind` is the name that reports and the command's JSON have for it. A message says what was expected and what came; it never
holds audio.

>>> import veravox
>>> try:
...     veravox.scan("no-such-call.wav")
... except veravox.NotFoundError as error:
...     print(error.kind, "-", error)
not_found - cannot open the file: it does not exist
"""

__all__ = [
    "AccessDeniedError",
    "CorruptAudioError",
    "HashMismatchError",
    "InferenceError",
    "InvalidArgumentError",
    "InvalidManifestError",
    "InvalidModelError",
    "LimitExceededError",
    "NotFoundError",
    "ReadError",
    "ScanCancelledError",
    "UnsupportedAudioError",
    "VeravoxError",
]


class VeravoxError(Exception):
    """Any error of veravox; `kind` names what went wrong."""

    kind: str = "unknown"


class NotFoundError(VeravoxError, FileNotFoundError):
    """The file or folder does not exist."""

    kind = "not_found"


class AccessDeniedError(VeravoxError, PermissionError):
    """The operating system refused to open the file."""

    kind = "permission_denied"


class ReadError(VeravoxError, OSError):
    """Reading failed for another reason of the operating system's."""

    kind = "io"


class UnsupportedAudioError(VeravoxError, ValueError):
    """The bytes are no audio that veravox can read, or of a codec that it does not know."""

    kind = "unsupported_audio"


class CorruptAudioError(VeravoxError, ValueError):
    """The bytes claim to be audio of a known kind and are broken."""

    kind = "corrupt_audio"


class LimitExceededError(VeravoxError, ValueError):
    """A limit on duration, channels or sample rate was exceeded."""

    kind = "limit_exceeded"


class InvalidManifestError(VeravoxError, ValueError):
    """A `manifest.json` breaks one of its rules."""

    kind = "invalid_manifest"


class HashMismatchError(VeravoxError, ValueError):
    """The ONNX file is not the one that the manifest names."""

    kind = "hash_mismatch"


class InvalidModelError(VeravoxError, ValueError):
    """The ONNX graph does not load, or does not fit its manifest."""

    kind = "invalid_model"


class InferenceError(VeravoxError, RuntimeError):
    """The inference runtime is missing, broken or failed while running."""

    kind = "runtime"


class InvalidArgumentError(VeravoxError, ValueError):
    """Something was passed that can not be."""

    kind = "invalid_argument"


class ScanCancelledError(VeravoxError):
    """A scan was stopped before its end."""

    kind = "cancelled"


def of_kind(kind: str, message: str) -> VeravoxError:
    """The exception for a kind of the core, or of a line of results."""
    for known in VeravoxError.__subclasses__():
        if known.kind == kind:
            return known(message)
    error = VeravoxError(message)
    error.kind = kind
    return error
