//! What the files of a crate import of each other: every path in their code, in a `use` or not, whose names lead to another
//! file. A `mod x;` alone is no import.

use std::collections::{BTreeMap, BTreeSet};

/// A module, by the names that lead to it from the root of its crate.
type Place = Vec<String>;

/// The files of a crate, by their paths in its `src`, each with those that it imports.
pub(super) fn imports(files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let has_library = files.contains_key("lib.rs");
    // A command beside a library imports that by the name of its crate, and nothing imports the command.
    let read = files.iter().filter(|(name, _)| !(has_library && name.as_str() == "main.rs"));
    let code: BTreeMap<&String, (Place, Code)> =
        read.map(|(name, text)| (name, (place_of(name), Code::read(&tokens(text))))).collect();
    let tests: Vec<Place> =
        code.values().flat_map(|(place, code)| code.tests.iter().map(move |name| joined(place, name))).collect();
    let code = || code.iter().filter(|(_, (place, _))| !tests.iter().any(|test| place.starts_with(test)));
    let files: BTreeMap<&Place, &String> = code().map(|(name, (place, _))| (place, *name)).collect();
    code()
        .map(|(name, (place, code))| {
            let homes = code.paths(place, &files).into_iter().filter_map(|path| home(&path, &files));
            ((*name).clone(), homes.filter(|home| home != *name).collect())
        })
        .collect()
}

fn place_of(file: &str) -> Place {
    let mut place: Place = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if place.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
        place.pop();
    }
    place
}

/// The file in which a path ends: the deepest module on it that has a file. What comes after it stands in that file.
fn home(path: &[String], files: &BTreeMap<&Place, &String>) -> Option<String> {
    (0..=path.len()).rev().find_map(|n| files.get(&path[..n].to_vec())).map(|file| (*file).clone())
}

fn joined(place: &[String], name: &str) -> Place {
    place.iter().cloned().chain([name.to_owned()]).collect()
}

/// The code of a file without its tests.
struct Code {
    tokens: Vec<String>,
    /// Modules of tests that have a file of their own.
    tests: Vec<String>,
}

impl Code {
    fn read(all: &[String]) -> Self {
        let (mut tokens, mut tests, mut at) = (Vec::new(), Vec::new(), 0);
        while at < all.len() {
            if starts(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
                let end = end_of_item(all, at + 7);
                if let Some(name) = all[at..end].windows(3).find(|w| w[0] == "mod" && w[2] == ";").map(|w| &w[1]) {
                    tests.push(name.clone());
                }
                at = end;
            } else {
                tokens.push(all[at].clone());
                at += 1;
            }
        }
        Self { tokens, tests }
    }

    /// All paths that begin where names of this crate can, from its root.
    fn paths(&self, place: &Place, files: &BTreeMap<&Place, &String>) -> Vec<Place> {
        let (mut found, mut brought) = (Vec::new(), BTreeMap::new());
        // A `use` may build on what one below it brings.
        for is_use in [true, true, false] {
            // The module that a token stands in, and how deep its braces are where that is no file.
            let (mut here, mut depth, mut inline) = (place.clone(), 0, Vec::new());
            let mut at = 0;
            while at < self.tokens.len() {
                let rest = &self.tokens[at..];
                let (mut step, mut paths) = (1, Vec::new());
                if starts(rest, &["use"]) {
                    step = rest.iter().position(|token| token == ";").unwrap_or(rest.len());
                    paths = if is_use { leaves(&rest[1..step]) } else { Vec::new() };
                } else if starts(rest, &["(", "in"]) {
                    // `pub(in crate::x)` says who may see, and imports nothing.
                    step = rest.iter().position(|token| token == ")").unwrap_or(rest.len());
                } else if starts(rest, &["mod"]) && rest.get(2).is_some_and(|token| token == "{") {
                    here.push(rest[1].clone());
                    inline.push(depth);
                    (depth, step) = (depth + 1, 3);
                } else if starts(rest, &["{"]) {
                    depth += 1;
                } else if starts(rest, &["}"]) {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        here.pop();
                    }
                } else if is_name(&rest[0]) {
                    let path = path(rest);
                    step = 2 * path.len() - 1;
                    // A name alone is that of a variable, or was brought here by a `use`.
                    let begins = at == 0 || self.tokens[at - 1] != "::";
                    if !is_use && begins && path.len() > 1 {
                        paths.push((path, None));
                    }
                }
                for (path, name) in paths {
                    let Some(path) = from_root(&path, &here, &brought, files) else { continue };
                    if let (true, Some(name), true) = (is_use, name, files.contains_key(&path)) {
                        brought.insert(name, path.clone());
                    }
                    found.push(path);
                }
                at += step;
            }
        }
        found
    }
}

/// A path from the root of the crate; none where it leads out of it.
fn from_root(
    path: &[String],
    here: &[String],
    brought: &BTreeMap<String, Place>,
    files: &BTreeMap<&Place, &String>,
) -> Option<Place> {
    let (first, rest) = path.split_first()?;
    let (mut base, mut rest) = match first.as_str() {
        "crate" => (Vec::new(), rest),
        "self" => (here.to_vec(), rest),
        "super" => (here.to_vec(), path),
        name if files.contains_key(&joined(here, name)) => (here.to_vec(), path),
        name => (brought.get(name)?.clone(), rest),
    };
    while let Some(after) = rest.strip_prefix(&["super".to_owned()]) {
        base.pop();
        rest = after;
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The paths of a `use`, each with the name that it brings, if it is no `*`.
fn leaves(tree: &[String]) -> Vec<(Vec<String>, Option<String>)> {
    let start = path(tree);
    let rest = tree.get((2 * start.len()).saturating_sub(1)..).unwrap_or_default();
    let rest = if starts(rest, &["::"]) { &rest[1..] } else { rest };
    if starts(rest, &["{"]) {
        let inner = &rest[1..rest.len() - 1];
        let branches = split(inner).into_iter().flat_map(leaves);
        return branches.map(|(end, name)| ([start.as_slice(), &end].concat(), name)).map(without_self).collect();
    }
    if starts(rest, &["*"]) {
        return vec![(start, None)];
    }
    let name = if starts(rest, &["as"]) { rest.get(1) } else { start.last() }.cloned();
    vec![(start, name)]
}

/// `x::{self}` is `x`.
fn without_self((mut path, mut name): (Vec<String>, Option<String>)) -> (Vec<String>, Option<String>) {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
        if name.as_deref() == Some("self") {
            name = path.last().cloned();
        }
    }
    (path, name)
}

/// At the commas that lie in no braces.
fn split(tokens: &[String]) -> Vec<&[String]> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The names at the beginning that `::` joins.
fn path(tokens: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for pair in tokens.chunks(2) {
        if !is_name(&pair[0]) {
            break;
        }
        names.push(pair[0].clone());
        if pair.get(1).is_none_or(|token| token != "::") {
            break;
        }
    }
    names
}

/// Where the item ends that begins at `at`: behind its `;`, or the braces that close.
fn end_of_item(tokens: &[String], at: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token == ";" || token == "}") {
            return n + 1;
        }
    }
    tokens.len()
}

fn starts(tokens: &[String], with: &[&str]) -> bool {
    tokens.len() >= with.len() && tokens.iter().zip(with).all(|(token, with)| token == with)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, numbers, `::` and single signs, without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let is = |at: usize, c: char| text.get(at) == Some(&c);
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let start = at;
        match text[at] {
            '/' if is(at + 1, '/') => at = until(&text, at, |rest| rest[0] == '\n'),
            '/' if is(at + 1, '*') => {
                // Comments nest.
                let mut depth = 0;
                while at < text.len() {
                    match (text[at], text.get(at + 1)) {
                        ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
                        ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '"' => at = after_string(&text, at),
            '\'' if is(at + 1, '\\') => at = until(&text, at + 3, |rest| rest[0] == '\'') + 1,
            '\'' if is(at + 2, '\'') => at += 3,
            // A lifetime, or a label.
            '\'' => at = until(&text, at + 1, |rest| !in_name(rest[0])),
            c if in_name(c) => {
                at = until(&text, at, |rest| !in_name(rest[0]));
                let name: String = text[start..at].iter().collect();
                let hashes = text[at..].iter().take_while(|c| **c == '#').count();
                if ["r", "br", "cr"].contains(&name.as_str()) && is(at + hashes, '"') {
                    let ends =
                        |rest: &[char]| rest[0] == '"' && rest[1..].iter().take_while(|c| **c == '#').count() >= hashes;
                    at = until(&text, at + hashes + 1, ends) + hashes + 1;
                } else if name == "r" && hashes == 1 {
                    // `r#name` is a name.
                    at += 1;
                } else if !(["b", "c"].contains(&name.as_str()) && is(at, '"')) {
                    tokens.push(name);
                }
            }
            ':' if is(at + 1, ':') => {
                tokens.push("::".to_owned());
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn after_string(text: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn until(text: &[char], at: usize, ends: impl Fn(&[char]) -> bool) -> usize {
    (at..text.len()).find(|at| ends(&text[*at..])).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The imports of the first of some files, as in `lib.rs = text`.
    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let all = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        imports(&all)[files[0].0].iter().cloned().collect()
    }

    #[test]
    fn a_use_leads_to_the_file_that_holds_the_item() {
        let others = [("lib.rs", "mod a; mod b; pub use b::deep::Deep;"), ("b/mod.rs", "mod deep;"), ("b/deep.rs", "")];
        let from_a = |text| of(&[&[("a.rs", text)], others.as_slice()].concat());
        assert_eq!(from_a("use crate::b::deep::Deep;"), ["b/deep.rs"]);
        assert_eq!(from_a("use crate::b::deep;"), ["b/deep.rs"]);
        assert_eq!(from_a("use crate::b::Item;"), ["b/mod.rs"]);
        assert_eq!(from_a("pub(crate) use super::b::{self, deep::{A, B as C}};"), ["b/deep.rs", "b/mod.rs"]);
        assert_eq!(from_a("use crate::{Deep, b::deep::*};"), ["b/deep.rs", "lib.rs"]);
        assert_eq!(from_a("use super::*;"), ["lib.rs"]);
        assert_eq!(from_a("use std::b::deep; use ::b::deep::X; use self::own::X;"), [""; 0]);
    }

    #[test]
    fn a_path_in_code_is_an_import_and_a_mod_alone_is_none() {
        let others = [("b/mod.rs", ""), ("b/deep.rs", "")];
        let from_lib = |text| of(&[&[("lib.rs", text)], others.as_slice()].concat());
        assert_eq!(from_lib("mod b;"), [""; 0]);
        assert_eq!(from_lib("mod b; use b::Item;"), ["b/mod.rs"]);
        assert_eq!(from_lib("mod b; fn f() { b::deep::g::<u8>() }"), ["b/deep.rs"]);
        assert_eq!(from_lib("mod b; use b::deep as low; fn f() -> low::X { low::g() }"), ["b/deep.rs"]);
        assert_eq!(from_lib("mod b; pub use b::deep; pub use deep::X;"), ["b/deep.rs"]);
        assert_eq!(from_lib("pub(in crate::b) struct S; fn f(b: u8) { x.b(); B::deep() }"), [""; 0]);
    }

    #[test]
    fn modules_inside_a_file_are_that_file() {
        let files = [("a.rs", "mod own { use super::X; use super::super::Y; } use super::Z;"), ("lib.rs", "mod a;")];
        assert_eq!(of(&files), ["lib.rs"]);
        assert_eq!(of(&[("a.rs", "mod own { use super::X; fn f() {} } fn g() { self::own::f() }"), files[1]]), [""; 0]);
    }

    #[test]
    fn tests_comments_and_strings_import_nothing() {
        let text = r#"
            //! [`crate::b::A`]
            /* /* */ use crate::b::B; */
            #[cfg(test)]
            mod tests { use super::*; use crate::b::C; fn f() { let _ = '{'; } }
            #[cfg(test)]
            mod more;
            const A: &str = "use crate::b::D; \" crate::b::E";
            const B: &str = r"crate::b::F\";
            fn f<'a>(x: &'a u8) -> char { '"' }
        "#;
        let files = [("a.rs", text), ("b.rs", ""), ("lib.rs", "mod a; mod b;"), ("a/more.rs", "use crate::a::X;")];
        assert_eq!(of(&files), [""; 0]);
        let all = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert!(!imports(&all).contains_key("a/more.rs"), "files of tests are left out");
        assert_eq!(of(&[("a.rs", "#[cfg(test)] use crate::b::A; use crate::b::B;"), files[1], files[2]]), ["b.rs"]);
    }

    #[test]
    fn a_command_beside_a_library_is_left_out() {
        let files = [("lib.rs", "mod a;"), ("main.rs", "use crate::a::X;"), ("a.rs", "use crate::Y;")];
        assert_eq!(of(&files), [""; 0]);
        assert_eq!(of(&[("main.rs", "mod a; use a::X;"), ("a.rs", "")]), ["a.rs"]);
    }
}
