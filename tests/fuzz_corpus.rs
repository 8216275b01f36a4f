//! The corpus of `fuzz/` and what the fuzzer once found, without a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as it should be"
)]
#![allow(clippy::indexing_slicing, unreachable_pub, missing_docs, reason = "shared with the fuzz targets")]

#[path = "../fuzz/fuzz_targets/checks.rs"]
mod checks;

/// What a fuzz target does with its input; it panics where something is wrong.
type Check = fn(&[u8]);

#[test]
fn the_corpus_passes() {
    let targets: [(&str, Check); 5] = [
        ("app_file", checks::app_file),
        ("snapshot", checks::snapshot),
        ("archive", checks::archive),
        ("plans", checks::plans),
        ("patch", checks::patch),
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, check) in targets {
        let files: Vec<_> =
            std::fs::read_dir(root.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            println!("{}", file.display());
            check(&std::fs::read(file).unwrap());
        }
    }
}
