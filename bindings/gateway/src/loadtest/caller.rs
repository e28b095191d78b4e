//! A caller, by way of Asterisk: a frame of 20 ms every 20 ms.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::id::Id;
use crate::protocol::audiosocket::{HANG_UP_FRAME, SILENCE_FRAME};

const FRAME_SAMPLES: usize = 160;
const FRAME: Duration = Duration::from_millis(20);
/// How long the gateway has to close, once the caller has hung up.
const MAX_CLOSE: Duration = Duration::from_secs(10);

pub struct Caller {
    samples: Arc<[i16]>,
    /// Where in the recording it is.
    at: usize,
}

impl Caller {
    /// Callers are at different places of the recording, by steps that no window divides.
    pub fn new(number: u32, samples: &Arc<[i16]>) -> Self {
        Self { samples: Arc::clone(samples), at: number as usize * 7_919 % samples.len().max(1) }
    }

    /// Calls, speaks, hangs up. Says whether the call held to its end.
    pub async fn call(mut self, address: SocketAddr, begins: Instant, seconds: Duration) -> bool {
        sleep_until(begins).await;
        let Ok(mut stream) = TcpStream::connect(address).await else { return false };
        let _ = stream.set_nodelay(true);
        let hello = [&[1, 0, 16], Id::random().bytes().as_slice()].concat();
        if stream.write_all(&hello).await.is_err() {
            return false;
        }
        let mut due = Instant::now();
        let ends = due + seconds;
        let mut frame = SILENCE_FRAME;
        let mut heard = [0; 1_024];
        while due < ends {
            self.speak(&mut frame);
            // Asterisk hangs up when a frame finds no room.
            if !matches!(stream.try_write(&frame), Ok(n) if n == frame.len()) {
                return false;
            }
            due += FRAME;
            sleep_until(due).await;
            // The silence that comes back.
            match stream.try_read(&mut heard) {
                Ok(0) => return false,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return false,
                _ => {}
            }
        }
        let hang_up = async {
            stream.write_all(&HANG_UP_FRAME).await?;
            while stream.read(&mut heard).await? > 0 {}
            Ok::<(), std::io::Error>(())
        };
        matches!(timeout(MAX_CLOSE, hang_up).await, Ok(Ok(())))
    }

    /// Writes the next samples into a frame.
    fn speak(&mut self, frame: &mut [u8]) {
        let (_, payload) = frame.split_at_mut(3);
        for place in payload.chunks_exact_mut(2).take(FRAME_SAMPLES) {
            place.copy_from_slice(&self.samples.get(self.at).copied().unwrap_or(0).to_le_bytes());
            self.at = if self.at + 1 >= self.samples.len() { 0 } else { self.at + 1 };
        }
    }
}
