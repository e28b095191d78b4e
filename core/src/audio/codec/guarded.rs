//! Decoders of other origin, on packets that may be hostile.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::packet::{PacketDecoder, broken};
use crate::error::Result;

/// Where a decoder panics the packet counts as damaged, and a new decoder goes on with the next: what a panic left of the old one
/// is not looked at again. (opus-decoder 0.1.1 takes the length of a redundant frame from the packet without a look at the packet's.)
///
/// The panic hook of the program hears of it all the same, and Rust's own prints a line. A hook is the program's: a library that put
/// another in its place, even for a moment, would take from every thread what it has there. The documentation of
/// [`decode`](crate::decode) tells hosts.
pub(super) struct Guarded<D> {
    decoder: D,
    make: Box<dyn Fn() -> Result<D> + Send>,
}

impl<D: PacketDecoder> Guarded<D> {
    pub fn new(make: impl Fn() -> Result<D> + Send + 'static) -> Result<Self> {
        Ok(Self { decoder: make()?, make: Box::new(make) })
    }
}

impl<D: PacketDecoder> PacketDecoder for Guarded<D> {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let whole = out.len();
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decoder.decode(packet, out)));
        decoded.unwrap_or_else(|_| {
            out.truncate(whole);
            self.decoder = (self.make)()?;
            Err(broken("the packet makes no sense to its decoder"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics on an empty packet, and gives one sample more with each other.
    struct Fragile(usize);

    impl PacketDecoder for Fragile {
        fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
            self.0 += 1;
            out.extend(std::iter::repeat_n(f32::from(packet[0]), self.0));
            Ok(())
        }
    }

    #[test]
    fn a_panic_costs_its_packet_alone() {
        let mut decoder = Guarded::new(|| Ok(Fragile(0))).unwrap();
        let mut out = Vec::new();
        decoder.decode(&[1], &mut out).unwrap();
        assert!(decoder.decode(&[], &mut out).is_err());
        decoder.decode(&[2], &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0]);
    }
}
