//! The file in which what a contract drops is kept: gzip of one JSON value a line.
//!
//! ```text
//! {"backup":1,"database":...,"schema":...,"plan":...}     what it is of
//! {"part":{...}}                                          a table, or columns of one
//! ["4f31","61",null]                                      its rows: bytes of each value in hexadecimal
//! {"end":{"rows":3,"sha256":"..."}}                       over all lines before
//! ```
//!
//! It is written and read as a stream. A file without its last line, or of which a byte is wrong, is refused as a whole.

use std::io::{BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Error;

/// Version of the file's shape.
const FORMAT: u32 = 1;

/// What a file is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    backup: u32,
    /// The site's database.
    pub database: String,
    /// Blue's schema of the release.
    pub schema: String,
    /// Hash of the plan that the contract ran.
    pub plan: String,
}

impl Head {
    /// The head of a new file.
    pub(super) fn new(database: &str, schema: &str, plan: &str) -> Self {
        Self {
            backup: FORMAT,
            database: database.to_owned(),
            schema: schema.to_owned(),
            plan: plan.to_owned(),
        }
    }
}

/// How a column's bytes become a value again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    /// Text in this character set.
    Text(String),
    /// Bytes.
    Bytes,
    /// A number, a date or a time, as the server prints it.
    Printed,
}

/// One column of which values are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// How its values are read.
    pub(super) kind: Kind,
    /// Whether the server prints it with fewer digits than it has.
    #[serde(skip)]
    pub(super) is_float: bool,
}

/// A table, or columns of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Whether it is of blue's schema: a copy that only blue used.
    pub(super) of_blue: bool,
    /// Table name.
    pub(super) table: String,
    /// `CREATE TABLE`, where the whole table is dropped.
    pub(super) create: Option<String>,
    /// Clauses of `ALTER TABLE` that bring columns and their indexes back.
    pub(super) clauses: Vec<String>,
    /// How many of `columns` are the key by which a row is found again; 0 for a whole table.
    pub(super) key: usize,
    /// The columns of a row, the key first.
    pub(super) columns: Vec<Column>,
}

/// The bytes of a row's values; `None` is NULL.
pub(super) type Row = Vec<Option<Vec<u8>>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    rows: u64,
    sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Part { part: Part },
    End { end: End },
    Row(Vec<Option<String>>),
}

/// Writes a file.
pub(super) struct Writer<Out: Write> {
    out: GzEncoder<Out>,
    digest: Sha256,
    rows: u64,
}

impl<Out: Write> Writer<Out> {
    /// Begins a file.
    pub(super) fn begin(out: Out, head: &Head) -> std::io::Result<Self> {
        let mut writer =
            Self { out: GzEncoder::new(out, Compression::fast()), digest: Sha256::new(), rows: 0 };
        writer.line(head)?;
        Ok(writer)
    }

    /// Begins a table, or columns of one.
    pub(super) fn part(&mut self, part: &Part) -> std::io::Result<()> {
        self.line(&Entry::Part { part: part.clone() })
    }

    /// Writes a row of the part that was begun last; its values are in hexadecimal.
    pub(super) fn row(&mut self, values: Vec<Option<String>>) -> std::io::Result<()> {
        self.rows += 1;
        self.line(&Entry::Row(values))
    }

    /// Ends the file; gives what it was written to, and the number of rows.
    pub(super) fn end(mut self) -> std::io::Result<(Out, u64)> {
        let end = End { rows: self.rows, sha256: hex::encode(self.digest.clone().finalize()) };
        self.line(&Entry::End { end })?;
        let rows = self.rows;
        Ok((self.out.finish()?, rows))
    }

    fn line(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.digest.update(&line);
        self.out.write_all(&line)
    }
}

/// Reads a file line by line.
pub(super) struct Reader<In: Read> {
    lines: BufReader<MultiGzDecoder<In>>,
    digest: Sha256,
    rows: u64,
    /// What the file is of.
    pub(super) head: Head,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A part begins.
    Part(Part),
    /// A row of it.
    Row(Row),
    /// The file is whole and right.
    End,
}

impl<In: Read> Reader<In> {
    /// Begins to read.
    pub(super) fn begin(input: In) -> Result<Self, Error> {
        let mut lines = BufReader::new(MultiGzDecoder::new(input));
        let mut digest = Sha256::new();
        let line = line(&mut lines, &mut digest)?;
        let head: Head =
            serde_json::from_slice(&line).map_err(|_| broken("it is no backup of Crossfade's"))?;
        if head.backup != FORMAT {
            return Err(broken(&format!("it has format {}, this program reads {FORMAT}", head.backup)));
        }
        Ok(Self { lines, digest, rows: 0, head })
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Next, Error> {
        let before = self.digest.clone();
        let line = line(&mut self.lines, &mut self.digest)?;
        match serde_json::from_slice(&line).map_err(|_| broken("a line of it cannot be read"))? {
            Entry::Part { part } => Ok(Next::Part(part)),
            Entry::Row(values) => {
                self.rows += 1;
                let read = |value: Option<String>| value.map(hex::decode).transpose();
                let values = values.into_iter().map(read).collect::<Result<_, _>>();
                values.map(Next::Row).map_err(|_| broken("a value of it is not hexadecimal"))
            }
            Entry::End { end } => {
                let whole = End { rows: self.rows, sha256: hex::encode(before.finalize()) };
                if end != whole {
                    return Err(broken("its checksum does not fit its content"));
                }
                // What gzip itself adds comes after the last line, and may be cut off as well.
                let rest = self.lines.fill_buf().map_err(|_| broken("its end is missing"))?;
                if rest.is_empty() { Ok(Next::End) } else { Err(broken("something follows its end")) }
            }
        }
    }
}

fn line(lines: &mut impl BufRead, digest: &mut Sha256) -> Result<Vec<u8>, Error> {
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).map_err(|error| broken(&format!("it cannot be unpacked: {error}")))?;
    if line.last() != Some(&b'\n') {
        return Err(broken("its end is missing"));
    }
    digest.update(&line);
    Ok(line)
}

fn broken(reason: &str) -> Error {
    Error::Refused(format!("the backup cannot be used: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Part {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind, is_float: false };
        Part {
            of_blue: false,
            table: "tab`odd".to_owned(),
            create: None,
            clauses: vec!["ADD COLUMN `x` int".to_owned()],
            key: 1,
            columns: vec![column("name", Kind::Text("utf8mb4".to_owned())), column("x", Kind::Printed)],
        }
    }

    fn written() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &Head::new("a", "a__r1", "hash")).unwrap();
        writer.part(&part()).unwrap();
        writer.row(vec![Some("00ff0a22".to_owned()), None]).unwrap();
        writer.row(vec![Some(String::new()), Some("31".to_owned())]).unwrap();
        writer.end().unwrap().0
    }

    fn read(file: &[u8]) -> Result<Vec<Next>, Error> {
        let mut reader = Reader::begin(file)?;
        let mut all = Vec::new();
        loop {
            let next = reader.next()?;
            let is_end = next == Next::End;
            all.push(next);
            if is_end {
                return Ok(all);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows = [
            Next::Part(part()),
            Next::Row(vec![Some(vec![0, 0xff, 10, 34]), None]),
            Next::Row(vec![Some(Vec::new()), Some(vec![0x31])]),
            Next::End,
        ];
        assert_eq!(read(&written()).unwrap(), rows);
    }

    #[test]
    fn a_file_that_is_cut_off_or_changed_anywhere_is_refused() {
        let file = written();
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "cut at {length}");
        }
        // Some bits of a packed file mean nothing (its head's time, padding); all others are noticed.
        let whole = read(&file).unwrap();
        for position in 0..file.len() {
            let mut changed = file.clone();
            changed[position] ^= 1;
            if let Ok(all) = read(&changed) {
                assert_eq!(all, whole, "changed at {position}");
            }
        }
    }
}
