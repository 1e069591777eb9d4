//! ZIP archives: told by the directory at their end. Documents of office programs are archives with parts of set names.

use std::io;

use super::Parts;

const ZIP: &str = "application/zip";

/// Folders of documents, and what they are; all have a list of their parts' types as well.
const OFFICE: [(&[u8], &str); 3] = [
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];
const PART_TYPES: &[u8] = b"[Content_Types].xml";

/// The first entry of books and of documents of other office programs, which are not taken.
const OTHER_FORMATS: &[u8] = b"mimetype";

/// Bytes of the record that ends an archive, and of the longest comment in it.
const END_BYTES: usize = 22;
const COMMENT_BYTES: usize = 65_535;

/// How many entries the record counts whose number stands in the second record of a large archive.
const COUNTED_ELSEWHERE: u16 = u16::MAX;

/// The bytes that an entry of the directory has at the least.
const ENTRY_BYTES: usize = 46;

/// What the entries of a directory say.
#[derive(Default)]
struct Directory {
    has_part_types: bool,
    office: Option<&'static str>,
    is_other: bool,
}

/// An archive of a kind that is taken: its end leads to a directory with as many entries as it says.
pub fn find(parts: &Parts<'_>) -> io::Result<Option<&'static str>> {
    // With a file, empty, or once meant to be in several pieces.
    let begins = matches!(
        parts.exactly::<4>(0)?,
        Some([b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] | [b'P', b'K', 7, 8] | [b'P', b'K', b'0', b'0'])
    );
    let Some((end, count)) = find_end(parts)?.filter(|_| begins) else { return Ok(None) };
    let second = find_second(parts, end)?;
    let count = count_entries(parts, second, count)?;
    let Some(start) = find_start(parts, end, second)? else { return Ok(if count == 0 { Some(ZIP) } else { None }) };
    let Some(directory) = read_directory(parts, start, count)? else { return Ok(None) };
    Ok(match directory {
        Directory { is_other: true, .. } => None,
        Directory { has_part_types: true, office: Some(office), .. } => Some(office),
        _ => Some(ZIP),
    })
}

/// Where the record stands that ends the archive, and how many entries it counts.
fn find_end(parts: &Parts<'_>) -> io::Result<Option<(u64, u16)>> {
    let from = parts.size.saturating_sub((END_BYTES + COMMENT_BYTES) as u64);
    let tail = parts.some(from, END_BYTES + COMMENT_BYTES)?;
    let found = (0..).zip(tail.windows(END_BYTES)).filter_map(|(offset, record)| match *record {
        [b'P', b'K', 5, 6, _, _, _, _, _, _, low, high, ..] => Some((from + offset, u16::from_le_bytes([low, high]))),
        _ => None,
    });
    Ok(found.last())
}

/// Where the second record stands, with larger numbers, that large archives have and those of programs that always write so.
fn find_second(parts: &Parts<'_>, end: u64) -> io::Result<Option<u64>> {
    let Some(locator) = end.checked_sub(20) else { return Ok(None) };
    if parts.exactly(locator)? != Some(*b"PK\x06\x07") {
        return Ok(None);
    }
    Ok(parts.exactly(locator + 8)?.map(u64::from_le_bytes))
}

/// How many entries there are, up to what is walked of them at most.
fn count_entries(parts: &Parts<'_>, second: Option<u64>, count: u16) -> io::Result<u16> {
    let Some(second) = second.filter(|_| count == COUNTED_ELSEWHERE) else { return Ok(count) };
    let told = parts.exactly(second.saturating_add(32))?.map(u64::from_le_bytes);
    Ok(told.and_then(|told| u16::try_from(told).ok()).unwrap_or(count))
}

/// Where the directory begins; none where no entry is found.
fn find_start(parts: &Parts<'_>, end: u64, second: Option<u64>) -> io::Result<Option<u64>> {
    let number = |bytes: Option<[u8; 4]>| bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes)));
    let size = number(parts.exactly(end + 12)?);
    let told = number(parts.exactly(end + 16)?);
    // An archive with something in front of it counts from where it began once.
    let mut places = vec![told, end.saturating_sub(size)];
    if let Some(second) = second {
        places.push(parts.exactly(second.saturating_add(48))?.map_or(0, u64::from_le_bytes));
    }
    for place in places {
        if parts.exactly(place)? == Some(*b"PK\x01\x02") {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// None when there are fewer entries than counted.
fn read_directory(parts: &Parts<'_>, start: u64, count: u16) -> io::Result<Option<Directory>> {
    let (mut directory, mut at) = (Directory::default(), start);
    for n in 0..count {
        let Some(entry) = parts.exactly::<ENTRY_BYTES>(at)? else { return Ok(None) };
        let [b'P', b'K', 1, 2, ..] = entry else { return Ok(None) };
        let number = |place: usize| match entry.get(place..) {
            Some([low, high, ..]) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        let (name, extra, comment) = (number(28), number(30), number(32));
        let name_bytes = parts.some(at + ENTRY_BYTES as u64, name.into())?;
        directory.has_part_types |= name_bytes == PART_TYPES;
        directory.is_other |= n == 0 && name_bytes == OTHER_FORMATS;
        let office = OFFICE.iter().find(|(folder, _)| name_bytes.starts_with(folder));
        directory.office = directory.office.or(office.map(|(_, media_type)| *media_type));
        at += ENTRY_BYTES as u64 + u64::from(name) + u64::from(extra) + u64::from(comment);
    }
    Ok(Some(directory))
}
