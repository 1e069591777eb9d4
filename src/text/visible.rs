//! Which characters show anything, by their properties in the Unicode character database.

use icu_properties::props::{
    DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory, GeneralCategoryGroup,
    PrependedConcatenationMark, Script,
};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
    props::CanonicalCombiningClass,
};
use unicode_normalization::UnicodeNormalization;

const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
const PREPENDED: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<PrependedConcatenationMark>();
pub(super) const PICTOGRAPHIC: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<ExtendedPictographic>();
pub(super) const EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Emoji>();
pub(super) const MODIFIER: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifier>();
const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();
const SCRIPT: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::<Script>::new();
const COMBINING: CodePointMapDataBorrowed<'static, CanonicalCombiningClass> =
    CodePointMapData::<CanonicalCombiningClass>::new();

/// Scripts whose letters look alike: a word has letters of one of them.
const ALIKE: [Script; 5] = [Script::Latin, Script::Greek, Script::Cyrillic, Script::Armenian, Script::Cherokee];

/// Scripts that a joiner or non-joiner between two letters shapes.
const SHAPED: [Script; 17] = [
    Script::Arabic,
    Script::Syriac,
    Script::Nko,
    Script::Mongolian,
    Script::Devanagari,
    Script::Bengali,
    Script::Gurmukhi,
    Script::Gujarati,
    Script::Oriya,
    Script::Tamil,
    Script::Telugu,
    Script::Kannada,
    Script::Malayalam,
    Script::Sinhala,
    Script::Khmer,
    Script::Tibetan,
    Script::Myanmar,
];

/// The flags that are a black flag with tags: of England, Scotland and Wales.
const TAGGED_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Tags of a flag with the one that ends it: of a longer run none is looked at.
const LONGEST_FLAG: usize = 6;

const BLACK_FLAG: char = '\u{1f3f4}';
const CANCEL_TAG: char = '\u{e007f}';
pub(super) const KEYCAP: char = '\u{20e3}';

/// Nonspacing marks in a row, at most, in a name (UTS 39).
const MOST_MARKS: usize = 4;

/// Whether a character shows nothing: white space, control and format characters, fillers, and code points without a character.
#[must_use]
pub fn is_blank(c: char) -> bool {
    let category = CATEGORY.get(c);
    c.is_whitespace()
        || IGNORABLE.contains(c)
        || matches!(category, GeneralCategory::Control)
        || (category == GeneralCategory::Format && !PREPENDED.contains(c))
        // Code points that are reserved for emoji.
        || (category == GeneralCategory::Unassigned && !PICTOGRAPHIC.contains(c))
        // Blanks of Braille, music, hieroglyphs and Khitan.
        || matches!(c, '\u{2800}' | '\u{1d159}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}')
}

/// Whether a text has a character that shows nothing and does nothing where it stands, other than white space.
#[must_use]
pub fn has_stray(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len()).any(|at| is_stray(&chars, at))
}

/// A text without the characters of [`has_stray`].
#[must_use]
pub fn without_stray(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.iter().enumerate().filter(|(at, _)| !is_stray(&chars, *at)).map(|(_, c)| *c).collect()
}

fn is_stray(chars: &[char], at: usize) -> bool {
    let Some((before, [c, after @ ..])) = chars.split_at_checked(at) else { return false };
    is_blank(*c) && !c.is_whitespace() && !shapes(before, *c, after)
}

/// Whether a character that shows nothing changes how those around it look.
fn shapes(before: &[char], c: char, after: &[char]) -> bool {
    let (Some(previous), next) = (before.last().copied(), after.first().copied()) else { return false };
    match c {
        // Emoji presentation; of a digit, only in a keycap.
        '\u{fe0e}' | '\u{fe0f}' => {
            EMOJI.contains(previous) && (PICTOGRAPHIC.contains(previous) || next == Some(KEYCAP))
        }
        // Variants of ideographs, as names of people and places have them.
        '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => SCRIPT.get(previous) == Script::Han,
        '\u{200d}' => {
            let joins_emoji = PICTOGRAPHIC.contains(previous)
                || MODIFIER.contains(previous)
                || matches!(previous, '\u{fe0f}' | CANCEL_TAG);
            let is_emoji = next.is_some_and(|next| PICTOGRAPHIC.contains(next));
            let is_half_form = COMBINING.get(previous) == CanonicalCombiningClass::Virama;
            (joins_emoji && is_emoji) || is_half_form || joins(previous, next)
        }
        '\u{200c}' => joins(previous, next),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => SCRIPT.get(previous) == Script::Mongolian,
        '\u{e0020}'..=CANCEL_TAG => tags_flag(before, c, after),
        _ => false,
    }
}

/// Whether two letters or marks are of one script in which letters are joined.
fn joins(previous: char, next: Option<char>) -> bool {
    let script = SCRIPT.get(previous);
    let previous = if is_mark(previous) { SHAPED.contains(&script) } else { is_letter(previous) };
    previous && SHAPED.contains(&script) && next.is_some_and(|next| is_letter(next) && SCRIPT.get(next) == script)
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..=CANCEL_TAG)
}

/// Whether a tag is part of one of the [`TAGGED_FLAGS`].
fn tags_flag(before: &[char], c: char, after: &[char]) -> bool {
    let run = |c: &char| is_tag(*c);
    let earlier: Vec<char> = before.iter().rev().copied().take_while(run).take(LONGEST_FLAG).collect();
    let base = before.iter().rev().nth(earlier.len());
    let later = after.iter().copied().take_while(run).take(LONGEST_FLAG);
    let tags = earlier.iter().rev().copied().chain([c]).chain(later);
    let text: String = tags.filter_map(|c| char::from_u32(u32::from(c) - 0xe_0000)).collect();
    base == Some(&BLACK_FLAG) && text.strip_suffix('\u{7f}').is_some_and(|text| TAGGED_FLAGS.contains(&text))
}

/// Whether a character is a letter, or a number written as one.
#[must_use]
pub fn is_letter(c: char) -> bool {
    let category = CATEGORY.get(c);
    !IGNORABLE.contains(c)
        && (GeneralCategoryGroup::Letter.contains(category) || category == GeneralCategory::LetterNumber)
}

/// Whether a character is a decimal digit of some script.
#[must_use]
pub fn is_digit(c: char) -> bool {
    CATEGORY.get(c) == GeneralCategory::DecimalNumber
}

/// Whether a character is a mark on the letter before it, such as a vowel of Hindi or Thai.
#[must_use]
pub fn is_mark(c: char) -> bool {
    !IGNORABLE.contains(c) && matches!(CATEGORY.get(c), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// Whether more marks stand on one letter than in any language. Vowels that are spacing marks stand beside it and are not
/// counted; the next letter ends the count.
#[must_use]
pub fn piles_marks(text: &str) -> bool {
    let mut marks = 0;
    text.chars().any(|c| {
        match CATEGORY.get(c) {
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => marks += 1,
            GeneralCategory::SpacingMark => {}
            _ => marks = 0,
        }
        marks > MOST_MARKS
    })
}

/// Whether a word has letters of several scripts that look alike, such as a Cyrillic letter among Latin ones. Letters of
/// mathematics and the like count as those that they are styles of.
#[must_use]
pub fn mixes_scripts(word: &str) -> bool {
    let mut scripts = word.nfkc().map(|c| SCRIPT.get(c)).filter(|script| ALIKE.contains(script));
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_blank() {
        let blanks = "\0\n \u{a0}\u{ad}\u{34f}\u{115f}\u{1160}\u{180e}\u{200b}\u{200d}\u{202e}\u{2060}\u{206a}\u{2800}\u{3000}\u{3164}\
            \u{fe0f}\u{feff}\u{ffa0}\u{fff0}\u{fffe}\u{13441}\u{1bca0}\u{1d159}\u{e0061}\u{e007f}\u{e0100}\u{e0fff}";
        for c in blanks.chars() {
            assert!(is_blank(c), "{:x}", u32::from(c));
        }
        for c in "a字😀．-\u{301}\u{600}\u{e000}ー\u{fffd}".chars() {
            assert!(!is_blank(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn what_joins_or_shapes_is_not_stray() {
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        let family = "👨\u{200d}👩\u{200d}👧";
        for text in [
            england,
            family,
            "辻\u{e0100}",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "ක්\u{200d}ර",
            "a b",
            "𝕏",
        ] {
            assert!(!has_stray(text), "{text:?}");
            assert_eq!(without_stray(text), text);
        }
        for text in [
            "Ada\u{e0061}\u{e007f}",
            "\u{1f3f4}\u{e0061}\u{e007f}",
            "Ada\u{200d}",
            "A\u{200d}da",
            "A\u{200c}da",
            "1\u{fe0f}",
            "Ada\u{fe0f}",
            "a\u{e0100}",
            "Ada\u{2800}",
            "Ada\u{206a}",
            "\u{200d}👩",
        ] {
            assert!(has_stray(text), "{text:?}");
        }
        assert_eq!(without_stray("A\u{200d}d\u{e0061}a"), "Ada");
    }

    #[test]
    fn words_keep_to_one_of_the_scripts_that_look_alike() {
        for text in ["ada", "Ада", "αβγ", "ada女士", "小明さん", "adaगीता"] {
            assert!(!mixes_scripts(text), "{text}");
        }
        assert!(
            mixes_scripts("аda") && mixes_scripts("αda") && mixes_scripts("𝐚𝐝\u{430}") && mixes_scripts("ℓ\u{430}")
        );
        assert!(piles_marks("a\u{301}\u{302}\u{303}\u{304}\u{305}") && !piles_marks("ấ\u{323}"));
        assert!(piles_marks(&"\u{301}\u{302}\u{303}\u{304}\u{903}".repeat(2)) && piles_marks(&"\u{20dd}".repeat(5)));
    }

    #[test]
    fn long_runs_of_tags_are_gone_through_once() {
        let start = std::time::Instant::now();
        let tags = "\u{e0061}".repeat(16_000);
        assert_eq!(without_stray(&format!("a{tags}")), "a");
        assert_eq!(without_stray(&format!("\u{1f3f4}{tags}\u{e007f}")), "\u{1f3f4}");
        // Every tag with every other would be a quarter of a billion.
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
    }
}
