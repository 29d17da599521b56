//! The example, end to end.

use super::*;

fn example(name: &str) -> Source {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/");
    crate::config::load(std::path::Path::new(&format!("{path}{name}"))).unwrap()
}

fn compiled(source: &Source) -> Compiled {
    compile(source).unwrap_or_else(|found| panic!("{}", crate::config::source::render(source, &found, false)))
}

#[test]
fn the_doorbell_compiles() {
    let compiled = compiled(&example("doorbell.toml"));
    assert_eq!(compiled.warnings, []);
    assert_eq!(compiled.symbols.node, "front-door");
}
