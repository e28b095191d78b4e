//! The bytes of a model: its graph, and its weights where they lie in a file of their own.

use std::borrow::Cow;

use rten_onnx::onnx::{GraphProto, ModelProto, TensorProto};

use crate::error::{Error, ErrorKind, Result};

/// Graphs within graphs that are looked into, of loops and branches.
const MAX_DEPTH: usize = 16;

/// What was read, and whose hashes are right.
pub(in crate::model) struct Files {
    pub onnx: Cow<'static, [u8]>,
    /// The file with the weights that the manifest names.
    pub data: Option<(String, Cow<'static, [u8]>)>,
}

impl Files {
    /// A graph says itself where its weights lie: anywhere, if it is hostile. It gets the file that the manifest names and no other.
    pub fn check(&self) -> Result<()> {
        // What is no graph is refused by the runtime, in its words.
        let Ok(model) = ModelProto::parse_buf(&self.onnx) else { return Ok(()) };
        model.graph.map_or(Ok(()), |graph| self.check_graph(&graph, 0))
    }

    fn check_graph(&self, graph: &GraphProto, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            let message = format!("expected graphs at most {MAX_DEPTH} deep within each other");
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
        graph.initializer.iter().try_for_each(|tensor| self.check_tensor(tensor))?;
        for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
            attribute.t.iter().try_for_each(|tensor| self.check_tensor(tensor))?;
            attribute.g.iter().try_for_each(|graph| self.check_graph(graph, depth + 1))?;
        }
        Ok(())
    }

    fn check_tensor(&self, tensor: &TensorProto) -> Result<()> {
        let known = self.data.as_ref().map(|(name, _)| name.as_str());
        for entry in &tensor.external_data {
            let named = entry.value.as_deref().unwrap_or_default();
            if entry.key.as_deref() == Some("location") && Some(named) != known {
                let message = format!(
                    "the weights {} lie in {named:?}, expected the file that the manifest names in onnx.data ({})",
                    tensor.name.as_deref().unwrap_or_default(),
                    known.unwrap_or("none")
                );
                return Err(Error::new(ErrorKind::InvalidModel, message));
            }
        }
        Ok(())
    }
}
