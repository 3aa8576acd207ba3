//! Rows of a file that was broken off while it grew.

use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// The rows of CSV with this header, each with the byte behind it, up to the first one that is none, or not whole.
///
/// # Errors
/// When the file cannot be read.
pub fn csv_rows<T: DeserializeOwned>(
    mut file: impl Read + Seek,
    header: &[&str],
) -> io::Result<impl Iterator<Item = (T, u64)>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(1)))?;
    let mut last = [0];
    let is_whole = file.read(&mut last)? == 1 && last == *b"\n";
    file.rewind()?;
    let mut reader = csv::Reader::from_reader(file);
    let found = reader.headers().ok().filter(|found| found.iter().eq(header.iter().copied())).cloned();
    let mut record = csv::StringRecord::new();
    Ok(std::iter::from_fn(move || {
        let header = found.as_ref()?;
        let is_read = reader.read_record(&mut record).unwrap_or(false);
        let row = is_read.then(|| record.deserialize::<T>(Some(header)).ok()).flatten()?;
        let end = reader.position().byte();
        (is_whole || end < length).then_some((row, end))
    }))
}

/// The same of lines of JSON.
pub fn json_rows<T: DeserializeOwned>(mut file: impl BufRead) -> impl Iterator<Item = (T, u64)> {
    let (mut line, mut end) = (Vec::new(), 0);
    std::iter::from_fn(move || {
        line.clear();
        let is_whole = file.read_until(b'\n', &mut line).is_ok() && line.ends_with(b"\n");
        end += line.len() as u64;
        let row = is_whole.then(|| serde_json::from_slice::<T>(&line).ok()).flatten()?;
        Some((row, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn what_is_not_whole_is_no_row_wherever_the_file_is_cut() {
        let text = "name,count\nfirst,1\n\"second, \"\"b\"\"\",2\nthird,34\n";
        let all = [("first", 1), ("second, \"b\"", 2), ("third", 34)];
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        for cut in 0..=text.len() {
            let rows: Vec<((String, u32), u64)> =
                csv_rows(Cursor::new(&text[..cut]), &["name", "count"]).unwrap().collect();
            let whole = ends[1..].iter().filter(|end| **end <= cut).count();
            assert_eq!(rows.len(), whole, "{cut}");
            for (((name, count), end), k) in rows.iter().zip(0..) {
                assert_eq!(((name.as_str(), *count), *end as usize), (all[k], ends[k + 1]));
            }
        }
        assert_eq!(csv_rows::<(String, u32)>(Cursor::new(text), &["name", "number"]).unwrap().count(), 0);
        let text = "[1]\n[2]\n{}\n[3]\n";
        for (cut, whole) in [(0, 0), (3, 0), (4, 1), (7, 1), (8, 2), (text.len(), 2)] {
            assert_eq!(json_rows::<[u32; 1]>(&text.as_bytes()[..cut]).count(), whole, "{cut}");
        }
        assert_eq!(json_rows(text.as_bytes()).last(), Some(([2_u32], 8)));
    }
}
