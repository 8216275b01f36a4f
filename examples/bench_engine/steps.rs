//! When the steps of an expand were done, to tell which of them an operation stood for.

use std::sync::Mutex;
use std::time::Instant;

use crossfade::schema::progress::Progress;

use super::probe::Seen;

/// The steps with the moments at which they were done.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<Vec<(Instant, String)>>);

impl Progress for Steps {
    fn report(&self, step: &str, _done: u64, _total: u64, message: &str) {
        if step != "backfill" {
            self.0.lock().unwrap().push((Instant::now(), format!("{step}: {message}")));
        }
    }
}

impl Steps {
    /// On standard error: each operation that stood for long, with the step that was at work when it was due.
    pub(crate) fn say_what_stood(&self, seen: &Seen, begun: Instant) {
        let steps = self.0.lock().unwrap();
        for (at, step) in steps.iter().filter(|(at, _)| *at >= begun) {
            eprintln!("   {:8.3} s {step}", (*at - begun).as_secs_f64());
        }
        for (due, took, word) in seen.stood.iter().filter(|(due, _, _)| *due >= begun) {
            let step = steps.iter().find(|(at, _)| at > due).map_or("after the last", |(_, step)| step);
            let (at, took) = ((*due - begun).as_secs_f64(), took.as_millis());
            eprintln!("   {at:8.3} s {word} stood for {took} ms, in {step}");
        }
    }
}
