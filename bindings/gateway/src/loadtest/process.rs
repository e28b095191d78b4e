//! The gateway's process, and what Linux and the gateway itself say of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Of a gateway's threads that serve sockets, so that what they take is told from what the engine takes.
pub const THREAD_NAME: &str = "gateway";
/// How long it has to load its model and listen.
const MAX_START: Duration = Duration::from_mins(1);

pub struct Gateway {
    process: Child,
    http: SocketAddr,
}

/// The answer of `/metrics`.
pub struct Metrics(pub String);

/// Processor time in seconds, and memory.
pub struct Usage {
    pub engine_cpu: Option<f64>,
    pub gateway_cpu: Option<f64>,
    pub rss_kib: Option<u64>,
}

impl Gateway {
    /// Starts one with this configuration, and waits until it answers there.
    pub async fn start(config: &str, http: SocketAddr) -> Result<Self, String> {
        let words = |error: std::io::Error| format!("cannot start a gateway: {error}");
        let program = std::env::current_exe().map_err(words)?;
        let mut command = Command::new(program);
        command.args(["--config", "/dev/stdin"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(words)?;
        let mut gateway = Self { process, http };
        if let Some(mut stdin) = gateway.process.stdin.take() {
            stdin.write_all(config.as_bytes()).map_err(words)?;
        }
        let began = Instant::now();
        while gateway.get("/readyz").await.is_none() {
            if gateway.process.try_wait().map_err(words)?.is_some() || began.elapsed() > MAX_START {
                return Err("the gateway did not start".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(gateway)
    }

    pub async fn metrics(&self) -> Result<Metrics, String> {
        self.get("/metrics").await.map(Metrics).ok_or_else(|| "the gateway does not answer".to_owned())
    }

    /// The body of an answer of 200.
    async fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.http).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.http);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
    }

    /// Of its threads those that serve sockets have a name; what else there is listens and scores.
    pub fn usage(&self) -> Usage {
        let process = format!("/proc/{}", self.process.id());
        let threads = || -> Option<(f64, f64)> {
            let (mut engine, mut gateway) = (0.0, 0.0);
            for task in std::fs::read_dir(format!("{process}/task")).ok()? {
                let task = task.ok()?.path();
                let Some(seconds) = on_processor(&task.join("schedstat")) else { continue };
                let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
                let is_own = name.trim() == THREAD_NAME || task.ends_with(self.process.id().to_string());
                *(if is_own { &mut gateway } else { &mut engine }) += seconds;
            }
            Some((engine, gateway))
        };
        let (engine_cpu, gateway_cpu) = threads().unzip();
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        Usage { engine_cpu, gateway_cpu, rss_kib: rss }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processor time of this process, in seconds.
pub fn own_cpu() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    Some(tasks.filter_map(|task| on_processor(&task.ok()?.path().join("schedstat"))).sum())
}

/// Of the last minute.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Seconds on a processor: the first number of Linux's `schedstat`, in nanoseconds.
fn on_processor(schedstat: &std::path::Path) -> Option<f64> {
    let text = std::fs::read_to_string(schedstat).ok()?;
    let ns: f64 = text.split(' ').next()?.parse().ok()?;
    Some(ns * 1e-9)
}
