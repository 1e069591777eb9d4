//! Plain text: no markup, no script, and nothing that a terminal or an editor would stumble over. It comes in UTF-8, in
//! UTF-16 with a byte order mark, or in GB18030 (and so GBK), as spreadsheets and editors export it, and is stored as UTF-8,
//! which is how it is served.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use super::model::{EncodedFile, FileError, Kind};
use super::sink::{Sink, unchanged};
use super::temp_dir::TempDir;

const CHUNK: usize = 64 << 10;

/// Prefix of converted text: without it spreadsheets assume a local encoding.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Top-level domain that biases the detector towards encodings in use in China.
const REGION: &[u8] = b"cn";

/// Minimum ratio of common to rare characters.
const RARE_SHARE: u64 = 4;

/// The encoding of a text file; none for other files.
pub fn find_encoding(file: &mut File) -> io::Result<Option<&'static Encoding>> {
    let mut head = Vec::new();
    file.rewind()?;
    Read::by_ref(file).take(2).read_to_end(&mut head)?;
    let marked = match *head.as_slice() {
        [0xff, 0xfe] => UTF_16LE,
        [0xfe, 0xff] => UTF_16BE,
        _ => UTF_8,
    };
    if is_text(file, marked)? {
        return Ok(Some(marked));
    }
    // Decoding without errors is not enough: nearly all Latin-1, Big5 and EUC-KR decodes as GB18030.
    let is_chinese = marked == UTF_8 && is_likely_chinese(file)? && is_text(file, GB18030)?;
    Ok(is_chinese.then_some(GB18030))
}

/// Transcodes a text to UTF-8.
pub fn encode(
    mut file: File,
    kind: &'static Kind,
    encoding: &'static Encoding,
    temp_dir: &TempDir,
) -> Result<EncodedFile, FileError> {
    if encoding == UTF_8 {
        return unchanged(file, kind);
    }
    let mut sink = Sink::new(temp_dir)?;
    sink.write_all(BYTE_ORDER_MARK).map_err(FileError::from_write)?;
    let whole = decode(&mut file, encoding, |text| sink.write_all(text.as_bytes()).map_err(FileError::from_write))?;
    if whole { sink.finish(kind) } else { Err(FileError::NotAllowed) }
}

/// Whether a file is most likely GB18030: the detector says so, and nearly all characters are of the GB2312 subset, as in
/// everyday text.
fn is_likely_chinese(file: &mut File) -> io::Result<bool> {
    let (mut detector, mut pairs) = (EncodingDetector::new(Iso2022JpDetection::Deny), Pairs::default());
    let mut chunk = vec![0; CHUNK];
    file.rewind()?;
    loop {
        let read = file.read(&mut chunk)?;
        let bytes = chunk.get(..read).unwrap_or_default();
        for byte in bytes {
            pairs.count(*byte);
        }
        detector.feed(bytes, read == 0);
        if read == 0 {
            let guess = detector.guess(Some(REGION), Utf8Detection::Deny);
            return Ok(guess == GBK && pairs.rare * RARE_SHARE <= pairs.common);
        }
    }
}

/// Counts two-byte characters: GB2312 (common) and the later extensions (rare).
#[derive(Default)]
struct Pairs {
    lead: Option<u8>,
    common: u64,
    rare: u64,
}

impl Pairs {
    fn count(&mut self, byte: u8) {
        match (self.lead.take(), byte) {
            (None, 0x81..) => self.lead = Some(byte),
            (Some(0xa1..), 0xa1..) => self.common += 1,
            // Half of a four-byte character.
            (Some(_), 0x40..) => self.rare += 1,
            _ => {}
        }
    }
}

fn is_text(file: &mut File, encoding: &'static Encoding) -> io::Result<bool> {
    let (mut beginning, mut is_plain, mut is_empty) = (String::new(), true, true);
    let whole = decode(file, encoding, |text| {
        let is_odd = |c: char| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c');
        is_plain &= !text.contains(is_odd);
        is_empty &= text.is_empty();
        if beginning.len() < 3 {
            beginning.extend(text.trim_start().chars().take(3));
        }
        Ok::<_, io::Error>(())
    })?;
    // HTML, SVG and other XML; scripts.
    let is_program = ["<", "#!/", "#! "].iter().any(|mark| beginning.starts_with(mark));
    Ok(whole && is_plain && !is_empty && !is_program)
}

/// Streams the decoded text to `take`; false if malformed in this encoding.
fn decode<E: From<io::Error>>(
    file: &mut File,
    encoding: &'static Encoding,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<bool, E> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let (mut chunk, mut text) = (vec![0; CHUNK], String::with_capacity(CHUNK));
    file.rewind()?;
    loop {
        let read = file.read(&mut chunk)?;
        let mut rest = chunk.get(..read).unwrap_or_default();
        loop {
            text.clear();
            let (result, used) = decoder.decode_to_string_without_replacement(rest, &mut text, read == 0);
            take(&text)?;
            rest = rest.get(used..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return Ok(false),
            }
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(bytes: &[u8]) -> Option<&'static str> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        find_encoding(&mut file).unwrap().map(Encoding::name)
    }

    #[test]
    fn text_is_whole_and_without_markup_scripts_and_control_characters() {
        let long = "咸鱼".repeat(100_000);
        for good in ["words\r\n\tmore", "充电宝", long.as_str(), "#!AMR", "# heading", "%!PS", "BZh", " a <b>"] {
            assert_eq!(encoding(good.as_bytes()), Some("UTF-8"), "{}", good.chars().take(9).collect::<String>());
        }
        let cut = &long.as_bytes()[..long.len() - 1];
        let late = [vec![b' '; 100_000], b"<svg/>".to_vec()].concat();
        let odd =
            [b"\x00".as_slice(), b"\xff\xfe", b"\xff\xfe<\0s\0v\0g\0", b"\xff\xfea", b"bell \x07", b"\xef\xbb\xbf"];
        for bad in odd.into_iter().chain([cut, &late, b"\xef\xbb\xbf<svg/>", b"#!/bin/sh\n", b"a\0b\0c\0"]) {
            assert_eq!(encoding(bad), None, "{:?}", String::from_utf8_lossy(bad).chars().take(9).collect::<String>());
        }
    }

    #[test]
    fn what_people_in_china_export_is_told_from_other_encodings() {
        for text in ["姓名,数量\r\n张三,3\r\n", "二手充电宝，九成新", "名称\n键盘\n", "价格：100元"]
        {
            assert_eq!(encoding(&GB18030.encode(text).0), Some("gb18030"), "{text}");
        }
        let others = [
            (encoding_rs::WINDOWS_1252, "Käse und Brötchen für 3 €, café crème"),
            (encoding_rs::WINDOWS_1252, "ISO 9001,naïve,São Paulo,Zürich"),
            (encoding_rs::SHIFT_JIS, "名前,数量\n山田さんの自転車,3"),
            (encoding_rs::BIG5, "姓名,數量\n張三的腳踏車,3\n這是一個測試"),
        ];
        for (other, text) in others {
            assert_eq!(encoding(&other.encode(text).0), None, "{} {text}", other.name());
        }
    }
}
