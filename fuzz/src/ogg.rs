//! Ogg with right checksums, which no fuzzer would guess.

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
