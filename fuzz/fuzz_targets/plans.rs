//! `make fuzz FUZZ=plans`
#![no_main]

mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::plans(bytes));
