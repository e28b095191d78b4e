//! Recordings, read to the end.

use veravox::decode::{AudioReader, DecodeOptions, RawFormat};

/// Samples after which a file is left: its header may promise days.
const MAX_SAMPLES: u64 = 4_000_000;

/// Reads a file of these bytes, and a pipe of them, to the end.
pub fn read(bytes: &[u8], extension: Option<&str>, raw: Option<RawFormat>) {
    let options = DecodeOptions { raw, ..DecodeOptions::default() };
    read_on(AudioReader::from_bytes(bytes.to_vec(), extension, &options));
    read_on(AudioReader::from_pipe(Box::new(std::io::Cursor::new(bytes.to_vec())), &options));
}

fn read_on(opened: veravox::Result<AudioReader>) {
    let Ok(mut reader) = opened else { return };
    let is_capture = !reader.streams().is_empty();
    while let Ok(Some(chunk)) = reader.next_chunk() {
        // The legs of a capture are as long as what came of each.
        let is_even = chunk.channels.iter().all(|channel| channel.len() == chunk.n_samples());
        assert!(is_even || is_capture);
        if reader.samples_read() > MAX_SAMPLES {
            return;
        }
    }
}
