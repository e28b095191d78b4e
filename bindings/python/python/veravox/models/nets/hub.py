"""The audio classifiers of the package `transformers`, with their feature extractor in the graph: waveform in, two logits out."""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..refusal import Refused
from .kaldi import Fbank

RATE = 16000
# As long as the longest window, which is a minute.
MOST_FRAMES = 5998

# The class of the configuration beside each; all are named in config.json's `architectures`.
CLASSIFIERS = {
    "Wav2Vec2ForSequenceClassification": "Wav2Vec2Config",
    "Wav2Vec2ConformerForSequenceClassification": "Wav2Vec2ConformerConfig",
    "HubertForSequenceClassification": "HubertConfig",
    "WavLMForSequenceClassification": "WavLMConfig",
    "Data2VecAudioForSequenceClassification": "Data2VecAudioConfig",
    "UniSpeechForSequenceClassification": "UniSpeechConfig",
    "UniSpeechSatForSequenceClassification": "UniSpeechSatConfig",
    "ASTForAudioClassification": "ASTConfig",
}


def architecture(config: Mapping[str, Any]) -> str:
    """The classifier that a configuration names."""
    named = config.get("architectures")
    if not isinstance(named, list) or len(named) != 1 or named[0] not in CLASSIFIERS:
        known = ", ".join(CLASSIFIERS)
        raise Refused(f"config.json: expected `architectures` to name one of {known}; it is {str(named)[:100]}")
    if "auto_map" in config:
        raise Refused("config.json: asks for code of its own (`auto_map`), which is not run")
    return str(named[0])


def label_names(config: Mapping[str, Any]) -> list[str]:
    """The names of the logits, in order."""
    # Left out where nobody gave the labels names.
    names = config.get("id2label", {"0": "LABEL_0", "1": "LABEL_1"})
    if not isinstance(names, dict):
        raise Refused("config.json: expected `id2label` to name the logits")
    try:
        numbered = {int(number): str(name) for number, name in names.items()}
    except ValueError as e:
        raise Refused("config.json: expected `id2label` to number the labels") from e
    if sorted(numbered) != list(range(len(numbered))):
        raise Refused(f"config.json: expected `id2label` to number the labels from 0, it has {sorted(numbered)[:5]}")
    return [numbered[n] for n in range(len(numbered))]


def check_preprocessor(preprocessor: Mapping[str, Any] | None) -> None:
    """These nets hear 16 kHz; another rate is another net. Whether windows are normalised is said, or so by default."""
    if preprocessor is None:
        raise Refused(
            "preprocessor_config.json is missing, which says the sampling rate and how windows are normalised"
        )
    rate = preprocessor.get("sampling_rate")
    if rate != RATE:
        raise Refused(f"preprocessor_config.json: expected a `sampling_rate` of {RATE}, it is {rate}")
    if not isinstance(preprocessor.get("do_normalize", True), bool):
        raise Refused(f"preprocessor_config.json: expected `do_normalize` to be true or false, it is {preprocessor['do_normalize']!r:.40}")


def stated_window(architecture: str, config: Mapping[str, Any]) -> int | None:
    """Samples of a window, where the files state them: only a spectrogram transformer is made for one length."""
    if architecture != "ASTForAudioClassification":
        return None
    return Fbank.samples(frames(config))


def frames(config: Mapping[str, Any]) -> int:
    """The length of a spectrogram transformer's window."""
    stated = config.get("max_length", 1024)
    if type(stated) is not int or not 1 <= stated <= MOST_FRAMES:
        raise Refused(f"config.json: expected a `max_length` of 1 to {MOST_FRAMES} frames, it is {stated!r:.40}")
    return stated


class Standardised(nn.Module):
    """A classifier over waveforms of mean 0 and variance 1, where its feature extractor makes them so."""

    def __init__(self, classifier: nn.Module, normalised: bool) -> None:
        super().__init__()
        self.classifier = classifier
        self.normalised = normalised

    def forward(self, waveform: Tensor) -> Tensor:
        if self.normalised:
            mean = waveform.mean(1, keepdim=True)
            variance = ((waveform - mean) ** 2).mean(1, keepdim=True)
            waveform = (waveform - mean) / torch.sqrt(variance + 1e-7)
        return self.classifier(waveform).logits


class Spectrographic(nn.Module):
    """A classifier over the log mel filterbank of Kaldi."""

    def __init__(self, classifier: nn.Module, features: Fbank) -> None:
        super().__init__()
        self.features = features
        self.classifier = classifier

    def forward(self, waveform: Tensor) -> Tensor:
        return self.classifier(self.features(waveform)).logits


def build(config: Mapping[str, Any]) -> nn.Module:
    """The bare classifier, with random weights."""
    name = architecture(config)
    transformers = importlib.import_module("transformers")
    try:
        settings = getattr(transformers, CLASSIFIERS[name]).from_dict(dict(config))
        # Attention in plain operators, which every runtime has.
        settings._attn_implementation = "eager"
        net: nn.Module = getattr(transformers, name)(settings)
    except Exception as e:  # whatever a configuration makes a library do
        raise Refused(
            f"config.json: transformers makes no {name} of it: {str(e).strip()[:200] or type(e).__name__}"
        ) from e
    return net.eval()


def renamed(tensors: Mapping[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """Weight norms by their present names: checkpoints of years ago have `weight_g` and `weight_v`."""
    expected = net.state_dict()
    out = {}
    for name, tensor in tensors.items():
        for old, new in (
            ("weight_g", "parametrizations.weight.original0"),
            ("weight_v", "parametrizations.weight.original1"),
        ):
            if name.endswith(f".{old}") and name[: -len(old)] + new in expected:
                name = name[: -len(old)] + new
        out[name] = tensor
    return out


def with_features(net: nn.Module, config: Mapping[str, Any], preprocessor: Mapping[str, Any]) -> nn.Module:
    """The classifier behind what its feature extractor does."""
    for module in net.modules():
        for name in list(getattr(module, "parametrizations", {})):
            # The norm becomes a plain weight.
            torch.nn.utils.parametrize.remove_parametrizations(module, name)
    if architecture(config) == "ASTForAudioClassification":
        return Spectrographic(net, Fbank.of(preprocessor, frames(config)))
    return Standardised(net, bool(preprocessor.get("do_normalize", True)))
