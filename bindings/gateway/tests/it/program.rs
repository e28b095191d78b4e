//! The program: its arguments and its signals.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use veravox_gateway::config::Config;

use super::asterisk::{Asterisk, Fate, Says};
use super::doors::request;
use super::world::VOICE;

const PROGRAM: &str = env!("CARGO_BIN_EXE_veravox-gateway");

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(PROGRAM).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A gateway that was started from a file.
struct Started {
    process: Child,
    audiosocket: SocketAddr,
    http: SocketAddr,
}

impl Started {
    fn new(file: &Path, more: &str) -> Self {
        let (audiosocket, http) = (free_address(), free_address());
        let config = format!("[audiosocket]\nlisten = \"{audiosocket}\"\n[http]\nlisten = \"{http}\"\n{more}");
        std::fs::write(file, config).unwrap();
        let mut process = Command::new(PROGRAM).arg("--config").arg(file).stderr(Stdio::piped()).spawn().unwrap();
        // Its first words are that it is ready, or what is wrong.
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        while !lines.next().unwrap().unwrap().contains("ready") {}
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, audiosocket, http }
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    async fn metric(&self, name: &str) -> f64 {
        let (_, text) = request(self.http, "GET", "/metrics", &[], "").await;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_it_prints_as_its_configuration_is_good() {
    let (code, printed, _) = run(&["--print-config"]);
    assert_eq!((code, Config::parse(&printed)), (Some(0), Ok(Config::default())));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, printed).unwrap();
    let file = file.to_str().unwrap();
    let (code, said, _) = run(&["--config", file, "--check"]);
    assert!(code == Some(0) && said.contains("model        phone") && said.contains("is good"), "{said}");
    let (code, said, _) = run(&["--model", "wide", "--check"]);
    assert!(code == Some(0) && !said.contains("phone"), "{said}");
}

#[test]
fn what_is_wrong_is_said_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    for (text, words) in [
        ("[http]\nlistne = \"\"\n", "line 2"),
        ("[scoring]\nmodel = \"/nowhere\"\n", "/nowhere"),
        ("[scoring]\nprior = 7.0\n", "prior"),
        ("[scoring]\nmax_legs = 0\n", "max_legs"),
        ("[http]\ntoken_file = \"/nowhere\"\n", "/nowhere"),
        ("[http]\ntls_certificate = \"/nowhere\"\ntls_key = \"/nowhere\"\n", "/nowhere"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, _, said) = run(&["--config", file.to_str().unwrap(), "--check"]);
        assert!(code == Some(2) && said.contains(words), "{text}: {said}");
    }
    let (code, _, said) = run(&["--calibration", "/nowhere", "--check"]);
    assert!(code == Some(2) && said.contains("/nowhere"), "{said}");
}

#[test]
fn the_configurations_of_the_examples_are_good() {
    for folder in ["asterisk", "twilio"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder).join("gateway.toml");
        let read = Config::parse(&std::fs::read_to_string(path).unwrap());
        assert!(read.is_ok(), "{folder}: {read:?}");
    }
}

#[tokio::test]
async fn sigterm_ends_it_in_order_with_a_call_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut started = Started::new(&folder.path().join("gateway.toml"), "");
    let mut asterisk = Asterisk::dial(started.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..16_000])]).await, Fate::Left);
    started.signal("TERM");
    assert_eq!(asterisk.call(&[Says::Waits]).await, Fate::GoesOn { by_frame: true });
    drop(asterisk);
    assert_eq!(started.process.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn sighup_reads_thresholds_and_models_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let started = Started::new(&file, "[scoring]\nmodel = \"/nowhere\"\n");
    let listeners =
        format!("[audiosocket]\nlisten = \"{}\"\n[http]\nlisten = \"{}\"\n", started.audiosocket, started.http);
    assert!(started.metric("veravox_engine_up").await < 0.5);
    // Nobody is called a machine at this threshold.
    std::fs::write(&file, format!("{listeners}[scoring]\nsynthetic_llr = 50.0\n")).unwrap();
    started.signal("HUP");
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if started.metric("veravox_engine_up").await > 0.5 {
            break;
        }
    }
    let mut asterisk = Asterisk::dial(started.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..56_000])]).await, Fate::Left);
    // What cannot be read changes nothing, and the call that is up keeps its engine.
    std::fs::write(&file, "[scoring]\nprior = 7.0\n").unwrap();
    started.signal("HUP");
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[56_000..60_000])]).await, Fate::Left);
    drop(asterisk);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if started.metric("veravox_legs_ended_total{status=\"NOTSURE\"}").await > 0.5 {
            break;
        }
    }
    assert!(started.metric("veravox_legs_ended_total{status=\"NOTSURE\"}").await > 0.5);
    assert!(started.metric("veravox_engine_up").await > 0.5);
}

#[test]
fn a_load_test_measures_what_its_calls_cost() {
    let voice = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/calls/03-bank-card.alaw.wav");
    let mut process = Command::new(PROGRAM)
        .args(["loadtest", voice, "--calls", "4", "--seconds", "6", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(process.wait().unwrap().success());
    let figures: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&figures["dropped_calls"], &figures["error"]), (&0.into(), &0.0.into()), "{figures}");
    assert!(figures["synthetic"].as_f64() > Some(0.0) && figures["windows_scored"].as_f64() > Some(4.0), "{figures}");
    assert!(figures["gateway_cores"].as_f64() > Some(0.0) && figures["engine_cores"].as_f64() > Some(0.0), "{figures}");
}
