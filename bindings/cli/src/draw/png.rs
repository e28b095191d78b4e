//! Pictures as PNG.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::EncodingError;

use super::drawing::{Drawing, GAP, HEAD, Pixels};
use super::paint::Canvas;

/// Pictures of one width, one below the other, under a title where there is one.
pub fn png(title: Option<&str>, drawings: &[Drawing]) -> Result<Vec<u8>, EncodingError> {
    encoded(&painted(title, drawings).unwrap_or(Pixels { rgb: vec![255; 3], width: 1, height: 1 }))
}

/// The pixels; none of a picture without a size.
fn painted(title: Option<&str>, drawings: &[Drawing]) -> Option<Pixels> {
    let head = if title.is_some() { HEAD } else { 0.0 };
    let width = drawings.iter().map(|drawing| drawing.width).fold(0.0, f64::max);
    let gaps = GAP * drawings.len().saturating_sub(1) as f64;
    let height = head + gaps + drawings.iter().map(|drawing| drawing.height).sum::<f64>();
    let mut canvas = Canvas::new(width, height)?;
    canvas.title(title.unwrap_or_default());
    let mut y = head;
    for drawing in drawings {
        canvas.draw(drawing, y);
        y += drawing.height + GAP;
    }
    Some(canvas.pixels())
}

/// An image as a PNG in a data URI.
pub fn data_uri(pixels: &Pixels) -> Result<String, EncodingError> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(encoded(pixels)?)))
}

fn encoded(pixels: &Pixels) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width, pixels.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.rgb)?;
    writer.finish()?;
    Ok(bytes)
}
