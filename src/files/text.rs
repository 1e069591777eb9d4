//! Plain text: whole UTF-8, no markup, and nothing that a terminal or an editor would stumble over.

use std::io::{BufRead, BufReader, Read};

use super::Refused;

/// The longest line that is looked at as one.
const LINE: u64 = 64 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a text through.
pub fn check(file: impl Read) -> Result<(), Refused> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut begun = false;
    loop {
        let kept = line.len();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        let valid = match std::str::from_utf8(&line) {
            Ok(_) => line.len(),
            // A character may be cut in two where a long line was; not where the file ends.
            Err(error) if error.error_len().is_none() && read > kept => error.valid_up_to(),
            Err(_) => return Err(Refused::NotAllowed),
        };
        let is_odd = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c);
        if line.iter().take(valid).any(is_odd) {
            return Err(Refused::NotAllowed);
        }
        if !begun {
            let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line).trim_ascii_start();
            begun = !text.is_empty();
            // HTML, SVG and other XML begin so.
            if text.first() == Some(&b'<') {
                return Err(Refused::NotAllowed);
            }
        }
        if read == 0 {
            return if line.is_empty() { Ok(()) } else { Err(Refused::NotAllowed) };
        }
        line.drain(..valid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_utf8_without_control_characters_is_text() {
        let long = "咸鱼".repeat(100_000);
        for good in ["words\r\n\tmore", "充电宝", long.as_str()] {
            assert!(check(good.as_bytes()).is_ok());
        }
        let cut = &long.as_bytes()[..long.len() - 1];
        let late = [vec![b' '; 100_000], b"<svg/>".to_vec()].concat();
        for bad in [b"\x00".as_slice(), b"\xff\xfe", b"bell \x07", cut, &late, b"\xef\xbb\xbf<svg/>"] {
            assert!(matches!(check(bad), Err(Refused::NotAllowed)));
        }
    }
}
