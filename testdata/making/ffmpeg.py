"""Coding and decoding through ffmpeg, with nothing in the output that changes from run to run."""

import subprocess

import numpy as np

# bitexact: no encoder name, no creation time, fixed Ogg serial numbers.
_QUIET = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-threads", "1"]
_BITEXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
_CODECS = {
    "alaw": ["-c:a", "pcm_alaw", "-f", "alaw"],
    "mulaw": ["-c:a", "pcm_mulaw", "-f", "mulaw"],
    "gsm": ["-c:a", "libgsm", "-f", "gsm"],
}


def to_int16(samples):
    return np.clip(np.round(np.asarray(samples) * 32768.0), -32768, 32767).astype("<i2")


def encode(path, samples, rate_hz, *options):
    """Writes `samples` (frames, or frames by channels) in the format of the path and options."""
    samples = np.asarray(samples)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    source = ["-f", "f64le", "-ar", str(rate_hz), "-ac", str(channels), "-i", "pipe:0"]
    command = [*_QUIET, *source, *_BITEXACT, *options, str(path)]
    # Whole 16-bit steps, so that every lossless format holds the same values.
    exact = to_int16(samples).astype("<f8") / 32768.0
    subprocess.run(command, input=exact.tobytes(), check=True)


def round_trip(samples, codec, rate_hz):
    """`samples` as they come back from a codec, same length."""
    raw = ["-f", "s16le", "-ar", str(rate_hz), "-ac", "1"]
    back = _CODECS[codec][-1]
    layout = ["-ar", str(rate_hz), "-ac", "1"] if codec != "gsm" else []
    coded = _pipe([*raw, "-i", "pipe:0", *_CODECS[codec], "pipe:1"], to_int16(samples).tobytes())
    plain = _pipe(["-f", back, *layout, "-i", "pipe:0", *raw, "pipe:1"], coded)
    decoded = np.frombuffer(plain, "<i2").astype(np.float64) / 32768.0
    return np.resize(np.pad(decoded, (0, max(0, len(samples) - decoded.size))), len(samples))


def decode(path, *input_options):
    """Frames by channels, as ffmpeg decodes the file."""
    shape = _probe(path, input_options)
    plain = _pipe([*input_options, "-i", str(path), "-f", "f64le", "pipe:1"], b"")
    return np.frombuffer(plain, "<f8").reshape(-1, shape[1]), shape[0]


def _probe(path, input_options):
    command = ["ffprobe", "-v", "error", *input_options, "-select_streams", "a:0"]
    command += ["-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, channels = shown.strip().split(",")[:2]
    return int(rate), int(channels)


def _pipe(arguments, data):
    command = [*_QUIET, *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout
