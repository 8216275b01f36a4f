//! One line of Redis' MONITOR: `1700000000.123456 [<database> <client>] "<word>" "<word>" ...` (pure).
//!
//! Redis quotes each word (`sdscatrepr`): what is not printable in ASCII is `\xHH` or one of `\n \r \t \a \b`, quote and
//! backslash have a backslash. So keys and fields of any bytes come through exactly, and no line break is in a line.

/// A command as a server ran it; its words are decoded when they are asked for: values can be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Logical database.
    pub(super) database: i64,
    words: Words<'a>,
}

impl<'a> Line<'a> {
    /// Reads the head of a line; `None` if it is not one.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let open = line.iter().position(|byte| *byte == b'[')?;
        let rest = line.get(open + 1..)?;
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let database = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
        // The path of a Unix socket may hold a bracket, the words cannot: theirs come after the first quote.
        let quote = rest.windows(3).position(|bytes| bytes == b"] \"")?;
        Some(Self { database, words: Words { rest: rest.get(quote + 2..)? } })
    }

    /// The words, the command's name first.
    pub(super) fn words(&self) -> Words<'a> {
        self.words.clone()
    }
}

/// Decodes word after word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl Iterator for Words<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let start = self.rest.iter().position(|byte| *byte == b'"')? + 1;
        let mut word = Vec::new();
        let mut at = start;
        loop {
            match *self.rest.get(at)? {
                b'"' => break,
                b'\\' => {
                    let (byte, length) = escaped(self.rest.get(at + 1..)?)?;
                    word.push(byte);
                    at += 1 + length;
                }
                byte => {
                    word.push(byte);
                    at += 1;
                }
            }
        }
        self.rest = self.rest.get(at + 1..)?;
        Some(word)
    }
}

/// The byte that stands behind a backslash, and how many characters it takes.
fn escaped(rest: &[u8]) -> Option<(u8, usize)> {
    Some(match *rest.first()? {
        b'x' => {
            let digits = std::str::from_utf8(rest.get(1..3)?).ok()?;
            (u8::from_str_radix(digits, 16).ok()?, 3)
        }
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'a' => (0x07, 1),
        b'b' => (0x08, 1),
        other => (other, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        Line::parse(line.as_bytes()).unwrap().words().collect()
    }

    #[test]
    fn a_line_is_read_as_redis_prints_it() {
        let line = r#"1700000000.123456 [3 127.0.0.1:60866] "HDEL" "site|session" "a\"b\\c\x00\xff\n\a""#;
        assert_eq!(Line::parse(line.as_bytes()).unwrap().database, 3);
        let field = b"a\"b\\c\x00\xff\n\x07".to_vec();
        assert_eq!(words(line), [b"HDEL".to_vec(), b"site|session".to_vec(), field]);
    }

    #[test]
    fn clients_of_any_kind_are_skipped_over() {
        for client in ["lua", "unix:/run/a [b] c.sock", "[::1]:6000", ""] {
            let line = format!("1.0 [0 {client}] \"FLUSHDB\"");
            assert_eq!(words(&line), [b"FLUSHDB".to_vec()], "{client}");
        }
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in ["", "OK", "1.0 [x 1] \"a\"", "1.0 [0 a]", "1.0 [0 a] x"] {
            assert_eq!(Line::parse(text.as_bytes()), None, "{text}");
        }
        // A word without an end is not given at all: a key that is cut off would be another key.
        assert_eq!(words("1.0 [0 a] \"DEL\" \"cut"), [b"DEL".to_vec()]);
        assert_eq!(words("1.0 [0 a] \"DEL\" \"cut\\x0"), [b"DEL".to_vec()]);
    }

    /// As `sdscatrepr` of Redis writes a word.
    fn printed(word: &[u8]) -> String {
        let mut text = String::from("\"");
        for byte in word {
            match byte {
                b'\\' | b'"' => text.extend(['\\', char::from(*byte)]),
                b'\n' => text.push_str("\\n"),
                b'\r' => text.push_str("\\r"),
                b'\t' => text.push_str("\\t"),
                0x07 => text.push_str("\\a"),
                0x08 => text.push_str("\\b"),
                0x20..=0x7e => text.push(char::from(*byte)),
                _ => text.extend(format!("\\x{byte:02x}").chars()),
            }
        }
        text + "\""
    }

    proptest! {
        #[test]
        fn words_of_any_bytes_come_through(wanted in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6)) {
            let line = wanted.iter().fold("1700000000.000001 [7 [::1]:6379]".to_owned(), |line, word| line + " " + &printed(word));
            prop_assert_eq!(words(&line), wanted);
        }
    }
}
