//! SIP's offers and answers: what payload types mean, and where the audio goes. Nothing else of a message is looked at, and
//! nothing of it is kept.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Media, Session};

use super::payload::{Meaning, PayloadTypes, meaning, standard};

/// Whether a datagram is a message of SIP.
pub(super) fn is_sip(payload: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 8] =
        [b"SIP/2.0 ", b"INVITE ", b"ACK ", b"UPDATE ", b"PRACK ", b"INFO ", b"MESSAGE ", b"OPTIONS "];
    BEGINNINGS.iter().any(|beginning| payload.starts_with(beginning))
}

/// Learns what the session description of a message says, where it has one. Whether it could be read.
pub(super) fn learn(message: &[u8], types: &mut PayloadTypes) -> Option<bool> {
    let start = message.windows(5).position(|five| matches!(five, [b'\n', b'v', b'=', b'0', b'\r' | b'\n']))? + 1;
    let description = message.get(start..)?;
    // Of a body in several parts the description ends where the next part begins.
    let end = description.windows(3).position(|three| three == b"\n--").map_or(description.len(), |at| at + 1);
    let Ok(session) = Session::parse(description.get(..end)?) else { return Some(false) };
    let of_session = session.connection.as_ref().and_then(|c| address(&c.connection_address));
    for media in &session.medias {
        let ip = media.connections.first().and_then(|c| address(&c.connection_address)).or(of_session);
        let endpoint = ip.map(|ip| SocketAddr::new(ip, media.port));
        let is_secret =
            media.proto.contains("SAVP") || media.attributes.iter().any(|a| matches!(a.attribute.as_str(), "crypto"));
        for payload_type in media.fmt.split(' ').filter_map(|text| text.parse::<u8>().ok()).filter(|n| *n < 128) {
            let of_type = of(media, payload_type);
            match of_type {
                Some(_) if is_secret => types.announce(endpoint, payload_type, Meaning::Enciphered),
                Some(meaning) => types.announce(endpoint, payload_type, meaning),
                None => {}
            }
        }
    }
    Some(true)
}

/// What a description of media says of a payload type.
fn of(media: &Media, payload_type: u8) -> Option<Meaning> {
    if media.media != "audio" {
        return Some(Meaning::Other);
    }
    let parameters = parameters(&media.attributes, "fmtp", payload_type).unwrap_or_default();
    let has = |wanted: &str| parameters.split(';').any(|part| part.trim().eq_ignore_ascii_case(wanted));
    // Frames in another order, or with checks: nobody is known to do it.
    if ["interleaving", "crc=1", "robust-sorting=1"].iter().any(|odd| parameters.contains(odd)) {
        return Some(Meaning::Other);
    }
    let Some(map) = parameters_of_map(&media.attributes, payload_type) else { return standard(payload_type) };
    let mut parts = map.split('/');
    let encoding = parts.next()?.trim();
    let clock_rate_hz = parts.next()?.trim().parse().ok().filter(|hz| (1_000..=192_000).contains(hz))?;
    Some(meaning(encoding, clock_rate_hz, has("octet-align=1")))
}

fn parameters_of_map(attributes: &[Attribute], payload_type: u8) -> Option<&str> {
    parameters(attributes, "rtpmap", payload_type)
}

/// The value of an attribute that speaks of this payload type.
fn parameters<'a>(attributes: &'a [Attribute], name: &str, payload_type: u8) -> Option<&'a str> {
    attributes.iter().filter(|attribute| attribute.attribute == name).find_map(|attribute| {
        let (number, value) = attribute.value.as_deref()?.trim().split_once(' ')?;
        (number.parse() == Ok(payload_type)).then_some(value)
    })
}

fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.trim().parse().ok()
}
