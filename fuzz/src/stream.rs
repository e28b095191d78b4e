//! One leg of a call: samples of any value in chunks of any size, gaps, holds and changes of rate, in any order.

use std::sync::LazyLock;

use veravox::Detector;
use veravox::stream::StreamOptions;

use crate::seed::Seed;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::builtin().unwrap());
const RATES_HZ: [u32; 4] = [8_000, 16_000, 11_025, 48_000];
/// Bytes of an order: what is done, for how long, and samples.
const ORDER: usize = 9;
/// More of them take longer than they tell.
const MOST_ORDERS: usize = 200;

/// Orders, one after the other.
pub fn stream(bytes: &[u8]) {
    let mut stream = DETECTOR.stream_with(8_000, &StreamOptions::live()).unwrap();
    for order in bytes.chunks(ORDER).take(MOST_ORDERS) {
        let (Some(kind), n) = (order.first(), u64::from(order.get(1).copied().unwrap_or(1)) * 16) else { return };
        let done = match kind % 8 {
            0..=2 => {
                let samples = order.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
                stream.push(&samples.cycle().take(n as usize).collect::<Vec<_>>())
            }
            3 => {
                let value = order.get(1..5).map_or(0.0, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                stream.push(&vec![value; n as usize])
            }
            4 => stream.lost(n),
            5 => stream.silence(n),
            6 => stream.hold().and_then(|_| stream.resume()),
            _ => stream.change_rate(RATES_HZ[n as usize / 16 % RATES_HZ.len()]),
        };
        if done.is_err() {
            return;
        }
    }
    let _ = stream.finish();
}

pub fn seeds() -> Vec<Seed> {
    let orders = b"\x00\x40abcdefg\x03\x40\x00\x00\x80?aaa\x04\x20\x07\x02\x06\x01";
    vec![("orders".to_owned(), orders.to_vec())]
}
