//! ONNX Runtime, spoken to through `ort`.

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider as _};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{OutputSelector, RunOptions};
use ort::value::{Outlet, Tensor, TensorElementType, TensorRef, ValueType};

use super::files::Files;
use super::port::{Port, Wanted};
use crate::model::provider::Provider;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub(in crate::model) struct Session(ort::session::Session);

impl Session {
    pub fn open(environment: &Environment, files: &Files, providers: &[Provider]) -> Result<Self> {
        // One thread for each session: legs are scored side by side, not one leg faster.
        let mut builder = ort::session::Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)
            .map_err(ort::Error::<()>::from)?
            .with_intra_threads(1)
            .map_err(ort::Error::<()>::from)?
            // A plan of its memory for each size of batch that comes along is more than many legs take.
            .with_memory_pattern(false)
            .map_err(ort::Error::<()>::from)?;
        for provider in providers {
            register(*provider, &mut builder)?;
        }
        if let Some((name, weights)) = &files.data {
            builder = builder
                .with_external_initializer_file_in_memory(name, weights.clone())
                .map_err(ort::Error::<()>::from)?;
        }
        Ok(Self(builder.commit_from_memory(&files.onnx)?))
    }

    pub fn inputs(&self) -> Vec<Port> {
        self.0.inputs().iter().map(port).collect()
    }

    pub fn outputs(&self) -> Vec<Port> {
        self.0.outputs().iter().map(port).collect()
    }

    /// The outputs are made here and handed over to be filled: for each that it makes itself, `ort` 2.0.0-rc.14 forgets to
    /// give back a description of its type, some hundred bytes a run.
    pub fn run(
        &mut self,
        input: &str,
        shape: &[usize],
        values: &[f32],
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Vec<f32>>> {
        let mut selector = OutputSelector::no_default();
        for (name, [rows, columns]) in wanted {
            let room = Tensor::from_array(([*rows, *columns], vec![0.0_f32; rows * columns]))?;
            selector = selector.with(*name).preallocate(*name, room);
        }
        let options = RunOptions::new()?.with_outputs(selector);
        let tensor = TensorRef::from_array_view((shape, values))?;
        let outputs = self.0.run_with_options(ort::inputs![input => tensor], &options)?;
        wanted
            .iter()
            .map(|(name, _)| {
                let output = outputs.get(*name).ok_or_else(|| format!("it gave no output named {name}"))?;
                Ok(output.try_extract_tensor::<f32>()?.1.to_vec())
            })
            .collect()
    }
}

/// Whether an execution provider can be had from this library, on this machine.
pub(in crate::model) fn loads(environment: &Environment, provider: Provider) -> Result<()> {
    let known = match provider {
        Provider::Cuda => ep::CUDA::is_available(),
        Provider::TensorRt => ep::TensorRT::is_available(),
        Provider::CoreMl => ep::CoreML::is_available(),
        Provider::DirectMl => ep::DirectML::is_available(),
        Provider::Xnnpack => ep::XNNPACK::is_available(),
    };
    if !known? {
        return Err("this library of ONNX Runtime was built without it".into());
    }
    register(provider, &mut ort::session::Session::builder(environment)?)
}

fn register(provider: Provider, builder: &mut SessionBuilder) -> Result<()> {
    match provider {
        Provider::Cuda => ep::CUDA::default().register(builder)?,
        Provider::TensorRt => ep::TensorRT::default().register(builder)?,
        Provider::CoreMl => ep::CoreML::default().register(builder)?,
        Provider::DirectMl => ep::DirectML::default().register(builder)?,
        Provider::Xnnpack => ep::XNNPACK::default().register(builder)?,
    }
    Ok(())
}

fn port(outlet: &Outlet) -> Port {
    let floats = match outlet.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Ok(shape.to_vec()),
        other => Err(other.to_string()),
    };
    Port { name: outlet.name().to_owned(), floats }
}
