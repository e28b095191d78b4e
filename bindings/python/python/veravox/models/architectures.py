"""The architectures that are known by the names of their tensors. A new one is a network over waveforms and an entry here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from .nets import aasist, lcnn, rawgat_st, rawnet2, ssl, wav2vec2
from .refusal import Refused

RATE = 16000
# All published training cut or repeated speech to this.
WINDOW_SAMPLES = 64600
# In all published codes bona fide speech is class 1.
LABELS = ("spoof", "bonafide")

Tensors = Mapping[str, Tensor]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """`build(tensors, window_samples, heads)` gives a network from [batch, window_samples] to two logits in the order of LABELS, of
    the sizes that the tensors have; `translate`, where there is one, turns the published names and tensors into the network's."""

    build: Callable[[Tensors, int, int | None], nn.Module]
    description: str
    # A checkpoint is of this kind when it holds tensors with all these beginnings.
    known_by: Sequence[str]
    # Of the published weights; None where it depends on the checkpoint.
    licence: str | None = None
    window_samples: int = WINDOW_SAMPLES
    translate: Callable[[Tensors], dict[str, Tensor]] | None = None
    # What else must be so, where names alone do not tell.
    fits: Callable[[Tensors], bool] = lambda tensors: True


def _width(name: str, n: int) -> Callable[[Tensors], bool]:
    """No front end of its own, and a tensor so wide."""

    def fits(tensors: Tensors) -> bool:
        alone = not any(tensor.startswith(wav2vec2.FRONT_END) for tensor in tensors)
        return alone and name in tensors and tensors[name].dim() > 0 and tensors[name].shape[-1] == n

    return fits


def _rawgat(fusion: str, how: str) -> Architecture:
    return Architecture(
        lambda tensors, samples, heads: rawgat_st.RawGatSt(rawgat_st.Shape(fusion=fusion, window_samples=samples)),
        f"RawGAT-ST (Tak et al., ASVspoof 2021 workshop), graphs joined by {how}: graph attention over 16 kHz waveforms",
        ("GAT_layer1.", "GAT_layer3.", "proj_node."),
        "MIT",
        fits=_width("proj.weight", 32 if fusion == "cat" else 16),
    )


_SSL = "wav2vec 2.0 with {} over 16 kHz waveforms"

ALL: dict[str, Architecture] = {
    "aasist": Architecture(
        lambda tensors, samples, heads: aasist.Aasist(dataclasses.replace(aasist.AASIST, window_samples=samples)),
        "AASIST (Jung et al., ICASSP 2022): graph attention over the spectrum and time of 16 kHz waveforms",
        ("GAT_layer_S.", "encoder.0.0.", "pos_S", "first_bn.", "out_layer."),
        "MIT",
        fits=_width("pos_S", aasist.AASIST.channels[-1][1]),
    ),
    "aasist-l": Architecture(
        lambda tensors, samples, heads: aasist.Aasist(dataclasses.replace(aasist.AASIST_L, window_samples=samples)),
        "AASIST-L (Jung et al., ICASSP 2022): the light form of AASIST, over 16 kHz waveforms",
        ("GAT_layer_S.", "encoder.0.0.", "pos_S", "first_bn.", "out_layer."),
        "MIT",
        fits=_width("pos_S", aasist.AASIST_L.channels[-1][1]),
    ),
    "rawgat-st": _rawgat("mul", "their product"),
    "rawgat-st-add": _rawgat("add", "their sum"),
    "rawgat-st-cat": _rawgat("cat", "putting them side by side"),
    "rawnet2": Architecture(
        lambda tensors, samples, heads: rawnet2.RawNet2(),
        "RawNet2 (Tak et al., ICASSP 2021), the baseline of ASVspoof 2021, over 16 kHz waveforms",
        ("block0.", "fc_attention0.", "gru.", "fc2_gru."),
    ),
    "lcnn": Architecture(
        lambda tensors, samples, heads: lcnn.Lcnn(),
        "LFCC-LCNN (Wang and Yamagishi, Interspeech 2021), the baseline of ASVspoof 2021, over 16 kHz waveforms",
        ("m_transform.0.", "m_before_pooling.0.", "m_output_act.0."),
    ),
    # Their front end comes from another publication than their back end, and retrained forms are many: the licence is asked for.
    "ssl-aasist": Architecture(
        ssl.with_aasist,
        _SSL.format("AASIST's back end (Tak et al., Odyssey 2022)"),
        (wav2vec2.FRONT_END, "GAT_layer_S.", "LL."),
        translate=wav2vec2.translate,
    ),
    "ssl-nes2net": Architecture(
        ssl.with_nes2net,
        _SSL.format("Nes2Net-X (Liu et al., IEEE TIFS 2025)"),
        (wav2vec2.FRONT_END, "Nested_Res2Net_TDNN."),
        translate=wav2vec2.translate,
    ),
    "ssl-ecapa": Architecture(
        ssl.with_ecapa,
        _SSL.format("ECAPA-TDNN (Desplanques et al., Interspeech 2020)"),
        (wav2vec2.FRONT_END, "ecapa.", "fc."),
        translate=wav2vec2.translate,
    ),
    "ssl-linear": Architecture(
        ssl.with_linear,
        _SSL.format("a linear layer over the mean of its frames"),
        (wav2vec2.FRONT_END, "fc."),
        translate=wav2vec2.translate,
        fits=lambda tensors: all(name.startswith((wav2vec2.FRONT_END, "fc.")) for name in tensors),
    ),
}


def recognise(tensors: Tensors, named: str | None) -> str:
    """The architecture that a user names, or the one that these tensors are of."""
    if named is not None:
        if named not in ALL:
            raise Refused(f"there is no architecture {named!r}; there are {', '.join(ALL)}")
        return named
    found = [
        name
        for name, kind in ALL.items()
        if all(any(tensor.startswith(begin) for tensor in tensors) for begin in kind.known_by) and kind.fits(tensors)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"these tensors fit {' and '.join(found)}; name the one with --architecture")
    shown = ", ".join(sorted(tensors)[:4])
    raise Refused(
        f"these tensors are of no architecture that is known ({', '.join(ALL)}); the first are {shown}. Where one of them was "
        "retrained under other names, say which with --architecture to learn what is missing"
    )
