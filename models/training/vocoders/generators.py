"""Four families of vocoder. Each makes a waveform [batch, frames * HOP] from a log-mel [batch, BANDS, frames].

They fail in different ways, and that is the use of having four: transposed convolutions leave tones at multiples of their
strides, the inverse STFT smears phase, a diffusion sampler leaves noise.
"""
import functools
import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from vocoders.spectra import BANDS, HOP, N_FFT, hann


class ConvNeXt(nn.Module):
    """Depthwise convolution along time, then a two-layer perceptron for each frame (Liu et al. 2022, arXiv:2201.03545)."""

    def __init__(self, width, inner, scale):
        super().__init__()
        self.along = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm, self.wide, self.narrow = nn.LayerNorm(width), nn.Linear(width, inner), nn.Linear(inner, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x):
        y = self.norm(self.along(x).transpose(1, 2))
        return x + (self.scale * self.narrow(functional.gelu(self.wide(y)))).transpose(1, 2)


class Vocos(nn.Module):
    """Siuzdak 2023 (arXiv:2306.00814): everything at the frame rate; log-magnitudes and phases at the end, and an inverse STFT."""

    def __init__(self, width, inner, layers):
        super().__init__()
        self.entry = nn.Conv1d(BANDS, width, 7, padding=3)
        self.first, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNeXt(width, inner, 1 / layers) for _ in range(layers))
        self.head = nn.Linear(width, N_FFT + 2)

    def forward(self, mel):
        x = self.first(self.entry(mel).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        x = self.head(self.last(x.transpose(1, 2))).float()
        size, phase = x[..., :N_FFT // 2 + 1].clamp_max(6.0).exp(), x[..., N_FFT // 2 + 1:]
        return overlap_add(torch.fft.irfft(torch.complex(size * phase.cos(), size * phase.sin()), n=N_FFT))


def overlap_add(frames):
    """Windows and sums [batch, frames, N_FFT], divides by what the windows sum to, and cuts the half frames at both ends."""
    window, count = hann(N_FFT, frames.device), frames.shape[1]
    length, side = (count - 1) * HOP + N_FFT, (N_FFT - HOP) // 2

    def added(columns):
        return functional.fold(columns, (1, length), (1, N_FFT), stride=(1, HOP)).reshape(len(columns), length)

    envelope = added(window.square().view(1, -1, 1).expand(1, N_FFT, count))
    return (added((frames * window).transpose(1, 2)) / envelope.clamp_min(1e-3))[:, side:side + count * HOP]


class Residual(nn.Module):
    """Dilated convolutions of one kernel size, each with a way around it. `pairs` puts an undilated one after each."""

    def __init__(self, channels, kernel, dilations, pairs, activation):
        super().__init__()
        steps = [[d, 1] if pairs else [d] for d in dilations]
        self.steps = nn.ModuleList(
            nn.Sequential(*(part for d in step for part in (activation(channels), weight_norm(
                nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2))))) for step in steps)

    def forward(self, x):
        for step in self.steps:
            x = x + step(x)
        return x


class HifiGan(nn.Module):
    """Kong et al. 2020 (arXiv:2010.05646): transposed convolutions up to the sampling rate, and after each one the mean of residual
    blocks with different receptive fields."""

    def __init__(self, channels, strides, kernels, dilations, pairs):
        super().__init__()
        if math.prod(strides) != HOP or any(s % 2 for s in strides):
            raise ValueError(f"strides {strides} are expected to be even and to multiply to {HOP}")
        widths = [channels >> k for k in range(len(strides) + 1)]
        self.entry = weight_norm(nn.Conv1d(BANDS, channels, 7, padding=3))
        self.up = nn.ModuleList(
            nn.Sequential(self.activation(wide), weight_norm(nn.ConvTranspose1d(wide, narrow, 2 * s, s, padding=s // 2)))
            for s, wide, narrow in zip(strides, widths, widths[1:]))
        self.fusion = nn.ModuleList(nn.ModuleList(Residual(narrow, k, dilations, pairs, self.activation) for k in kernels) for narrow in widths[1:])
        self.exit = nn.Sequential(self.activation(widths[-1]), weight_norm(nn.Conv1d(widths[-1], 1, 7, padding=3)))

    @staticmethod
    def activation(_channels):
        return nn.LeakyReLU(0.1)

    def forward(self, mel):
        x = self.entry(mel)
        for up, blocks in zip(self.up, self.fusion):
            x = up(x)
            x = sum(block(x) for block in blocks) / len(blocks)
        return torch.tanh(self.exit(x)).squeeze(1).float()


@functools.cache
def half_band(device):
    """Twelve taps of a Kaiser-windowed sinc at a quarter of the rate, of sum 1."""
    n = torch.arange(12) - 5.5
    taps = torch.sinc(n / 2) * torch.kaiser_window(12, periodic=False, beta=4.66)
    return (taps / taps.sum()).to(device)


class Snake(nn.Module):
    """x + sin^2(ax) / a, periodic where speech is, taken at twice the rate so that its harmonics do not fold back
    (Ziyin et al. 2020, arXiv:2006.08195; the filters: Lee et al. 2023)."""

    def __init__(self, channels):
        super().__init__()
        self.log_a = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x):
        channels = x.shape[1]
        taps = half_band(x.device).to(x.dtype).expand(channels, 1, 12)
        x = functional.conv_transpose1d(functional.pad(x, (2, 2), mode="replicate"), 2 * taps, stride=2, groups=channels)[..., 9:-9]
        a = self.log_a.exp()
        x = x + (a * x).sin().square() / (a + 1e-6)
        return functional.conv1d(functional.pad(x, (5, 5), mode="replicate"), taps, stride=2, groups=channels)


class BigVgan(HifiGan):
    """Lee et al. 2023 (arXiv:2206.04658): HiFi-GAN with the anti-aliased Snake at each activation."""

    @staticmethod
    def activation(channels):
        return Snake(channels)


class DiffWave(nn.Module):
    """Kong et al. 2021 (arXiv:2009.09761): noise is taken away in a few steps. The noise has the energy of the frame that it becomes
    (PriorGrad: Lee et al. 2022, arXiv:2106.06406), and the network is told the noise level itself in place of a step's number
    (WaveGrad: Chen et al. 2021, arXiv:2009.00713), so that the schedule of sampling is free."""

    diffusion = True
    TRAINING = torch.linspace(1e-4, 0.05, 50)
    SAMPLING = (1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)

    def __init__(self, width, layers, cycle):
        super().__init__()
        self.cycle = cycle
        self.entry = nn.Conv1d(1, width, 1)
        self.mel = nn.Conv1d(BANDS, width, 3, padding=1)
        self.level = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width))
        self.shift = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.dilated = nn.ModuleList(nn.Conv1d(width, 2 * width, 3, padding=2 ** (k % cycle), dilation=2 ** (k % cycle)) for k in range(layers))
        self.condition = nn.ModuleList(nn.Conv1d(width, 2 * width, 1) for _ in range(layers))
        self.out = nn.ModuleList(nn.Conv1d(width, 2 * width, 1) for _ in range(layers))
        self.exit = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU(), nn.Conv1d(width, 1, 1))
        nn.init.zeros_(self.exit[-1].weight)

    @staticmethod
    def prior(mel):
        """The noise's standard deviation at each sample, from the frame's energy."""
        energy = mel.float().exp().square().sum(1, keepdim=True).sqrt() / 16      # about the frame's root mean square
        return functional.interpolate(energy.clamp(0.02, 1.0), scale_factor=HOP, mode="nearest").squeeze(1)

    def noise(self, x, mel, level):
        """The noise in x, in units of the prior. `level` is the share of the signal that is left, [batch]."""
        places = level.unsqueeze(1) * torch.exp(torch.linspace(0, math.log(1000), 32, device=x.device))
        step = self.level(torch.cat([places.sin(), places.cos()], 1))
        frames, x, skips = functional.gelu(self.mel(mel)), functional.relu(self.entry((x / self.prior(mel)).unsqueeze(1))), 0.0
        for shift, dilated, condition, out in zip(self.shift, self.dilated, self.condition, self.out):
            y = dilated(x + shift(step).unsqueeze(2))
            y = y + functional.interpolate(condition(frames), scale_factor=HOP, mode="linear")
            gate, value = y.chunk(2, 1)
            more, skip = out(gate.sigmoid() * value.tanh()).chunk(2, 1)
            x, skips = (x + more) / math.sqrt(2), skips + skip
        return self.exit(skips / math.sqrt(len(self.out))).squeeze(1).float()

    def training_loss(self, mel, wave):
        """Mean squared error of the noise at a random level for each clip."""
        kept = torch.cat([torch.ones(1), (1 - self.TRAINING).cumprod(0)]).sqrt().to(wave.device)
        k = torch.randint(0, len(self.TRAINING), (len(wave),)).to(wave.device)
        level = torch.lerp(kept[k], kept[k + 1], torch.rand(len(wave)).to(wave.device))
        unit = torch.randn(wave.shape).to(wave.device)
        a = level.unsqueeze(1)
        noisy = a * wave + (1 - a.square()).sqrt() * self.prior(mel) * unit
        return functional.mse_loss(self.noise(noisy, mel, level), unit)

    def forward(self, mel):
        """Draws from torch's generator: seed it for the same waveform."""
        sigma = self.prior(mel)
        betas = torch.tensor(self.SAMPLING)
        kept = (1 - betas).cumprod(0)
        x = sigma * torch.randn(sigma.shape).to(mel.device)
        for k in reversed(range(len(betas))):
            level = kept[k].sqrt().expand(len(mel)).to(mel.device)
            x = (x - betas[k] / (1 - kept[k]).sqrt() * sigma * self.noise(x, mel, level)) / (1 - betas[k]).sqrt()
            if k:
                spread = ((1 - kept[k - 1]) / (1 - kept[k]) * betas[k]).sqrt()
                x = x + spread * sigma * torch.randn(sigma.shape).to(mel.device)
        return x.clamp(-1, 1)


FAMILIES = {"vocos": Vocos, "hifigan": HifiGan, "bigvgan": BigVgan, "diffwave": DiffWave}


def build(family, settings):
    """A network from a family's name and its table in vocoders.toml."""
    if family not in FAMILIES:
        raise ValueError(f"no family is called '{family}'; there are {', '.join(FAMILIES)}")
    return FAMILIES[family](**settings)
