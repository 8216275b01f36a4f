//! The corpus of `fuzz/` and what the fuzzer once found, without a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test ends at the first thing that is not as it should be"
)]
#![allow(clippy::indexing_slicing, unreachable_pub, missing_docs, reason = "shared with the fuzz targets")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../fuzz/fuzz_targets/checks.rs"]
mod checks;

/// What a fuzz target does with its input; it panics where something is wrong.
type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 5] = [
    ("app_file", checks::app_file),
    ("snapshot", checks::snapshot),
    ("archive", checks::archive),
    ("plans", checks::plans),
    ("patch", checks::patch),
];

/// The files that a target begins with.
fn corpus(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no corpus");
    files
}

#[test]
fn the_corpus_passes() {
    for (name, check) in TARGETS {
        for file in corpus(name) {
            println!("{}", file.display());
            check(&std::fs::read(file).unwrap());
        }
    }
}

/// What the files that are read are made of.
const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "null",
    "1e309",
    "-1",
    "\"fields\"",
    "\"fieldtype\"",
    "\"Table\"",
    "\"name\"",
    "\\u0000",
    "`",
    "\n",
    "\nfor a in range(9):\n ",
    "frappe.db.sql(",
    "rename_field(",
    "f\"{a}\"",
    "..",
    "/",
    "\u{202e}",
];
/// Bytes of an input: longer ones are slow and meet nothing else.
const LONGEST: usize = 1 << 14;

/// Numbers that are the same in each run (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    /// One change: a byte, a word, a piece less, a piece twice, a piece of another input.
    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + 1 + self.below(64)).min(bytes.len());
        match self.below(6) {
            0 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            2 if at < end => drop(bytes.drain(at..end)),
            3 if at < end => {
                let piece = bytes[at..end].repeat(1 + self.below(4));
                bytes.splice(at..at, piece);
            }
            4 => {
                let from = self.below(other.len());
                let to = (from + 1 + self.below(256)).min(other.len());
                bytes.splice(at..at, other[from.min(to)..to].to_vec());
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
        bytes.truncate(LONGEST);
    }
}

/// The targets on inputs that are the corpus changed at random, where no nightly toolchain is at hand: `cargo fuzz` is
/// led by what code an input reaches, this is not.
#[test]
#[ignore = "runs as long as CROSSFADE_FUZZ_SECONDS says, for each target"]
fn changed_inputs_pass_too() {
    let seconds = std::env::var("CROSSFADE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let long = Duration::from_secs(seconds.unwrap_or(10));
    for (name, check) in TARGETS {
        let mut pool: Vec<Vec<u8>> = corpus(name).iter().map(|file| std::fs::read(file).unwrap()).collect();
        let seeds = pool.len();
        let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
        let (start, mut runs, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
        while start.elapsed() < long {
            let mut input = pool[draw.below(pool.len())].clone();
            for _ in 0..=draw.below(4) {
                let other = draw.below(pool.len());
                draw.change(&mut input, &pool[other]);
            }
            let began = Instant::now();
            if std::panic::catch_unwind(|| check(&input)).is_err() {
                let path = std::env::temp_dir().join(format!("crossfade-fuzz-{name}"));
                std::fs::write(&path, &input).unwrap();
                panic!("{name} fails after {runs} runs on {}", path.display());
            }
            slowest = slowest.max(began.elapsed());
            runs += 1;
            // Some go on to be changed further; the corpus stays.
            if draw.below(8) == 0 {
                if pool.len() < 256 {
                    pool.push(input);
                } else {
                    let place = seeds + draw.below(pool.len() - seeds);
                    pool[place] = input;
                }
            }
        }
        println!(
            "{name}: {runs} runs in {} s, the slowest {} ms",
            start.elapsed().as_secs(),
            slowest.as_millis()
        );
    }
}
