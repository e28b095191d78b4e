"""Synthetic clips of installable speech engines, espeak-ng, flite and festival: hardly a page has them, and a machine that everybody has must not
pass for a person.

The sentences are the recipe's own; the test data of the repository speaks others.
"""
import os
import pathlib
import shutil
import subprocess

import numpy as np
import soundfile

from corpus import Clip, load

ENGLISH = """The ferry leaves the northern pier a quarter of an hour after the last train arrives.
She planted four rows of beans along the wall and forgot about them until July.
A narrow road winds through the hills before it meets the river again.
If the kettle whistles twice, somebody has filled it too far.
Nobody on the third floor remembers who ordered eleven boxes of green chalk.
My grandfather repaired clocks, radios and, on one occasion, a church organ.
Carry the ladder round the back, please, and mind the tomato plants.
The museum has moved its collection of maps into a brighter room.
Between the two lighthouses the current is strong enough to turn a small boat.
He read the whole letter aloud, folded it neatly and put it in the drawer.
Most of the orchard was sold, but the old pear tree is still ours.
We measured the hall again and the carpet is nine inches too short.
Could you spell the name of the street once more and a little slower?
The baker on the corner closes at noon whenever his sister visits.
Snow fell on the harbour all night and by morning the nets were white.
There is a spare key under the blue flower pot beside the shed.
They walked as far as the bridge, argued about the way, and walked back.
The orchestra tuned for so long that the audience began to clap.
A heron stood in the shallow water and waited without moving.
Every second Thursday the choir rehearses in the gymnasium.
It was the coldest October that anyone in the village could recall.
The recipe asks for two spoons of honey and a pinch of dark pepper.
Please leave the parcel with the neighbour who owns the grey dog.
Half of the windows were open and the curtains moved in the wind.""".split("\n")

OTHERS = {
    "de": ["Der Zug nach Hamburg hat heute vierzig Minuten Verspätung.", "Im Garten hinter dem Haus wachsen drei alte Apfelbäume."],
    "fr-fr": ["Le marché du village commence à sept heures du matin.", "Ma tante a peint la porte de la cuisine en bleu."],
    "es": ["La biblioteca cierra temprano los miércoles de agosto.", "Mi hermano arregla bicicletas en un pequeño taller."],
    "it": ["La finestra della cucina guarda verso il mare.", "Domani mattina il mercato apre alle otto e mezza."],
    "pt-br": ["O barco pequeno volta ao porto antes da chuva.", "Minha vizinha toca piano todas as noites."],
    "pl": ["Stary młyn stoi nad rzeką za naszą wsią.", "W sobotę jedziemy pociągiem do Krakowa."],
    "ru": ["Старый мост ведёт через реку к нашей деревне.", "Завтра утром мы поедем на рынок за яблоками."],
    "nl": ["De bakker op de hoek maakt het beste roggebrood.", "Wij fietsen zondag langs het kanaal naar zee."],
    "tr": ["Yarın sabah erkenden pazara gideceğiz.", "Küçük tekne yağmurdan önce limana döndü."],
    "sv": ["Båten till ön går klockan kvart över nio.", "Min farfar lagade gamla klockor och radior."],
    "fi": ["Vene lähtee saareen varttia yli yhdeksän.", "Isoisäni korjasi vanhoja kelloja ja radioita."],
    "cs": ["Starý mlýn stojí u řeky za naší vesnicí.", "V sobotu pojedeme vlakem do Brna za babičkou."],
}
ENGLISH_VOICES = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc"]
TIMBRES = ["", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+croak", "+klatt", "+klatt3", "+whisper"]
FLITE = ["kal", "kal16", "awb", "rms", "slt"]
# (voice, language, encoding of its text); those that are not installed are passed over.
FESTIVAL = [("kal_diphone", "en", "utf-8"), ("ked_diphone", "en", "utf-8"), ("cmu_us_slt_arctic_hts", "en", "utf-8"), ("cmu_us_slt_arctic_hts", "en", "utf-8"),
            ("lp_diphone", "it", "iso-8859-1"), ("pc_diphone", "it", "iso-8859-1"), ("suo_fi_lj_diphone", "fi", "iso-8859-1"), ("hy_fi_mv_diphone", "fi", "iso-8859-1"),
            ("czech_ph", "cs", "iso-8859-2"), ("czech_dita", "cs", "iso-8859-2"), ("czech_machac", "cs", "iso-8859-2")]


def _plan(count, seed):
    """(engine, voice, language, sentence, options) of `count` clips."""
    rng = np.random.default_rng([seed, 3])
    for k in range(count):
        engine = ["espeak-ng", "espeak-ng", "flite", "flite", "festival"][k % 5]
        sentence, language, options = str(rng.choice(ENGLISH)), "en", []
        if engine == "espeak-ng":
            voice = str(rng.choice(ENGLISH_VOICES))
            if rng.random() < 0.5:
                voice = language = str(rng.choice(list(OTHERS)))
                sentence = " ".join(OTHERS[language])
            voice += str(rng.choice(TIMBRES))
            options = ["-s", str(rng.integers(120, 200)), "-p", str(rng.integers(20, 80))]
        elif engine == "flite":
            voice = str(rng.choice(FLITE))
            options = ["--setf", f"duration_stretch={rng.uniform(0.85, 1.2):.2f}"]
        else:
            voice, language, encoding = FESTIVAL[int(rng.integers(len(FESTIVAL)))]
            sentence = sentence if language == "en" else " ".join(OTHERS[language])
            options = [encoding]
        yield engine, voice, language, sentence, options


def _speak(engine, voice, sentence, options, target):
    if engine == "espeak-ng":
        command, text = ["espeak-ng", "-v", voice, *options, "-w", str(target), sentence], None
    elif engine == "flite":
        command, text = ["flite", "-voice", voice, *options, "-t", sentence, "-o", str(target)], None
    else:
        command, text = ["text2wave", "-eval", f"(voice_{voice})", "-o", str(target)], sentence.encode(options[0])
    target.unlink(missing_ok=True)
    return subprocess.run(command, input=text, capture_output=True).returncode == 0 and target.exists()


def _middle(x):
    """The middle 4.2 s at 16 kHz without silence at the ends, as the corpus cuts its clips."""
    loud = np.nonzero(np.abs(x) > 0.01 * np.abs(x).max())[0]
    x = x[loud[0]:loud[-1] + 1]
    start = max(0, (len(x) - int(4.2 * 16000)) // 2)
    return x[start:start + int(4.2 * 16000)]


def make(cache, count, seed=1, log=print):
    """The clips of the engines that are installed, made on the first call, as `Clip`s of kind `engine`. An engine that is missing is named and left out."""
    folder = pathlib.Path(cache) / f"engines_{count}_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    clips, missing, silent = [], set(), set()
    for k, (engine, voice, language, sentence, options) in enumerate(_plan(count, seed)):
        # The engine's own rate stands in the name: an 8 kHz voice leaves the upper band empty, and the wide model must not learn that.
        path = next(iter(folder.glob(f"{k:04d}_*.wav")), None)
        if path is None:
            if not shutil.which("text2wave" if engine == "festival" else engine):
                missing.add(engine)
                continue
            raw = folder / f"raw.{os.getpid()}"      # two models may be made at once
            if (engine, voice) in silent:
                continue
            if not _speak(engine, voice, sentence, options, raw):
                silent.add((engine, voice))      # not installed: it need not be asked again
                continue
            path = folder / f"{k:04d}_{soundfile.info(raw).samplerate}.wav"
            soundfile.write(raw.with_suffix(".part"), _middle(load(raw, 16000)), 16000, subtype="PCM_16", format="WAV")
            raw.with_suffix(".part").rename(path)
            raw.unlink()
        clips.append(Clip(path=str(path), split="train", label="spoof", system=f"{engine} {voice.split('+')[0]}", kind="engine",
                          source=f"engine:{engine}", licence="own", language=language, seconds=soundfile.info(path).duration,
                          rate_hz=int(path.stem.split("_")[1])))
    if missing:
        log(f"prepare: no engine {', '.join(sorted(missing))}: its clips are left out")
    return clips
