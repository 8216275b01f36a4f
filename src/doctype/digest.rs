//! What tells whether a file, a snapshot or a plan is the one that was seen before: BLAKE3 in 64 hexadecimal digits.
//!
//! A plan of a large release is some megabytes, and each file of both versions is hashed for it: with SHA-256 over JSON that
//! is a third of the time that the plan itself takes. `MessagePack` writes texts as they are, JSON looks at each byte.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// What [`blake3::Hasher`] takes at a time to use the processor's vector instructions.
const CHUNK: usize = 64 * 1024;

/// Of a file as it is.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Of a value as `MessagePack`, with the names of its fields: what is left out moves nothing into its place.
///
/// # Errors
/// Fails only if it cannot be written so.
pub(crate) fn of_value(value: &impl Serialize) -> io::Result<String> {
    let mut hash = BufWriter::with_capacity(CHUNK, blake3::Hasher::new());
    rmp_serde::encode::write_named(&mut hash, value).map_err(io::Error::other)?;
    hash.flush()?;
    Ok(hash.get_ref().finalize().to_hex().to_string())
}
