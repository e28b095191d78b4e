//! Packets that are right up to their payload: what is wrong in them is what a fuzzer put there.

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
