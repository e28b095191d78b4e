//! Sound and pictures as bytes: a WAV for the player, PNG for the spectrogram and for `--format png`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use veravox::Thresholds;
use veravox::explain::{LegExplanation, Picture};

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

/// The spectrogram as a PNG in a data URI; none where there is nothing to draw.
pub fn spectrogram(picture: &Picture) -> Option<String> {
    let (columns, rows) = size(picture)?;
    let mut pixels = Vec::with_capacity(3 * columns * rows);
    for row in (0..rows).rev() {
        for column in 0..columns {
            pixels.extend(shade(picture.spectrogram.get(column * rows + row).copied().unwrap_or(-90.0)));
        }
    }
    let bytes = png(&pixels, columns, rows).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

fn size(picture: &Picture) -> Option<(usize, usize)> {
    let rows = picture.n_frequencies;
    let columns = picture.spectrogram.len().checked_div(rows)?;
    (columns > 0).then_some((columns, rows))
}

/// Dark is loud: it prints well, and needs no colour.
fn shade(level_db: f32) -> [u8; 3] {
    let share = ((level_db + 70.0) / 65.0).clamp(0.0, 1.0);
    let towards = |light: f32, dark: f32| (light + (dark - light) * share) as u8;
    [towards(255.0, 12.0), towards(255.0, 24.0), towards(255.0, 48.0)]
}

fn png(rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

const WIDTH: usize = 1_200;
const HEIGHT: usize = 760;
const LEFT: usize = 70;
const RIGHT: usize = 20;

/// The main pictures of a leg as PNG: the spectrogram, and below it llr and evidence over time.
pub fn picture(name: &str, leg: &LegExplanation, thresholds: &Thresholds) -> Result<Vec<u8>, png::EncodingError> {
    let mut canvas = Canvas { pixels: vec![255; 3 * WIDTH * HEIGHT] };
    let title: String = name.chars().take(60).collect();
    let llr = leg.verdict.llr.map_or_else(|| "no score".to_owned(), |llr| format!("llr {llr:+.2}"));
    canvas.text(LEFT, 14, &format!("{title}  leg {}", leg.verdict.leg), INK);
    canvas.text(LEFT, 38, &format!("{}  {llr}", leg.verdict.decision), INK);
    let seconds = leg.picture.samples.len() as f64 / f64::from(leg.picture.sample_rate_hz.max(1));
    let x = |at: f64| LEFT + (at / seconds.max(1e-6) * (WIDTH - LEFT - RIGHT) as f64) as usize;
    let (top, bottom) = (70, 320);
    if let Some((columns, rows)) = size(&leg.picture) {
        for px in LEFT..WIDTH - RIGHT {
            for py in top..bottom {
                let column = (px - LEFT) * columns / (WIDTH - LEFT - RIGHT);
                let row = rows - 1 - (py - top) * rows / (bottom - top);
                canvas.put(px, py, shade(leg.picture.spectrogram.get(column * rows + row).copied().unwrap_or(-90.0)));
            }
        }
    }
    canvas.text(4, top, &format!("{:.0}k", f64::from(leg.picture.sample_rate_hz) / 2_000.0), INK);
    canvas.text(4, bottom - 16, "0 Hz", INK);
    // The llr of windows and of the leg.
    let (top, bottom) = (340, 540);
    let llrs = leg.path.iter().flat_map(|point| [point.llr, point.window_llr]);
    let reach =
        llrs.fold(thresholds.synthetic_llr.abs().max(thresholds.bonafide_llr.abs()) + 1.0, |a, b| a.max(b.abs()));
    let y = |llr: f64| (top as f64 + (1.0 - (llr / reach).clamp(-1.0, 1.0)) / 2.0 * (bottom - top) as f64) as usize;
    canvas.frame(top, bottom);
    for (llr, colour) in [(thresholds.synthetic_llr, SPOOF), (0.0, GREY), (thresholds.bonafide_llr, BONAFIDE)] {
        canvas.horizontal(y(llr), colour);
        canvas.text(4, y(llr).saturating_sub(8), &format!("{llr:+.1}"), colour);
    }
    for pair in leg.path.windows(2) {
        if let [a, b] = pair {
            canvas.line((x(a.at_seconds), y(a.llr)), (x(b.at_seconds), y(b.llr)), INK);
        }
    }
    for point in &leg.path {
        canvas.dot(x(point.at_seconds), y(point.window_llr), if point.window_llr > 0.0 { SPOOF } else { BONAFIDE });
    }
    canvas.text(LEFT + 6, top - 18, "dots: windows, line: the leg", GREY);
    // Evidence of stretches.
    let (top, bottom) = (560, 720);
    let most = leg.time.iter().fold(0.5, |most, evidence| f64::max(most, evidence.llr.abs()));
    let middle = usize::midpoint(top, bottom);
    canvas.frame(top, bottom);
    for evidence in &leg.time {
        let height = (evidence.llr.abs() / most * ((bottom - top) / 2) as f64) as usize;
        let (from, to) = if evidence.llr > 0.0 { (middle - height, middle) } else { (middle, middle + height) };
        let colour = if evidence.llr > 0.0 { SPOOF } else { BONAFIDE };
        for px in x(evidence.from)..x(evidence.to).saturating_sub(1).min(WIDTH - RIGHT) {
            for py in from..to {
                canvas.put(px, py, colour);
            }
        }
    }
    canvas.horizontal(middle, GREY);
    canvas.text(LEFT + 6, top - 18, "evidence of stretches: up, for a machine", GREY);
    canvas.text(LEFT, 734, "0 s", INK);
    canvas.text(WIDTH - RIGHT - 110, 734, &format!("{seconds:.1} s"), INK);
    png(&canvas.pixels, WIDTH, HEIGHT)
}

const INK: [u8; 3] = [29, 29, 31];
const GREY: [u8; 3] = [118, 118, 118];
const SPOOF: [u8; 3] = [213, 94, 0];
const BONAFIDE: [u8; 3] = [0, 114, 178];

/// Pixels to draw on.
struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    fn put(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < WIDTH && y < HEIGHT {
            let at = 3 * (y * WIDTH + x);
            if let Some(pixel) = self.pixels.get_mut(at..at + 3) {
                pixel.copy_from_slice(&colour);
            }
        }
    }

    fn horizontal(&mut self, y: usize, colour: [u8; 3]) {
        (LEFT..WIDTH - RIGHT).filter(|x| x % 8 < 5).for_each(|x| self.put(x, y, colour));
    }

    fn frame(&mut self, top: usize, bottom: usize) {
        for y in [top, bottom] {
            (LEFT..WIDTH - RIGHT).for_each(|x| self.put(x, y, GREY));
        }
        for x in [LEFT, WIDTH - RIGHT] {
            (top..=bottom).for_each(|y| self.put(x, y, GREY));
        }
    }

    fn line(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize), colour: [u8; 3]) {
        let n = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
        for step in 0..=n {
            let share = step as f64 / n as f64;
            let at = |a: usize, b: usize| (a as f64 + (b as f64 - a as f64) * share) as usize;
            for thick in 0..2 {
                self.put(at(x0, x1), at(y0, y1) + thick, colour);
            }
        }
    }

    fn dot(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        for dx in 0..6 {
            for dy in 0..6 {
                self.put((x + dx).saturating_sub(3), (y + dy).saturating_sub(3), colour);
            }
        }
    }

    /// Letters of eight by eight, twice as large.
    fn text(&mut self, x: usize, y: usize, words: &str, colour: [u8; 3]) {
        use font8x8::UnicodeFonts as _;
        for (n, character) in words.chars().enumerate() {
            let Some(glyph) = font8x8::BASIC_FONTS.get(character).or_else(|| font8x8::BASIC_FONTS.get('?')) else {
                continue;
            };
            for (row, bits) in glyph.iter().enumerate() {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        self.put(x + 16 * n + 2 * column + dx, y + 2 * row + dy, colour);
                    }
                }
            }
        }
    }
}
