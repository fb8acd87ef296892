//! The committed corpora, replayed on stable: whatever a fuzzer has found once stays found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockstep_fuzz::TARGETS;

fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_corpus_passes() {
    for (name, target) in TARGETS {
        let corpus = files(&format!("corpus/{name}"));
        assert!(!corpus.is_empty(), "the corpus of {name} is empty");
        for file in corpus {
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_program() {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let programs: BTreeSet<String> = files("fuzz_targets").into_iter().map(stem).collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(programs, targets);
}
