//! No two files import each other, directly or by way of others: what is shared has a home below both.
//!
//! Imports are read from the text, by the rules that the two languages look names up with. Tests may look at whatever they
//! test, and are left out.

mod python;
mod rust;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Each file, with those that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

const PYTHON_PACKAGE: &str = "bindings/python/python/veravox";

/// Looks for circles in the Rust crates and the Python package of the checkout at `root`.
///
/// # Errors
/// Names each circle as `a -> b -> a`, or the file that could not be read.
pub fn check(root: &Path) -> Result<(), String> {
    let mut sources = vec!["core/src".to_owned(), "fuzz/src".to_owned(), "xtask/src".to_owned()];
    for binding in entries(&root.join("bindings"))? {
        let name = binding.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if binding.join("src").is_dir() {
            sources.push(format!("bindings/{name}/src"));
        }
    }
    let mut found = Vec::new();
    for source in &sources {
        found.extend(circles(&rust::imports(&files(root, source, &["rs"])?)).iter().map(|circle| told(source, circle)));
    }
    let package = circles(&python::imports("veravox", &files(root, PYTHON_PACKAGE, &["py", "pyi"])?));
    found.extend(package.iter().map(|circle| told(PYTHON_PACKAGE, circle)));
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("files import each other; give what they share a home below both:\n  {}", found.join("\n  ")))
}

fn told(source: &str, circle: &[String]) -> String {
    let files: Vec<_> = circle.iter().chain(circle.first()).map(String::as_str).collect();
    format!("{source}: {}", files.join(" -> "))
}

/// For each import that lies on a circle the shortest such circle, from its first file in the order of the alphabet.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let imports = graph.iter().flat_map(|(file, imported)| imported.iter().map(move |to| (file, to)));
    let mut found = BTreeSet::new();
    for (from, to) in imports {
        if let Some(mut circle) = way(graph, to, from) {
            let first = circle.iter().enumerate().min_by_key(|(_, file)| *file).map_or(0, |(at, _)| at);
            circle.rotate_left(first);
            found.insert(circle);
        }
    }
    found
}

/// The shortest way from one file to another along imports, both included.
fn way(graph: &Graph, from: &String, to: &String) -> Option<Vec<String>> {
    let mut came_from = BTreeMap::from([(from, None)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(file) = waiting.pop_front() {
        if file == to {
            let steps = std::iter::successors(Some(file), |file| came_from.get(file).copied().flatten());
            let mut way: Vec<_> = steps.cloned().collect();
            way.reverse();
            return Some(way);
        }
        for next in graph.get(file).into_iter().flatten() {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                Some(file)
            });
        }
    }
    None
}

/// The text of all files below a folder with these extensions, by their paths in it, with `/` on every system.
fn files(root: &Path, folder: &str, extensions: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let top = root.join(folder);
    let (mut texts, mut folders) = (BTreeMap::new(), vec![top.clone()]);
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
                let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
                let name = path.strip_prefix(&top).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                texts.insert(name, text);
            }
        }
    }
    Ok(texts)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |e: std::io::Error| format!("cannot read {}: {e}", folder.display());
    fs::read_dir(folder).map_err(cannot)?.map(|entry| entry.map(|entry| entry.path()).map_err(cannot)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    fn shown(edges: &[(&str, &str)]) -> Vec<String> {
        circles(&graph(edges)).iter().map(|circle| told("src", circle)).collect()
    }

    #[test]
    fn layers_have_no_circle() {
        assert!(shown(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]).is_empty());
    }

    #[test]
    fn each_circle_is_told_once() {
        assert_eq!(shown(&[("b", "a"), ("a", "b"), ("c", "a")]), ["src: a -> b -> a"]);
        assert_eq!(shown(&[("c", "a"), ("a", "b"), ("b", "c")]), ["src: a -> b -> c -> a"]);
        let two = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")];
        assert_eq!(shown(&two), ["src: a -> b -> a", "src: b -> c -> b"]);
    }

    #[test]
    fn the_checkout_that_this_is_built_in_is_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert!(files(root, "core/src", &["rs"]).unwrap().contains_key("engine/mod.rs"));
        assert!(files(root, PYTHON_PACKAGE, &["py", "pyi"]).unwrap().contains_key("report.py"));
        assert!(check(&root.join("docs")).unwrap_err().starts_with("cannot read"));
    }
}
