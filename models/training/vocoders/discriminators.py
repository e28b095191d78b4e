"""Small discriminators of two kinds: the waveform folded at several periods, and its spectrograms at several resolutions.

Multi-period: Kong et al. 2020 (HiFi-GAN, arXiv:2010.05646). Multi-resolution: Jang et al. 2021 (UnivNet, arXiv:2106.07889).
"""
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from vocoders.spectra import magnitude


class Scorer(nn.Module):
    """A stack of 2-D convolutions; gives the score map and every layer's output, which feature matching compares."""

    def __init__(self, widths, kernel, stride):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.layers = nn.ModuleList(weight_norm(nn.Conv2d(a, b, kernel, stride, padding)) for a, b in zip([1, *widths], widths))
        self.score = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, x):
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.score(x), features


class Discriminators(nn.Module):
    def __init__(self, periods, period_widths, resolutions, resolution_widths):
        super().__init__()
        self.periods, self.resolutions = periods, resolutions
        self.by_period = nn.ModuleList(Scorer(period_widths, (5, 1), (3, 1)) for _ in periods)
        self.by_resolution = nn.ModuleList(Scorer(resolution_widths, (5, 3), (2, 1)) for _ in resolutions)

    def forward(self, wave):
        """A (score, features) pair from each discriminator for waveforms [batch, samples]."""
        seen = []
        for period, scorer in zip(self.periods, self.by_period):
            x = functional.pad(wave.unsqueeze(1), (0, -wave.shape[1] % period), mode="reflect")
            seen.append(scorer(x.view(len(wave), 1, -1, period)))
        for n_fft, scorer in zip(self.resolutions, self.by_resolution):
            seen.append(scorer(magnitude(wave, n_fft, n_fft // 4).unsqueeze(1)))
        return seen


def build(settings):
    return Discriminators(**settings)


def frozen(net, still):
    """The generator's step must not train the discriminators."""
    for p in net.parameters():
        p.requires_grad_(not still)
