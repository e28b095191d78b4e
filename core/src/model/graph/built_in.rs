//! The built-in runtime: [rten](https://docs.rs/rten), in pure Rust.

use std::borrow::Cow;
use std::sync::Arc;

use rten::{DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueType, ValueView};

use super::port::{Port, Wanted};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub(super) struct Graph(Model);

impl Graph {
    pub fn load(onnx: Cow<'static, [u8]>) -> Result<Self> {
        let options = ModelOptions::with_all_ops();
        Ok(Self(match onnx {
            Cow::Borrowed(onnx) => options.load_static_slice(onnx)?,
            Cow::Owned(onnx) => options.load(onnx)?,
        }))
    }

    pub fn inputs(&self) -> Vec<Port> {
        self.ports(self.0.input_ids())
    }

    pub fn outputs(&self) -> Vec<Port> {
        self.ports(self.0.output_ids())
    }

    fn ports(&self, ids: &[NodeId]) -> Vec<Port> {
        let port = |id: &NodeId| {
            let info = self.0.node_info(*id)?;
            let dimension = |dimension: &Dimension| match dimension {
                Dimension::Fixed(n) => i64::try_from(*n).unwrap_or(i64::MAX),
                Dimension::Symbolic(_) => -1,
            };
            let floats = match (info.dtype(), info.shape()) {
                (None | Some(ValueType::Tensor(DataType::Float)), Some(shape)) => {
                    Ok(shape.iter().map(dimension).collect())
                }
                (None | Some(ValueType::Tensor(DataType::Float)), None) => Err("of no stated shape".to_owned()),
                (Some(ValueType::Tensor(other)), _) => Err(format!("a tensor of {other}")),
                (Some(_), _) => Err("a sequence".to_owned()),
            };
            Some(Port { name: info.name().unwrap_or_default().to_owned(), floats })
        };
        ids.iter().filter_map(port).collect()
    }
}

/// A graph with a thread of its own: legs are scored side by side, not one leg faster, and never wait for each other.
pub(in crate::model) struct Session {
    graph: Arc<Graph>,
    options: RunOptions,
}

impl Session {
    pub fn new(graph: Arc<Graph>) -> Self {
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        Self { graph, options: RunOptions::default().with_thread_pool(Some(pool)) }
    }

    pub fn run(
        &mut self,
        input: &str,
        shape: &[usize],
        values: &[f32],
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Vec<f32>>> {
        let Graph(model) = &*self.graph;
        let outputs = wanted.iter().map(|(name, _)| model.node_id(name)).collect::<std::result::Result<Vec<_>, _>>()?;
        let inputs = vec![(model.node_id(input)?, ValueView::from_shape(shape, values)?.into())];
        let ran = model.run(inputs, &outputs, Some(self.options.clone()))?;
        let values = ran.into_iter().zip(wanted).map(|(value, (name, expected))| {
            let (found, values) =
                value.into_shape_vec::<f32, 2>().map_err(|e| format!("{name} is not as expected: {e}"))?;
            if found == *expected {
                Ok(values)
            } else {
                Err(format!("expected {name} to have the shape {expected:?}, it has {found:?}").into())
            }
        });
        values.collect()
    }
}
