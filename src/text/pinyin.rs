//! Pinyin of Chinese characters, as it is typed: without tones, and with v for ü.

use pinyin::{ToPinyin, ToPinyinMulti};

/// Readings of a word that are looked at.
const MOST_READINGS: usize = 16;

fn typed(pinyin: pinyin::Pinyin) -> impl Iterator<Item = char> {
    pinyin.plain().chars().map(|letter| if letter == 'ü' { 'v' } else { letter })
}

/// The usual reading of a character; none for what is not Chinese.
#[must_use]
pub fn typed_pinyin(character: char) -> Option<impl Iterator<Item = char>> {
    character.to_pinyin().map(typed)
}

/// The readings of a word of Chinese characters alone, with all readings of each character; none for another one.
#[must_use]
pub fn typed_words(word: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in word.chars() {
        let Some(readings) = character.to_pinyin_multi() else { return Vec::new() };
        let mut readings: Vec<String> = readings.into_iter().map(|reading| typed(reading).collect()).collect();
        // Those that differ in their tones alone are one.
        readings.sort_unstable();
        readings.dedup();
        words = words.iter().flat_map(|word| readings.iter().map(move |reading| format!("{word}{reading}"))).collect();
        words.truncate(MOST_READINGS);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_all_their_readings() {
        for (word, reading) in [("音乐", "yinyue"), ("银行", "yinhang"), ("重庆", "chongqing"), ("吕布", "lvbu")]
        {
            assert!(typed_words(word).contains(&reading.to_owned()), "{word}: {:?}", typed_words(word));
        }
        assert_eq!((typed_words("A座"), typed_words("西湖")), (vec![], vec!["xihu".to_owned()]));
        assert!(typed_words(&"行".repeat(30)).len() <= MOST_READINGS);
    }
}
