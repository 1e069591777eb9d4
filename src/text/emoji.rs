//! Single emoji, by their properties in the Unicode character database.

use icu_properties::props::{EmojiModifierBase, EmojiPresentation, RegionalIndicator};
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};
use unicode_segmentation::UnicodeSegmentation;

use super::visible::{EMOJI, KEYCAP, MODIFIER, PICTOGRAPHIC, has_stray};

const TONED: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifierBase>();
const PRESENTATION: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiPresentation>();
const REGIONAL: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<RegionalIndicator>();

/// The longest emoji, in bytes: families of four with skin tones take some 40.
const LONGEST: usize = 64;

const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
const JOINER: char = '\u{200d}';

/// The emoji that a text is, written in one way: with the variation selector where its characters are shown as text otherwise.
/// None for what is no single emoji.
#[must_use]
pub fn single_emoji(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let bare: Vec<char> = text.chars().filter(|c| !matches!(*c, TEXT_STYLE | EMOJI_STYLE)).collect();
    let mut written = String::with_capacity(text.len() + 3);
    for (place, c) in bare.iter().enumerate() {
        written.push(*c);
        let is_modified = bare.get(place + 1).is_some_and(|next| MODIFIER.contains(*next));
        if EMOJI.contains(*c) && !PRESENTATION.contains(*c) && !is_modified {
            written.push(EMOJI_STYLE);
        }
    }
    let is_part = |c: &char| EMOJI.contains(*c) || is_tag(*c) || matches!(*c, JOINER | KEYCAP);
    let regional = bare.iter().filter(|c| REGIONAL.contains(**c)).count();
    let shows = match bare.as_slice() {
        [key, KEYCAP] => matches!(key, '0'..='9' | '#' | '*'),
        _ if regional > 0 => regional == 2 && bare.len() == 2,
        chars => chars.iter().any(|c| PICTOGRAPHIC.contains(*c)),
    };
    let is_toned = |pair: &[char]| match pair {
        [before, tone] => !MODIFIER.contains(*tone) || TONED.contains(*before),
        _ => true,
    };
    let is_one = written.graphemes(true).count() == 1;
    (shows && is_one && bare.windows(2).all(is_toned) && bare.iter().all(is_part) && !has_stray(&written))
        .then_some(written)
}

/// Tags spell the region of a flag.
fn is_tag(c: char) -> bool {
    ('\u{e0020}'..='\u{e007f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_written_in_one_way() {
        for emoji in ["👍", "👍🏽", "😀", "🇨🇳", "👨‍👩‍👧‍👦", "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"]
        {
            assert_eq!(single_emoji(emoji).as_deref(), Some(emoji), "{emoji}");
        }
        for (given, written) in [
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("❤\u{fe0e}", "❤\u{fe0f}"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("👩‍❤‍👩", "👩‍❤\u{fe0f}‍👩"),
            ("☝🏽", "☝🏽"),
            ("👍\u{fe0f}", "👍"),
        ] {
            assert_eq!(single_emoji(given).as_deref(), Some(written), "{given}");
        }
    }

    #[test]
    fn what_is_no_single_emoji_is_none() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "好",
            "👍👍",
            "👍 ",
            "👍a",
            "😀\u{20e3}",
            "👍🏽🏽",
            "😀🏽",
            "🇨",
            "🇨🇳🇨",
            "\u{200d}",
            "\u{20e3}",
            "<b>",
            "👍\u{0}",
        ] {
            assert_eq!(single_emoji(text), None, "{text:?}");
        }
        assert_eq!(single_emoji(&"👨‍👩‍👧‍👦".repeat(3)), None);
    }
}
