//! What files are, by their first bytes, their codec's number or their name: so that what is not read has a name and a way on,
//! and what has a header is never taken for headerless samples.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_ADPCM_G722, CODEC_ID_ADPCM_G726, CODEC_ID_ADPCM_G726LE, CODEC_ID_EAC3, CODEC_ID_OPUS,
    CODEC_ID_SPEEX, CODEC_ID_WMA,
};

/// What is read, for those who brought something else.
const READ: &str = "WAV, FLAC, MP3, AAC in MP4 or ADTS, Ogg Vorbis, AIFF, CAF and Matroska are read";

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

const KINDS: [(Known, &[Magic]); 40] = [
    read("WAV", &[(0, b"RIFF"), (8, b"WAVE")]),
    read("WAV (RIFX)", &[(0, b"RIFX"), (8, b"WAVE")]),
    read("WAV (RF64)", &[(0, b"RF64"), (8, b"WAVE")]),
    read("WAV (BW64)", &[(0, b"BW64"), (8, b"WAVE")]),
    read("AIFF", &[(0, b"FORM"), (8, b"AIF")]),
    read("FLAC", &[(0, b"fLaC")]),
    unread("Ogg Opus", &[(0, b"OggS"), (28, b"OpusHead")]),
    unread("Ogg Speex", &[(0, b"OggS"), (28, b"Speex   ")]),
    read("Ogg", &[(0, b"OggS")]),
    read("MP3", &[(0, b"ID3\x02")]),
    read("MP3", &[(0, b"ID3\x03")]),
    read("MP3", &[(0, b"ID3\x04")]),
    read("CAF", &[(0, b"caff")]),
    read("Matroska or WebM", &[(0, &[0x1a, 0x45, 0xdf, 0xa3])]),
    read("MP4", &[(4, b"ftyp")]),
    unread("AMR-WB", &[(0, b"#!AMR-WB")]),
    unread("AMR-NB", &[(0, b"#!AMR")]),
    unread("Sun AU", &[(0, b".snd")]),
    unread("Sony Wave64", &[(0, b"riff\x2e\x91\xcf\x11")]),
    unread("SILK", &[(0, b"#!SILK")]),
    unread("SILK", &[(1, b"#!SILK")]),
    unread("Windows Media Audio (ASF)", &[(0, &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])]),
    unread("RealAudio", &[(0, b".ra\xfd")]),
    unread("RealMedia", &[(0, b".RMF")]),
    unread("Creative VOC", &[(0, b"Creative Voice File")]),
    unread("NIST SPHERE", &[(0, b"NIST_1A")]),
    unread("WavPack", &[(0, b"wvPK")]),
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

/// What a file of unknown content may be, by its name: recordings without a header.
pub(super) fn unread_name(extension: &str) -> Option<String> {
    let raw = |what: &str, encoding: &str, rate: u32| {
        format!(
            "by its name the file is headerless {what}: read it as raw {encoding} at {rate} Hz (--raw {encoding} --rate {rate})"
        )
    };
    Some(match extension.to_ascii_lowercase().as_str() {
        "ul" | "ulaw" | "mulaw" | "mu" | "g711u" | "pcmu" => raw("G.711 mu-law", "mulaw", 8_000),
        "al" | "alaw" | "g711a" | "pcma" => raw("G.711 A-law", "alaw", 8_000),
        "sln" | "sln8" | "slin" => raw("16-bit PCM", "s16le", 8_000),
        "sln12" => raw("16-bit PCM", "s16le", 12_000),
        "sln16" => raw("16-bit PCM", "s16le", 16_000),
        "sln24" => raw("16-bit PCM", "s16le", 24_000),
        "sln32" => raw("16-bit PCM", "s16le", 32_000),
        "sln44" => raw("16-bit PCM", "s16le", 44_100),
        "sln48" => raw("16-bit PCM", "s16le", 48_000),
        "gsm" => format!("GSM 06.10 without a header is not read; {}", convert("-f gsm ")),
        "g722" => format!("G.722 without a header is not read; {}", convert("-f g722 ")),
        "g729" => format!("G.729 without a header is not read; {}", convert("-f g729 ")),
        "g726" => format!("G.726 without a header is not read; {}", convert("-f g726 -code_size 4 -ar 8000 ")),
        "g723" => format!("G.723.1 without a header is not read; {}", convert("-f g723_1 ")),
        "vox" => "Dialogic VOX is not read; convert it: sox -r 8000 IN.vox OUT.wav".to_owned(),
        "ilbc" | "lbc" => format!("iLBC is not read; {}", convert("")),
        "amr" => format!("AMR-NB is not read; {}", convert("-f amrnb ")),
        "awb" => format!("AMR-WB is not read; {}", convert("-f amrwb ")),
        "opus" => format!("Opus is not read; {}", convert("")),
        "spx" => format!("Speex is not read; {}", convert("")),
        "wma" => format!("Windows Media Audio is not read; {}", convert("")),
        "au" | "snd" => format!("Sun AU is not read; {}", convert("")),
        "w64" => format!("Sony Wave64 is not read; {}", convert("")),
        "rf64" | "bw64" => format!("RF64 without its header is not read; {}", convert("")),
        "3gp" | "3g2" | "3ga" => format!("AMR in 3GP is not read; {}", convert("")),
        _ => return None,
    })
}

/// Why a WAV file with this codec is not read.
pub(super) fn unread_in_wav(tag: u16) -> String {
    let name = match tag {
        0x0005 => "IBM CVSD",
        0x0010 => "OKI ADPCM",
        0x0014 => "G.723 ADPCM",
        0x0040 => "G.721 ADPCM",
        0x0045 | 0x0064 | 0x0085 | 0x0140 => "G.726",
        0x0065 | 0x028f => "G.722",
        0x0017 => "Dialogic VOX ADPCM",
        0x0020 => "Yamaha ADPCM",
        0x0022 => "DSP Group TrueSpeech",
        0x0031 | 0x0032 => "GSM 06.10",
        0x0042 | 0xa100 => "G.723.1",
        0x0038 | 0x0057 | 0x7361 => "AMR-NB",
        0x0058 | 0x7362 => "AMR-WB",
        0x0083 | 0x0133 | 0xa123 => "G.729",
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
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_ADPCM_G722 => "G.722",
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
        b"samr" => "AMR-NB",
        b"sawb" => "AMR-WB",
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

fn convert(how_to_read: &str) -> String {
    format!("convert it: ffmpeg {how_to_read}-i IN -c:a pcm_s16le OUT.wav")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_kind() {
        let name = |head: &[u8]| by_head(head).map(|known| known.name);
        assert_eq!(name(b"RIFF\0\0\0\0WAVEfmt "), Some("WAV"));
        assert_eq!(name(b"RIFF\0\0\0\0AVI LIST"), None);
        assert_eq!(name(b"#!AMR-WB\n"), Some("AMR-WB"));
        assert_eq!(name(b"#!AMR\n"), Some("AMR-NB"));
        assert_eq!(name(&[0xff; 64]), None, "silence in mu-law is no header");
        assert_eq!(name(&[]), None);
    }

    #[test]
    fn words_name_the_codec_and_a_way_on() {
        let words = unread_in_wav(0x31);
        assert_eq!(
            words,
            "GSM 06.10 in WAV (format 0x0031) is not read; convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav"
        );
        assert!(unread_in_wav(0x1234).contains("0x1234"));
        assert!(unread_name("GSM").is_some_and(|words| words.contains("-f gsm")));
        assert!(unread_name("txt").is_none());
    }
}
