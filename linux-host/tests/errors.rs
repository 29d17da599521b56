//! What people read when their file is wrong: every house in `errors` and `errors/beginners` compiled and every script
//! in `errors/scripts` opened, the findings held against the text beside it. Dropping a file in adds a case;
//! `BLESS=1 cargo test -p campanile --test errors` writes what came out.

use std::path::{Path, PathBuf};

use campanile::config::script::{Failed, open};
use campanile::config::source::{render, to_json};
use campanile::config::{Diagnostic, Severity, Source, compile, load};

/// What people write who know other files: YAML, other names, other nesting.
const BEGINNERS: &str = "tests/errors/beginners";
const SCRIPTS: &str = "tests/errors/scripts";

fn cases() -> Vec<PathBuf> {
    let mut cases = Vec::new();
    for folder in ["tests/errors", BEGINNERS, SCRIPTS] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        cases.extend(files.filter(|path| path.extension().is_some_and(|ext| ext == "toml")));
    }
    cases.sort();
    cases
}

/// The case under its bare name, and what was found in it; of a script, in its houses too.
fn findings(path: &Path) -> Vec<(Source, Vec<Diagnostic>)> {
    let mut texts = if path.parent().unwrap().ends_with(SCRIPTS) {
        match open(path, None) {
            Err(Failed::Wrong(texts)) => texts,
            other => panic!("{}: {other:?}", path.display()),
        }
    } else {
        let source = load(path).unwrap();
        let found = compile(&source).map_or_else(|found| found, |compiled| compiled.warnings);
        vec![(source, found)]
    };
    let folder = format!("{}/", path.parent().unwrap().display());
    for (source, found) in &mut texts {
        source.name = source.name.replace(&folder, "");
        found.iter_mut().for_each(|diagnostic| diagnostic.message = diagnostic.message.replace(&folder, ""));
    }
    texts
}

fn rendered(texts: &[(Source, Vec<Diagnostic>)]) -> String {
    texts.iter().map(|(source, found)| render(source, found, false)).collect()
}

#[test]
fn every_error_reads_as_it_should() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for path in cases() {
        let text = rendered(&findings(&path));
        let expected = path.with_extension("txt");
        if bless {
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            different.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_error_says_where_and_what_would_be_right() {
    let mut errors = 0;
    for path in cases() {
        let texts = findings(&path);
        assert!(!texts.is_empty(), "{} has nothing wrong", path.display());
        let all = texts.iter().flat_map(|(source, found)| found.iter().map(move |found| (source, found)));
        for (source, diagnostic) in all {
            errors += usize::from(diagnostic.severity == Severity::Error);
            let json = to_json(source, diagnostic);
            assert!(json["line"].as_u64().is_some_and(|line| line > 0), "{json}");
            let helped = diagnostic.help.is_some() || diagnostic.label.len() > "here".len();
            let syntax = diagnostic.message.starts_with("this is not TOML");
            assert!(helped || syntax, "{}: {} helps nobody", source.name, diagnostic.message);
        }
    }
    assert!(errors > 100, "{errors} errors");
}

#[test]
fn no_secret_is_shown() {
    for case in [
        "sinks.toml",
        "syntax.toml",
        "secrets-by-mistake.toml",
        "a-key-in-the-file.toml",
        "a-key-as-a-path.toml",
        "beginners/sinks.toml",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors").join(case);
        let texts = findings(&path);
        let (source, found) = &texts[0];
        assert!(source.text.contains("swordfish"));
        let shown = rendered(&texts);
        assert!(!shown.contains("swordfish"), "{shown}");
        for diagnostic in found {
            assert!(!to_json(source, diagnostic).to_string().contains("swordfish"));
        }
    }
}
