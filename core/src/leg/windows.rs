//! The windows that a leg hands to its model, of audio that is there as a whole and without a model: what a recipe learns
//! from is what a call gets, pauses cut out and short speech repeated.

use super::hearing::{MAX_BLOCK_SAMPLES, SLACK_SECONDS};
use crate::audio::decode::Limits;
use crate::audio::resample::Resampler;
use crate::error::Result;
use crate::model::manifest::Input;
use crate::voice::gate::SpeechGate;
use crate::voice::window::{Cut, Windower};

/// Calls `take` with each window that a [`Stream`](super::stream::Stream) with its default options would score of `samples`, in their
/// order: `window_samples` values in [-1, 1] at the rate of `input`.
///
/// ```
/// use veravox::{Detector, stream::windows_of_speech};
///
/// let detector = Detector::builtin()?;
/// let mut n_windows = 0;
/// windows_of_speech(&detector.manifest(8_000).input, &[0.0; 80_000], 8_000, &mut |_| {
///     n_windows += 1;
///     Ok(())
/// })?;
/// assert_eq!(n_windows, 0, "nobody speaks");
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
/// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) when the rate is outside the default limits, and those of `take`.
pub fn windows_of_speech(
    input: &Input,
    samples: &[f32],
    sample_rate_hz: u32,
    take: &mut dyn FnMut(&[f32]) -> Result<()>,
) -> Result<()> {
    Limits::default().check_sample_rate(sample_rate_hz)?;
    let mut resampler = Resampler::new(sample_rate_hz, input.sample_rate_hz)?;
    let mut gate = SpeechGate::new(input.sample_rate_hz)?;
    let slack = (SLACK_SECONDS * f64::from(input.sample_rate_hz)) as usize + resampler.most_out();
    let mut windower =
        Windower::new(input.window_samples, input.hop_samples as u64, input.min_speech_samples, None, slack);
    let mut window = vec![0.0; input.window_samples];
    let mut hand_over = |windower: &Windower, cuts: &mut Vec<Cut>| -> Result<()> {
        for found in cuts.drain(..).filter_map(|cut| windower.window(cut)) {
            found.read(&mut window);
            take(&window)?;
        }
        Ok(())
    };
    let (mut heard, mut resampled, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
    for block in samples.chunks(MAX_BLOCK_SAMPLES) {
        heard.clear();
        heard.extend(block.iter().map(|v| if v.is_finite() { v.clamp(-1.0, 1.0) } else { 0.0 }));
        resampled.clear();
        resampler.push(&heard, &mut resampled)?;
        gate.push(&resampled, &mut |frame| windower.push(&frame, &mut |cut| cuts.push(cut)))?;
        hand_over(&windower, &mut cuts)?;
    }
    resampled.clear();
    resampler.finish(&mut resampled)?;
    gate.push(&resampled, &mut |frame| windower.push(&frame, &mut |cut| cuts.push(cut)))?;
    gate.finish(&mut |frame| windower.push(&frame, &mut |cut| cuts.push(cut)))?;
    windower.break_off(&mut |cut| cuts.push(cut));
    hand_over(&windower, &mut cuts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode::{AudioReader, DecodeOptions};
    use crate::detector::Detector;

    /// The scores of the windows found here, and those of a stream.
    fn both_ways(samples: &[f32], rate_hz: u32) -> (Vec<f64>, Vec<f64>) {
        let detector = Detector::builtin_named("phone").unwrap();
        let model = detector.model(rate_hz).unwrap();
        let manifest = model.manifest();
        let mut here = Vec::new();
        windows_of_speech(&manifest.input, samples, rate_hz, &mut |window| {
            here.push(f64::from(manifest.calibration.llr(model.score(window)?.score) as f32));
            Ok(())
        })
        .unwrap();
        let mut stream = detector.stream(rate_hz).unwrap();
        stream.push(samples).unwrap();
        (here, stream.finish().unwrap().windows.iter().map(|window| window.llr).collect())
    }

    #[test]
    fn windows_are_those_of_a_stream() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/calls/03-bank-card.alaw.wav");
        let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default()).unwrap();
        let mut call = reader.read_to_end().unwrap().remove(0);
        // A pause that is cut out, and what is no number.
        call.splice(20_000..20_000, std::iter::repeat_n(0.0, 9_000));
        call[30_000] = f32::NAN;
        for (samples, rate_hz) in
            [(&call[..], 8_000), (&call[..26_000], 8_000), (&call[..], 11_025), (&call[..900], 8_000)]
        {
            let (here, stream) = both_ways(samples, rate_hz);
            assert_eq!(here.len(), stream.len());
            assert_eq!(here.is_empty(), samples.len() < 1_000);
            for (here, stream) in here.iter().zip(&stream) {
                assert!((here - stream).abs() < 1e-4, "{here} and {stream} at {rate_hz} Hz");
            }
        }
    }
}
