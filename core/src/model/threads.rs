//! Where the built-in runtime runs graphs.

use std::sync::Arc;

use super::runtime::{Backend, Runtime};

/// A thread of the runtime's own, where it wants one. rten runs every graph on a pool of its own threads: a caller waits there for
/// another thread to be woken, which on a busy machine takes milliseconds. Work that itself [runs](Self::run) on the thread does
/// not wait.
#[derive(Clone)]
pub(crate) struct Threads(Option<Arc<rten::ThreadPool>>);

impl Threads {
    /// A new one. Legs are scored side by side, not one leg faster: each has one thread.
    pub fn new(runtime: &Runtime) -> Self {
        Self(match runtime.backend() {
            Backend::BuiltIn => Some(Arc::new(rten::ThreadPool::with_num_threads(1))),
            #[cfg(feature = "onnxruntime")]
            Backend::OnnxRuntime(_) => None,
        })
    }

    /// Does some work where graphs run.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.run(work),
            None => work(),
        }
    }

    pub(super) fn pool(&self) -> Option<Arc<rten::ThreadPool>> {
        self.0.clone()
    }
}
