//! A connection to Asterisk: logged in, one batch of actions after the other, each of which is answered.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::ami::wire::{Message, Parser, write_action};

/// How long Asterisk may take for an answer. It waits a second before it says that a login failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// The dialplan's variable for a UUID, where neither the application `AudioSocket` nor a channel of its kind tells it.
const UUID_VARIABLE: &str = "VERAVOX_UUID";

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Asterisk is not there, or went away.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It does not answer.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// What it says is no AMI.
    #[error("it does not speak AMI: {0}")]
    Garbage(#[from] crate::ami::wire::TooLong),
    /// It does not let us in, or not do this.
    #[error("{0}")]
    Refused(String),
}

/// What came of setting a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// It is set.
    Done,
    /// There is no such channel, or no longer.
    NoChannel,
    /// It was not set, for another reason.
    Refused(String),
}

/// A variable of a channel.
pub struct Variable<'a> {
    pub channel: &'a str,
    pub name: &'static str,
    pub value: &'a str,
}

/// A channel of the phone system, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The channel's id.
    pub unique: String,
    /// The id of the channel that the call began with.
    pub linked: String,
    /// The UUIDs by which it may be called.
    pub uuids: Vec<String>,
}

/// A connection that is logged in.
pub struct Session {
    stream: TcpStream,
    parser: Parser,
    /// Read, and not yet looked at.
    read: VecDeque<Message>,
    last_id: u64,
}

impl Session {
    /// Connects and logs in. The secret does not cross the line: Asterisk's challenge and it are hashed together.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open(address: &str, username: &str, secret: &str) -> Result<Self, Failure> {
        let stream =
            tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await.map_err(|_| Failure::Silent)??;
        stream.set_nodelay(true)?;
        let mut session = Self { stream, parser: Parser::default(), read: VecDeque::new(), last_id: 0 };
        let challenge = session.act("Challenge", &[("AuthType", "MD5")]).await?;
        let challenge = accepted(&challenge)?.get("Challenge").unwrap_or_default();
        let digest = Md5::digest(format!("{challenge}{secret}"));
        let key = digest.iter().fold(String::new(), |mut key, byte| {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
            key
        });
        let headers = [("AuthType", "MD5"), ("Username", username), ("Key", key.as_str()), ("Events", "off")];
        accepted(&session.act("Login", &headers).await?)?;
        Ok(session)
    }

    /// Sets variables, in their order.
    ///
    /// # Errors
    /// See [`Failure`]; what Asterisk refuses is no failure, but told.
    pub async fn set(&mut self, variables: &[Variable<'_>]) -> Result<Vec<Setting>, Failure> {
        let mut text = String::new();
        let ids: Vec<_> = variables
            .iter()
            .map(|variable| {
                let id = self.next_id();
                let headers = [("Channel", variable.channel), ("Variable", variable.name), ("Value", variable.value)];
                write_action(&mut text, "Setvar", id, &headers).map(|()| id)
            })
            .collect();
        self.send(&text).await?;
        let mut settings = Vec::with_capacity(ids.len());
        for id in ids {
            settings.push(match id {
                Ok(id) => setting(&self.answer(id).await?),
                Err(header) => Setting::Refused(format!("the header {header} would hold what ends a line")),
            });
        }
        Ok(settings)
    }

    /// The channels that there are.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn channels(&mut self) -> Result<Vec<Channel>, Failure> {
        let mut text = String::new();
        let id = self.next_id();
        // No header of it comes from outside.
        let _ = write_action(&mut text, "Status", id, &[("Variables", UUID_VARIABLE)]);
        self.send(&text).await?;
        accepted(&self.answer(id).await?)?;
        let mut channels = Vec::new();
        loop {
            let message = self.next_of(id).await?;
            if message.is_event("StatusComplete") {
                return Ok(channels);
            }
            channels.extend(channel(&message));
        }
    }

    /// Asks whether Asterisk is there.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ping(&mut self) -> Result<(), Failure> {
        accepted(&self.act("Ping", &[]).await?).map(|_| ())
    }

    async fn act(&mut self, action: &str, headers: &[(&'static str, &str)]) -> Result<Message, Failure> {
        let (mut text, id) = (String::new(), self.next_id());
        let odd = |header| Failure::Refused(format!("{header} holds what ends a line"));
        write_action(&mut text, action, id, headers).map_err(odd)?;
        self.send(&text).await?;
        self.answer(id).await
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    async fn send(&mut self, text: &str) -> Result<(), Failure> {
        tokio::time::timeout(PATIENCE, self.stream.write_all(text.as_bytes())).await.map_err(|_| Failure::Silent)??;
        Ok(())
    }

    async fn answer(&mut self, id: u64) -> Result<Message, Failure> {
        loop {
            let message = self.next_of(id).await?;
            if message.get("Response").is_some() {
                return Ok(message);
            }
        }
    }

    /// The next message of an action; events that nobody asked for are passed over.
    async fn next_of(&mut self, id: u64) -> Result<Message, Failure> {
        let id = id.to_string();
        let found = async {
            loop {
                while let Some(message) = self.read.pop_front() {
                    if message.get("ActionID") == Some(&id) {
                        return Ok(message);
                    }
                }
                let mut bytes = [0; 8_192];
                let n = self.stream.read(&mut bytes).await?;
                if n == 0 {
                    return Err(Failure::Io(std::io::ErrorKind::UnexpectedEof.into()));
                }
                self.read.extend(self.parser.push(bytes.get(..n).unwrap_or_default())?);
            }
        };
        tokio::time::timeout(PATIENCE, found).await.map_err(|_| Failure::Silent)?
    }
}

fn accepted(message: &Message) -> Result<&Message, Failure> {
    if message.get("Response").is_some_and(|response| response.eq_ignore_ascii_case("Success")) {
        Ok(message)
    } else {
        Err(Failure::Refused(message.get("Message").unwrap_or("it refused without a word").to_owned()))
    }
}

fn setting(answer: &Message) -> Setting {
    match accepted(answer) {
        Ok(_) => Setting::Done,
        Err(Failure::Refused(words)) if words == "No such channel" => Setting::NoChannel,
        Err(failure) => Setting::Refused(failure.to_string()),
    }
}

fn channel(message: &Message) -> Option<Channel> {
    let mut uuids = Vec::new();
    // AudioSocket(UUID,host:port), as it runs.
    if message.get("Application").is_some_and(|name| name.eq_ignore_ascii_case("AudioSocket")) {
        uuids.extend(message.get("Data").and_then(|data| data.split(',').next()).map(|uuid| uuid.trim().to_owned()));
    }
    // A channel of that kind: AudioSocket/host:port-UUID.
    if let Some(name) = message.get("Channel").filter(|name| name.starts_with("AudioSocket/")) {
        let start = name.len().saturating_sub(36);
        uuids.extend(name.get(start..).map(str::to_owned));
    }
    let of_variable = |value: &str| value.strip_prefix(UUID_VARIABLE)?.strip_prefix('=').map(str::to_owned);
    uuids.extend(message.all("Variable").find_map(of_variable));
    let unique = message.get("Uniqueid")?.to_owned();
    let linked = message.get("Linkedid").unwrap_or(&unique).to_owned();
    Some(Channel { unique, linked, uuids })
}

/// Which channels are to be told of a call: those that say its UUID, which beside the one of the socket may be one that is listened
/// to by way of it, and those that their calls began with.
#[must_use]
pub fn channels_of(call: &crate::id::Id, channels: &BTreeMap<crate::id::Id, Vec<Channel>>) -> Vec<String> {
    let mut of_call: Vec<String> = Vec::new();
    for channel in channels.get(call).into_iter().flatten() {
        for id in [&channel.unique, &channel.linked] {
            if !id.is_empty() && !of_call.contains(id) {
                of_call.push(id.clone());
            }
        }
    }
    of_call
}
