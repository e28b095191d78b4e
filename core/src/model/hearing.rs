//! Speech at one rate, as a model of another rate and window hears it.

use super::manifest::Input;
use crate::audio::resample::Resampler;
use crate::error::Result;

/// A window for `input` of speech at `rate_hz`: its last part where there is more, repeated until it fills the window where there is
/// less, as a [leg](crate::Stream) does with short speech.
pub(super) fn window_for(input: &Input, speech: &[f32], rate_hz: u32) -> Result<Vec<f32>> {
    let mut heard = Vec::new();
    let mut resampler = Resampler::new(rate_hz, input.sample_rate_hz)?;
    resampler.push(speech, &mut heard)?;
    resampler.finish(&mut heard)?;
    let n = input.window_samples;
    heard.drain(..heard.len().saturating_sub(n));
    let missing = n - heard.len();
    let again: Vec<f32> = heard.iter().copied().cycle().take(missing).collect();
    heard.extend(again);
    heard.resize(n, 0.0);
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{FeatureSpec, WaveformSpec};

    #[test]
    fn more_speech_than_a_window_gives_its_end_and_less_is_repeated() {
        let input = |window_samples| Input {
            tensor: "waveform".to_owned(),
            sample_rate_hz: 16_000,
            least_sample_rate_hz: None,
            window_samples,
            hop_samples: 1,
            min_speech_samples: 1,
            level_dbfs: None,
            features: FeatureSpec::Waveform(WaveformSpec {}),
        };
        let speech = [0.1, 0.2, 0.3];
        assert_eq!(window_for(&input(2), &speech, 16_000).unwrap(), [0.2, 0.3]);
        assert_eq!(window_for(&input(7), &speech, 16_000).unwrap(), [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1]);
        assert_eq!(window_for(&input(2), &[], 16_000).unwrap(), [0.0, 0.0]);
        assert_eq!(window_for(&input(64_600), &vec![0.5; 32_000], 8_000).unwrap().len(), 64_600);
    }
}
