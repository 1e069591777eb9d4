//! How text becomes words: the same way for what is to be found and for what is looked for.
//!
//! Forms are folded first: full-width to ordinary, traditional Chinese to simplified, capitals to small letters, letters
//! with marks to those without (but kana with voicing marks are letters of their own). Chinese is cut into words by a dictionary; its characters and pairs of characters are
//! kept as parts, at a lower weight, so that a part of a word is found by index. Latin words and numbers are kept whole,
//! split where letters and digits meet, and joined where only a hyphen or a point parts them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{LazyLock, OnceLock};

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;
use jieba_rs::Jieba;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::text::pinyin::typed_words;

/// The version of these rules; a change that gives any text other words raises it.
pub const VERSION: i16 = 2;

/// The longest word that is kept, in bytes; what is longer is no word.
const LONGEST: usize = 64;

/// Read when first used: it takes a fifth of a second, and 30 MiB.
static DICTIONARY: OnceLock<Jieba> = OnceLock::new();
static SIMPLIFIED: LazyLock<Option<OpenCC>> = LazyLock::new(|| OpenCC::from_config(BuiltinConfig::T2s).ok());

/// Which part of something a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// What it is called.
    Title,
    /// What is said of it.
    Text,
}

/// How much a word tells, as PostgreSQL names it: `A` most, `D` least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// What a title speaks of: the last word of a run of Chinese (a 手机壳 is a 壳, not a 手机), or a Latin word.
    A,
    /// Another word of a title, or the end of its last one.
    B,
    /// Another part of a title's word, or a word of a text.
    C,
    /// A part of a word of a text.
    D,
}

impl Weight {
    fn of(field: Field, whole: bool, last: bool) -> Self {
        match (field, whole, last) {
            (Field::Title, true, true) => Self::A,
            (Field::Title, true, false) | (Field::Title, false, true) => Self::B,
            (Field::Title, false, false) | (Field::Text, true, _) => Self::C,
            (Field::Text, false, _) => Self::D,
        }
    }
}

/// A stretch of text of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Characters that are written without spaces between words.
    Chinese(String),
    /// Latin words and numbers with only hyphens and points between them; letters and digits are parted.
    Latin(Vec<String>),
}

/// The words of something that is to be found.
#[derive(Clone, Debug, Default)]
pub struct SearchDocument {
    words: BTreeMap<String, Weight>,
}

fn dictionary() -> &'static Jieba {
    DICTIONARY.get_or_init(Jieba::new)
}

/// Waits until the dictionary has been read, where nothing else waits for it.
pub async fn ready() {
    if DICTIONARY.get().is_none() {
        // If this fails, the first use reads it again.
        drop(tokio::task::spawn_blocking(dictionary).await);
    }
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The form in which texts are compared.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain = match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfkc().collect()),
    };
    let simplified = SIMPLIFIED.as_ref().map_or_else(|| plain.to_string(), |converter| converter.convert(&plain));
    let small = simplified.to_lowercase();
    // Most texts have no letters with marks, and come out of it as they are.
    if small
        .chars()
        .all(|c| c.is_ascii() || is_chinese(c) || matches!(c, '\u{3000}'..='\u{3029}' | '\u{ff01}'..='\u{ff0f}'))
    {
        return small;
    }
    small.nfd().filter(|c| !is_combining_mark(*c) || is_voicing(*c)).nfc().map(small_sigma).collect()
}

/// The marks that make カ a ガ, or ハ a パ.
fn is_voicing(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309a}')
}

/// A sigma is another letter at a word's end only to the eye.
fn small_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

/// Cuts a folded text where its kind changes.
#[must_use]
pub fn runs(folded: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut current: Option<Run> = None;
    // Whether the last character was a digit; none where the next one begins another part.
    let mut last: Option<bool> = None;
    let next = folded.chars().skip(1).map(Some).chain([None]);
    for (c, next) in folded.chars().zip(next) {
        if is_chinese(c) {
            match &mut current {
                Some(Run::Chinese(run)) => run.push(c),
                _ => runs.extend(current.replace(Run::Chinese(c.into()))),
            }
        } else if c.is_alphanumeric() {
            let is_digit = Some(c.is_numeric());
            match &mut current {
                Some(Run::Latin(parts)) => match parts.last_mut() {
                    Some(part) if last == is_digit => part.push(c),
                    _ => parts.push(c.into()),
                },
                _ => runs.extend(current.replace(Run::Latin(vec![c.into()]))),
            }
            last = is_digit;
        } else if is_joint(c)
            && matches!(current, Some(Run::Latin(_)))
            && last.is_some()
            && next.is_some_and(|next| next.is_ascii_alphanumeric())
        {
            last = None;
        } else {
            runs.extend(current.take());
        }
    }
    runs.extend(current);
    runs
}

/// Whether letters and digits on both sides of it are written as one.
fn is_joint(c: char) -> bool {
    matches!(c, '-' | '.' | '_' | '\'' | '+')
}

/// A run's words as the dictionary cuts it.
#[must_use]
pub fn cut(run: &str) -> Vec<&str> {
    dictionary().cut(run, true).into_iter().map(|token| token.word).collect()
}

/// Each two characters that stand side by side.
#[must_use]
pub fn pairs(run: &str) -> Vec<String> {
    let next = run.chars().skip(1);
    run.chars().zip(next).map(|(one, two)| [one, two].into_iter().collect()).collect()
}

fn threes(run: &str) -> Vec<String> {
    let (second, third) = (run.chars().skip(1), run.chars().skip(2));
    run.chars().zip(second).zip(third).map(|((one, two), three)| [one, two, three].into_iter().collect()).collect()
}

/// Whether a Latin word may be a misspelling: not a number, not too short.
#[must_use]
pub fn is_spelled(word: &str) -> bool {
    (3..=32).contains(&word.chars().count()) && word.chars().any(char::is_alphabetic) && !word.chars().any(is_chinese)
}

impl SearchDocument {
    /// The words of something's texts.
    #[must_use]
    pub fn new(fields: &[(&str, Field)]) -> Self {
        let mut document = Self::default();
        for (text, field) in fields {
            for run in runs(&fold(text)) {
                match run {
                    Run::Chinese(run) => document.add_chinese(&run, *field),
                    Run::Latin(parts) => document.add_latin(&parts, *field),
                }
            }
        }
        document
    }

    /// The words of a text, with the pinyin of its Chinese words, and of each two and three characters that stand side by side.
    #[must_use]
    pub fn with_pinyin(text: &str) -> Self {
        let mut document = Self::new(&[(text, Field::Text)]);
        let words: Vec<String> = document.words.keys().filter(|word| word.chars().nth(1).is_some()).cloned().collect();
        let chinese = runs(&fold(text)).into_iter().filter_map(|run| match run {
            Run::Chinese(run) => Some(run),
            Run::Latin(_) => None,
        });
        let threes: Vec<String> = chinese.flat_map(|run| threes(&run)).collect();
        for typed in words.iter().chain(&threes).flat_map(|word| typed_words(word)) {
            document.add(&typed, Weight::D);
        }
        document
    }

    fn add(&mut self, word: &str, weight: Weight) {
        if word.is_empty() || word.len() > LONGEST {
            return;
        }
        match self.words.get_mut(word) {
            Some(known) => *known = weight.min(*known),
            None => drop(self.words.insert(word.to_owned(), weight)),
        }
    }

    fn add_chinese(&mut self, run: &str, field: Field) {
        for token in dictionary().cut_for_search(run, true) {
            self.add(token.word, Weight::of(field, true, run.ends_with(token.word)));
        }
        for c in run.chars() {
            self.add(c.encode_utf8(&mut [0; 4]), Weight::of(field, false, run.ends_with(c)));
        }
        for pair in pairs(run) {
            self.add(&pair, Weight::of(field, false, run.ends_with(&pair)));
        }
    }

    fn add_latin(&mut self, parts: &[String], field: Field) {
        self.add(&parts.concat(), Weight::of(field, true, true));
        for part in parts {
            self.add(part, Weight::of(field, true, true));
        }
    }

    /// The words as PostgreSQL reads a `tsvector`.
    #[must_use]
    pub fn tsvector(&self) -> String {
        self.words.iter().fold(String::new(), |mut text, (word, weight)| {
            let _ = write!(text, "{}:1{weight:?} ", quote(word));
            text
        })
    }

    /// The words that may be misspellings.
    pub fn spelled(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str).filter(|word| is_spelled(word))
    }
}

/// A word as `tsvector` and `tsquery` have it.
#[must_use]
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latin(parts: &[&str]) -> Run {
        Run::Latin(parts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn forms_are_folded() {
        for (text, folded) in [
            ("ＪＤ－２０１９", "jd-2019"),
            ("機械鍵盤", "机械键盘"),
            ("Café", "cafe"),
            ("ﾊﾝﾄﾞ", "ハンド"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            assert_eq!(fold(text), fold(folded), "{text}");
        }
        assert_eq!(fold("機械鍵盤 ＡＢＣ"), "机械键盘 abc");
        // Among letters with marks as well as alone.
        for text in ["ガンダム", "カ\u{3099}ンダム"] {
            assert_eq!((fold(text).as_str(), fold(&format!("é {text}"))), ("ガンダム", "e ガンダム".to_owned()));
        }
    }

    #[test]
    fn text_is_cut_where_its_kind_changes() {
        let chinese = |text: &str| Run::Chinese(text.into());
        assert_eq!(runs("小米充电宝10000mah"), [chinese("小米充电宝"), latin(&["10000", "mah"])]);
        assert_eq!(runs("wh-1000xm4 索尼"), [latin(&["wh", "1000", "xm", "4"]), chinese("索尼")]);
        assert_eq!(runs("it's a - b. c"), [latin(&["it", "s"]), latin(&["a"]), latin(&["b"]), latin(&["c"])]);
        assert_eq!(runs("-- !? 。"), []);
        assert_eq!(runs("jd-2019-"), [latin(&["jd", "2019"])]);
    }

    #[test]
    fn words_and_their_parts_are_kept() {
        let document = SearchDocument::new(&[("小米充电宝 JD-2019", Field::Title), ("宝贝 it's", Field::Text)]);
        let weight = |word: &str| document.words.get(word).copied();
        for word in ["宝", "jd", "2019", "jd2019"] {
            assert_eq!(weight(word), Some(Weight::A), "{word}");
        }
        for word in ["小米", "充电", "电宝"] {
            assert_eq!(weight(word), Some(Weight::B), "{word}");
        }
        for part in ["米充", "电"] {
            assert_eq!(weight(part), Some(Weight::C), "{part}");
        }
        assert_eq!(weight("宝贝"), Some(Weight::C));
        assert_eq!(weight("贝"), Some(Weight::D));
        assert_eq!(document.spelled().collect::<Vec<_>>(), ["its", "jd2019"]);
        assert!(document.tsvector().contains("'jd2019':1A "));
        assert_eq!(quote("a'b\\c"), "'a''b\\\\c'");
        let document = SearchDocument::with_pinyin("在图书馆见吕布 OK");
        for word in ["图书馆", "tushuguan", "tushu", "lvbu", "ok"] {
            assert!(document.words.contains_key(word), "{word}");
        }
        assert!(!document.words.contains_key("zai"), "of a character alone none");
    }
}
