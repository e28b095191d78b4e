//! Decodes a recording of any kind that is read to 16-bit samples, the channels interleaved, as `ffmpeg -f s16le` writes them.
//!
//! `cargo run --release -p veravox --example decode -- FILE OUT.s16 [RAW_ENCODING]`

#![expect(clippy::print_stderr, reason = "a program")]

use std::io::Write as _;
use std::path::Path;

use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, out, ..] = &arguments[..] else { return Err("usage: decode FILE OUT.s16".into()) };
    let raw = arguments.get(2).map(|name| {
        let encoding = RawEncoding::from_name(name).ok_or_else(|| format!("{name} is no raw encoding"))?;
        Ok::<_, String>(RawFormat { encoding, sample_rate_hz: encoding.usual_rate_hz(), channels: 1 })
    });
    let options = DecodeOptions { raw: raw.transpose()?, ..DecodeOptions::default() };
    let mut reader = AudioReader::open(Path::new(file), &options)?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    while let Some(chunk) = reader.next_chunk()? {
        for n in 0..chunk.n_samples() {
            for channel in &chunk.channels {
                out.write_all(&((channel[n] * 32_768.0).round() as i16).to_le_bytes())?;
            }
        }
    }
    out.flush()?;
    for warning in reader.warnings() {
        eprintln!("note: {warning}");
    }
    Ok(())
}
