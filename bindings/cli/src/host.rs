//! What runs the command: a program of its own, or an interpreter that has it in a package.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// What the command must know of the process that it runs in. The default is a program of its own.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// How the command is started once more, as in `python -m veravox`; this very program without it.
    pub restart: Option<(PathBuf, Vec<OsString>)>,
    /// Folder of an installed `onnxruntime` package, whose library is used unless something else is asked for.
    pub onnxruntime: Option<PathBuf>,
}

impl Host {
    /// The command once more, in a process of its own, without arguments yet.
    pub(crate) fn command(&self) -> io::Result<Command> {
        Ok(match &self.restart {
            None => Command::new(std::env::current_exe()?),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        })
    }
}
