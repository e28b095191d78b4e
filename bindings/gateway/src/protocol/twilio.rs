//! Twilio Media Streams: JSON messages `connected`, `start`, `media`, `dtmf`, `mark`, `stop`; audio is 8 kHz mu-law in base64, of one
//! track or of both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::pcm::Encoding;
use super::{Broken, Ear, Flow, Incoming, Protocol, Start};
use crate::hub;
use veravox::g711::Law;

/// Packets of 20 ms; a hole of as many or more was not sent.
const MAX_HOLE_MS: u64 = 60_000;

/// The protocol, over one connection.
#[derive(Default)]
pub struct Twilio {
    tracks: Vec<Track>,
    /// Of the last packet, to be used again.
    bytes: Vec<u8>,
}

struct Track {
    name: &'static str,
    /// Where the next packet is to begin, in milliseconds of the stream.
    next_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Message<'a> {
    Connected,
    Start {
        start: Begin,
    },
    Media {
        #[serde(borrow)]
        media: Media<'a>,
    },
    Stop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin {
    tracks: Vec<String>,
    media_format: Format,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    encoding: String,
    sample_rate: u32,
    channels: u32,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    track: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    payload: std::borrow::Cow<'a, str>,
}

impl Protocol for Twilio {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::Twilio
    }

    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        let Incoming::Text(text) = message else { return Err(Broken("expected messages of text")) };
        match serde_json::from_str(text).map_err(|_| Broken("expected a message of Media Streams"))? {
            Message::Connected | Message::Other => {}
            Message::Stop => return Ok(Flow::Ends),
            Message::Start { start } => self.begin(&start, ear)?,
            Message::Media { media } => self.media(&media, ear)?,
        }
        Ok(Flow::GoesOn)
    }
}

impl Twilio {
    fn begin(&mut self, start: &Begin, ear: &mut dyn Ear) -> Result<(), Broken> {
        let Format { encoding, sample_rate, channels } = &start.media_format;
        if (encoding.as_str(), *sample_rate, *channels) != ("audio/x-mulaw", 8_000, 1) {
            return Err(Broken("expected audio/x-mulaw of 8000 Hz and 1 channel"));
        }
        if !self.tracks.is_empty() {
            return Err(Broken("expected start once"));
        }
        // In this order, whatever theirs: the caller is track 0.
        let named = |name: &str| start.tracks.iter().any(|track| track == name);
        self.tracks = ["inbound", "outbound"]
            .into_iter()
            .filter(|name| named(name))
            .map(|name| Track { name, next_ms: None })
            .collect();
        if self.tracks.is_empty() {
            return Err(Broken("expected a track named inbound or outbound"));
        }
        // Twilio's ids are none of ours, and its account's are nobody's business.
        ear.begin(Start { call: None, channel: None, tracks: self.tracks.len(), sample_rate_hz: 8_000 });
        Ok(())
    }

    fn media(&mut self, media: &Media<'_>, ear: &mut dyn Ear) -> Result<(), Broken> {
        if self.tracks.is_empty() {
            return Err(Broken("expected start before media"));
        }
        let name = media.track.as_deref().unwrap_or("inbound");
        let Some((number, track)) = self.tracks.iter_mut().enumerate().find(|(_, track)| track.name == name) else {
            return Err(Broken("expected media of a track that start named"));
        };
        self.bytes.clear();
        let decoded = STANDARD.decode_vec(media.payload.as_bytes(), &mut self.bytes);
        decoded.map_err(|_| Broken("expected a payload in base64"))?;
        let at = media.timestamp.as_deref().and_then(|text| text.parse::<u64>().ok());
        if let Some(at) = at {
            let missing = track.next_ms.map_or(0, |next| at.saturating_sub(next));
            // A packet may be late by some milliseconds; a whole one that is missing was not sent.
            if (20..MAX_HOLE_MS).contains(&missing) {
                ear.silence(number, missing * 8);
            }
            track.next_ms = Some(at.saturating_add(self.bytes.len() as u64 / 8));
        }
        Encoding::G711(Law::Mu).push(&self.bytes, number, 1, ear);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;

    const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    /// As Twilio's documentation shows it.
    const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC00","streamSid":"MZ00","callSid":"CA00","tracks":["outbound","inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"FirstName":"Jane"}},"streamSid":"MZ00"}"#;
    const STOP: &str =
        r#"{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"AC00","callSid":"CA00"},"streamSid":"MZ00"}"#;

    fn media(track: &str, timestamp: u64, bytes: &[u8]) -> String {
        let payload = STANDARD.encode(bytes);
        format!(
            r#"{{"event":"media","sequenceNumber":"3","media":{{"track":"{track}","chunk":"1","timestamp":"{timestamp}","payload":"{payload}"}},"streamSid":"MZ00"}}"#
        )
    }

    #[test]
    fn both_tracks_are_heard_apart() {
        let (mut twilio, mut notes) = (Twilio::default(), Notes::default());
        let packets =
            [media("outbound", 5, &[0x80; 160]), media("inbound", 5, &[0xff; 160]), media("inbound", 65, &[0x80; 160])];
        for text in [CONNECTED, START].into_iter().chain(packets.iter().map(String::as_str)) {
            assert_eq!(twilio.hear(Incoming::Text(text), &mut notes), Ok(Flow::GoesOn));
        }
        let mark = r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ00","mark":{"name":"m"}}"#;
        assert_eq!(twilio.hear(Incoming::Text(mark), &mut notes), Ok(Flow::GoesOn));
        assert_eq!(twilio.hear(Incoming::Text(STOP), &mut notes), Ok(Flow::Ends));
        assert_eq!(notes.start.as_ref().map(|start| start.tracks), Some(2));
        assert_eq!(notes.tracks[0], [[0; 160], [32_124; 160]].concat());
        assert_eq!(notes.tracks[1], [32_124; 160]);
        // 40 ms between two packets of 20 ms were not sent.
        assert_eq!(notes.gaps, [(0, "silence", 320)]);
    }

    #[test]
    fn what_is_no_stream_is_told() {
        let packet = media("inbound", 0, &[0]);
        let linear = START.replace("audio/x-mulaw", "audio/x-l16");
        for (text, words) in
            [(packet.as_str(), "start before"), (&linear, "x-mulaw"), ("{}", "a message"), ("", "a message")]
        {
            let broken = Twilio::default().hear(Incoming::Text(text), &mut Notes::default()).unwrap_err();
            assert!(broken.0.contains(words), "{broken:?}");
        }
    }

    #[test]
    fn anything_may_come() {
        let packet = media("inbound", 20, &[7; 160]);
        let examples = [CONNECTED, START, &packet, STOP].map(Incoming::Text);
        survives(|| Box::new(Twilio::default()), &examples);
    }
}
