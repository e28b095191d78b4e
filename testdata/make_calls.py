#!/usr/bin/env python3
"""Makes `calls/`: recordings as a telephony team has them, every voice from a speech engine.

    python testdata/make_calls.py

Needs numpy, scipy, ffmpeg, espeak-ng, flite and festival with its kal voice.
"""

import shutil
import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from making import ffmpeg, index, scripts, tones
from making.channel import Channel
from making.voices import RATE_HZ, Voice, say

CALLS = index.TESTDATA / "calls"
PAUSE = np.zeros(round(0.35 * RATE_HZ))

SLT = Voice("flite", "slt")
RMS = Voice("flite", "rms")
AWB = Voice("flite", "awb")
FLITE_KAL = Voice("flite", "kal16")
FESTIVAL_KAL = Voice("festival", "kal_diphone")
AMERICAN_MAN = Voice("espeak-ng", "en-us+m3", 170)
BRITISH_WOMAN = Voice("espeak-ng", "en-gb+f2", 160)
SCOTTISH_MAN = Voice("espeak-ng", "en-gb-scotland", 170)
LANCASTER_WOMAN = Voice("espeak-ng", "en-gb-x-gbclan+f4", 165)
GERMAN_MAN = Voice("espeak-ng", "de", 155)
FRENCH_WOMAN = Voice("espeak-ng", "fr+f3", 160)
SPANISH_WOMAN = Voice("espeak-ng", "es+f5", 160)

MULAW, ALAW, GSM = Channel("mulaw"), Channel("alaw"), Channel("gsm", -21.0, 34.0)


@dataclass(frozen=True)
class Call:
    """Each leg is (samples, (number, voice or program, channel, contents)).

    `kept` below 1 is a recorder that died: the header still promises the whole call.
    """

    path: str
    legs: list
    options: list = field(default_factory=list)
    kept: float = 1.0


def monologue(path, voice, text, channel, *options):
    leg = _leg(path, 1, voice, channel, [PAUSE, say(voice, text), PAUSE], "one speaker")
    return Call(path, [leg], list(options))


def dialogue(path, agent, caller, turns, agent_channel, caller_channel, *options):
    """Alternating turns, agent first; one leg for each party, silent while the other speaks."""
    spoken = [say((agent, caller)[number % 2], text) for number, text in enumerate(turns)]
    sides = []
    for side in (0, 1):
        parts = [PAUSE]
        for number, turn in enumerate(spoken):
            parts += [turn if number % 2 == side else np.zeros(turn.size), PAUSE]
        sides.append(parts)
    legs = [
        _leg(path, 1, agent, agent_channel, sides[0], "agent"),
        _leg(path, 2, caller, caller_channel, sides[1], "caller"),
    ]
    return Call(path, legs, list(options))


def beside_hold_music(path, voice, turns, channel, *options):
    """Leg 1 has only music and queue beeps; leg 2 has the caller who waits."""
    caller = _leg(path, 2, voice, channel, _spaced(voice, turns), "caller on hold")
    heard = channel.carry(tones.hold_music(caller[0].size / RATE_HZ), _seed(path, 1))
    row = (1, "numpy", channel, "hold music and queue beeps, no speech")
    return Call(path, [(heard, row), caller], list(options))


def beside_silence(path, voice, turns, channel, *options):
    """One-way audio: leg 1 has nothing at all, not even line noise."""
    caller = _leg(path, 2, voice, channel, _spaced(voice, turns), "caller who hears nobody")
    row = (1, "numpy", "no signal", "digital silence")
    return Call(path, [(np.zeros(caller[0].size), row), caller], list(options))


def mixed(call):
    """Both parties on one track, as a recorder without separate legs keeps them."""
    (agent, agent_row), (caller, caller_row) = call.legs
    rows = [(1, *agent_row[1:]), (1, *caller_row[1:])]
    return Call(call.path, [(agent + caller, rows[0]), (None, rows[1])], call.options)


def _leg(path, number, voice, channel, parts, contents):
    heard = channel.carry(np.concatenate(parts), _seed(path, number))
    return heard, (number, voice, channel, contents)


def _spaced(voice, turns):
    parts = [PAUSE]
    for text in turns:
        parts += [say(voice, text), PAUSE, PAUSE]
    return parts


def _seed(path, leg):
    return zlib.crc32(f"{path} leg {leg}".encode())


def all_calls():
    pcm, mulaw, alaw = (["-c:a", name] for name in ("pcm_s16le", "pcm_mulaw", "pcm_alaw"))
    far = Channel("alaw", -31.0, 30.0)
    near = Channel("mulaw", -20.5, 40.0)
    lossy = Channel("alaw", -23.0, 36.0, loss=0.05)
    yield dialogue("01-helpdesk-reset.mulaw.wav", SLT, AMERICAN_MAN, scripts.HELPDESK, near, MULAW, *mulaw)
    yield dialogue(
        "02-clinic-booking.ima-adpcm.wav",
        FESTIVAL_KAL,
        BRITISH_WOMAN,
        scripts.CLINIC,
        ALAW,
        far,
        *("-c:a", "adpcm_ima_wav"),
    )
    yield monologue("03-bank-card.alaw.wav", RMS, scripts.BANK_CARD, ALAW, *alaw)
    yield monologue("04-parcel-driver.pcm16.wav", AWB, scripts.PARCEL, far, *pcm)
    yield mixed(
        dialogue(
            "05-pharmacy-one-track.m4a",
            LANCASTER_WOMAN,
            FLITE_KAL,
            scripts.PHARMACY,
            ALAW,
            MULAW,
            *("-b:a", "20k"),
        )
    )
    yield monologue(
        "06-energy-meter.ms-adpcm.wav",
        SCOTTISH_MAN,
        scripts.ENERGY_METER,
        near,
        *("-c:a", "adpcm_ms"),
    )
    yield monologue("07-garage-voicemail.gsm.flac", FLITE_KAL, scripts.GARAGE, GSM)
    yield monologue("08-werkstatt-german.mp3", GERMAN_MAN, scripts.WERKSTATT, ALAW, "-b:a", "16k")
    yield monologue("09-hotel-french-packet-loss.m4a", FRENCH_WOMAN, scripts.HOTEL, lossy, "-b:a", "20k")
    yield monologue("10-biblioteca-spanish.ogg", SPANISH_WOMAN, scripts.BIBLIOTECA, far)
    yield beside_hold_music("11-clinic-on-hold.ogg", FESTIVAL_KAL, scripts.ON_HOLD, MULAW)
    yield beside_silence("12-refund-one-way.alaw.wav", RMS, scripts.ONE_WAY, ALAW, *alaw)
    yield dialogue(
        "13-insurance-claim-30s.mp3",
        SLT,
        SCOTTISH_MAN,
        scripts.INSURANCE,
        MULAW,
        lossy,
        *("-b:a", "40k", "-joint_stereo", "0"),
    )
    yield replace(monologue("14-recorder-stopped.mulaw.wav", AWB, scripts.BOILER, MULAW, *mulaw), kept=0.7)
    yield monologue("archive/2026-11/17-taxi-umbrella.mulaw.wav", BRITISH_WOMAN, scripts.TAXI, MULAW, *mulaw)
    yield monologue("archive/2026-11/23-optician-reminder.mp3", SLT, scripts.OPTICIAN, near, "-b:a", "16k")


def write(call):
    path = CALLS / call.path
    path.parent.mkdir(parents=True, exist_ok=True)
    tracks = [samples for samples, _ in call.legs if samples is not None]
    ffmpeg.encode(path, np.stack(tracks, axis=1), RATE_HZ, *call.options)
    if call.kept < 1.0:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * call.kept)])
    for _, (leg, maker, channel, contents) in call.legs:
        if isinstance(maker, Voice):
            yield index.voice_row(path, leg, maker, channel, contents)
        else:
            yield index.own_row(path, leg, maker, channel, contents)


def main():
    for old in CALLS.glob("*"):
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name != "README.md":
            old.unlink()
    rows = []
    for call in all_calls():
        rows += write(call)
    index.replace("calls", rows)


if __name__ == "__main__":
    main()
