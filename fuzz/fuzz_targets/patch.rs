//! `make fuzz FUZZ=patch`
#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::patch(bytes));
