//! ZIP archives, by their central directory. Office documents are archives with entries of fixed names.

use std::io;

use super::FileReader;

const ZIP: &str = "application/zip";

/// Folders of office documents and their types; all have `[Content_Types].xml` as well.
const OFFICE: [(&[u8], &str); 3] = [
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];
const PART_TYPES: &[u8] = b"[Content_Types].xml";

/// First entry of EPUB and `OpenDocument`, which are not accepted.
const OTHER_FORMATS: &[u8] = b"mimetype";

/// The end of central directory record, and its longest comment.
const END_BYTES: usize = 22;
const COMMENT_BYTES: usize = 65_535;

/// Entry count that refers to the ZIP64 record.
const COUNTED_ELSEWHERE: u16 = u16::MAX;

/// Fixed part of a directory entry.
const ENTRY_BYTES: usize = 46;

/// What the directory entries show.
#[derive(Default)]
struct Directory {
    has_part_types: bool,
    office: Option<&'static str>,
    is_other: bool,
}

/// An archive of an accepted type, with a directory of as many entries as its record says.
pub fn find(reader: &FileReader<'_>) -> io::Result<Option<&'static str>> {
    // Local file header, empty archive, or spanned archive marker.
    let begins = matches!(
        reader.exactly::<4>(0)?,
        Some([b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] | [b'P', b'K', 7, 8] | [b'P', b'K', b'0', b'0'])
    );
    let Some((end, count)) = find_end(reader)?.filter(|_| begins) else { return Ok(None) };
    let second = find_second(reader, end)?;
    let count = count_entries(reader, second, count)?;
    let Some(start) = find_start(reader, end, second)? else { return Ok(if count == 0 { Some(ZIP) } else { None }) };
    let Some(directory) = read_directory(reader, start, count)? else { return Ok(None) };
    Ok(match directory {
        Directory { is_other: true, .. } => None,
        Directory { has_part_types: true, office: Some(office), .. } => Some(office),
        _ => Some(ZIP),
    })
}

/// Offset of the end of central directory record, and its entry count.
fn find_end(reader: &FileReader<'_>) -> io::Result<Option<(u64, u16)>> {
    let from = reader.size.saturating_sub((END_BYTES + COMMENT_BYTES) as u64);
    let tail = reader.some(from, END_BYTES + COMMENT_BYTES)?;
    let found = (0..).zip(tail.windows(END_BYTES)).filter_map(|(offset, record)| match *record {
        [b'P', b'K', 5, 6, _, _, _, _, _, _, low, high, ..] => Some((from + offset, u16::from_le_bytes([low, high]))),
        _ => None,
    });
    Ok(found.last())
}

/// Offset of the ZIP64 record; some programs always write one.
fn find_second(reader: &FileReader<'_>, end: u64) -> io::Result<Option<u64>> {
    let Some(locator) = end.checked_sub(20) else { return Ok(None) };
    if reader.exactly(locator)? != Some(*b"PK\x06\x07") {
        return Ok(None);
    }
    Ok(reader.exactly(locator + 8)?.map(u64::from_le_bytes))
}

/// Entry count, saturated at what is walked.
fn count_entries(reader: &FileReader<'_>, second: Option<u64>, count: u16) -> io::Result<u16> {
    let Some(second) = second.filter(|_| count == COUNTED_ELSEWHERE) else { return Ok(count) };
    let told = reader.exactly(second.saturating_add(32))?.map(u64::from_le_bytes);
    Ok(told.and_then(|told| u16::try_from(told).ok()).unwrap_or(count))
}

/// Offset of the central directory; none if no entry is there.
fn find_start(reader: &FileReader<'_>, end: u64, second: Option<u64>) -> io::Result<Option<u64>> {
    let number = |bytes: Option<[u8; 4]>| bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes)));
    let size = number(reader.exactly(end + 12)?);
    let told = number(reader.exactly(end + 16)?);
    // In an archive with a prefix, offsets count from its original start.
    let mut places = vec![told, end.saturating_sub(size)];
    if let Some(second) = second {
        places.push(reader.exactly(second.saturating_add(48))?.map_or(0, u64::from_le_bytes));
    }
    for place in places {
        if reader.exactly(place)? == Some(*b"PK\x01\x02") {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// None if there are fewer entries than counted.
fn read_directory(reader: &FileReader<'_>, start: u64, count: u16) -> io::Result<Option<Directory>> {
    let (mut directory, mut at) = (Directory::default(), start);
    for n in 0..count {
        let Some(entry) = reader.exactly::<ENTRY_BYTES>(at)? else { return Ok(None) };
        let [b'P', b'K', 1, 2, ..] = entry else { return Ok(None) };
        let number = |place: usize| match entry.get(place..) {
            Some([low, high, ..]) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        let (name, extra, comment) = (number(28), number(30), number(32));
        let name_bytes = reader.some(at + ENTRY_BYTES as u64, name.into())?;
        directory.has_part_types |= name_bytes == PART_TYPES;
        directory.is_other |= n == 0 && name_bytes == OTHER_FORMATS;
        let office = OFFICE.iter().find(|(folder, _)| name_bytes.starts_with(folder));
        directory.office = directory.office.or(office.map(|(_, media_type)| *media_type));
        at += ENTRY_BYTES as u64 + u64::from(name) + u64::from(extra) + u64::from(comment);
    }
    Ok(Some(directory))
}
