//! `make fuzz FUZZ=snapshot`
#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::snapshot(bytes));
