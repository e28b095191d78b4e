"""Files of the other containers: cut off, damaged in the middle, or with lying headers."""

import struct

import numpy as np

from .bad import either, refused, scans

CORRUPT, UNSUPPORTED, LIMIT = "corrupt_audio", "unsupported_audio", "limit_exceeded"


def all_files(encoded, pcm16):
    """`encoded` maps a name such as `flac` to a valid file of that kind; `pcm16` is for CAF, AIFF."""
    yield from _cut_off(encoded)
    yield from _damaged(encoded)
    yield from _valid_but_not_read(encoded)
    yield from _telephony(encoded)
    yield from _flac(encoded["flac"])
    yield from _mp3(encoded["mp3"])
    yield from _mp4(encoded["m4a"], encoded["faststart.m4a"])
    yield from _matroska(encoded["mka"])
    yield from _aiff(pcm16)
    yield from _caf(pcm16)


def _cut_off(encoded):
    for kind in ("flac", "mp3", "ogg", "mka", "faststart.m4a"):
        whole = encoded[kind]
        name = f"truncated-{kind}" if "." in kind else f"truncated.{kind}"
        yield scans(
            name,
            whole[: len(whole) * 3 // 5],
            "ends after three fifths",
            remark="the part that is there",
        )
    yield refused(
        "truncated.m4a",
        encoded["m4a"][: len(encoded["m4a"]) * 3 // 5],
        "ends after three fifths; the index, which stands at the end, is missing",
        CORRUPT,
        UNSUPPORTED,
    )
    for kind in ("flac", "ogg", "m4a"):
        yield refused(f"only-start.{kind}", encoded[kind][:40], "the first 40 bytes", UNSUPPORTED, CORRUPT)


def _damaged(encoded):
    """A stretch in the middle overwritten with noise, as a bad disk or transfer leaves it."""
    for number, kind in enumerate(("flac", "mp3", "ogg", "faststart.m4a")):
        damaged = bytearray(encoded[kind])
        middle, length = len(damaged) // 2, 400
        noise = np.random.RandomState(number).bytes(length)
        damaged[middle : middle + length] = noise
        name = f"damaged-{kind}" if "." in kind else f"damaged.{kind}"
        yield either(
            name,
            bytes(damaged),
            f"{length} bytes of noise in the middle",
            CORRUPT,
            remark="what can be read around them, with a warning",
        )


def _valid_but_not_read(encoded):
    yield refused("g723_1.wav", encoded["g723_1.wav"], "valid, but G.723.1 is not read", UNSUPPORTED)


def _telephony(encoded):
    """Files whose readers are ours."""
    for kind in ("au", "w64", "opus", "gsm.wav"):
        whole = encoded[kind]
        name = f"truncated-{kind}" if "." in kind else f"truncated.{kind}"
        yield scans(name, whole[: len(whole) * 3 // 5], "ends after three fifths", remark="the part that is there")
        noise = np.random.RandomState(len(whole)).bytes(300)
        middle = len(whole) // 2
        name = f"damaged-{kind}" if "." in kind else f"damaged.{kind}"
        damaged = whole[:middle] + noise + whole[middle + len(noise) :]
        yield either(name, damaged, "300 bytes of noise in the middle", CORRUPT, remark="what can be read around them")
    amr, wide = b"#!AMR\n", b"#!AMR-WB\n"
    noise = np.random.RandomState(1).bytes(4000)
    yield refused("amr-head-only.amr", amr, "a magic word and nothing behind it", CORRUPT)
    yield refused("amr-no-frames.amr", amr + b"\x74" * 40, "frame types that there are not", CORRUPT)
    yield refused("amr-all-damaged.amr", amr + (b"\x38" + bytes(31)) * 40, "every frame says that it is damaged", CORRUPT)
    yield refused("amr-many-empty.amr", amr + b"\x7c" * 1000, "a thousand frames without data, no speech before", CORRUPT)
    yield refused("amr-channels.amr", b"#!AMR_MC1.0\n" + bytes(40), "AMR of several channels", UNSUPPORTED)
    for name, magic, head in (("amr-noise.amr", amr, 0x3C), ("amr-noise.awb", wide, 0x44)):
        frame = 31 if magic == amr else 60
        frames = b"".join(bytes([head]) + noise[n : n + frame] for n in range(0, 60 * frame, frame))
        yield either(name, magic + frames, "frames of noise", CORRUPT, remark="whatever they decode to")
    yield either("amr-comfort-noise.amr", amr + (b"\x44" + noise[:5] + b"\x7c" * 7) * 20, "comfort noise alone", CORRUPT)
    big = struct.pack(">IIII", 0xFFFFFFFF, 1, 8000, 1)
    yield refused("au-offset-max.au", b".snd\xff\xff\xff\xff" + big + bytes(400), "audio starts at byte 2^32 - 1", CORRUPT)
    for name, encoding, rate, channels, kinds in (
        ("au-no-channels.au", 1, 8000, 0, (CORRUPT,)),
        ("au-channels-max.au", 1, 8000, 0xFFFFFFFF, (LIMIT,)),
        ("au-rate-zero.au", 1, 0, 1, (LIMIT,)),
        ("au-encoding.au", 99, 8000, 1, (UNSUPPORTED,)),
    ):
        head = struct.pack(">4sIIIII", b".snd", 24, 400, encoding, rate, channels)
        yield refused(name, head + bytes(400), "a head that cannot be", *kinds)
    w64 = bytearray(encoded["w64"])
    w64[56:64] = b"\xff" * 8
    yield refused("w64-chunk-max.w64", bytes(w64[:2000]), "a chunk of 2^64 - 1 bytes", CORRUPT)
    w64[56:64] = bytes(8)
    yield refused("w64-chunk-zero.w64", bytes(w64[:2000]), "a chunk of 0 bytes, its own head not counted", CORRUPT)
    yield refused("gsm-no-frames.gsm", bytes(3300), "named as GSM, without the marks of its frames", CORRUPT)


def _flac(flac):
    total = bytearray(flac)
    total[21] |= 0x0F  # the low 4 bits of byte 21 and bytes 22 to 25 are the number of samples
    total[22:26] = b"\xff" * 4
    yield scans(
        "flac-length-max.flac",
        bytes(total),
        "the header says 2^36 - 1 samples, there are a few thousand",
        remark="with a warning that it ends early",
    )
    rate = bytearray(flac)
    rate[18:20] = b"\0\0"
    rate[20] &= 0x0F
    yield either("flac-rate-zero.flac", bytes(rate), "0 Hz in the header", LIMIT, CORRUPT, UNSUPPORTED)
    yield refused(
        "flac-comment-past-end.flac",
        flac[:4] + b"\0" + flac[5:42] + b"\x84\xff\xff\xff" + bytes(64),
        "a comment block of 16 MiB in a file of 110 bytes",
        CORRUPT,
        UNSUPPORTED,
    )


def _mp3(mp3):
    tag = b"ID3\x04\0\0\x7f\x7f\x7f\x7f"
    yield either(
        "id3-size-max.mp3",
        tag + mp3,
        "an ID3 tag of 256 MiB in front",
        UNSUPPORTED,
        CORRUPT,
        remark="no hang, no memory taken for it",
    )


def _mp4(mp4, faststart):
    patch = [
        ("m4a-sample-count-max.m4a", b"stsz", 12, "2^32 - 1 entries in the table of packet sizes"),
        ("m4a-chunk-count-max.m4a", b"stco", 8, "2^32 - 1 entries in the table of offsets"),
        ("m4a-offset-max.m4a", b"stco", 12, "the audio is said to start at 4 GiB"),
    ]
    for name, box, offset, wrong in patch:
        lying = bytearray(faststart)
        where = lying.index(box) + offset
        lying[where : where + 4] = b"\xff" * 4
        yield refused(name, bytes(lying), wrong, CORRUPT, UNSUPPORTED)
    zero = bytearray(faststart)
    where = zero.index(b"mdhd") + 16
    zero[where : where + 4] = bytes(4)
    yield either("m4a-timescale-zero.m4a", bytes(zero), "0 ticks a second", CORRUPT, UNSUPPORTED)
    nested = b""
    for _ in range(2000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    start = mp4[: struct.unpack(">I", mp4[:4])[0]]
    yield refused("m4a-nested.m4a", start + nested, "2,000 nested boxes", CORRUPT, UNSUPPORTED)


def _matroska(mka):
    yield refused(
        "mka-size-max.mka",
        mka[:4] + b"\x01\xff\xff\xff\xff\xff\xff\xfe" + mka[5:200],
        "a header of 2^56 bytes",
        CORRUPT,
        UNSUPPORTED,
    )


def _aiff(pcm16):
    swapped = np.frombuffer(pcm16, "<i2").astype(">i2").tobytes()
    eight_khz = bytes.fromhex("400bfa00000000000000")
    yield refused(
        "billion-channels.aiff",
        _form(eight_khz, bytes(64), channels=65535),
        "65,535 channels, the most that AIFF can say",
        LIMIT,
        CORRUPT,
        UNSUPPORTED,
    )
    rates = (
        ("infinite", "7fff0000000000000000", "an infinite sample rate"),
        ("nan", "7fffc000000000000000", "a sample rate that is not a number"),
        ("negative", "c00bfa00000000000000", "-8,000 Hz"),
        ("2e32", "401fffffffff00000000", "4,294,967,295 Hz"),
    )
    for name, rate, wrong in rates:
        content = _form(bytes.fromhex(rate), swapped)
        yield refused(f"rate-{name}.aiff", content, wrong, LIMIT, CORRUPT, UNSUPPORTED)


def _form(rate, body, channels=1):
    frames = len(body) // (2 * channels)
    common = struct.pack(">HIH", channels, frames, 16) + rate
    sound = struct.pack(">II", 0, 0) + body
    chunks = b"COMM" + struct.pack(">I", 18) + common
    chunks += b"SSND" + struct.pack(">I", len(sound)) + sound
    return b"FORM" + struct.pack(">I", 4 + len(chunks)) + b"AIFF" + chunks


def _caf(pcm16):
    yield refused(
        "billion-channels.caf",
        _caff(pcm16, channels=1_000_000_000),
        "1,000,000,000 channels",
        LIMIT,
        CORRUPT,
        UNSUPPORTED,
        remark="and no memory taken for them",
    )
    yield refused("zero-channels.caf", _caff(pcm16, channels=0), "0 channels", CORRUPT)
    for name, rate in (("nan", float("nan")), ("negative", -8000.0), ("infinite", float("inf"))):
        content = _caff(pcm16, rate=rate)
        yield refused(f"rate-{name}.caf", content, f"a sample rate of {rate}", LIMIT, CORRUPT)
    yield refused(
        "packet-bytes-max.caf",
        _caff(pcm16, packet_bytes=0xFFFFFFFF),
        "packets of 4 GiB",
        CORRUPT,
        LIMIT,
        UNSUPPORTED,
    )
    yield either(
        "packet-frames-max.caf",
        _caff(pcm16, packet_frames=0xFFFFFFFF),
        "2^32 - 1 samples in a packet of 2 bytes: a decoder that makes room for them takes 8 GiB",
        CORRUPT,
        LIMIT,
        remark="no memory taken for them",
    )
    yield either(
        "packet-frames-max-ima4.caf",
        _caff(bytes(34 * 20), codec=b"ima4", flags=0, packet_bytes=34, packet_frames=0xFFFFFFFF),
        "the same with ADPCM, where it would be 16 GiB",
        CORRUPT,
        LIMIT,
        remark="no memory taken for them",
    )
    sizes = struct.pack(">qqii", 4, 4096, 0, 0) + (b"\x81" + b"\xff" * 8 + b"\x7f") * 4
    yield refused(
        "packet-sizes-overflow.caf",
        _caff(pcm16, codec=b"alac", flags=0, packet_bytes=0, packet_frames=1024, table=sizes),
        "packet sizes whose sum is more than 64 bits hold",
        CORRUPT,
        UNSUPPORTED,
    )
    yield either(
        "data-to-end.caf",
        _caff(pcm16, data_size=-1),
        "valid, but not read yet: a size of -1 means to the end of the file",
        CORRUPT,
    )
    yield refused(
        "data-size-negative.caf",
        _caff(pcm16, data_size=-2),
        "a size of -2",
        CORRUPT,
    )


def _caff(
    body,
    rate=8000.0,
    codec=b"lpcm",
    flags=2,
    packet_bytes=2,
    packet_frames=1,
    channels=1,
    table=None,
    data_size=None,
):
    # The variable packet formats state no bits; linear PCM has 16.
    bits = 16 if codec == b"lpcm" else 0
    shape = struct.pack(">IIIII", flags, packet_bytes, packet_frames, channels, bits)
    chunks = b"desc" + struct.pack(">qd", 32, rate) + codec + shape
    if table is not None:
        chunks += b"pakt" + struct.pack(">q", len(table)) + table
    size = len(body) + 4 if data_size is None else data_size
    return b"caff\0\x01\0\0" + chunks + b"data" + struct.pack(">qI", size, 0) + body
