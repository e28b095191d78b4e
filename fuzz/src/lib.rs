//! What the targets share.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Mutex;

use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};

/// Samples after which a file is left: its header may promise days.
const MAX_SAMPLES: u64 = 4_000_000;

/// The last panic, in words.
static LAST: Mutex<String> = Mutex::new(String::new());

/// A target of what this does to bytes.
#[macro_export]
macro_rules! target {
    ($work:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::hear_panics(), |bytes: &[u8]| $crate::hold(|| $work(bytes)));
    };
}

/// A panic is a finding where it comes out of the library, not where the library catches it, which it does around the decoders of
/// others: libFuzzer's own hook would end the process at either.
pub fn hear_panics() {
    set_hook(Box::new(|panic| LAST.lock().unwrap().replace_range(.., &panic.to_string())));
}

/// Runs a target, and ends the process where it panics.
pub fn hold(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        eprintln!("{}", LAST.lock().unwrap());
        std::process::abort();
    }
}

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

/// Headerless audio in one of all encodings.
pub fn raw(n: u8) -> RawFormat {
    let encoding = RawEncoding::ALL[usize::from(n) % RawEncoding::ALL.len()];
    RawFormat { encoding, sample_rate_hz: encoding.usual_rate_hz(), channels: 1 }
}

/// A pcap of packets that are right up to their UDP payload: a byte says what each is, another how long. Those of RTP are of one
/// stream, whose numbers mostly go on.
pub fn pcap(mut bytes: &[u8], link: u32) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    file.extend(link.to_le_bytes());
    let (mut sequence, mut timestamp) = (0_u16, 0_u32);
    while let [kind, n, rest @ ..] = bytes {
        let (payload, behind) = rest.split_at(usize::from(*n).min(rest.len()));
        bytes = behind;
        let mut datagram = Vec::new();
        match kind {
            0..=31 => datagram.extend(payload),
            32..=63 => {
                datagram.extend(b"INVITE sip:a SIP/2.0\r\n\r\nv=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\n");
                datagram.extend(payload);
            }
            _ => {
                // The low bits are the type; the rest says what befell the packet.
                let kinds = [0, 8, 3, 9, 18, 13, 96, 97, 98, 101, 2, 72];
                let step = [1, 1, 1, 1, 0, 2, 40_000][usize::from(kind / 32) % 7];
                sequence = sequence.wrapping_add(step);
                timestamp = timestamp.wrapping_add([160, 160, 160, 160, 0, 4_000, 1 << 30][usize::from(kind / 32) % 7]);
                datagram.extend([0x80, kinds[usize::from(kind % 32) % kinds.len()]]);
                datagram.extend(sequence.to_be_bytes());
                datagram.extend(timestamp.to_be_bytes());
                datagram.extend([0, 0, 0, kind / 128]);
                datagram.extend(payload);
            }
        }
        let packet = link_of(link, &ip(&datagram, kind % 5 == 4));
        let length = (packet.len() as u32).to_le_bytes();
        file.extend([[sequence as u8, 0, 0, 0], [0; 4], length, length].concat());
        file.extend(packet);
    }
    file
}

/// IPv4 and UDP; or a first fragment, which nothing completes.
fn ip(datagram: &[u8], in_part: bool) -> Vec<u8> {
    let length = ((28 + datagram.len()) as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 1, if in_part { 0x20 } else { 0 }, 0, 64, 17, 0, 0];
    packet.extend([1, 1, 1, 1, 2, 2, 2, 2, 0x23, 0x28, 0x23, 0x2a]);
    packet.extend(((8 + datagram.len()) as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(datagram);
    packet
}

fn link_of(link: u32, packet: &[u8]) -> Vec<u8> {
    let head: &[u8] = match link {
        1 => &[2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 8, 0],
        113 => &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
        276 => &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
        _ => &[],
    };
    [head, packet].concat()
}

/// An Ogg Opus file (RFC 3533, RFC 7845) of these packets, with its checksums.
pub fn ogg_opus(packets: &[&[u8]], channels: u8) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend([0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0]);
    let mut file = page(0, 2, 0, &head);
    file.extend(page(1, 0, 0, b"OpusTags\0\0\0\0\0\0\0\0"));
    for (n, packet) in packets.iter().enumerate() {
        let last = if n + 1 == packets.len() { 4 } else { 0 };
        file.extend(page(n as u32 + 2, last, 960 * (n as u64 + 1), packet));
    }
    file
}

fn page(number: u32, flags: u8, granule: u64, packet: &[u8]) -> Vec<u8> {
    let n = packet.len().min(254 * 255);
    let packet = &packet[..n];
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend(1_u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push((n / 255 + 1) as u8);
    page.extend(std::iter::repeat_n(255, n / 255));
    page.push((n % 255) as u8);
    page.extend(packet);
    let sum = page.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(*byte) << 24), |sum, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}
