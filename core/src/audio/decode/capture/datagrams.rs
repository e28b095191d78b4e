//! The datagrams of a capture: pcap and pcapng, by Ethernet with VLANs, Linux cooked capture or bare IP, whole or in fragments.

use std::net::{IpAddr, SocketAddr};

use etherparse::defrag::IpDefragPool;
use etherparse::{EtherType, NetSlice, SlicedPacket, TcpSlice, TransportSlice, UdpSlice, ip_number};
use pcap_parser::pcapng::Block;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};

use super::super::front::Front;
use crate::error::{Error, ErrorKind, Result};

/// The largest block that is read; packets on a wire are smaller by far.
const MAX_BLOCK_BYTES: usize = 1 << 20;
/// Interfaces of a pcapng section.
const MAX_INTERFACES: usize = 1_024;
/// Datagrams whose fragments are waited for at a time, and fragments after which the oldest are forgotten.
const MAX_FRAGMENTS_BETWEEN: u64 = 64;

/// What carried the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// The bytes that one side sent the other at once.
pub(super) struct Datagram<'a> {
    /// Of the capture's packets, from 1.
    pub number: u64,
    /// When it was captured, in seconds.
    pub seconds: f64,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub transport: Transport,
    pub payload: &'a [u8],
}

/// How an interface's packets begin, and what its clock counts.
#[derive(Clone, Copy)]
struct Interface {
    link: Linktype,
    ticks_per_second: u64,
    offset_seconds: i64,
}

/// Reads a capture from front to end.
pub(super) struct Datagrams<'a> {
    reader: Box<dyn PcapReaderIterator + Send + 'a>,
    interfaces: Vec<Interface>,
    fragments: IpDefragPool<u64, ()>,
    n_fragments: u64,
    n_packets: u64,
    is_ng: bool,
}

/// What came of a step.
enum Step {
    /// A packet with its interface, or none of a block that is no packet.
    Block(usize),
    More,
    End,
    Broken(String),
}

impl<'a> Datagrams<'a> {
    pub fn new(bytes: impl std::io::Read + Send + 'a, is_ng: bool) -> Result<Self> {
        let reader = create_reader(MAX_BLOCK_BYTES, bytes)
            .map_err(|e| corrupt(format!("the capture's header is broken ({})", words(&e))))?;
        Ok(Self { reader, interfaces: Vec::new(), fragments: IpDefragPool::new(), n_fragments: 0, n_packets: 0, is_ng })
    }

    /// Hands the next datagram to `take`, if the next packet completes one. `false` at the end.
    ///
    /// # Errors
    /// [`CorruptAudio`](ErrorKind::CorruptAudio) where the capture is broken; the message names the packet. Those of `take`.
    pub fn next(&mut self, take: &mut dyn FnMut(&Datagram<'_>) -> Result<()>) -> Result<bool> {
        let mut stalled = 0;
        loop {
            let Self { reader, interfaces, fragments, n_fragments, n_packets, is_ng } = self;
            let step = match reader.next() {
                Ok((offset, block)) => {
                    let found = packet(block, interfaces, *is_ng);
                    if let Some((interface, seconds, data)) = found {
                        *n_packets += 1;
                        let mut of = Opener { fragments, n_fragments, number: *n_packets, seconds };
                        of.open(interface, data, take)?;
                    }
                    Step::Block(offset)
                }
                Err(PcapError::Eof) => Step::End,
                Err(PcapError::Incomplete(_)) => Step::More,
                Err(error) => Step::Broken(words(&error)),
            };
            match step {
                Step::Block(offset) => {
                    self.reader.consume(offset);
                    return Ok(true);
                }
                Step::End => return Ok(false),
                Step::Broken(words) => return Err(self.broken(&words)),
                Step::More => {
                    let before = self.reader.data().len();
                    let refilled = self.reader.refill().map_err(|e| words_of_io(&e));
                    refilled.map_err(|words| self.broken(&words))?;
                    stalled = if self.reader.data().len() == before { stalled + 1 } else { 0 };
                    if stalled > 2 {
                        return Err(self.broken("it ends early"));
                    }
                }
            }
        }
    }

    fn broken(&self, words: &str) -> Error {
        corrupt(format!("the capture is broken behind packet {}: {words}", self.n_packets))
    }
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::CorruptAudio, message)
}

/// What the reader of captures says, without the bytes that it says it of.
fn words<T>(error: &PcapError<T>) -> String {
    match error {
        PcapError::UnexpectedEof | PcapError::Incomplete(_) | PcapError::Eof => "it ends early".to_owned(),
        PcapError::BufferTooSmall => format!("a block is larger than {MAX_BLOCK_BYTES} bytes"),
        PcapError::ReadError => "it cannot be read".to_owned(),
        PcapError::HeaderNotRecognized => "it is no header".to_owned(),
        PcapError::NomError(_, kind) | PcapError::OwnedNomError(_, kind) => format!("a block does not parse, {kind:?}"),
    }
}

fn words_of_io<T>(error: &PcapError<T>) -> String {
    words(error)
}

/// The interface, time and bytes of a block that is a packet. Learns of interfaces.
fn packet<'a>(
    block: PcapBlockOwned<'a>,
    interfaces: &mut Vec<Interface>,
    is_ng: bool,
) -> Option<(Interface, f64, &'a [u8])> {
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let ticks_per_second = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
            interfaces.push(Interface { link: header.network, ticks_per_second, offset_seconds: 0 });
            None
        }
        PcapBlockOwned::Legacy(packet) => {
            let interface = *interfaces.first().filter(|_| !is_ng)?;
            let part = f64::from(packet.ts_usec) / interface.ticks_per_second as f64;
            Some((interface, f64::from(packet.ts_sec) + part, captured(packet.data, packet.caplen)))
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            interfaces.clear();
            None
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(found)) => {
            if interfaces.len() < MAX_INTERFACES {
                let ticks_per_second = found.ts_resolution().filter(|ticks| *ticks > 0).unwrap_or(1_000_000);
                let offset_seconds = found.ts_offset();
                interfaces.push(Interface { link: found.linktype, ticks_per_second, offset_seconds });
            }
            None
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let interface = *interfaces.get(packet.if_id as usize)?;
            let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let seconds = ticks as f64 / interface.ticks_per_second as f64 + interface.offset_seconds as f64;
            Some((interface, seconds, captured(packet.data, packet.caplen)))
        }
        // Without a time; what it says of itself must do.
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
            Some((*interfaces.first()?, 0.0, captured(packet.data, packet.origlen)))
        }
        PcapBlockOwned::NG(_) => None,
    }
}

/// The bytes without what fills the block up.
fn captured(data: &[u8], n: u32) -> &[u8] {
    data.get(..n as usize).unwrap_or(data)
}

/// Opens one packet down to its datagram.
struct Opener<'a> {
    fragments: &'a mut IpDefragPool<u64, ()>,
    n_fragments: &'a mut u64,
    number: u64,
    seconds: f64,
}

impl Opener<'_> {
    fn open(
        &mut self,
        interface: Interface,
        data: &[u8],
        take: &mut dyn FnMut(&Datagram<'_>) -> Result<()>,
    ) -> Result<()> {
        // What does not parse is no call: another protocol, or cut off by the capture.
        let Some(sliced) = sliced(interface.link, data) else { return Ok(()) };
        let Some((from, to)) = addresses(sliced.net.as_ref()) else { return Ok(()) };
        match &sliced.transport {
            Some(TransportSlice::Udp(udp)) => self.udp(udp, (from, to), take),
            Some(TransportSlice::Tcp(tcp)) => self.tcp(tcp, (from, to), take),
            Some(_) => Ok(()),
            None => {
                let Some(whole) = self.defragmented(&sliced) else { return Ok(()) };
                match whole.ip_number {
                    ip_number::UDP => {
                        let udp = UdpSlice::from_slice(&whole.payload).ok();
                        udp.map_or(Ok(()), |udp| self.udp(&udp, (from, to), take))?;
                    }
                    ip_number::TCP => {
                        let tcp = TcpSlice::from_slice(&whole.payload).ok();
                        tcp.map_or(Ok(()), |tcp| self.tcp(&tcp, (from, to), take))?;
                    }
                    _ => {}
                }
                self.fragments.return_buf(whole);
                Ok(())
            }
        }
    }

    /// The datagram that this fragment completes. The oldest that are not complete are forgotten.
    fn defragmented(&mut self, sliced: &SlicedPacket<'_>) -> Option<etherparse::defrag::IpDefragPayloadVec> {
        *self.n_fragments += 1;
        let now = *self.n_fragments;
        if now.is_multiple_of(MAX_FRAGMENTS_BETWEEN) {
            self.fragments.retain(|then| now - *then < MAX_FRAGMENTS_BETWEEN);
        }
        self.fragments.process_sliced_packet(sliced, now, ()).ok().flatten()
    }

    fn udp(
        &self,
        udp: &UdpSlice<'_>,
        (from, to): (IpAddr, IpAddr),
        take: &mut dyn FnMut(&Datagram<'_>) -> Result<()>,
    ) -> Result<()> {
        let (from, to) = (SocketAddr::new(from, udp.source_port()), SocketAddr::new(to, udp.destination_port()));
        let (number, seconds, payload) = (self.number, self.seconds, udp.payload());
        take(&Datagram { number, seconds, from, to, transport: Transport::Udp, payload })
    }

    fn tcp(
        &self,
        tcp: &TcpSlice<'_>,
        (from, to): (IpAddr, IpAddr),
        take: &mut dyn FnMut(&Datagram<'_>) -> Result<()>,
    ) -> Result<()> {
        let (from, to) = (SocketAddr::new(from, tcp.source_port()), SocketAddr::new(to, tcp.destination_port()));
        let (number, seconds, payload) = (self.number, self.seconds, tcp.payload());
        take(&Datagram { number, seconds, from, to, transport: Transport::Tcp, payload })
    }
}

fn sliced(link: Linktype, data: &[u8]) -> Option<SlicedPacket<'_>> {
    const ETHERNET: i32 = 1;
    const NULL: i32 = 0;
    const LOOP: i32 = 108;
    const RAW: [i32; 5] = [12, 14, 101, 228, 229];
    const COOKED: i32 = 113;
    const COOKED_2: i32 = 276;
    match link.0 {
        ETHERNET => SlicedPacket::from_ethernet(data).ok(),
        NULL | LOOP => SlicedPacket::from_ip(data.get(4..)?).ok(),
        COOKED => SlicedPacket::from_linux_sll(data).ok(),
        COOKED_2 => {
            let [high, low] = *data.first_chunk::<2>()?;
            SlicedPacket::from_ether_type(EtherType(u16::from_be_bytes([high, low])), data.get(20..)?).ok()
        }
        link if RAW.contains(&link) => SlicedPacket::from_ip(data).ok(),
        _ => None,
    }
}

fn addresses(net: Option<&NetSlice<'_>>) -> Option<(IpAddr, IpAddr)> {
    match net? {
        NetSlice::Ipv4(ip) => Some((ip.header().source_addr().into(), ip.header().destination_addr().into())),
        NetSlice::Ipv6(ip) => Some((ip.header().source_addr().into(), ip.header().destination_addr().into())),
        NetSlice::Arp(_) => None,
    }
}

/// Puts the reader of bytes back to its front.
pub(super) fn rewind(bytes: &mut Front) -> Result<()> {
    std::io::Seek::rewind(bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::Unsupported => {
            let message = "a capture is read twice, which a pipe cannot be: name the file";
            Error::new(ErrorKind::InvalidArgument, message).with_source(e)
        }
        _ => Error::from_io(e, "read the file"),
    })
}
