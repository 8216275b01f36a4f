//! Python as a syntax tree: read, never run.

use ruff_python_ast::ModModule;
use ruff_python_parser::parse_module;

/// Bytes of stack for each byte of source that is parsed: a tree may be as deep as its text is long, and to let it go
/// takes as much as to build it.
const STACK_PER_BYTE: usize = 512;
/// Never less than this.
const LEAST_STACK: usize = 1 << 20;

/// Parses a module and hands it to `read`, with room on the stack for the deepest tree that the text can be.
///
/// # Errors
/// Where and why the parser stopped.
pub(crate) fn with_module<T>(source: &str, read: impl FnOnce(&ModModule) -> T) -> Result<T, String> {
    let room = (source.len() * STACK_PER_BYTE).max(LEAST_STACK);
    // The memory of a stack is taken as it is used, so ordinary files cost nothing.
    stacker::maybe_grow(room, room, || {
        let parsed = parse_module(source).map_err(|error| {
            format!("line {}: {}", line(source, error.location.start().to_usize()), error.error)
        })?;
        Ok(read(parsed.syntax()))
    })
}

/// Line number of a place in the source, from 1.
pub(crate) fn line(source: &str, offset: usize) -> u32 {
    let before = source.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_as_deep_as_its_text_is_no_overflow() {
        for source in [
            format!("x = {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
            format!("x = a{}", ".a".repeat(200_000)),
            format!("x = {}1", "- ".repeat(100_000)),
            "[".repeat(100_000),
        ] {
            let _ = with_module(&source, |module| module.body.len());
        }
        assert_eq!(with_module("a = 1\nb = (", |_| ()).unwrap_err().split(':').next(), Some("line 2"));
    }
}
