//! Two releases as `.tar.gz`, only read and planned.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};

use crossfade::doctype::FrappeVersion;
use crossfade::plan::{Input, plan};
use crossfade::source::read_both;
use flate2::read::GzDecoder;
use serde_json::Value;

/// The two places of the command line.
pub(crate) fn arguments() -> Option<[PathBuf; 2]> {
    let places: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    places.try_into().ok()
}

/// Every file of both archives, unpacked and parsed: the least that any planner has to do.
pub(crate) fn read_and_parse(pair: &[PathBuf; 2]) -> usize {
    let mut read = 0;
    for path in pair {
        for (name, bytes) in files(path) {
            read += bytes.len();
            if is_json(&name) {
                black_box(serde_json::from_slice::<Value>(&bytes).unwrap());
            }
        }
    }
    read
}

fn is_json(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "json")
}

pub(crate) fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.filter(|(_, bytes)| !bytes.is_empty()).collect()
}

pub(crate) fn whole_plan(pair: &[PathBuf; 2]) {
    let [blue, green] = [&pair[0], &pair[1]].map(|path| [format!("app={}", path.display())]);
    let (blue, green) = read_both(&blue, &green);
    let (blue, green) = (blue.unwrap(), green.unwrap());
    let input = Input {
        blue_frappe: FrappeVersion::parse("15.62"),
        green_frappe: FrappeVersion::parse("16.0"),
        ..Input::new(&blue, &green)
    };
    black_box(plan(&input).unwrap());
}
