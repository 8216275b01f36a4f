//! `make fuzz FUZZ=app_file`
#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::app_file(bytes));
