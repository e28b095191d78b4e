"""G.711 A-law and mu-law, after the integer code of ITU-T G.191, as tables over all 16-bit values."""
import numpy as np


def _mulaw_table():
    x = np.arange(-32768, 32768)
    magnitude = np.minimum((np.where(x < 0, ~x, x) >> 2) + 33, 0x1FFF)       # 13 bits with the bias
    segment = np.floor(np.log2(magnitude)).astype(int) - 5
    step = (magnitude >> (segment + 1)) & 15
    decoded = ((((step << 1) + 33) << segment) - 33) << 2
    return np.where(x < 0, -decoded, decoded).astype(np.int16)


def _alaw_table():
    x = np.arange(-32768, 32768)
    magnitude = np.where(x < 0, ~x, x) >> 4                                  # 11 bits
    shift = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(int) - 4, 0)
    decoded = (((magnitude >> shift) << 4) + 8) << shift
    return np.where(x < 0, -decoded, decoded).astype(np.int16)


TABLES = {"mulaw": _mulaw_table(), "alaw": _alaw_table()}


def code_and_decode(x, law):
    """float32 in [-1, 1] through one pass of G.711."""
    index = np.round(np.clip(x, -1, 32767 / 32768) * 32768).astype(np.int32) + 32768
    return TABLES[law][index].astype(np.float32) / 32768
