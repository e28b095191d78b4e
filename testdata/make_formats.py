#!/usr/bin/env python3
"""Makes `formats/`: one clip in every container, codec, rate and channel count that is read.

    python testdata/make_formats.py

`formats.tsv` beside them says what each decodes to, measured with ffmpeg, or the peer that knows its codec, against the 16-bit WAV.
"""

import shutil

import numpy as np
from scipy.signal import resample_poly

from making import ffmpeg, index, telephony
from making.channel import Channel
from making.voices import RATE_HZ, Voice, say

FORMATS = index.TESTDATA / "formats"
CLIP = (Voice("flite", "slt"), "Your parcel is at the front desk.")
OTHER = (Voice("flite", "rms"), "The lift on the third floor is out of order.")
CHANNEL = Channel("mulaw", -22.0, 38.0)
SECONDS = 1.8
REFERENCE = "clip.pcm_s16.wav"

# file -> ffmpeg options
SAME_RATE = {
    "clip.pcm_u8.wav": ["-c:a", "pcm_u8"],
    REFERENCE: ["-c:a", "pcm_s16le"],
    "clip.pcm_s24.wav": ["-c:a", "pcm_s24le"],
    "clip.pcm_s32.wav": ["-c:a", "pcm_s32le"],
    "clip.pcm_f32.wav": ["-c:a", "pcm_f32le"],
    "clip.pcm_f64.wav": ["-c:a", "pcm_f64le"],
    "clip.alaw.wav": ["-c:a", "pcm_alaw"],
    "clip.mulaw.wav": ["-c:a", "pcm_mulaw"],
    "clip.adpcm_ima.wav": ["-c:a", "adpcm_ima_wav"],
    "clip.adpcm_ms.wav": ["-c:a", "adpcm_ms"],
    "clip.flac": ["-c:a", "flac", "-sample_fmt", "s16"],
    "clip.mp3": ["-c:a", "libmp3lame", "-b:a", "24k"],
    "clip.aac.m4a": ["-c:a", "aac", "-b:a", "32k"],
    "clip.vorbis.ogg": ["-c:a", "libvorbis", "-q:a", "4"],
    "clip.pcm_s16.aiff": ["-c:a", "pcm_s16be"],
    "clip.pcm_s16.caf": ["-c:a", "pcm_s16be"],
    "clip.pcm_s16.mka": ["-c:a", "pcm_s16le"],
    "clip.vorbis.mka": ["-c:a", "libvorbis", "-q:a", "4"],
}
HEADERLESS = {
    "clip.8000hz.s16le.raw": ["-f", "s16le"],
    "clip.8000hz.alaw.raw": ["-f", "alaw"],
    "clip.8000hz.mulaw.raw": ["-f", "mulaw"],
}
OTHER_RATES_HZ = (16000, 44100, 48000)


def clip(voice, text, seed):
    heard = CHANNEL.carry(np.pad(say(voice, text), (0, RATE_HZ)), seed)
    return heard[: round(SECONDS * RATE_HZ)]


def resampled(samples, rate_hz):
    """Through a long filter, so that the band stays what the telephone left of it."""
    common = np.gcd(rate_hz, RATE_HZ)
    return resample_poly(samples, rate_hz // common, RATE_HZ // common, window=("kaiser", 8.0))


def write_all(samples, other):
    pcm16 = SAME_RATE[REFERENCE]
    for name, options in {**SAME_RATE, **HEADERLESS}.items():
        ffmpeg.encode(FORMATS / name, samples, RATE_HZ, *options)
    for rate in OTHER_RATES_HZ:
        path = FORMATS / f"clip.pcm_s16.{rate}hz.wav"
        ffmpeg.encode(path, resampled(samples, rate), rate, *pcm16)
    ffmpeg.encode(FORMATS / "clip.stereo.wav", np.stack([samples, other], axis=1), RATE_HZ, *pcm16)
    # Each channel half as loud as the one before: a reader that mixes or swaps them is seen.
    half = samples[: samples.size // 2]
    six = np.stack([half * 0.5**number for number in range(6)], axis=1)
    ffmpeg.encode(FORMATS / "clip.six_channels.wav", six, RATE_HZ, *pcm16)
    for name in telephony.COMMITTED:
        one = telephony.FORMATS[name]
        one.write(FORMATS / one.file, ffmpeg.to_int16(resampled(samples, one.rate_hz)))
    shutil.copyfile(FORMATS / "clip.mp3", FORMATS / "mp3-named.wav")
    shutil.copyfile(FORMATS / REFERENCE, FORMATS / "wav-named.mp3")


def decoded(path):
    for name in telephony.COMMITTED:
        one = telephony.FORMATS[name]
        if one.file == path.name:
            return one.read(path).astype(float)[:, None] / 32768.0, one.decoded_hz
    if path.suffix != ".raw":
        return ffmpeg.decode(path)
    coding = path.stem.rsplit(".", 1)[1]
    return ffmpeg.decode(path, "-f", coding, "-ar", str(RATE_HZ), "-ac", "1")


def best_snr(heard, reference, longest_delay=2500):
    """(delay in samples, SNR in dB) at the best delay: codecs may put samples in front."""
    lags = range(min(longest_delay, max(1, heard.size - reference.size + 64)))
    padded = np.pad(heard, (0, reference.size))
    products = [reference @ padded[lag : lag + reference.size] for lag in lags]
    delay = int(np.argmax(products))
    error = padded[delay : delay + reference.size] - reference
    power = np.sum(error**2)
    return delay, np.inf if power == 0 else 10 * np.log10(np.sum(reference**2) / power)


def describe(path, reference):
    frames, rate = decoded(path)
    back = frames[:, 0]
    if rate != RATE_HZ:
        common = np.gcd(rate, RATE_HZ)
        back = resample_poly(back, RATE_HZ // common, rate // common, window=("kaiser", 8.0))
    delay, snr = best_snr(back, reference[: back.size])
    shown = "exact" if np.isinf(snr) else f"{snr:.1f}"
    return [path.name, str(rate), str(frames.shape[1]), str(frames.shape[0]), str(delay), shown]


def main():
    for old in FORMATS.glob("*"):
        old.unlink()
    FORMATS.mkdir(exist_ok=True)
    write_all(clip(*CLIP, seed=1), clip(*OTHER, seed=2))
    reference = ffmpeg.decode(FORMATS / REFERENCE)[0][:, 0]
    files = sorted(FORMATS.iterdir())
    lines = ["\t".join(describe(path, reference)) for path in files]
    head = "file\tsample_rate_hz\tchannels\tframes\tdelay_samples_at_8000_hz\tsnr_db_of_channel_1"
    (FORMATS / "formats.tsv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    rows = []
    for path in files:
        rows.append(index.voice_row(path, 1, CLIP[0], CHANNEL, "the common clip"))
        if path.name == "clip.stereo.wav":
            rows.append(index.voice_row(path, 2, OTHER[0], CHANNEL, "another voice and text"))
        if path.name == "clip.six_channels.wav":
            for leg in range(2, 7):
                softer = f"the common clip, {6 * (leg - 1)} dB softer"
                rows.append(index.voice_row(path, leg, CLIP[0], CHANNEL, softer))
    index.replace("formats", rows)


if __name__ == "__main__":
    main()
