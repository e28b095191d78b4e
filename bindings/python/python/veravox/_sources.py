"""What can be scanned, brought into the forms that the extension takes, or refused in clear words."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from . import _core
from .errors import InvalidArgumentError

#: A path, the bytes of a file, a file opened in binary mode, or samples in an array.
Source: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO, NDArray[Any]]
#: The next samples of one leg of a call: an array `[n]` of float in [-1, 1] or int16, or bytes of 16 bits, little-endian.
Chunk: TypeAlias = Union[NDArray[Any], bytes, bytearray, memoryview]
#: A path, the bytes of a file, or a file opened in binary mode.
FileSource: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]


def is_array(source: object) -> bool:
    """numpy arrays, and what turns into one by itself, as tensors of other libraries do."""
    return isinstance(source, np.ndarray) or (hasattr(source, "__array__") and not hasattr(source, "read"))


def path_or_bytes(source: object) -> str | bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if isinstance(path, str):
            return path
    read = getattr(source, "read", None)
    if callable(read):
        content = read()
        if isinstance(content, bytes):
            return content
        raise InvalidArgumentError(f'expected a file opened in binary mode ("rb"), whose read() gives bytes, got {_name(content)}')
    raise InvalidArgumentError(
        f"expected a path, bytes, a file opened in binary mode or a numpy array, got {_name(source)}"
    )


def count(value: object, name: str) -> int:
    """A whole number above 0; 8000.0 is one too."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    try:
        whole = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidArgumentError(f"expected {name} to be a whole number, got {value!r}") from None
    # What comes next are 32-bit numbers.
    if not 0 < whole < 2**32:
        raise InvalidArgumentError(f"expected {name} to be above 0, got {whole}")
    return whole


def rate_of(sample_rate: object) -> int:
    return count(sample_rate, "sample_rate, in hertz,")


def options_of(
    sample_rate: object,
    encoding: str | None,
    channels: int | None,
    max_duration_seconds: float | None,
    limits: Mapping[str, float] | None,
    rtp_map: Iterable[str] = (),
) -> _core.DecodeOptions:
    rate = None if sample_rate is None else rate_of(sample_rate)
    channels = None if channels is None else count(channels, "channels")
    if isinstance(rtp_map, str):
        raise InvalidArgumentError(f'expected rtp_map to be several, as in ["96=opus/48000"], got {rtp_map!r}')
    maps = [str(one) for one in rtp_map]
    return _core.DecodeOptions(encoding, rate, channels, max_duration_seconds, None if limits is None else dict(limits), maps)


def chunk(samples: object) -> bytes | NDArray[np.float32] | NDArray[np.int16]:
    """The next samples of one leg: bytes as they are, arrays as `[n]` in order, without a copy where they are that."""
    if isinstance(samples, bytes | bytearray):
        return samples if isinstance(samples, bytes) else bytes(samples)
    if isinstance(samples, memoryview):
        return samples.tobytes()
    array = _numbers(samples, "[n]")
    if array.ndim == 2:
        if array.shape[0] != 1:
            raise InvalidArgumentError(f"a stream is one leg, of samples [n], got {list(array.shape)}: take one for each leg")
        array = array[0]
    return _in_order(array)


def float32(samples: object, axes: str) -> NDArray[np.float32]:
    """Samples as float32 in [-1, 1]: without a copy where they are that, int16 divided by 32,768."""
    array = _numbers(samples, axes)
    if array.dtype == np.int16:
        return array.astype(np.float32) / np.float32(32_768)
    return np.asarray(array, np.float32)


def legs(samples: object) -> NDArray[np.float32] | NDArray[np.int16]:
    """Samples as `[legs, n]` in order, float32 or int16: without a copy where they are that."""
    array = _numbers(samples, "[n] or [legs, n]")
    array = array[np.newaxis] if array.ndim == 1 else array
    n_legs, n_samples = array.shape
    if n_legs > max(n_samples, 1):
        raise InvalidArgumentError(
            f"expected samples of shape [n] or [legs, n], got [{n_legs}, {n_samples}], which looks like [n, legs]: "
            "pass samples.T"
        )
    if n_legs == 0:
        raise InvalidArgumentError("expected at least one leg, got an array of shape [0, n]")
    return _in_order(array)


def _in_order(array: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.int16]:
    if array.dtype == np.int16:
        return np.ascontiguousarray(array, np.int16)
    return np.ascontiguousarray(array, np.float32)


def _numbers(samples: object, axes: str) -> NDArray[Any]:
    """An array of one or two axes, of floats or int16 in the machine's byte order."""
    array = np.asarray(samples)
    if array.ndim not in (1, 2):
        raise InvalidArgumentError(f"expected samples of shape {axes}, got {array.ndim} axes")
    if array.dtype.kind == "f" or array.dtype == np.int16:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "i" and array.dtype.itemsize == 2:
        return array.astype(np.int16)
    hint = ""
    if array.dtype.kind in "iu":
        hint = "; an integer type does not say which value is full scale: divide by it, as in samples / 2**31"
    raise InvalidArgumentError(f"expected samples as float in [-1, 1] or as int16, got {array.dtype}{hint}")


def _name(value: object) -> str:
    return type(value).__name__
