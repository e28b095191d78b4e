//! What the modules of a Python package import of each other: at the top, in functions, and for types alone.
//!
//! What is compiled is a module by its stub.

use std::collections::{BTreeMap, BTreeSet};

/// The modules of a package, by their paths in it, each with those that it imports.
pub(super) fn imports(package: &str, files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    // Where a module has a stub beside it, the last to come is the module.
    let modules: BTreeMap<Vec<&str>, &String> = files.keys().rev().map(|file| (module_of(file), file)).collect();
    files
        .iter()
        .map(|(file, text)| {
            let mut around = module_of(file);
            if !file.ends_with("__init__.py") {
                around.pop();
            }
            let tokens = tokens(text);
            let statements = tokens.split(|token| token == "\n");
            let targets = statements.flat_map(|statement| targets(package, &around, &modules, statement));
            let found = targets.filter_map(|target| modules.get(&target)).filter(|found| **found != file);
            (file.clone(), found.map(|found| (*found).clone()).collect())
        })
        .collect()
}

fn module_of(file: &str) -> Vec<&str> {
    let mut module: Vec<_> = file.trim_end_matches(".pyi").trim_end_matches(".py").split('/').collect();
    if module.last() == Some(&"__init__") {
        module.pop();
    }
    module
}

/// The modules that a statement imports, from the package on.
fn targets<'a>(
    package: &str,
    around: &[&'a str],
    modules: &BTreeMap<Vec<&'a str>, &String>,
    statement: &'a [String],
) -> Vec<Vec<&'a str>> {
    let words: Vec<&str> = statement.iter().map(String::as_str).collect();
    let lists = |words: &[&'a str]| -> Vec<Vec<&'a str>> {
        words
            .split(|word| *word == ",")
            .map(|names| names.iter().take_while(|w| **w != "as").copied().collect())
            .collect()
    };
    let inside = |name: &[&'a str]| -> Option<Vec<&'a str>> {
        (name.first() == Some(&package)).then(|| name[1..].iter().copied().filter(|word| *word != ".").collect())
    };
    match words.as_slice() {
        ["import", names @ ..] => lists(names).iter().filter_map(|name| inside(name)).collect(),
        ["from", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "import").unwrap_or(rest.len());
            let (module, names) = rest.split_at(at);
            let n_dots = module.iter().take_while(|word| **word == ".").count();
            let base = if n_dots == 0 {
                inside(module)
            } else {
                let kept = around.len().checked_sub(n_dots - 1);
                kept.map(|n| around[..n].iter().chain(&module[n_dots..]).copied().filter(|word| *word != ".").collect())
            };
            let Some(base) = base else { return Vec::new() };
            let names = names.iter().skip(1).copied().filter(|word| !["(", ")"].contains(word)).collect::<Vec<_>>();
            // A name is a module, or stands in the one that it is taken from.
            let name = |name: Vec<&'a str>| {
                let module = [base.as_slice(), name.as_slice()].concat();
                if modules.contains_key(&module) { module } else { base.clone() }
            };
            lists(&names).into_iter().filter(|words| !words.is_empty()).map(name).collect()
        }
        _ => Vec::new(),
    }
}

/// Words and single signs, without comments and strings, and a line break where a statement may begin.
fn tokens(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut depth) = (Vec::new(), 0, 0_i32);
    while at < text.len() {
        match text[at] {
            '#' => at += text[at..].iter().take_while(|c| **c != '\n').count(),
            '"' | '\'' => at = after_string(&text, at),
            '\\' => at += 2,
            c if in_word(c) => {
                let n = text[at..].iter().take_while(|c| in_word(**c)).count();
                tokens.push(text[at..at + n].iter().collect());
                at += n;
            }
            c => {
                depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
                if "\n;:".contains(c) && depth == 0 {
                    tokens.push("\n".to_owned());
                } else if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn after_string(text: &[char], at: usize) -> usize {
    let quote = text[at];
    let n = if text[at..].starts_with(&[quote; 3]) { 3 } else { 1 };
    let mut at = at + n;
    while at < text.len() && !text[at..].starts_with(&[quote; 3][..n]) {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The imports of `a.py` in a package with these modules.
    fn of(text: &str) -> Vec<String> {
        let files = [
            ("a.py", text),
            ("__init__.py", ""),
            ("_core.pyi", ""),
            ("b.py", ""),
            ("b.pyi", ""),
            ("c.py", ""),
            ("sub/__init__.py", ""),
            ("sub/d.py", ""),
        ];
        let all = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        imports("package", &all)["a.py"].iter().cloned().collect()
    }

    #[test]
    fn every_form_of_import_is_read() {
        assert_eq!(of("from .b import X as Y, Z\n"), ["b.py"]);
        assert_eq!(of("from . import b, c as d\n"), ["b.py", "c.py"]);
        assert_eq!(of("from . import name\n"), ["__init__.py"]);
        assert_eq!(of("from .b import (\n    X,  # from .c import Y\n    Z,\n)\n"), ["b.py"]);
        assert_eq!(of("from package.sub import d, e\n"), ["sub/__init__.py", "sub/d.py"]);
        assert_eq!(of("import os, package.sub.d as d\n"), ["sub/d.py"]);
        assert_eq!(of("from .b import *\nfrom .sub.d \\\n    import X\n"), ["b.py", "sub/d.py"]);
        assert_eq!(of("from . import _core\nfrom ._core import X\n"), ["_core.pyi"]);
        assert_eq!(of("import b\nfrom b import c\nfrom other.b import c\nfrom .none import X\n"), [""; 0]);
    }

    #[test]
    fn imports_in_functions_and_for_types_count() {
        assert_eq!(of("def f(x=[1, 2]):\n    from .b import X\n    return X\n"), ["b.py"]);
        assert_eq!(of("if TYPE_CHECKING:\n    from .b import X\n"), ["b.py"]);
        assert_eq!(of("if TYPE_CHECKING: from .b import X; from .c import Y\n"), ["b.py", "c.py"]);
    }

    #[test]
    fn words_in_text_import_nothing() {
        assert_eq!(
            of("\"\"\"Doc.\n\nfrom .b import X\n>>> import package.b\n\"\"\"\nx = 'it''s'\n# from .c import Y\n"),
            [""; 0]
        );
        assert_eq!(of("def f():\n    yield from b\n    raise X from c\n"), [""; 0]);
    }

    #[test]
    fn dots_count_from_the_module() {
        let files = [
            ("sub/d.py", "from ..b import X\nfrom . import e\n"),
            ("b.py", ""),
            ("sub/e.py", ""),
            ("sub/__init__.py", "from .e import X\n"),
        ];
        let all = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let found = imports("package", &all);
        assert_eq!(found["sub/d.py"].iter().collect::<Vec<_>>(), ["b.py", "sub/e.py"]);
        assert_eq!(found["sub/__init__.py"].iter().collect::<Vec<_>>(), ["sub/e.py"]);
    }
}
