//! One leg of a call: samples of any value in chunks of any size, gaps, holds and changes of rate, in any order.
#![no_main]

use std::sync::LazyLock;

use veravox::Detector;
use veravox::stream::StreamOptions;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::builtin().unwrap());
const RATES: [u32; 4] = [8_000, 16_000, 11_025, 48_000];

veravox_fuzz::target!(|bytes: &[u8]| {
    let mut stream = DETECTOR.stream_with(8_000, &StreamOptions::live()).unwrap();
    for order in bytes.chunks(9) {
        let (Some(kind), n) = (order.first(), u64::from(order.get(1).copied().unwrap_or(1)) * 16) else { return };
        let done = match kind % 8 {
            0..=2 => {
                let samples: Vec<i16> =
                    order.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).cycle().take(n as usize).collect();
                stream.push(&samples)
            }
            3 => {
                let value = order.get(1..5).map_or(0.0, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                stream.push(&vec![value; n as usize])
            }
            4 => stream.lost(n),
            5 => stream.silence(n),
            6 => stream.hold().and_then(|_| stream.resume()),
            _ => stream.change_rate(RATES[n as usize / 16 % RATES.len()]),
        };
        if done.is_err() {
            return;
        }
    }
    let _ = stream.finish();
});
