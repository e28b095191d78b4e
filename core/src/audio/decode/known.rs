//! What files are, by their first bytes, their codec's number or their name: so that what is not read has a name and a way on,
//! and what has a header is never taken for headerless samples.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_ADPCM_G726, CODEC_ID_ADPCM_G726LE, CODEC_ID_EAC3, CODEC_ID_SPEEX, CODEC_ID_WMA,
};

use super::raw::{RawEncoding, RawFormat};

/// What is read, for those who brought something else.
const READ: &str =
    "WAV, FLAC, MP3, AAC in MP4 or ADTS, Ogg with Opus or Vorbis, AMR, AU, Wave64, AIFF, CAF and Matroska are read";

/// A kind of file with a header.
pub(super) struct Known {
    /// Its name among people.
    pub name: &'static str,
    /// Whether any file of this kind is read.
    pub read: bool,
}

impl Known {
    pub fn is_capture(&self) -> bool {
        self.name.starts_with("packet capture")
    }
}

/// First bytes, with where they stand.
type Magic = (usize, &'static [u8]);

const fn read(name: &'static str, magic: &'static [Magic]) -> (Known, &'static [Magic]) {
    (Known { name, read: true }, magic)
}

const fn unread(name: &'static str, magic: &'static [Magic]) -> (Known, &'static [Magic]) {
    (Known { name, read: false }, magic)
}

const KINDS: [(Known, &[Magic]); 42] = [
    read("WAV", &[(0, b"RIFF"), (8, b"WAVE")]),
    read("WAV (RIFX)", &[(0, b"RIFX"), (8, b"WAVE")]),
    read("WAV (RF64)", &[(0, b"RF64"), (8, b"WAVE")]),
    read("WAV (BW64)", &[(0, b"BW64"), (8, b"WAVE")]),
    read("AIFF", &[(0, b"FORM"), (8, b"AIF")]),
    read("FLAC", &[(0, b"fLaC")]),
    read("Ogg Opus", &[(0, b"OggS"), (28, b"OpusHead")]),
    unread("Ogg Speex", &[(0, b"OggS"), (28, b"Speex   ")]),
    read("Ogg", &[(0, b"OggS")]),
    read("MP3", &[(0, b"ID3\x02")]),
    read("MP3", &[(0, b"ID3\x03")]),
    read("MP3", &[(0, b"ID3\x04")]),
    read("CAF", &[(0, b"caff")]),
    read("Matroska or WebM", &[(0, &[0x1a, 0x45, 0xdf, 0xa3])]),
    read("MP4", &[(4, b"ftyp")]),
    read("AMR-WB", &[(0, b"#!AMR-WB")]),
    read("AMR-NB", &[(0, b"#!AMR")]),
    read("Sun AU", &[(0, b".snd")]),
    read("Sony Wave64", &[(0, b"riff\x2e\x91\xcf\x11")]),
    unread("SILK", &[(0, b"#!SILK")]),
    unread("SILK", &[(1, b"#!SILK")]),
    unread("Windows Media Audio (ASF)", &[(0, &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])]),
    unread("RealAudio", &[(0, b".ra\xfd")]),
    unread("RealMedia", &[(0, b".RMF")]),
    unread("Creative VOC", &[(0, b"Creative Voice File")]),
    unread("NIST SPHERE", &[(0, b"NIST_1A")]),
    unread("WavPack", &[(0, b"wvpk")]),
    unread("True Audio", &[(0, b"TTA1")]),
    unread("AVI", &[(0, b"RIFF"), (8, b"AVI ")]),
    unread("Monkey's Audio", &[(0, b"MAC ")]),
    unread("MIDI, which holds notes and no sound", &[(0, b"MThd")]),
    read("packet capture (pcap)", &[(0, &[0xd4, 0xc3, 0xb2, 0xa1])]),
    read("packet capture (pcap)", &[(0, &[0xa1, 0xb2, 0xc3, 0xd4])]),
    read("packet capture (pcap)", &[(0, &[0x4d, 0x3c, 0xb2, 0xa1])]),
    read("packet capture (pcap)", &[(0, &[0xa1, 0xb2, 0x3c, 0x4d])]),
    read("packet capture (pcapng)", &[(0, &[0x0a, 0x0d, 0x0d, 0x0a])]),
    unread("a ZIP archive", &[(0, b"PK\x03\x04")]),
    unread("a gzip archive", &[(0, &[0x1f, 0x8b, 0x08])]),
    unread("a PDF document", &[(0, b"%PDF")]),
    unread("a PNG picture", &[(0, b"\x89PNG")]),
    unread("a web page", &[(0, b"<!DOCTYPE")]),
    unread("a web page", &[(0, b"<html")]),
];

/// Bytes that tell the kind of a file.
pub(super) const HEAD_BYTES: usize = 64;

/// The kind of a file with a header, by its first bytes, 64 of them at best: as in `"WAV"`, `"Ogg Opus"`, `"AMR-NB"`. None of what
/// has no header, or one that is not known. Not every kind is read.
///
/// ```
/// use veravox::decode::header_kind;
///
/// assert_eq!(header_kind(b"RIFF\0\0\0\0WAVEfmt "), Some("WAV"));
/// assert_eq!(header_kind(&[0xff; 64]), None);
/// ```
#[must_use]
pub fn header_kind(head: &[u8]) -> Option<&'static str> {
    by_head(head).map(|known| known.name)
}

/// The kind of a file, by its first bytes, if it has a header that tells.
pub(super) fn by_head(head: &[u8]) -> Option<&'static Known> {
    let stands = |(at, bytes): &Magic| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    KINDS.iter().find(|(_, magic)| magic.iter().all(stands)).map(|(known, _)| known)
}

/// Why a file of this kind is not read, and what to do about it.
pub(super) fn unread_kind(known: &Known) -> String {
    let name = known.name;
    if name.starts_with("a ") || name.starts_with("MIDI") {
        format!("the file is {name}; {READ}")
    } else {
        format!("{name} is not read; {}", convert(""))
    }
}

/// What a file is by the extension of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedKind {
    /// A recording with a header, or one of a kind that is known and not read.
    Recording,
    /// Headerless audio, read as this where nobody says what it is; a warning says so.
    Headerless(RawFormat),
    /// Headerless audio of whatever kind: read only when the caller says what it is.
    Unsaid,
}

/// What a file may be by its extension, capitals or not. None of what has no name of a recording.
///
/// The one list of such names: who walks folders asks here what to open.
///
/// ```
/// use veravox::decode::{NamedKind, RawEncoding, extension_kind};
///
/// assert_eq!(extension_kind("WAV"), Some(NamedKind::Recording));
/// assert!(matches!(extension_kind("gsm"), Some(NamedKind::Headerless(raw)) if raw.encoding == RawEncoding::Gsm));
/// assert_eq!(extension_kind("txt"), None);
/// ```
#[must_use]
pub fn extension_kind(extension: &str) -> Option<NamedKind> {
    const RECORDINGS: [&str; 48] = [
        "wav", "wave", "flac", "mp3", "mp2", "mp1", "m4a", "m4b", "mp4", "aac", "ogg", "oga", "aif", "aiff", "aifc",
        "caf", "mka", "mkv", "webm", "mov", "opus", "amr", "awb", "au", "snd", "3gp", "3g2", "3ga", "w64", "rf64",
        "bw64", "pcap", "pcapng", // Not read, and told.
        "g711", "g723", "g726", "spx", "ilbc", "lbc", "wma", "ra", "voc", "sph", "nist", "silk", "ac3", "wv", "avi",
    ];
    let extension = extension.to_ascii_lowercase();
    let raw =
        |encoding, sample_rate_hz| Some(NamedKind::Headerless(RawFormat { encoding, sample_rate_hz, channels: 1 }));
    match extension.as_str() {
        "ul" | "ulaw" | "mulaw" | "mu" | "g711u" | "pcmu" => raw(RawEncoding::Mulaw, 8_000),
        "al" | "alaw" | "g711a" | "pcma" => raw(RawEncoding::Alaw, 8_000),
        "sln" | "sln8" | "slin" => raw(RawEncoding::PcmS16Le, 8_000),
        "sln12" => raw(RawEncoding::PcmS16Le, 12_000),
        "sln16" => raw(RawEncoding::PcmS16Le, 16_000),
        "sln24" => raw(RawEncoding::PcmS16Le, 24_000),
        "sln32" => raw(RawEncoding::PcmS16Le, 32_000),
        "sln44" => raw(RawEncoding::PcmS16Le, 44_100),
        "sln48" => raw(RawEncoding::PcmS16Le, 48_000),
        "sln96" => raw(RawEncoding::PcmS16Le, 96_000),
        "sln192" => raw(RawEncoding::PcmS16Le, 192_000),
        "gsm" => raw(RawEncoding::Gsm, 8_000),
        "g722" => raw(RawEncoding::G722, 16_000),
        "g729" => raw(RawEncoding::G729, 8_000),
        "vox" => raw(RawEncoding::Vox, 8_000),
        "raw" | "pcm" | "s16" => Some(NamedKind::Unsaid),
        other => RECORDINGS.contains(&other).then_some(NamedKind::Recording),
    }
}

/// Why a file of unknown content and this name is not read.
pub(super) fn unread_name(extension: &str) -> Option<String> {
    Some(match extension.to_ascii_lowercase().as_str() {
        "g726" => {
            "by its name the file is headerless G.726, of which nothing says how many bits a sample has nor where the \
                   first stands: say so (--raw g726-32, --raw aal2-g726-32 ...)"
                .to_owned()
        }
        "g711" => {
            "by its name the file is headerless G.711, of which nothing says the law: say so (--raw mulaw, --raw alaw)"
                .to_owned()
        }
        "g723" => format!("G.723.1 without a header is not read; {}", convert("-f g723_1 ")),
        "ilbc" | "lbc" => format!("iLBC is not read; {}", convert("")),
        "amr" => format!("AMR-NB without its header is not read; {}", convert("-f amrnb ")),
        "awb" => format!("AMR-WB without its header is not read; {}", convert("-f amrwb ")),
        "opus" => format!("Opus without a container is not read; {}", convert("")),
        "ac3" => format!("AC-3 is not read; {}", convert("")),
        "spx" => format!("Speex is not read; {}", convert("")),
        "wma" => format!("Windows Media Audio is not read; {}", convert("")),
        "au" | "snd" => format!("Sun AU without its header is not read; {}", convert("")),
        "w64" => format!("Sony Wave64 without its header is not read; {}", convert("")),
        "rf64" | "bw64" => format!("RF64 without its header is not read; {}", convert("")),
        "3gp" | "3g2" | "3ga" => format!("3GP without its header is not read; {}", convert("")),
        _ => return None,
    })
}

/// Why an AU file with this encoding is not read.
pub(super) fn unread_in_au(encoding: u32) -> String {
    format!("encoding {encoding} in Sun AU is not read; {}", convert(""))
}

/// Why a WAV file with this codec is not read.
pub(super) fn unread_in_wav(tag: u16) -> String {
    let name = match tag {
        0x0005 => "IBM CVSD",
        0x0140 => "G.726",
        0x0020 => "Yamaha ADPCM",
        0x0022 => "DSP Group TrueSpeech",
        0x0042 | 0xa100 => "G.723.1",
        0x0038 | 0x0057 | 0x7361 => "AMR-NB",
        0x0058 | 0x7362 => "AMR-WB",
        0x00ff => "AAC without ADTS headers",
        0x0160..=0x0163 => "Windows Media Audio",
        0x2000 => "AC-3",
        0x704f => "Opus",
        0xa109 => "Speex",
        _ => return format!("the WAV file's codec is not known (format 0x{tag:04X}); {READ}"),
    };
    format!("{name} in WAV (format 0x{tag:04X}) is not read; {}", convert(""))
}

/// Why a track with this codec is not read.
pub(super) fn unread_codec(codec: AudioCodecId, container: &str) -> String {
    let name = match codec {
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_ADPCM_G726 | CODEC_ID_ADPCM_G726LE => "G.726",
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_WMA => "Windows Media Audio",
        other => return format!("the codec {other} in this {container} file is not read; {}", convert("")),
    };
    format!("{name} in {container} is not read; {}", convert(""))
}

/// Why a track of an MP4 file whose sample entry has this name is not read.
pub(super) fn unread_in_mp4(name: [u8; 4]) -> String {
    let known = match &name {
        b"sevc" => "EVRC",
        b"sqcp" => "QCELP",
        b"Opus" => "Opus",
        b"ac-3" => "AC-3",
        b"ec-3" => "E-AC-3",
        _ => "its codec",
    };
    let shown: String = name.iter().map(|byte| char::from(*byte).escape_default().to_string()).collect();
    format!("{known} in MP4 or 3GP (sample entry {shown}) is not read; {}", convert(""))
}

/// Nothing is known of the file.
pub(super) fn unread_unknown() -> String {
    format!("the file is no audio that veravox knows, or its header is cut off; {READ}")
}

pub(super) fn convert(how_to_read: &str) -> String {
    format!("convert it: ffmpeg {how_to_read}-i IN -c:a pcm_s16le OUT.wav")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_kind() {
        let name = |head: &[u8]| by_head(head).map(|known| known.name);
        assert_eq!(name(b"RIFF\0\0\0\0WAVEfmt "), Some("WAV"));
        assert_eq!(name(b"RIFF\0\0\0\0AVI LIST"), Some("AVI"));
        assert_eq!(name(b"RIFF\0\0\0\0WEBPVP8 "), None);
        assert_eq!(name(b"wvpk\x28\xec\0\0"), Some("WavPack"));
        assert_eq!(name(b"#!AMR-WB\n"), Some("AMR-WB"));
        assert_eq!(name(b"#!AMR\n"), Some("AMR-NB"));
        assert_eq!(name(&[0xff; 64]), None, "silence in mu-law is no header");
        assert_eq!(name(&[]), None);
    }

    #[test]
    fn words_name_the_codec_and_a_way_on() {
        let words = unread_in_wav(0x42);
        assert_eq!(
            words,
            "G.723.1 in WAV (format 0x0042) is not read; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav"
        );
        assert!(unread_in_wav(0x1234).contains("0x1234"));
        assert!(unread_name("G723").is_some_and(|words| words.contains("-f g723_1")));
        assert!(unread_name("ac3").is_some_and(|words| words.starts_with("AC-3 is not read")));
        assert!(unread_name("txt").is_none());
    }
}
