"""The clips of `dev` under the conditions that figures are quoted for. No gradient ever sees them."""
import numpy as np
import torch
from scipy.signal import butter, resample_poly, sosfilt
from veravox import metrics

import corpus
import g711
import model

RATE = 16000
# Pages of `dev` with text-to-speech or voice conversion that was new in 2022 or later; what comes tomorrow is nearer to these than to the vocoders
# of 2018, which `dev` is full of.
NEWEST = ["github:" + page for page in (
    "Edresson/YourTTS", "Face-StyleSpeech/Face-StyleSpeech.github.io", "SMITH-10/TTS-Sample-Audio", "TranSpeech/TranSpeech.github.io",
    "ZET-Speech/ZET-Speech-Demo", "comospeech/comospeech.github.io", "dyoshioka-555/SponTTS-samples", "hayeong0/DDDM-VC", "lvc-vc/lvc-vc-demo",
    "mindslab-ai/mindslab-ai.github.io", "speechbot/speechbot.github.io", "vits-2/demo")]


def phone_line(x, rate=RATE):
    """The corpus's phone condition: RMS to 0.1, 8 kHz, 300-3400 Hz sixth-order Butterworth, mu-law. Gives 8 kHz."""
    x = x * (0.1 / max(float(np.sqrt(np.mean(np.square(x)))), 1e-6))
    if rate != 8000:
        x = resample_poly(x, 8000, rate)
    x = sosfilt(butter(6, [300, 3400], "bandpass", fs=8000, output="sos"), x)
    return g711.code_and_decode(x, "mulaw")


class Monitor:
    """A quick look at `dev` while training: one window of each clip, phone condition, not through the streaming path."""

    def __init__(self, config, folder, features):
        self.clips = corpus.read_index(folder, "dev")
        rate, samples = config["input"]["sample_rate_hz"], config["input"]["window_samples"]
        waves = (corpus.exactly(phone_line(corpus.load(c.path, RATE)) if rate == 8000 else corpus.load(c.path, rate), samples)
                 for c in self.clips)
        self.inputs = model.inputs(features.batch(np.stack(list(waves))))
        self.labels = np.array([c.label == "spoof" for c in self.clips], int)

    def scores(self, net):
        device = next(net.parameters()).device
        with torch.no_grad():
            parts = [net(part.to(device)).cpu() for part in self.inputs.split(64)]
        logits = torch.cat(parts).numpy()
        return logits[:, 1] - logits[:, 0]

    def figures(self, net):
        s, y = self.scores(net), self.labels
        real, spoof = s[y == 0], s[y == 1]
        source, system, kind = (np.array([getattr(c, key) for c in self.clips]) for key in ("source", "system", "kind"))
        out = {"eer": 100 * metrics.eer(real, spoof),
               "systems": 100 * metrics.Trials(real, source[y == 0], spoof, system[y == 1]).value("mean_eer_over_systems")}
        if len(np.intersect1d(source[y == 0], source[y == 1])):
            out["pages"] = metrics.Trials(real, source[y == 0], spoof, source[y == 1]).value("auc_inside_groups")
        new = (y == 1) & np.isin(source, NEWEST) & np.isin(kind, ["tts", "vc"])
        if new.any():
            out["newest"] = 100 * metrics.eer(real, s[new])
        out.update({str(k): 100 * metrics.eer(real, spoof[kind[y == 1] == k]) for k in np.unique(kind[y == 1])})
        return {k: round(v, 3) for k, v in out.items()}
