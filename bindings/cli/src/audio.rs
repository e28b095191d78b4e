//! Where audio is scored from: arguments that commands share.

use std::path::PathBuf;

use clap::Args;
use veravox::decode::RtpMap;

/// Where audio is scored from.
#[derive(Args)]
pub struct Audio {
    /// Score the audio in these folders, at any depth: that of the key's trials, where there is a key.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    #[expect(clippy::struct_field_names, reason = "its name is that of the argument")]
    pub audio: Vec<PathBuf>,
    /// What an RTP payload type of packet captures is, as of veravox scan.
    #[arg(long, value_name = "TYPE=CODEC/RATE", requires = "audio")]
    pub rtp_map: Vec<RtpMap>,
    /// Keep the results of --audio in this JSONL file, as veravox scan --jsonl writes it.
    #[arg(long = "keep-results", value_name = "FILE", requires = "audio")]
    pub keep: Option<PathBuf>,
    /// Go on with the interrupted scoring that --keep-results holds.
    #[arg(long, requires = "keep")]
    pub resume: bool,
    /// Files scored at once; as many as there are cores without it.
    #[arg(long, short, value_name = "N", requires = "audio", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}
