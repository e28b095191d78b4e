//! Decodes a recording of any kind that is read to 16-bit samples, the channels interleaved, as `ffmpeg -f s16le` writes them.
//!
//! `cargo run --release -p veravox --example decode -- FILE OUT.s16 [RAW_ENCODING]`

use std::io::Write as _;
use std::path::Path;

use veravox::decode::{AudioReader, DecodeOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, out, ..] = &arguments[..] else { return Err("usage: decode FILE OUT.s16".into()) };
    let mut reader = AudioReader::open(Path::new(file), &DecodeOptions::default())?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    while let Some(chunk) = reader.next_chunk()? {
        for n in 0..chunk.n_samples() {
            for channel in &chunk.channels {
                out.write_all(&((channel[n] * 32_768.0).round() as i16).to_le_bytes())?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
