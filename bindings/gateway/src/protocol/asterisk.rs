//! Asterisk's `chan_websocket`: the words `MEDIA_START`, as JSON or as plain text, then audio in binary messages.

use serde::Deserialize;

use super::pcm::Encoding;
use super::{Broken, Ear, Flow, Incoming, Outgoing, Protocol, Start};
use crate::hub;
use crate::id::Id;

/// The protocol, over one connection.
#[derive(Default)]
pub struct Asterisk {
    /// The call, where the address says it.
    call: Option<Id>,
    begun: Option<Encoding>,
    speaks_json: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "event")]
    kind: &'a str,
    #[serde(default)]
    connection_id: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    format: String,
}

impl Protocol for Asterisk {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::Asterisk
    }

    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        match message {
            Incoming::Binary(bytes) => {
                let encoding = self.begun.ok_or(Broken("expected MEDIA_START before audio"))?;
                encoding.push(bytes, 0, 1, ear);
            }
            Incoming::Text(text) if text.starts_with('{') => {
                let event: Event = serde_json::from_str(text).map_err(|_| Broken("expected an event in JSON"))?;
                self.speaks_json = true;
                if event.kind == "MEDIA_START" {
                    self.begin(event, ear)?;
                }
            }
            Incoming::Text(text) => {
                let mut words = text.split(' ');
                if words.next() == Some("MEDIA_START") {
                    let pairs: Vec<_> = words.filter_map(|word| word.split_once(':')).collect();
                    let of = |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
                    let word = |name| of(name).unwrap_or_default();
                    let event = Event {
                        kind: "MEDIA_START",
                        connection_id: word("connection_id"),
                        channel: word("channel"),
                        format: word("format"),
                    };
                    self.begin(event, ear)?;
                }
            }
        }
        Ok(Flow::GoesOn)
    }

    fn farewell(&mut self) -> Option<Outgoing> {
        Some(Outgoing::Text(if self.speaks_json { r#"{"command":"HANGUP"}"# } else { "HANGUP" }.to_owned()))
    }
}

impl Asterisk {
    /// For a connection whose address says which call it is of: its verdicts then belong to the channel that says the same UUID, and
    /// not to that of the WebSocket.
    #[must_use]
    pub fn new(call: Option<Id>) -> Self {
        Self { call, ..Self::default() }
    }

    fn begin(&mut self, event: Event<'_>, ear: &mut dyn Ear) -> Result<(), Broken> {
        let (encoding, sample_rate_hz) = Encoding::of_asterisk(&event.format)
            .ok_or(Broken("expected a format of ulaw, alaw, slin or slin with a rate; set it by c(slin) in Dial()"))?;
        if self.begun.replace(encoding).is_some() {
            return Err(Broken("expected MEDIA_START once"));
        }
        let channel = Some(event.channel).filter(|name| !name.is_empty() && self.call.is_none());
        let call = self.call.or_else(|| Id::parse(&event.connection_id));
        ear.begin(Start { call, channel, tracks: 1, sample_rate_hz });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;

    /// As Asterisk's source writes them.
    const JSON: &str = r#"{"event":"MEDIA_START","connection_id":"5f6c3f4e-0a47-4e0c-9c3e-3bb2c5d6e7f8","channel":"WebSocket/gateway/0x7f","channel_id":"1753.1","format":"slin16","optimal_frame_size":640,"ptime":20,"channel_variables":{"A":"b"}}"#;
    const PLAIN: &str = "MEDIA_START connection_id:gateway channel:WebSocket/gateway/0x7f channel_id:1753.1 format:ulaw optimal_frame_size:160 ptime:20";

    #[test]
    fn a_call_begins_with_json_or_with_words() {
        let (mut json, mut notes) = (Asterisk::default(), Notes::default());
        json.hear(Incoming::Text(JSON), &mut notes).unwrap();
        json.hear(Incoming::Binary(&[1, 0, 2, 0]), &mut notes).unwrap();
        json.hear(Incoming::Text(r#"{"event":"DTMF_END","channel_id":"1753.1","digit":"1"}"#), &mut notes).unwrap();
        let start = notes.start.unwrap();
        assert_eq!(start.call, Id::parse("5f6c3f4e-0a47-4e0c-9c3e-3bb2c5d6e7f8"));
        assert_eq!((start.sample_rate_hz, start.channel.as_deref()), (16_000, Some("WebSocket/gateway/0x7f")));
        assert_eq!(notes.tracks, [[1, 2]]);
        assert_eq!(json.farewell(), Some(Outgoing::Text(r#"{"command":"HANGUP"}"#.to_owned())));

        let (mut plain, mut notes) = (Asterisk::default(), Notes::default());
        plain.hear(Incoming::Text(PLAIN), &mut notes).unwrap();
        plain.hear(Incoming::Binary(&[0xff, 0x80]), &mut notes).unwrap();
        plain.hear(Incoming::Text("DTMF_END digit:1 channel_id:1753.1"), &mut notes).unwrap();
        assert_eq!((notes.start.unwrap().call, &notes.tracks), (None, &vec![vec![0, 32_124]]));
        assert_eq!(plain.farewell(), Some(Outgoing::Text("HANGUP".to_owned())));
    }

    #[test]
    fn a_call_that_the_address_says_is_not_the_sockets() {
        let (id, mut notes) = (Id::random(), Notes::default());
        Asterisk::new(Some(id)).hear(Incoming::Text(JSON), &mut notes).unwrap();
        assert_eq!(notes.start.map(|start| (start.call, start.channel)), Some((Some(id), None)));
    }

    #[test]
    fn a_codec_that_is_not_decoded_is_told() {
        let opus = PLAIN.replace("ulaw", "opus");
        let broken = Asterisk::default().hear(Incoming::Text(&opus), &mut Notes::default()).unwrap_err();
        assert!(broken.0.contains("c(slin)"), "{broken:?}");
        let broken = Asterisk::default().hear(Incoming::Binary(&[0]), &mut Notes::default()).unwrap_err();
        assert!(broken.0.contains("MEDIA_START"), "{broken:?}");
    }

    #[test]
    fn anything_may_come() {
        let examples = [Incoming::Text(JSON), Incoming::Text(PLAIN), Incoming::Binary(&[7; 160])];
        survives(|| Box::new(Asterisk::default()), &examples);
    }
}
