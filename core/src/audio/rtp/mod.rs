//! RTP (RFC 3550): a datagram as a packet, and the packets of a stream in the order in which they were sent.

mod order;

pub use order::{Disorder, Order};

use rtp_types::RtpPacket;

/// A packet: what its head says, and its payload without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Sequence number.
    pub sequence: u16,
    /// In ticks of the clock of its payload type.
    pub timestamp: u32,
    /// The number of its source.
    pub ssrc: u32,
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Reads a datagram; none where it is no packet of RTP. RTCP, which may share the port, has types of its own where RTP has its
    /// marker and payload type (RFC 5761, section 4), and is none.
    ///
    /// ```
    /// use veravox::rtp::Packet;
    ///
    /// let datagram = [0x80, 0, 0, 7, 0, 0, 0, 160, 0, 0, 0, 1, 0xff, 0xfe];
    /// let packet = Packet::parse(&datagram).ok_or("no packet")?;
    /// assert_eq!((packet.sequence, packet.timestamp, packet.payload), (7, 160, vec![0xff, 0xfe]));
    /// assert_eq!(Packet::parse(&[0x80, 200, 0, 1]), None);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        if matches!(datagram.get(1), Some(192..=223)) {
            return None;
        }
        let packet = RtpPacket::parse(datagram).ok()?;
        Some(Self {
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
            payload_type: packet.payload_type(),
            payload: packet.payload().to_vec(),
        })
    }
}
