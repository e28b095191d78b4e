//! FreeSWITCH's `mod_audio_fork` and `mod_audio_stream`, and jambonz, whose `listen` is the first of them: a text frame with the
//! call's JSON, then 16-bit audio, little endian, of one side or of both interleaved.
//!
//! What the JSON does not say, since `mod_audio_fork` and `mod_audio_stream` send what they were given and nothing else, the
//! address says: `?rate=16000&channels=2`. The first text frame may be missing there. Verdicts go back as JSON text, which
//! FreeSWITCH raises as an event.

use serde::{Deserialize, Serialize};

use super::pcm::{Encoding, rate};
use super::{Broken, Ear, Flow, Incoming, Outgoing, Protocol, Start};
use crate::hub::{self, LegNews};
use crate::id::Id;

/// The protocol, over one connection.
pub struct Fork {
    /// As the address says.
    told: Told,
    /// Sides, once the call has begun.
    tracks: Option<usize>,
}

/// What the address says of the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Told {
    /// Samples a second.
    pub rate: Option<u64>,
    /// 1, or 2 for both sides, interleaved.
    pub channels: Option<usize>,
}

/// Of the JSON that comes first, what counts here. jambonz names it so; the others may be given it as metadata.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    call_sid: Option<String>,
    #[serde(alias = "uuid")]
    call_id: Option<String>,
    sample_rate: Option<u64>,
    mix_type: Option<String>,
}

#[derive(Serialize)]
struct Telling<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    news: &'a LegNews,
}

impl Fork {
    /// For a connection whose address says this.
    #[must_use]
    pub fn new(told: Told) -> Self {
        Self { told, tracks: None }
    }

    fn begin(&mut self, metadata: &Metadata, ear: &mut dyn Ear) -> Result<usize, Broken> {
        let stated = match metadata.mix_type.as_deref() {
            Some("stereo") => Some(2),
            Some(_) => Some(1),
            None => None,
        };
        let tracks = stated.or(self.told.channels).unwrap_or(1);
        if !(1..=2).contains(&tracks) {
            return Err(Broken("expected 1 or 2 channels"));
        }
        let sample_rate_hz = rate(metadata.sample_rate.or(self.told.rate).unwrap_or(8_000))?;
        let ids = [&metadata.call_sid, &metadata.call_id];
        let call = ids.into_iter().flatten().find_map(|id| Id::parse(id));
        ear.begin(Start { call, channel: None, tracks, sample_rate_hz });
        self.tracks = Some(tracks);
        Ok(tracks)
    }
}

impl Protocol for Fork {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::Fork
    }

    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        match (message, self.tracks) {
            // Metadata of another form says nothing; digits and marks come later on.
            (Incoming::Text(text), None) => {
                let metadata = serde_json::from_str(text).unwrap_or_default();
                self.begin(&metadata, ear)?;
            }
            (Incoming::Text(_), Some(_)) => {}
            (Incoming::Binary(bytes), tracks) => {
                let tracks = match tracks {
                    Some(tracks) => tracks,
                    None => self.begin(&Metadata::default(), ear)?,
                };
                Encoding::L16Le.push(bytes, 0, tracks, ear);
            }
        }
        Ok(Flow::GoesOn)
    }

    fn tell(&mut self, news: &LegNews) -> Option<Outgoing> {
        serde_json::to_string(&Telling { kind: "veravox", news }).ok().map(Outgoing::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;

    /// As jambonz sends it: the attributes of its webhooks, with names and numbers, and the audio's.
    const JAMBONZ: &str = r#"{"callSid":"b6f48929-8e86-4d62-ae3b-64fb574d91f6","direction":"inbound","from":"15550100","to":"15550101","callId":"Xf7@10.0.0.5","sipStatus":200,"callStatus":"in-progress","callerName":"A. Caller","sampleRate":16000,"mixType":"stereo"}"#;

    #[test]
    fn jambonz_says_all_in_its_first_frame() {
        let (mut fork, mut notes) = (Fork::new(Told::default()), Notes::default());
        fork.hear(Incoming::Text(JAMBONZ), &mut notes).unwrap();
        fork.hear(Incoming::Binary(&[1, 0, 2, 0, 3, 0, 4, 0]), &mut notes).unwrap();
        fork.hear(Incoming::Text(r#"{"event":"dtmf","dtmf":"2"}"#), &mut notes).unwrap();
        let start = notes.start.unwrap();
        assert_eq!(start.call, Id::parse("b6f48929-8e86-4d62-ae3b-64fb574d91f6"));
        assert_eq!((start.tracks, start.sample_rate_hz), (2, 16_000));
        assert_eq!(notes.tracks, [[1, 3], [2, 4]]);
    }

    #[test]
    fn the_others_say_it_in_the_address_or_not_at_all() {
        let (mut fork, mut notes) = (Fork::new(Told { rate: Some(16_000), channels: Some(2) }), Notes::default());
        fork.hear(Incoming::Text("anything that FreeSWITCH was given"), &mut notes).unwrap();
        assert_eq!(notes.start.as_ref().map(|start| (start.tracks, start.sample_rate_hz)), Some((2, 16_000)));
        let (mut fork, mut notes) = (Fork::new(Told::default()), Notes::default());
        fork.hear(Incoming::Binary(&[1, 0]), &mut notes).unwrap();
        assert_eq!(notes.start.map(|start| (start.tracks, start.sample_rate_hz)), Some((1, 8_000)));
        assert_eq!(notes.tracks, [[1]]);
        for told in [Told { channels: Some(3), rate: None }, Told { rate: Some(7), channels: None }] {
            assert!(Fork::new(told).hear(Incoming::Binary(&[1, 0]), &mut Notes::default()).is_err(), "{told:?}");
        }
    }

    #[test]
    fn anything_may_come() {
        survives(|| Box::new(Fork::new(Told::default())), &[Incoming::Text(JAMBONZ), Incoming::Binary(&[7; 640])]);
    }
}
