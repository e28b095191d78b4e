//! Messages of Asterisk's Manager Interface, as they stand on the line: headers `Name: value`, each with CR LF, and an empty line.

use std::fmt::Write as _;

/// Longest line and longest message that are taken; Asterisk's own are far shorter.
const MAX_LINE: usize = 16 << 10;
const MAX_HEADERS: usize = 1_024;

/// A message of the other side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, String)>);

impl Message {
    /// The value of the first header of this name; names have no case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// It is the event of this name.
    #[must_use]
    pub fn is_event(&self, name: &str) -> bool {
        self.get("Event").is_some_and(|event| event.eq_ignore_ascii_case(name))
    }
}

/// Cuts bytes into messages.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    message: Message,
}

/// What came is no AMI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line or a message is longer than any of Asterisk's")]
pub struct TooLong;

impl Parser {
    /// Takes bytes as they come, and gives the messages that are whole. Lines without a colon, as Asterisk's greeting, are passed over.
    ///
    /// # Errors
    /// [`TooLong`], after which nothing more can be understood.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut whole = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > MAX_LINE {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line(&mut whole)?;
            }
        }
        Ok(whole)
    }

    fn end_line(&mut self, whole: &mut Vec<Message>) -> Result<(), TooLong> {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            if !self.message.0.is_empty() {
                whole.push(std::mem::take(&mut self.message));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            if self.message.0.len() == MAX_HEADERS {
                return Err(TooLong);
            }
            self.message.0.push((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()));
        }
        self.line.clear();
        Ok(())
    }
}

/// Writes an action. A value with what would end its line is not sent: whoever names a channel must not command the switch.
///
/// # Errors
/// The name of the header that holds such a value.
pub fn write_action(
    to: &mut String,
    action: &str,
    id: u64,
    headers: &[(&'static str, &str)],
) -> Result<(), &'static str> {
    if let Some((name, _)) = headers.iter().find(|(_, value)| value.contains(|c: char| c.is_control())) {
        return Err(name);
    }
    // Writing to a String cannot fail.
    let _ = write!(to, "Action: {action}\r\nActionID: {id}\r\n");
    for (name, value) in headers {
        let _ = write!(to, "{name}: {value}\r\n");
    }
    to.push_str("\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TALK: &str = "Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n\
                        Event: Status\r\nPrivilege: Call\r\nChannel: PJSIP/100-00000001\r\nVariable: A=1\r\nVariable: B=x: y\r\n\
                        Uniqueid: 1764000000.1\r\n\r\n";

    #[test]
    fn messages_are_cut_where_they_end() {
        let messages = Parser::default().push(TALK.as_bytes()).unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!((messages[0].get("response"), messages[0].get("ActionID")), (Some("Success"), Some("1")));
        assert!(messages[1].is_event("status"));
        assert_eq!(messages[1].all("Variable").collect::<Vec<_>>(), ["A=1", "B=x: y"]);
    }

    #[test]
    fn what_has_no_end_is_refused() {
        assert_eq!(Parser::default().push(&vec![b'x'; MAX_LINE + 1]), Err(TooLong));
        assert_eq!(Parser::default().push("a: b\r\n".repeat(MAX_HEADERS + 1).as_bytes()), Err(TooLong));
    }

    #[test]
    fn no_channel_commands_the_switch() {
        let mut text = String::new();
        let odd = "PJSIP/1\r\n\r\nAction: Command\r\nCommand: core stop now";
        assert_eq!(write_action(&mut text, "Setvar", 1, &[("Channel", odd)]), Err("Channel"));
        assert_eq!(text, "");
        assert_eq!(write_action(&mut text, "Setvar", 1, &[("Channel", "PJSIP/1"), ("Value", "")]), Ok(()));
        assert_eq!(text, "Action: Setvar\r\nActionID: 1\r\nChannel: PJSIP/1\r\nValue: \r\n\r\n");
    }

    proptest! {
        #[test]
        fn however_the_bytes_come(cuts in prop::collection::vec(0..TALK.len(), 0..8)) {
            let mut cuts = cuts;
            cuts.extend([0, TALK.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut messages = Vec::new();
            for cut in cuts.windows(2) {
                messages.extend(parser.push(&TALK.as_bytes()[cut[0]..cut[1]]).unwrap());
            }
            prop_assert_eq!(messages, Parser::default().push(TALK.as_bytes()).unwrap());
        }

        #[test]
        fn whatever_comes_is_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = Parser::default().push(&bytes);
        }
    }
}
