//! An ONNX graph in the runtime of this process, behind one face: what goes in and out, and how it is run.

mod built_in;
mod external;
mod files;
#[cfg(feature = "onnxruntime")]
pub(super) mod onnx_runtime;
mod port;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
#[cfg(feature = "onnxruntime")]
use std::sync::{Mutex, PoisonError};

pub(super) use files::Files;
pub(super) use port::Port;

use crate::error::{Error, ErrorKind, Result};
use crate::model::runtime::{Backend, Runtime};
use crate::model::threads::Threads;
use port::Wanted;

/// A loaded graph, from which sessions are made.
pub(super) struct Graph {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    kind: Kind,
}

enum Kind {
    /// The bytes, since each session reads them anew; and the first session, which told what goes in and out.
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(&'static Runtime, Files, Mutex<Option<Box<onnx_runtime::Session>>>),
    /// Read and optimised once, shared by all sessions.
    BuiltIn(Arc<built_in::Graph>),
}

/// What runs a graph, one thread at a time.
pub(super) enum Session {
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(Box<onnx_runtime::Session>),
    BuiltIn(built_in::Session),
}

impl Graph {
    /// Loads a graph.
    ///
    /// # Errors
    /// [`InvalidModel`](ErrorKind::InvalidModel) when the runtime cannot.
    pub fn load(runtime: &'static Runtime, files: Files) -> Result<Self> {
        files.check()?;
        match runtime.backend() {
            #[cfg(feature = "onnxruntime")]
            Backend::OnnxRuntime(environment) => {
                let session = onnx_runtime::Session::open(environment, &files, runtime.providers())
                    .map_err(|e| refused(runtime, e))?;
                let (inputs, outputs) = (session.inputs(), session.outputs());
                Ok(Self {
                    inputs,
                    outputs,
                    kind: Kind::OnnxRuntime(runtime, files, Mutex::new(Some(Box::new(session)))),
                })
            }
            Backend::BuiltIn if files.data.is_some() => {
                Err(refused(runtime, "its weights lie in a file of their own".into()))
            }
            Backend::BuiltIn => match catch_unwind(AssertUnwindSafe(|| built_in::Graph::load(files.onnx))) {
                Ok(Ok(graph)) => {
                    Ok(Self { inputs: graph.inputs(), outputs: graph.outputs(), kind: Kind::BuiltIn(Arc::new(graph)) })
                }
                Ok(Err(e)) => Err(refused(runtime, e)),
                Err(_) => Err(refused(runtime, "it panics over it".into())),
            },
        }
    }

    #[cfg_attr(not(feature = "onnxruntime"), expect(clippy::unnecessary_wraps, reason = "ONNX Runtime can fail"))]
    pub fn session(&self, threads: &Threads) -> Result<Session> {
        match &self.kind {
            #[cfg(feature = "onnxruntime")]
            Kind::OnnxRuntime(runtime, files, first) => {
                let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(session) = first {
                    return Ok(Session::OnnxRuntime(session));
                }
                let Backend::OnnxRuntime(environment) = runtime.backend() else {
                    return Err(refused(runtime, "another runtime is in use".into()));
                };
                let session = onnx_runtime::Session::open(environment, files, runtime.providers())
                    .map_err(|e| refused(runtime, e))?;
                Ok(Session::OnnxRuntime(Box::new(session)))
            }
            Kind::BuiltIn(graph) => Ok(Session::BuiltIn(built_in::Session::new(Arc::clone(graph), threads))),
        }
    }
}

impl Session {
    /// Runs the graph on `values` of `shape`; gives the values of each of `wanted`, names of outputs with their shapes.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the graph fails, or an output has another shape.
    pub fn run(
        &mut self,
        input: &str,
        shape: &[usize],
        values: &[f32],
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Vec<f32>>> {
        let ran = match self {
            #[cfg(feature = "onnxruntime")]
            Self::OnnxRuntime(session) => session.run(input, shape, values, wanted),
            Self::BuiltIn(session) => catch_unwind(AssertUnwindSafe(|| session.run(input, shape, values, wanted)))
                .unwrap_or_else(|_| Err("the runtime panics over it".into())),
        };
        ran.map_err(|e| Error::new(ErrorKind::Runtime, format!("the model failed: {e}")).with_source(e))
    }
}

/// The built-in runtime lacks some of ONNX; who meets that learns what has it.
fn refused(runtime: &Runtime, why: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let way_on = match runtime.backend() {
        Backend::BuiltIn => {
            "; ONNX Runtime may have it: pip install onnxruntime in an active environment, or set ORT_DYLIB_PATH"
        }
        #[cfg(feature = "onnxruntime")]
        Backend::OnnxRuntime(_) => "",
    };
    Error::new(ErrorKind::InvalidModel, format!("{runtime} cannot load the ONNX graph: {why}{way_on}")).with_source(why)
}
