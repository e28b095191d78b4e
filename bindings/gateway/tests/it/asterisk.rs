//! The other side of `AudioSocket` as Asterisk is it: `app_audiosocket.c` and `res_audiosocket.c` of version 20.20.
//!
//! Its socket does not block, and a frame that cannot be written whole hangs the caller up; so do a read that fails, a frame that
//! is not audio, and two seconds in which neither the caller nor the gateway sends anything. A hang-up frame or the end of the
//! gateway's side lets the dialplan go on.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::world::due;

/// What becomes of the caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// The dialplan goes on: by a hang-up frame, or by the end of the gateway's side.
    GoesOn { by_frame: bool },
    /// The caller is hung up.
    HungUp(&'static str),
    /// The caller hung up, when all was said.
    Left,
}

/// What the caller does.
pub enum Says<'a> {
    /// Speaks.
    Audio(&'a [i16]),
    /// Sends nothing for a while.
    Nothing(Duration),
    /// Sends bytes that Asterisk never would.
    Bytes(Vec<u8>),
    /// Waits for the gateway to end it.
    Waits,
}

pub struct Asterisk {
    stream: TcpStream,
    /// Frames that the gateway sent.
    pub n_frames: usize,
}

impl Asterisk {
    /// Dials, and says which call it is.
    pub async fn dial(address: SocketAddr, uuid: [u8; 16]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut asterisk = Self { stream, n_frames: 0 };
        assert!(asterisk.write(&[&[1, 0, 16], &uuid[..]].concat()));
        asterisk
    }

    pub async fn call(&mut self, says: &[Says<'_>]) -> Fate {
        for said in says {
            let fate = match said {
                Says::Audio(samples) => self.speak(samples).await,
                Says::Nothing(for_long) => self.wait(Instant::now() + *for_long).await,
                Says::Bytes(bytes) => (!self.write(bytes)).then_some(Fate::HungUp("a frame could not be written")),
                Says::Waits => self.wait(Instant::now() + Duration::from_mins(1)).await,
            };
            if let Some(fate) = fate {
                return fate;
            }
        }
        Fate::Left
    }

    async fn speak(&mut self, samples: &[i16]) -> Option<Fate> {
        let began = Instant::now();
        // The last frame is short.
        for (number, packet) in samples.chunks(160).enumerate() {
            if let Some(fate) = self.wait(due(began, number)).await {
                return Some(fate);
            }
            let payload: Vec<u8> = packet.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let length = (payload.len() as u16).to_be_bytes();
            if !self.write(&[&[0x10, length[0], length[1]], &payload[..]].concat()) {
                return Some(Fate::HungUp("a frame could not be written"));
            }
        }
        None
    }

    /// Reads until then. Nothing for two seconds, and it is over.
    async fn wait(&mut self, until: Instant) -> Option<Fate> {
        loop {
            let quiet = tokio::time::sleep(Duration::from_secs(2));
            let mut head = [0; 3];
            tokio::select! {
                biased;
                read = self.stream.read_exact(&mut head) => match read {
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Some(Fate::GoesOn { by_frame: false }),
                    Err(_) => return Some(Fate::HungUp("reading failed")),
                    Ok(_) if head[0] == 0 => return Some(Fate::GoesOn { by_frame: true }),
                    Ok(_) if !(0x10..=0x18).contains(&head[0]) => return Some(Fate::HungUp("a frame was not audio")),
                    Ok(_) => {
                        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
                        if payload.is_empty() || self.stream.read_exact(&mut payload).await.is_err() {
                            return Some(Fate::HungUp("a frame was cut off"));
                        }
                        self.n_frames += 1;
                    }
                },
                () = tokio::time::sleep_until(until) => return None,
                () = quiet => return Some(Fate::HungUp("two seconds without a frame")),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.try_write(bytes).is_ok_and(|n| n == bytes.len())
    }
}
