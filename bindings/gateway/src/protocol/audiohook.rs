//! Genesys `AudioHook`, version 2: JSON messages with sequence numbers, audio in binary messages, PCMU or L16 of 8 kHz, of the caller
//! (`external`) and the agent (`internal`), interleaved.
//!
//! Of the media offered the first is taken that has both sides, else the first. A probe of the connection, whose conversation has
//! the id zero, is answered like a call, and is none.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pcm::{Encoding, rate};
use super::{Broken, Ear, Flow, Incoming, Outgoing, Protocol, Start};
use crate::hub;
use crate::id::Id;
use veravox::g711::Law;

/// The protocol, over one connection.
#[derive(Default)]
pub struct AudioHook {
    session: String,
    /// Of what was sent, and of what came.
    seq: u64,
    client_seq: u64,
    media: Option<(Encoding, usize)>,
    sample_rate_hz: u32,
    is_probe: bool,
}

#[derive(Deserialize)]
struct Message {
    version: String,
    #[serde(rename = "type")]
    kind: String,
    seq: u64,
    id: String,
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Open {
    conversation_id: String,
    media: Vec<Media>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
struct Media {
    #[serde(rename = "type")]
    kind: String,
    format: String,
    channels: Vec<String>,
    rate: u64,
}

impl Media {
    fn encoding(&self) -> Option<Encoding> {
        match self.format.as_str() {
            "PCMU" => Some(Encoding::G711(Law::Mu)),
            "L16" => Some(Encoding::L16Le),
            _ => None,
        }
    }
}

impl Protocol for AudioHook {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::AudioHook
    }

    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        let text = match message {
            Incoming::Text(text) => text,
            Incoming::Binary(bytes) => {
                let (encoding, tracks) = self.media.ok_or(Broken("expected open before audio"))?;
                if !self.is_probe {
                    encoding.push(bytes, 0, tracks, ear);
                }
                return Ok(Flow::GoesOn);
            }
        };
        let message: Message = serde_json::from_str(text).map_err(|_| Broken("expected a message of AudioHook"))?;
        if message.version != "2" || message.seq != self.client_seq + 1 {
            return Err(Broken("expected version 2 and the next sequence number"));
        }
        self.client_seq = message.seq;
        let is_open = self.media.is_some();
        match message.kind.as_str() {
            "open" if !is_open => return self.open(message, ear).map(|()| Flow::GoesOn),
            _ if !is_open => return Err(Broken("expected open first")),
            "ping" => self.answer("pong", &json!({}), ear),
            "close" => {
                self.answer("closed", &json!({}), ear);
                return Ok(Flow::Ends);
            }
            "paused" if !self.is_probe => ear.hold(true),
            "resumed" if !self.is_probe => ear.hold(false),
            "discarded" if !self.is_probe => {
                let seconds =
                    message.parameters.get("discarded").and_then(Value::as_str).and_then(seconds).unwrap_or(0.0);
                let n_samples = (seconds * f64::from(self.sample_rate_hz)) as u64;
                let tracks = self.media.map_or(0, |(_, tracks)| tracks);
                (0..tracks).for_each(|track| ear.lost(track, n_samples));
            }
            // `update`, `error`, and what later versions may say.
            _ => {}
        }
        Ok(Flow::GoesOn)
    }

    fn farewell(&mut self) -> Option<Outgoing> {
        let parameters = json!({ "reason": "completed" });
        self.media.is_some().then(|| self.message("disconnect", &parameters))
    }
}

impl AudioHook {
    fn open(&mut self, message: Message, ear: &mut dyn Ear) -> Result<(), Broken> {
        let open: Open = serde_json::from_value(message.parameters)
            .map_err(|_| Broken("expected open with conversationId and media"))?;
        let known = |media: &&Media| {
            media.kind == "audio" && media.encoding().is_some() && (1..=2).contains(&media.channels.len())
        };
        let offered = || open.media.iter().filter(known);
        let chosen = offered().find(|media| media.channels.len() == 2).or_else(|| offered().next());
        let (media, encoding) = chosen
            .and_then(|media| Some((media, media.encoding()?)))
            .ok_or(Broken("expected media of PCMU or L16 with one channel or two"))?;
        self.sample_rate_hz = rate(media.rate)?;
        self.media = Some((encoding, media.channels.len()));
        self.session = message.id;
        self.is_probe = open.conversation_id.bytes().all(|byte| matches!(byte, b'0' | b'-'));
        if !self.is_probe {
            ear.begin(Start {
                call: Id::parse(&open.conversation_id),
                channel: None,
                tracks: media.channels.len(),
                sample_rate_hz: self.sample_rate_hz,
            });
        }
        self.answer("opened", &json!({ "startPaused": false, "media": [media] }), ear);
        Ok(())
    }

    fn answer(&mut self, kind: &str, parameters: &Value, ear: &mut dyn Ear) {
        let message = self.message(kind, parameters);
        ear.reply(message);
    }

    fn message(&mut self, kind: &str, parameters: &Value) -> Outgoing {
        self.seq += 1;
        let message = json!({
            "version": "2",
            "type": kind,
            "seq": self.seq,
            "clientseq": self.client_seq,
            "id": self.session,
            "parameters": parameters,
        });
        Outgoing::Text(message.to_string())
    }
}

/// An ISO 8601 duration of seconds alone, as `PT1.5S`; at most a day.
fn seconds(text: &str) -> Option<f64> {
    let value: f64 = text.strip_prefix("PT")?.strip_suffix('S')?.parse().ok()?;
    (0.0..=86_400.0).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;

    const SESSION: &str = "e160e428-53e2-487c-977d-96989bf5c99d";

    fn message(kind: &str, seq: u64, parameters: &str) -> String {
        format!(
            r#"{{"version":"2","id":"{SESSION}","type":"{kind}","seq":{seq},"serverseq":0,"position":"PT0S","parameters":{parameters}}}"#
        )
    }

    /// As Genesys' documentation shows it.
    fn open(conversation: &str) -> String {
        let media = r#"[{"type":"audio","format":"PCMU","channels":["external"],"rate":8000},{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}]"#;
        let participant = r#"{"id":"883efee8-3d6c-4537-b500-6d7ca4b92fa0","ani":"+1-555-555-1234","aniName":"John Doe","dnis":"+1-800-555-6789"}"#;
        message(
            "open",
            1,
            &format!(
                r#"{{"organizationId":"d7934305-0972-4844-938e-9060eef73d05","conversationId":"{conversation}","participant":{participant},"media":{media}}}"#
            ),
        )
    }

    #[test]
    fn a_session_is_opened_heard_and_closed() {
        let (mut hook, mut notes) = (AudioHook::default(), Notes::default());
        let hear = |hook: &mut AudioHook, notes: &mut Notes, text: &str| hook.hear(Incoming::Text(text), notes);
        hear(&mut hook, &mut notes, &open("090eaa2f-72fa-480a-83e0-8667ff89c0ec")).unwrap();
        let start = notes.start.clone().unwrap();
        assert_eq!((start.call, start.tracks), (Id::parse("090eaa2f-72fa-480a-83e0-8667ff89c0ec"), 2));
        let opened = notes.reply_json(0);
        assert_eq!(
            (&opened["type"], &opened["clientseq"], &opened["id"]),
            (&json!("opened"), &json!(1), &json!(SESSION))
        );
        assert_eq!(opened["parameters"]["media"][0]["channels"], json!(["external", "internal"]));
        hook.hear(Incoming::Binary(&[0xff, 0x80, 0xff, 0x80]), &mut notes).unwrap();
        assert_eq!(notes.tracks, [[0, 0], [32_124, 32_124]]);
        hear(&mut hook, &mut notes, &message("ping", 2, r#"{"rtt":"PT0.05S"}"#)).unwrap();
        assert_eq!((&notes.reply_json(1)["type"], &notes.reply_json(1)["seq"]), (&json!("pong"), &json!(2)));
        hear(&mut hook, &mut notes, &message("discarded", 3, r#"{"start":"PT1S","discarded":"PT0.5S"}"#)).unwrap();
        hear(&mut hook, &mut notes, &message("paused", 4, "{}")).unwrap();
        hear(&mut hook, &mut notes, &message("resumed", 5, r#"{"start":"PT1.5S","discarded":"PT2S"}"#)).unwrap();
        assert_eq!(
            (notes.gaps.as_slice(), notes.held.as_slice()),
            (&[(0, "lost", 4_000), (1, "lost", 4_000)][..], &[true, false][..])
        );
        assert_eq!(hear(&mut hook, &mut notes, &message("close", 6, r#"{"reason":"end"}"#)), Ok(Flow::Ends));
        assert_eq!(notes.reply_json(2)["type"], "closed");
    }

    #[test]
    fn a_probe_is_no_call() {
        let (mut hook, mut notes) = (AudioHook::default(), Notes::default());
        hook.hear(Incoming::Text(&open("00000000-0000-0000-0000-000000000000")), &mut notes).unwrap();
        hook.hear(Incoming::Binary(&[1, 2]), &mut notes).unwrap();
        assert!(notes.start.is_none());
        assert_eq!(notes.reply_json(0)["type"], "opened");
    }

    #[test]
    fn what_is_out_of_order_is_told() {
        let mut notes = Notes::default();
        for text in
            [message("ping", 1, "{}"), open("x").replace("PCMU", "OPUS"), open("x").replace("\"seq\":1", "\"seq\":2")]
        {
            assert!(AudioHook::default().hear(Incoming::Text(&text), &mut notes).is_err(), "{text}");
        }
        assert!(AudioHook::default().hear(Incoming::Binary(&[0]), &mut notes).is_err());
    }

    #[test]
    fn anything_may_come() {
        let open = open("090eaa2f-72fa-480a-83e0-8667ff89c0ec");
        let more: Vec<_> = ["paused", "discarded", "ping", "close"]
            .iter()
            .enumerate()
            .map(|(n, kind)| message(kind, n as u64 + 2, r#"{"discarded":"PT1S"}"#))
            .collect();
        let mut examples = vec![Incoming::Text(&open), Incoming::Binary(&[7; 320])];
        examples.extend(more.iter().map(|text| Incoming::Text(text)));
        survives(|| Box::new(AudioHook::default()), &examples);
    }
}
