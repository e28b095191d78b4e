//! A leg's sound, for the player as a WAV, and for the eye as a spectrogram.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use veravox::explain::Picture;

use crate::draw::Pixels;

/// The leg as a 16-bit WAV in a data URI.
pub fn audio(picture: &Picture) -> String {
    let n_bytes = 2 * picture.samples.len() as u32;
    let rate = picture.sample_rate_hz;
    let mut wav = Vec::with_capacity(44 + n_bytes as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + n_bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend((2 * rate).to_le_bytes());
    wav.extend(2_u16.to_le_bytes());
    wav.extend(16_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(n_bytes.to_le_bytes());
    for sample in &picture.samples {
        // Conversion saturates.
        wav.extend(((sample * 32_767.0).round() as i16).to_le_bytes());
    }
    format!("data:audio/wav;base64,{}", STANDARD.encode(wav))
}

/// The spectrogram; none where there is nothing to draw.
pub fn spectrogram(picture: &Picture) -> Option<Pixels> {
    let rows = picture.n_frequencies;
    let columns = picture.spectrogram.len().checked_div(rows).filter(|columns| *columns > 0)?;
    let level = |row: usize, column: usize| picture.spectrogram.get(column * rows + row).copied().unwrap_or(-90.0);
    let shades = (0..rows).rev().flat_map(|row| (0..columns).flat_map(move |column| shade(level(row, column))));
    Some(Pixels { rgb: shades.collect(), width: columns as u32, height: rows as u32 })
}

/// Dark is loud: it prints well, and needs no colour.
fn shade(level_db: f32) -> [u8; 3] {
    let share = ((level_db + 70.0) / 65.0).clamp(0.0, 1.0);
    let towards = |light: f32, dark: f32| (light + (dark - light) * share) as u8;
    [towards(255.0, 12.0), towards(255.0, 24.0), towards(255.0, 48.0)]
}
