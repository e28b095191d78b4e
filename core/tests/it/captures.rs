//! Captures of packets: what they hold is what was said, whatever the network did to it.

use proptest::prelude::*;
use veravox::decode::{AudioReader, DecodeOptions, Gap, RawEncoding, RawFormat, RtpMap, StreamSummary};
use veravox::{Detector, ErrorKind, LegVerdict};

use crate::{decode, testdata};

fn open(bytes: Vec<u8>, options: &DecodeOptions) -> veravox::Result<AudioReader> {
    AudioReader::from_bytes(bytes, None, options)
}

fn capture(name: &str) -> std::path::PathBuf {
    testdata(&format!("captures/{name}"))
}

/// A capture as a program would write it that wants nothing but to be read: pcap, bare IPv4, UDP.
#[derive(Default)]
struct Pcap(Vec<u8>);

/// A packet of 20 ms.
#[derive(Debug, Clone)]
struct Rtp {
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: Vec<u8>,
    at_ms: u32,
}

impl Pcap {
    fn new() -> Self {
        let mut head = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        head.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
        head.extend(101_u32.to_le_bytes());
        Self(head)
    }

    fn push(&mut self, at_ms: u32, payload: &[u8]) {
        let udp = [
            &9_000_u16.to_be_bytes()[..],
            &9_002_u16.to_be_bytes(),
            &(8 + payload.len() as u16).to_be_bytes(),
            &[0, 0],
        ];
        let length = (28 + payload.len() as u16).to_be_bytes();
        let ip = [0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2];
        let packet = [&ip[..], &udp.concat(), payload].concat();
        let n = (packet.len() as u32).to_le_bytes();
        let time = [(at_ms / 1_000).to_le_bytes(), (at_ms % 1_000 * 1_000).to_le_bytes()];
        self.0.extend([time[0], time[1], n, n].concat());
        self.0.extend(packet);
    }

    fn rtp(&mut self, rtp: &Rtp) {
        let mut packet = vec![0x80, rtp.payload_type];
        packet.extend(rtp.sequence.to_be_bytes());
        packet.extend(rtp.timestamp.to_be_bytes());
        packet.extend(rtp.ssrc.to_be_bytes());
        packet.extend(&rtp.payload);
        self.push(rtp.at_ms, &packet);
    }

    fn of(packets: &[Rtp]) -> Vec<u8> {
        let mut pcap = Self::new();
        for packet in packets {
            pcap.rtp(packet);
        }
        pcap.0
    }
}

/// A call of mu-law in packets.
fn packets(start: u16, timestamp: u32) -> Vec<Rtp> {
    let wav = std::fs::read(testdata("calls/archive/2026-11/17-taxi-umbrella.mulaw.wav")).unwrap();
    let data = wav.windows(4).position(|four| four == b"data").unwrap() + 8;
    let packet = |(n, payload): (usize, &[u8])| Rtp {
        payload_type: 0,
        sequence: start.wrapping_add(n as u16),
        timestamp: timestamp.wrapping_add(160 * n as u32),
        ssrc: 0x1a2b_3c4d,
        payload: payload.to_vec(),
        at_ms: 20 * n as u32,
    };
    wav[data..].chunks(160).enumerate().map(packet).collect()
}

/// What a reader gives of the only leg.
fn read(bytes: Vec<u8>) -> (Vec<f32>, Vec<Gap>, StreamSummary) {
    let mut reader = open(bytes, &DecodeOptions::default()).unwrap();
    let (mut samples, mut gaps) = (Vec::new(), Vec::new());
    while let Some(chunk) = reader.next_chunk().unwrap() {
        gaps.extend(chunk.gaps.iter().map(|(_, gap)| *gap));
        samples.extend_from_slice(&chunk.channels[0]);
    }
    (samples, gaps, reader.streams().remove(0))
}

fn verdicts(bytes: Vec<u8>) -> Vec<LegVerdict> {
    let mut reader = open(bytes, &DecodeOptions::default()).unwrap();
    Detector::builtin().unwrap().scan_reader(&mut reader, &mut |_| true).unwrap().legs
}

/// The verdict without what it was read from.
fn said(verdict: &LegVerdict) -> LegVerdict {
    LegVerdict { leg: 0, stream: None, ..verdict.clone() }
}

#[test]
fn every_link_and_form_gives_the_legs_of_the_call() {
    let clip = decode(&testdata("formats/clip.mulaw.wav"), &DecodeOptions::default()).legs.remove(0);
    for name in [
        "g711.ethernet.pcap",
        "g711.vlan.big-endian.nanoseconds.pcap",
        "g711.raw.pcap",
        "g711.cooked.pcapng",
        "g711.cooked2.ipv6.fragments.pcapng",
        "g711.fragments.pcap",
    ] {
        let mut reader = AudioReader::open(&capture(name), &DecodeOptions::default()).unwrap();
        let info = reader.info().clone();
        assert_eq!(info.container, if name.ends_with("ng") { "pcapng" } else { "pcap" });
        assert_eq!(
            (info.codec.as_str(), info.sample_rate_hz, info.channels),
            ("pcm_alaw+pcm_mulaw", 8_000, 2),
            "{name}"
        );
        let mut legs = vec![Vec::new(); 2];
        while let Some(chunk) = reader.next_chunk().unwrap() {
            assert!(chunk.gaps.is_empty(), "{name}: {:?}", chunk.gaps);
            legs.iter_mut().zip(&chunk.channels).for_each(|(leg, samples)| leg.extend_from_slice(samples));
        }
        assert_eq!(legs[0], clip, "{name}");
        assert_eq!(legs[1].len(), 14_400, "{name}");
        let streams = reader.streams();
        let names: Vec<_> = streams.iter().map(|stream| stream.name.as_str()).collect();
        assert_eq!(names, ["1a2b3c4d A>B", "5e6f7081 B>A"], "{name}");
        assert!((streams[1].start_seconds - 0.3).abs() < 1e-3, "{streams:?}");
        assert!(streams.iter().all(|stream| stream.n_packets == 90 && stream.n_lost == 0));
        assert!(reader.warnings().is_empty(), "{name}: {:?}", reader.warnings());
        // Side by side as they were spoken.
        let mut whole = AudioReader::open(&capture(name), &DecodeOptions::default()).unwrap();
        let whole = whole.read_to_end().unwrap();
        assert_eq!((whole[0].len(), whole[1].len()), (16_800, 16_800));
        assert!(whole[1][..2_390].iter().all(|v| *v == 0.0) && whole[0][..14_400] == clip[..]);
    }
}

#[test]
fn each_codec_is_heard() {
    let detector = Detector::builtin_named("phone").unwrap();
    let reference = detector.scan_file(&testdata("formats/clip.pcm_s16.wav"), &DecodeOptions::default()).unwrap();
    for (name, codec, rate) in [
        ("g722.ethernet.pcap", "g722", 16_000),
        ("gsm.ethernet.pcap", "gsm", 8_000),
        ("opus.ethernet.pcap", "opus", 48_000),
        ("amr.aligned.pcap", "amr_nb", 8_000),
        ("amr.packed.pcap", "amr_nb", 8_000),
        ("amr-wb.packed.pcap", "amr_wb", 16_000),
        ("g729.ethernet.pcap", "g729", 8_000),
        ("g726.ethernet.pcap", "g726", 8_000),
    ] {
        let report = detector.scan_file(&capture(name), &DecodeOptions::default()).unwrap();
        let leg = &report.legs[0];
        let stream = leg.stream.as_ref().unwrap();
        assert_eq!((stream.codec.as_str(), stream.sample_rate_hz), (codec, rate), "{name}");
        assert_eq!((stream.n_lost, stream.n_damaged), (0, 0), "{name}: {stream:?}");
        let level = leg.signal.unwrap().level_dbfs.unwrap() - reference.legs[0].signal.unwrap().level_dbfs.unwrap();
        assert!(level.abs() < 1.5, "{name}: {level:.1} dB off");
        assert!((leg.speech_seconds - reference.legs[0].speech_seconds).abs() < 0.25, "{name}: {}", leg.speech_seconds);
    }
    let (aligned, packed) = (
        decode(&capture("amr.aligned.pcap"), &DecodeOptions::default()),
        decode(&capture("amr.packed.pcap"), &DecodeOptions::default()),
    );
    assert_eq!(aligned.legs, packed.legs, "the two packings of AMR hold the same");
}

/// The same frames by wire and from a file: the same samples.
#[test]
fn by_wire_a_codec_sounds_as_from_its_file() {
    for (name, file, codec) in [
        ("amr.aligned.pcap", "clip.amr_nb_7.amr", "amr_nb"),
        ("amr-wb.aligned.pcap", "clip.amr_wb_2.awb", "amr_wb"),
        ("amr-wb.packed.pcap", "clip.amr_wb_2.awb", "amr_wb"),
        ("g729.ethernet.pcap", "clip.g729", "g729"),
        ("g726.ethernet.pcap", "clip.g726_32.g726", "g726"),
        ("g726-aal2.ethernet.pcap", "clip.aal2_32.g726", "g726"),
        ("gsm.ethernet.pcap", "clip.gsm", "gsm"),
    ] {
        let encoding = match file {
            "clip.g726_32.g726" => Some(RawEncoding::G726At32),
            "clip.aal2_32.g726" => Some(RawEncoding::Aal2G726At32),
            _ => None,
        };
        let raw = encoding.map(|encoding| RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 });
        let of_file = decode(&testdata(&format!("formats/{file}")), &DecodeOptions { raw, ..DecodeOptions::default() });
        let mut reader = AudioReader::open(&capture(name), &DecodeOptions::default()).unwrap();
        let legs = reader.read_to_end().unwrap();
        let stream = reader.streams().remove(0);
        assert_eq!(stream.codec, codec, "{name}");
        assert_eq!((stream.n_lost, stream.n_damaged), (0, 0), "{name}: {stream:?}");
        assert!(legs[0] == of_file.legs[0], "{name}: {} samples, {} of the file", legs[0].len(), of_file.legs[0].len());
    }
}

/// Of G.726 every rate, whose packets of 20 ms end in the middle of nothing.
#[test]
fn g726_of_every_rate_is_told_by_hand() {
    for kilobits in [16, 24, 32, 40] {
        let file = testdata(&format!("formats/clip.g726_{kilobits}.g726"));
        let encoding = RawEncoding::from_name(&format!("g726-{kilobits}")).unwrap();
        let raw = Some(RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 });
        let of_file = decode(&file, &DecodeOptions { raw, ..DecodeOptions::default() });
        let data = std::fs::read(&file).unwrap();
        let packet = |(n, payload): (usize, &[u8])| Rtp {
            payload_type: 96,
            sequence: n as u16,
            timestamp: 160 * n as u32,
            ssrc: 1,
            payload: payload.to_vec(),
            at_ms: 20 * n as u32,
        };
        let sent: Vec<Rtp> = data.chunks(kilobits * 160 / 64).enumerate().map(packet).collect();
        let rtp_map = vec![format!("96=G726-{kilobits}/8000").parse().unwrap()];
        let options = DecodeOptions { rtp_map, ..DecodeOptions::default() };
        let legs = open(Pcap::of(&sent), &options).unwrap().read_to_end().unwrap();
        assert!(legs[0] == of_file.legs[0], "{kilobits} kbit/s");
    }
}

#[test]
fn what_nobody_announced_is_said_by_hand() {
    let name = "opus.unannounced.pcap";
    let error = AudioReader::open(&capture(name), &DecodeOptions::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::UnsupportedAudio);
    assert!(error.to_string().contains("--rtp-map 97=opus/48000"), "{error}");
    let rtp_map = vec!["97=opus/48000".parse::<RtpMap>().unwrap()];
    let options = DecodeOptions { rtp_map, ..DecodeOptions::default() };
    let announced = decode(&capture("opus.ethernet.pcap"), &DecodeOptions::default());
    assert_eq!(decode(&capture(name), &options).legs, announced.legs);
    for wrong in
        ["", "97", "97=opus", "128=opus/48000", "97=opus/0", "97=opus/48000;stereo", "97=G723/8000", "x=PCMU/8000"]
    {
        assert_eq!(wrong.parse::<RtpMap>().unwrap_err().kind(), ErrorKind::InvalidArgument, "{wrong}");
    }
}

#[test]
fn what_a_network_does_is_counted_and_told_to_the_leg() {
    let report =
        Detector::builtin().unwrap().scan_file(&capture("g711.mishaps.pcap"), &DecodeOptions::default()).unwrap();
    let leg = &report.legs[0];
    let stream = leg.stream.clone().unwrap();
    let counts =
        (stream.n_lost, stream.n_duplicates, stream.n_reordered, stream.n_late, stream.n_keys, stream.n_comfort_noise);
    assert_eq!(counts, (3, 1, 1, 0, 1, 1), "{stream:?}");
    assert!((leg.interruptions.lost_seconds - 0.06).abs() < 1e-9);
    assert!((report.audio.duration_seconds - 2.3).abs() < 1e-9, "{}", report.audio.duration_seconds);
}

#[test]
fn names_and_addresses_stay_in_the_capture() {
    let report =
        Detector::builtin().unwrap().scan_file(&capture("g711.ethernet.pcap"), &DecodeOptions::default()).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    for secret in ["anna", "otto", "example.org", "192.0.2.10", "198.51.100.20"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Packets that come twice and a little out of order are the call as it was sent.
    #[test]
    fn shuffled_and_repeated_packets_are_the_same_call(
        start in any::<u16>(),
        timestamp in any::<u32>(),
        jitter in prop::collection::vec(0_usize..7, 1..64),
        twice in prop::collection::vec(any::<bool>(), 1..64),
    ) {
        let sent = packets(start, timestamp);
        let plain = read(Pcap::of(&sent));
        let mut arrivals: Vec<(usize, Rtp)> =
            sent.into_iter().enumerate().map(|(n, packet)| (n + jitter[n % jitter.len()], packet)).collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let mut n = 0;
        let arrived = arrivals.into_iter().flat_map(|(_, packet)| {
            n += 1;
            std::iter::repeat_n(packet, 1 + usize::from(twice[n % twice.len()]))
        });
        let (samples, gaps, stream) = read(Pcap::of(&arrived.collect::<Vec<_>>()));
        prop_assert_eq!(samples, plain.0);
        prop_assert!(gaps.is_empty());
        prop_assert_eq!((stream.n_lost, stream.n_late), (0, 0));
    }

    /// What is lost is neither made up nor passed over: samples and gaps together are as long as the call.
    #[test]
    fn lost_packets_leave_their_time(dropped in prop::collection::vec(any::<bool>(), 64)) {
        let sent = packets(7, 99);
        let (n, length) = (sent.len(), sent.iter().map(|packet| packet.payload.len() as u64).sum::<u64>());
        // The first and last ones are there, or nobody would know.
        let arrived: Vec<Rtp> =
            sent.into_iter().enumerate().filter(|(k, _)| *k < 10 || k + 1 == n || !dropped[k % 64]).map(|(_, p)| p).collect();
        let (samples, gaps, stream) = read(Pcap::of(&arrived));
        let lost: u64 = gaps.iter().map(|gap| gap.n_samples()).sum();
        prop_assert!(gaps.iter().all(|gap| matches!(gap, Gap::Lost(_))));
        prop_assert_eq!(stream.n_lost as usize, n - arrived.len());
        prop_assert_eq!(samples.len() as u64 + lost, length);
    }

    /// Whatever bytes a capture holds, reading ends without a panic.
    #[test]
    fn mutated_captures_do_no_harm(
        name in prop::sample::select(vec!["g711.ethernet.pcap", "g711.cooked2.ipv6.fragments.pcapng", "amr.packed.pcap", "g711.mishaps.pcap"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = std::fs::read(capture(name)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(mut reader) = open(bytes, &DecodeOptions::default()) {
            while let Ok(Some(_)) = reader.next_chunk() {}
        }
    }
}

#[test]
fn a_leg_is_scored_as_the_file_that_was_played() {
    let call = "calls/archive/2026-11/17-taxi-umbrella.mulaw.wav";
    let file = Detector::builtin().unwrap().scan_file(&testdata(call), &DecodeOptions::default()).unwrap();
    let leg = verdicts(Pcap::of(&packets(1, 1))).remove(0);
    let (by_file, by_wire) = (&file.legs[0], said(&leg));
    assert_eq!((by_file.decision, by_file.llr, &by_file.windows), (by_wire.decision, by_wire.llr, &by_wire.windows));
}

#[test]
fn streams_of_one_endpoint_are_legs_by_their_ssrc() {
    let (first, second) = packets(1, 1).split_at(200).clone_both();
    let changed: Vec<Rtp> = second.into_iter().map(|packet| Rtp { ssrc: 0xdead_beef, ..packet }).collect();
    let legs = verdicts(Pcap::of(&[first, changed].concat()));
    let names: Vec<_> = legs.iter().map(|leg| leg.stream.clone().unwrap().name).collect();
    assert_eq!(names, ["1a2b3c4d A>B", "deadbeef A>B"]);
    assert!((legs[1].stream.clone().unwrap().start_seconds - 4.0).abs() < 1e-6);
}

trait CloneBoth {
    fn clone_both(self) -> (Vec<Rtp>, Vec<Rtp>);
}

impl CloneBoth for (&[Rtp], &[Rtp]) {
    fn clone_both(self) -> (Vec<Rtp>, Vec<Rtp>) {
        (self.0.to_vec(), self.1.to_vec())
    }
}

/// A codec that changes in the middle of a call changes no leg.
#[test]
fn a_change_of_payload_type_stays_one_leg() {
    let mut sent = packets(1, 1);
    let n = 2 * sent.len() / 3;
    let silence = 0xd5_u8;
    for packet in &mut sent[n..] {
        packet.payload_type = 8;
        packet.payload.fill(silence);
    }
    let (samples, gaps, stream) = read(Pcap::of(&sent));
    let length: usize = sent.iter().map(|packet| packet.payload.len()).sum();
    assert_eq!((samples.len(), gaps.len()), (length, 0));
    assert_eq!(stream.codec, "pcm_mulaw");
    assert!(samples[160 * n..].iter().all(|v| v.abs() < 1e-3));
}

#[test]
fn what_is_no_call_says_so() {
    let error = |bytes: Vec<u8>| open(bytes, &DecodeOptions::default()).err().unwrap();
    let empty = error(Pcap::new().0);
    assert_eq!((empty.kind(), empty.to_string().contains("no stream of audio")), (ErrorKind::UnsupportedAudio, true));
    let cut = error(Pcap::new().0[..20].to_vec());
    assert_eq!(cut.kind(), ErrorKind::CorruptAudio, "{cut}");
    // Broken in the middle: what came before is read, and the packet is named.
    let whole = Pcap::of(&packets(1, 1));
    let mut reader = open(whole[..whole.len() / 2 + 7].to_vec(), &DecodeOptions::default()).unwrap();
    while reader.next_chunk().unwrap().is_some() {}
    let [warning] = reader.warnings() else { panic!("{:?}", reader.warnings()) };
    assert!(warning.contains("broken behind packet 27") && warning.contains("what came before was read"), "{warning}");
    assert!(reader.samples_read() > 8_000);
    // More streams than legs are allowed.
    let mut many = Pcap::new();
    for ssrc in 0..20 {
        packets(1, 1).iter().take(10).for_each(|packet| many.rtp(&Rtp { ssrc, ..packet.clone() }));
    }
    let refused = error(many.0);
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    assert!(refused.to_string().contains("16 legs (max_channels)"), "{refused}");
    let piped = AudioReader::from_pipe(Box::new(std::io::Cursor::new(whole)), &DecodeOptions::default()).err().unwrap();
    assert_eq!(piped.kind(), ErrorKind::InvalidArgument, "{piped}");
}

/// Enciphered audio is not heard as noise.
#[test]
fn enciphered_streams_are_named_and_left_alone() {
    let mut pcap = Pcap::new();
    let invite = "INVITE sip:x SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n\
                  c=IN IP4 198.51.100.2\r\nt=0 0\r\nm=audio 9002 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
    pcap.push(0, invite.as_bytes());
    for packet in packets(1, 1) {
        pcap.rtp(&packet);
    }
    let error = open(pcap.0, &DecodeOptions::default()).err().unwrap();
    assert!(error.to_string().contains("1 of its streams are enciphered"), "{error}");
}

/// Whoever fills a capture with what looks like streams and fragments gets neither memory nor time for it.
#[test]
fn noise_that_looks_like_streams_is_passed_over() {
    let mut pcap = Pcap::new();
    for packet in packets(1, 1) {
        pcap.rtp(&packet);
    }
    for ssrc in 0..20_000_u32 {
        pcap.rtp(&Rtp { payload_type: 0, sequence: 0, timestamp: 0, ssrc, payload: vec![0; 4], at_ms: 1 });
    }
    let (samples, _, stream) = read(pcap.0);
    assert!(samples.len() > 8_000 && stream.n_packets > 100);
}
