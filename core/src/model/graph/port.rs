//! What goes into a graph and what comes out of it.

/// One input or output of a graph.
pub(in crate::model) struct Port {
    pub name: String,
    /// Dimensions, negative where the graph leaves them open; or what it is instead of a tensor of 32-bit floats.
    pub floats: std::result::Result<Vec<i64>, String>,
}

/// An output that is wanted, by its name and shape.
pub(in crate::model) type Wanted<'a> = (&'a str, [usize; 2]);
