//! The regular files of a tar archive (POSIX ustar, old and GNU headers), read in memory.
//!
//! The crate `tar` (0.4.46, tried) takes an archive that is cut off between two files, or empty, for a whole one; here it
//! is an error that says where.

use crate::data::content::Content;
use crate::data::error::{DataError, Place};

/// Tar counts in blocks of this many bytes.
const BLOCK: usize = 512;

/// Hands every regular file of an archive (plain or gzip) whose name and length `wanted` accepts to `take`, as name and
/// bytes.
///
/// # Errors
/// When the archive is damaged or cannot be read, or `take` fails.
pub(crate) fn each_file(
    mut content: Content<'_>,
    wanted: impl Fn(&str, u64) -> bool,
    mut take: impl FnMut(&str, Vec<u8>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    loop {
        let start = content.offset();
        let header = content.take(BLOCK as u64, "a tar header")?;
        if header.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        let fault =
            |expected: &str, found: String| DataError::content(content.path(), Place::Offset(start), expected, found);
        let stated = octal(&header[148..156]).ok_or_else(|| fault("an octal checksum", "something else".into()))?;
        if stated != checksum(&header) {
            return Err(fault("a tar header whose checksum is right", format!("{stated}, not {}", checksum(&header))));
        }
        let length = octal(&header[124..136]).ok_or_else(|| fault("an octal length", "something else".into()))?;
        let name = text(&header[..100]);
        // Type 0 (or NUL, of old) is a regular file; all others only take their blocks.
        let regular = matches!(header[156], b'0' | 0);
        let padding = (BLOCK as u64 - length % BLOCK as u64) % BLOCK as u64;
        if regular && wanted(&name, length) {
            let bytes = content.take(length, &name)?;
            content.skip(padding, &name)?;
            take(&name, bytes)?;
        } else {
            content.skip(length.saturating_add(padding), &name)?;
        }
    }
}

/// Sum of the header's bytes, its own field counted as blanks.
fn checksum(header: &[u8]) -> u64 {
    let byte = |(i, &byte): (usize, &u8)| if (148..156).contains(&i) { u64::from(b' ') } else { u64::from(byte) };
    header.iter().enumerate().map(byte).sum()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}
