"""The architectures that the door knows. A new one is a network over waveforms and an entry here."""
import collections.abc
import dataclasses

import aasist
import ssl_aasist

RATE = 16000


@dataclasses.dataclass(frozen=True)
class Architecture:
    """`build()` gives a network from [batch, window_samples] to two logits in the order of `labels`; `translate`, where there is
    one, turns the published names and tensors into the network's."""
    build: collections.abc.Callable
    window_samples: int
    labels: list
    description: str
    licence: str | None     # of the published weights; None where it depends on the checkpoint
    translate: collections.abc.Callable | None = None


ALL = {
    "aasist": Architecture(
        lambda: aasist.Aasist(aasist.AASIST), aasist.AASIST.window_samples, aasist.LABELS,
        "AASIST (Jung et al., ICASSP 2022), published weights: graph attention over the spectrum and time of 16 kHz waveforms", "MIT"),
    "aasist-l": Architecture(
        lambda: aasist.Aasist(aasist.AASIST_L), aasist.AASIST_L.window_samples, aasist.LABELS,
        "AASIST-L (Jung et al., ICASSP 2022), published weights: the light form of AASIST, over 16 kHz waveforms", "MIT"),
    # Its front end comes from another publication than its back end, and retrained forms are many: the licence is asked for.
    "ssl-aasist": Architecture(
        lambda: ssl_aasist.SslAasist(ssl_aasist.XLSR_300M), ssl_aasist.XLSR_300M.window_samples, ssl_aasist.LABELS,
        "wav2vec 2.0 XLS-R 300M with AASIST's back end (Tak et al., Odyssey 2022) over 16 kHz waveforms", None, ssl_aasist.translate),
}
