"""What a generator is trained with: spectra at several resolutions first, the discriminators' opinion later.

Multi-resolution STFT loss: Yamamoto et al. 2020 (Parallel WaveGAN, arXiv:1910.11480). Log-mel L1, least-squares GAN and feature
matching with these weights: Kong et al. 2020 (HiFi-GAN, arXiv:2010.05646).
"""
import torch
from torch.nn import functional

import vocoders.spectra as spectra

# n_fft and hop: short frames hold the pulses of a voice in place, long ones its harmonics.
RESOLUTIONS = [(2048, 512), (1024, 256), (512, 128), (256, 64)]
MEL_WEIGHT, FEATURE_WEIGHT = 15.0, 2.0


def reconstruction(fake, real):
    """Log-mel L1 plus, for each resolution, spectral convergence and log-magnitude L1. Returns (loss, mel distance)."""
    loss = 0.0
    for n_fft, hop in RESOLUTIONS:
        a, b = spectra.magnitude(fake, n_fft, hop), spectra.magnitude(real, n_fft, hop)
        loss = loss + ((a - b).norm() / b.norm().clamp_min(1e-3) + functional.l1_loss(a.clamp_min(1e-4).log(), b.clamp_min(1e-4).log())) / len(RESOLUTIONS)
        if n_fft == spectra.N_FFT:
            mel = functional.l1_loss(spectra.mel_of(a, n_fft, spectra.BANDS), spectra.mel_of(b, n_fft, spectra.BANDS))
    return loss + 2 * mel, mel.detach()


def discriminator(on_real, on_fake):
    """Least squares: real towards 1, made towards 0. The arguments are lists of (score, features)."""
    return sum((1 - r).square().mean() + f.square().mean() for (r, _), (f, _) in zip(on_real, on_fake)) / len(on_real)


def adversarial(on_real, on_fake):
    """For the generator: scores towards 1, and the discriminators' features like those of the real clip."""
    scores = sum((1 - f).square().mean() for f, _ in on_fake)
    matching = sum(functional.l1_loss(f, r.detach()) for (_, a), (_, b) in zip(on_real, on_fake) for r, f in zip(a, b))
    return (scores + FEATURE_WEIGHT * matching) / len(on_real)


def mel_distance(fake, real):
    """Mean absolute difference of the natural-log mel spectrograms: the figure that is reported."""
    with torch.no_grad():
        return functional.l1_loss(spectra.log_mel(fake), spectra.log_mel(real)).item()
