//! Where the weights of a graph lie, as its bytes say. A graph from somebody else may name any file, in places where one reader of
//! protocol buffers looks and another does not: so these are the bytes themselves, every field that can hold a tensor, each time that it
//! comes. What is skipped here is no tensor to any reader.

use crate::error::{Error, ErrorKind, Result};

/// Messages within each other; readers of protocol buffers stop there as well.
const MAX_DEPTH: usize = 100;

/// Messages of ONNX that hold tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Training,
    Function,
    /// The model's own graph, whose weights alone may lie in a file: of others a runtime reads the file by itself.
    MainGraph,
    Graph,
    Node,
    Attribute,
    Sparse,
    Weights,
    Tensor,
}

impl Message {
    /// What lies in a field, by the numbers of onnx.proto.
    fn inside(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::MainGraph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::MainGraph, 5) => Self::Weights,
            (Self::Function, 7) | (Self::MainGraph | Self::Graph, 1) => Self::Node,
            (Self::Function, 11) | (Self::Node, 5) => Self::Attribute,
            (Self::MainGraph | Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::Sparse,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Self::Tensor,
            _ => return None,
        })
    }
}

/// A graph gets the weights in the file that the manifest names and no others.
///
/// # Errors
/// [`InvalidModel`](ErrorKind::InvalidModel) for a graph that names another file, or whose bytes are no graph.
pub(super) fn check(onnx: &[u8], known: Option<&str>) -> Result<()> {
    look(Message::Model, onnx, known, 0)
}

fn look(message: Message, bytes: &[u8], known: Option<&str>, depth: usize) -> Result<()> {
    if matches!(message, Message::Weights | Message::Tensor) {
        return check_tensor(message, bytes, known);
    }
    if depth > MAX_DEPTH {
        return Err(no_graph());
    }
    let mut fields = Fields(bytes);
    while let Some((number, content)) = fields.next()? {
        if let Some((inside, content)) = message.inside(number).zip(content) {
            look(inside, content, known, depth + 1)?;
        }
    }
    Ok(())
}

/// Of a tensor: 8 is its name, 13 an entry on the file that it lies in, a key and a value.
fn check_tensor(message: Message, bytes: &[u8], known: Option<&str>) -> Result<()> {
    let (mut name, mut places): (&[u8], _) = (&[], Vec::new());
    let mut fields = Fields(bytes);
    while let Some((number, content)) = fields.next()? {
        match (number, content) {
            (8, Some(content)) => name = content,
            (13, Some(entry)) => {
                let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
                let mut fields = Fields(entry);
                while let Some((number, content)) = fields.next()? {
                    match (number, content) {
                        (1, Some(content)) => key = content,
                        (2, Some(content)) => value = content,
                        _ => {}
                    }
                }
                places.extend((key == b"location").then_some(value));
            }
            _ => {}
        }
    }
    let known = known.filter(|_| message == Message::Weights);
    let Some(place) = places.into_iter().find(|place| Some(*place) != known.map(str::as_bytes)) else { return Ok(()) };
    let said = format!(
        "the weights {} lie in {:?}, expected the file that the manifest names in onnx.data ({})",
        String::from_utf8_lossy(name),
        String::from_utf8_lossy(place),
        known.unwrap_or("none")
    );
    Err(Error::new(ErrorKind::InvalidModel, said))
}

fn no_graph() -> Error {
    Error::new(ErrorKind::InvalidModel, "cannot load the ONNX graph: the file is none, or not whole")
}

/// The number of a field, and its content where that is of bytes.
type Field<'a> = (u64, Option<&'a [u8]>);

/// The fields of a message that are not read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next field; nothing at the end.
    fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.0.is_empty() { Ok(None) } else { self.field().map(Some).ok_or_else(no_graph) }
    }

    fn field(&mut self) -> Option<Field<'a>> {
        // Some readers drop the bits beyond 32, and find another number.
        let tag = self.varint().filter(|tag| (8..=u64::from(u32::MAX)).contains(tag))?;
        let number = tag >> 3;
        match tag & 7 {
            0 => self.varint().map(|_| (number, None)),
            1 => self.bytes(8).map(|_| (number, None)),
            5 => self.bytes(4).map(|_| (number, None)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.bytes(length).map(|content| (number, Some(content)))
            }
            // Groups, which ONNX has none of.
            _ => None,
        }
    }

    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes, at most 16 KiB.
    fn field(number: usize, content: &[u8]) -> Vec<u8> {
        let varint = |n: usize| [0x80 | (n & 0x7f) as u8, (n >> 7) as u8];
        [&varint((number << 3) | 2)[..], &varint(content.len()), content].concat()
    }

    /// A tensor `w` in a file.
    fn tensor(place: &str) -> Vec<u8> {
        let entry = [field(1, b"location"), field(2, place.as_bytes())].concat();
        [field(8, b"w"), field(13, &entry)].concat()
    }

    /// The fields, from the model inwards, around it.
    fn within(numbers: &[usize], inner: &[u8]) -> Vec<u8> {
        numbers.iter().rev().fold(inner.to_vec(), |inner, number| field(*number, &inner))
    }

    fn says(onnx: &[u8], known: Option<&str>) -> String {
        check(onnx, known).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn weights_lie_in_the_file_that_is_named_and_in_no_other() {
        let weights = within(&[7, 5], &tensor("a.data"));
        assert_eq!(says(&weights, Some("a.data")), "");
        for known in [None, Some("b.data")] {
            let said = says(&weights, known);
            assert!(
                said.contains("the weights w lie in \"a.data\", expected the file that the manifest names"),
                "{said}"
            );
        }
        assert_eq!(says(&within(&[7, 5], &field(9, b"weights in the graph")), None), "");
    }

    #[test]
    fn a_tensor_is_found_wherever_it_may_stand() {
        // Of constants, of branches, sparse, of functions and of training: no file is theirs.
        for numbers in [
            &[7, 1, 5, 5][..],
            &[7, 1, 5, 10],
            &[7, 1, 5, 6, 5],
            &[7, 1, 5, 11, 1, 5, 5],
            &[7, 15, 1],
            &[7, 15, 2],
            &[7, 1, 5, 22, 1],
            &[7, 1, 5, 23, 2],
            &[25, 7, 5, 5],
            &[25, 11, 5],
            &[20, 1, 5],
            &[20, 2, 15, 1],
        ] {
            let said = says(&within(numbers, &tensor("a.data")), Some("a.data"));
            assert!(said.contains("the weights w lie in"), "{numbers:?}: {said}");
        }
    }

    #[test]
    fn what_readers_take_for_different_things_hides_nothing() {
        let hidden = within(&[7, 5], &tensor("/etc/passwd"));
        // A graph that comes twice is one to some and two to others; so is an entry whose key comes twice. A text need not be one.
        for after in [field(7, b""), field(2, b"\xff")] {
            assert!(says(&[hidden.clone(), after].concat(), None).contains("/etc/passwd"));
        }
        let last =
            [field(1, b"offset"), field(1, b"location"), vec![8, 1], field(2, b"here"), field(2, b"there")].concat();
        assert!(says(&within(&[7, 5, 13], &last), Some("here")).contains("there"));
        assert_eq!(says(&within(&[7, 5, 13], &last), Some("there")), "");
        // A tag of more than 32 bits is field 7 to who drops the rest.
        let long_tag = [&[0xba, 0x80, 0x80, 0x80, 0x10], &hidden[2..]].concat();
        assert!(says(&long_tag, None).contains("the file is none, or not whole"));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for damaged in [
            &b"These are no weights.\n"[..],
            b"\x3a\x05\x0a",
            b"\x3a",
            b"\x00",
            b"\x3b\x3c",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(says(damaged, None).contains("cannot load the ONNX graph"), "{damaged:?}");
        }
        let graphs = |n| within(&[7], &within(&[1, 5, 6].repeat(n), &[]));
        assert_eq!(says(&graphs(30), None), "");
        assert!(says(&graphs(40), None).contains("cannot load the ONNX graph"));
    }
}
